"""What is known of a nodule's form, and that knowing it changes no phantom."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from lungdet.phantoms import draw_patches, make_background, make_chest
from lungdet.phantoms.capsules import Capsules, join
from lungdet.phantoms.nodule import NoduleShape, PhantomNodule, draw_shape
from lungdet.phantoms.nodule_form import lobulation, margin, spiculation
from lungdet.phantoms.truth import truth_entry

BALL = NoduleShape(
    np.zeros(3), np.full(3, 5.0), np.eye(3), np.zeros((0, 4)), "solid", 0.0, 0.0, 0.0, join([])
)  # of 5 mm
NODULE = PhantomNodule((0, 0, 0), (-5, -5, -5, 5, 5, 5), 10.0, "solid", "isolated", 850.0, 1.0)
CHEST = "1bd50129c8e5f4fa42253c65abaf99347ec7983c2121315dd56a8fa8e14801f8"
PATCHES = "98a0be1e7e99fa3e7a1a36c5dc631f012ac98c36d13d9d6b10afcf1bcef37257"


def test_the_same_seed_still_gives_the_same_chest():
    chest = make_chest(3, shape=(72, 72, 56), spacing_mm=(4.0, 4.0, 4.5), nodules=4)
    digest = hashlib.sha256(np.ascontiguousarray(chest.volume.array).tobytes())
    digest.update(repr([nodule.box_lps_mm for nodule in chest.nodules]).encode())
    assert digest.hexdigest() == CHEST  # a trained detector has seen these bytes
    facts = truth_entry(chest.nodules, "1.2", "dicom")["nodules"][0]
    assert {"type", "solid_fraction", "spiculation", "lobulation", "sphericity", "margin"} <= set(facts)


def test_the_same_seed_still_gives_the_same_patches():
    background, digest = make_background(3, (2.8, 2.8, 2.8), (112, 112, 88)), hashlib.sha256()
    for patch in draw_patches(background, np.random.default_rng(5), (32, 32, 24), 4):
        digest.update(np.ascontiguousarray(patch.hu).tobytes())
        digest.update(repr([(nodule.box_lps_mm, nodule.kind) for nodule in patch.nodules]).encode())
    assert digest.hexdigest() == PATCHES


def test_a_plain_ball_has_no_strands_and_no_lumps():
    assert spiculation(BALL) == 0
    assert lobulation(BALL) == 0
    assert margin(BALL) == 1


def test_strands_count_by_number_and_length():
    ways = np.tile([[1.0, 0, 0]], (10, 1))
    spikes = Capsules(4 * ways, 9 * ways, np.full(10, 0.8), np.full(10, 0.25))  # 5 mm: as long as the radius
    assert spiculation(replace(BALL, spikes=spikes)) == pytest.approx(10 / 17)


def test_higher_lumps_are_more_lobulated():
    found = [lobulation(replace(BALL, lumps=np.array([[1.0, 0, 0, h], [0, 0, 1.0, h]]))) for h in (0.05, 0.2, 0.35)]
    assert 0 < found[0] < found[1] < found[2] <= 1


def test_a_fainter_rim_is_less_sharp():
    assert margin(replace(BALL, hu=-850.0)) == 0
    assert margin(replace(BALL, hu=-425.0)) == pytest.approx(0.5)


@pytest.mark.parametrize("calcified", [True, False])
def test_calcium_can_be_wished_for(calcified):
    shapes = [draw_shape(np.random.default_rng(seed), "solid", 8.0, np.zeros(3), calcified) for seed in range(12)]
    assert all((shape.core > 0) == calcified for shape in shapes)


def test_calcium_counts_before_the_density():
    assert NODULE.type == "solid"
    assert replace(NODULE, calcified=True).type == "calcified"
    assert replace(NODULE, kind="ground_glass").type == "ground_glass"


@pytest.mark.parametrize("wrong", [{"spiculation": 1.1}, {"margin": -0.1}, {"solid_fraction": float("nan")}])
def test_a_share_beyond_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(NODULE, **wrong)


def test_ground_glass_has_no_calcium():
    with pytest.raises(ValueError, match="calcified"):
        replace(NODULE, kind="ground_glass", calcified=True)
