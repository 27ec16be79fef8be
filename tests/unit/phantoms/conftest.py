"""Phantoms that several tests look at; each is made once."""

import pytest

from lungdet.phantoms import ChestPhantom, make_chest

CLEAR = {"spacing_mm": (1.5, 1.5, 1.5), "shape": (190, 150, 170), "dose": "none"}


@pytest.fixture(scope="session")
def clear_pairs() -> list[tuple[ChestPhantom, ChestPhantom]]:
    """Two patients without noise, each with and without nodules."""
    return [(make_chest(seed, nodules=9, **CLEAR), make_chest(seed, nodules=0, **CLEAR)) for seed in (1, 2)]


@pytest.fixture(scope="session")
def small_phantom() -> ChestPhantom:
    """A patient on a coarse grid with padding: quick to write and read."""
    return make_chest(5, shape=(64, 56, 18), spacing_mm=(5.0, 5.0, 7.5), padding_hu=-3024, nodules=4)
