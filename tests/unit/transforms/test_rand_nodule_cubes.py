"""Training cubes must be what inference cuts: same grid, orientation and middle; and their targets must fit."""

import copy
import pickle

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, list_data_collate

from lungdet.geometry.cubes import cut_cube
from lungdet.geometry.frames import lps_to_ras
from lungdet.phantoms import MARK_PLACES, CubeStyle, draw_cubes, make_background
from lungdet.phantoms.nodule_cube import PhantomCube
from lungdet.phantoms.patch_scan import Protocol
from lungdet.records import NODULE_TYPES
from lungdet.transforms import RandNoduleCubesd
from lungdet.transforms.rand_nodule_cubes import targets

SEED = 9104
CLEAN = {"thick_ratio": 0.0, "coarse_ratio": 0.0, "cut_ratio": 0.0}


@pytest.fixture(scope="module")
def item():
    return {"seed": SEED, "background": make_background(SEED, (1.0, 1.0, 1.0), (208, 160, 128)), "fold": 2}


@pytest.fixture(scope="module")
def drawn(item):
    return RandNoduleCubesd(num_samples=24).set_random_state(1)(item)


def test_items_have_what_is_promised(drawn):
    assert len(drawn) == 24
    for one in drawn:
        assert one["seed"] == SEED
        assert one["fold"] == 2
        assert "background" not in one
        image = one["image"]
        assert isinstance(image, MetaTensor)
        assert image.dtype == torch.float32
        assert image.shape == (1, 48, 48, 48)
        assert one["nodule"].dtype == torch.float32
        assert one["kind"].dtype == torch.int64
        assert one["ratings"].dtype == torch.float32
        assert one["ratings"].shape == (7, 4)
        assert one["patient"] == f"phantom-{SEED}"
    batch = list_data_collate(drawn)
    assert batch["nodule"].shape == (24,)
    assert batch["ratings"].shape == (24, 7, 4)


def test_targets_fit_each_other(drawn):
    for one in drawn:
        nodule, kind = int(one["nodule"]), int(one["kind"])
        known = bool(torch.isfinite(one["ratings"]).all())
        assert (nodule == 1) == (0 <= kind < len(NODULE_TYPES)) == known == bool(torch.isfinite(one["diameter_mm"]))
        assert (one["lookalike"] in MARK_PLACES) == (nodule == 0)
        if known:
            assert (one["ratings"][:, 1:] <= one["ratings"][:, :-1]).all()


def test_the_mark_is_the_exact_middle(drawn):
    for one in drawn:
        middle = one["image"].affine @ torch.tensor([23.5, 23.5, 23.5, 1.0], dtype=torch.float64)
        torch.testing.assert_close(middle[:3] * torch.tensor([-1.0, -1.0, 1.0]), one["center_lps_mm"])


def test_a_cube_is_what_is_cut_out_of_the_scan(item):
    background = item["background"]
    affine = np.eye(4)
    affine[:3, 3] = background.offset_lps_mm + background.first_mm
    compared = 0
    for one in RandNoduleCubesd(num_samples=8, nodule_ratio=0.0, **CLEAN).set_random_state(2)(item):
        if one["lookalike"] not in ("vessel", "vessel_fork", "bronchus", "hilum", "fissure", "lung", "vessel_touch"):
            continue  # more may have been painted
        cut = cut_cube(background.hu.T, affine, one["center_lps_mm"].numpy())
        np.testing.assert_allclose(lps_to_ras(cut.affine_lps), one["image"].affine, atol=1e-6)
        inner = (0, *(slice(8, 40),) * 3)
        drawn, plain = one["image"].numpy()[inner].ravel(), cut.hu[inner].ravel()
        assert np.corrcoef(drawn, plain)[0, 1] > 0.6  # noise and blur aside
        assert np.corrcoef(drawn, cut.hu[:, ::-1][inner].ravel())[0, 1] < np.corrcoef(drawn, plain)[0, 1]
        compared += 1
    assert compared > 1


def test_every_call_draws_anew_and_a_state_repeats_it(item):
    draw = RandNoduleCubesd(num_samples=2).set_random_state(5)
    first, second = draw(item), draw(item)
    again = RandNoduleCubesd(num_samples=2).set_random_state(5)(item)
    assert not torch.equal(first[0]["image"], second[0]["image"])
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("kind", range(len(NODULE_TYPES)))
def test_one_type_alone_can_be_wished_for(item, kind):
    weights = [float(n == kind) for n in range(len(NODULE_TYPES))]
    drawn = RandNoduleCubesd(num_samples=3, nodule_ratio=1.0, type_weights=weights, **CLEAN).set_random_state(1)(item)
    assert {int(one["kind"]) for one in drawn} <= {kind, -1}


def test_nothing_is_known_of_a_washed_out_nodule(item):
    drawn = next(cube for cube in _cubes(item["background"]) if cube.nodule)
    hidden = PhantomCube(drawn.hu, drawn.affine_lps, drawn.nodule, drawn.readings, drawn.place, False, Protocol())
    facts = targets(hidden)
    assert facts["nodule"] == -1
    assert facts["kind"] == -1
    assert facts["ratings"].isnan().all()
    assert facts["diameter_mm"].isnan()


def _cubes(background):
    return draw_cubes(background, np.random.default_rng(0), 4, style=CubeStyle(nodule_ratio=1.0, **CLEAN))


def test_it_goes_through_copies_pickles_and_a_loader(item):
    draw = pickle.loads(pickle.dumps(copy.deepcopy(RandNoduleCubesd(num_samples=2)))).set_random_state(0)  # noqa: S301
    loader = DataLoader(Dataset([item, item], draw), batch_size=2, collate_fn=list_data_collate)
    assert next(iter(loader))["image"].shape == (4, 1, 48, 48, 48)


def test_the_item_is_left_alone_and_a_missing_background_told(item):
    before = dict(item)
    RandNoduleCubesd(num_samples=1).set_random_state(0)(item)
    assert item == before
    with pytest.raises(KeyError, match="background"):
        RandNoduleCubesd()({"seed": 1})
    assert RandNoduleCubesd(allow_missing_keys=True)({"seed": 1}) == []


def test_the_least_cubes_are_drawn_wherever_they_lie(item):
    """All of them reach beyond the border: so far, that little of the least ones is left."""
    drawn = RandNoduleCubesd(num_samples=6, side=8, nodule_ratio=0.0, cut_ratio=1.0).set_random_state(0)(item)
    assert [one["image"].shape for one in drawn] == [(1, 8, 8, 8)] * 6
    with pytest.raises(ValueError, match=r"at least 8 .*got 6"):
        draw_cubes(item["background"], np.random.default_rng(0), 1, 6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_samples": 0},
        {"keys": ("a", "b")},
        {"nodule_ratio": 2.0},
        {"type_weights": (1.0,)},
        {"diameter_mm": (9, 4)},
        {"side": 6},
        {"side": 9},
    ],
)
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"num_samples|side|key|nodule_ratio|type_weights|diameter_mm"):
        RandNoduleCubesd(**wrong)
