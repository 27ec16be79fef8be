"""Cubes of synthetic patients that stay the same: what a nodule classifier is validated and evaluated on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lungdet.transforms import MakeBackgroundd, RandNoduleCubesd

from .seeded_dataset import draw_seed

CUBES_A_DRAW = 16  # more would crowd a patient


def draw_nodule_cubes(
    seeds: Iterable[int],
    cubes_per_patient: int = 48,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    shape: Sequence[int] = (304, 264, 288),
    seed: int = 0,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Paint patients one after another, and draw cubes about nodules and look-alikes in each.

    All is kept, 0.45 MB a cube; a patient's background is not.

    Args:
        seeds: of the patients; none gives no cubes.
        cubes_per_patient: of each.
        spacing_mm: voxels of the patients.
        shape: ``(X, Y, Z)`` voxels of the patients.
        seed: of the draws.
        settings: see :class:`lungdet.transforms.RandNoduleCubesd`.

    Returns:
        Its items.
    """
    make = MakeBackgroundd(spacing_mm=spacing_mm, shape=shape)
    items: list[dict[str, Any]] = []
    for patient in seeds:
        painted = make({"seed": patient})
        for start in range(0, cubes_per_patient, CUBES_A_DRAW):
            draw = RandNoduleCubesd(num_samples=min(CUBES_A_DRAW, cubes_per_patient - start), **settings)
            draw.set_random_state(seed=draw_seed(seed, patient, start))
            items += [{str(key): value for key, value in item.items()} for item in draw(painted)]
    return items
