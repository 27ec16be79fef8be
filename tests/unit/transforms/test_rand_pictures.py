"""Laws of all random changes of pictures, and what each does."""

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose
from monai.utils import set_determinism

from lungdet import transforms
from lungdet.transforms import (
    RadiographAugmentation,
    RadiographAugmentationd,
    RandBurnedInText,
    RandCollimation,
    RandCutOut,
    RandExposure,
    RandInvertPicture,
    RandMovePicture,
    RandQuarterTurn,
)

ALL = [
    lambda prob: RandBurnedInText(prob),
    lambda prob: RandCollimation(prob),
    lambda prob: RandCutOut(prob),
    lambda prob: RandExposure(prob),
    lambda prob: RandInvertPicture(prob),
    lambda prob: RandMovePicture(prob),
    lambda prob: RandQuarterTurn(prob),
]
EVERYTHING = {"quarter_turn_prob": 0.5, "collimation_prob": 0.5, "text_prob": 0.5, "cut_out_prob": 0.5}


def everything(prob: float) -> RadiographAugmentation:
    return RadiographAugmentation(laterality_is_label=False, **EVERYTHING)


def noise(rows: int = 24, columns: int = 24) -> MetaTensor:
    values = torch.rand(1, rows, columns, generator=torch.Generator().manual_seed(0))
    return MetaTensor(values, meta={"filename_or_obj": "a.dcm"})


@pytest.mark.parametrize("make", [*ALL, everything])
def test_shape_range_meta_and_source_are_kept(make):
    change, picture = make(1.0).set_random_state(0), noise()
    kept = picture.clone()
    for _ in range(30):
        changed = change(picture)
        assert changed.shape == picture.shape
        assert changed.dtype == torch.float32
        assert 0 <= changed.min() <= changed.max() <= 1
        assert changed.meta["filename_or_obj"] == "a.dcm"
        assert torch.equal(picture, kept)


@pytest.mark.parametrize("make", [*ALL, everything])
def test_seeds_repeat_and_differ(make):
    def five(seed: int) -> torch.Tensor:
        change = make(0.7).set_random_state(seed)
        return torch.stack([change(noise()).as_tensor() for _ in range(8)])

    assert torch.equal(five(3), five(3))
    assert not torch.equal(five(3), five(4))


@pytest.mark.parametrize("make", [*ALL, everything])
def test_draws_do_not_depend_on_the_global_state(make):
    change = make(1.0).set_random_state(1)
    first = change(noise())
    torch.manual_seed(99)
    assert torch.equal(make(1.0).set_random_state(1)(noise()), first)
    again = change(noise(), randomize=False)
    assert torch.equal(again, first)


@pytest.mark.parametrize("make", ALL)
def test_probability_zero_changes_nothing(make):
    picture = noise()
    change = make(0.0)
    assert all(change(picture) is picture for _ in range(5))


@pytest.mark.parametrize("make", [*ALL, everything])
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 0, 0), (3, 2, 2)])
def test_tiny_pictures(make, shape):
    change = make(1.0).set_random_state(0)
    for _ in range(20):
        changed = change(torch.full(shape, 0.5))
        assert changed.shape == shape
        assert not changed.isnan().any()


@pytest.mark.parametrize("make", ALL)
def test_bad_probability(make):
    with pytest.raises(ValueError, match="prob"):
        make(1.5)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (RandMovePicture, {"degrees": -1}),
        (RandMovePicture, {"scale": (1.2, 0.8)}),
        (RandMovePicture, {"fill": "mirror"}),
        (RandMovePicture, {"aspect": 0.9}),
        (RandCollimation, {"most": 0.5}),
        (RandCollimation, {"white_prob": 2}),
        (RandBurnedInText, {"lines": (3, 1)}),
        (RandBurnedInText, {"black_prob": -1}),
        (RandCutOut, {"size": (0.5, 1.5)}),
        (RandExposure, {"gamma": (0, 1)}),
        (RandExposure, {"noise": -1}),
        (RandQuarterTurn, {"turns": (4,)}),
        (RandQuarterTurn, {"turns": ()}),
    ],
)
def test_bad_arguments(kind, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        kind(**arguments)


def test_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="LoadRadiographd"):
        RandInvertPicture(1.0)(torch.zeros(1, 4, 4, dtype=torch.int16))


def test_mirrors_and_side_marks_only_where_sides_are_no_labels():
    bar = torch.zeros(1, 32, 32)
    bar[:, :, :8] = 1  # white on the left
    still = {"degrees": 0, "scale": (1, 1), "shift": 0, "aspect": 1, "shear": 0}
    quiet = {"collimation_prob": 0, "text_prob": 0, "inversion_prob": 0, "exposure": {"prob": 0}, "move": still}
    for laterality, mirrored in ((True, 0), (False, 1)):
        change = RadiographAugmentation(laterality, **quiet).set_random_state(0)
        found = sum(bool(change(bar)[0, 16, 30] > 0.5) for _ in range(60))
        assert (found > 15) == bool(mirrored)
        assert (found == 0) == (not mirrored)
        text = next(step for step in change.steps if isinstance(step, RandBurnedInText))
        assert (set("LR") <= set(text.letters)) == bool(mirrored)
    assert not set("LR") & set(RandBurnedInText().letters)


def test_anatomy_stands_up_unless_told_otherwise():
    ramp = torch.linspace(0, 1, 32)[None, :, None].repeat(1, 1, 32)  # dark above
    change = RadiographAugmentation(inversion_prob=0, text_prob=0, collimation_prob=0).set_random_state(0)
    for _ in range(40):
        changed = change(ramp)
        assert changed[0, :10].mean() < changed[0, -10:].mean()


def test_how_often():
    invert = RandInvertPicture(0.3).set_random_state(0)
    changed = sum(bool((invert(torch.zeros(1, 2, 2)) == 1).all()) for _ in range(1000))
    assert abs(changed - 300) < 45  # three standard deviations


def test_pictures_of_an_item_are_changed_alike_and_labels_not():
    change = transforms.RandMovePictured(["image", "other"], 1.0).set_random_state(0)
    item = change({"image": noise(), "other": noise(), "label": torch.tensor(3)})
    assert torch.equal(item["image"], item["other"])
    assert not torch.equal(item["image"], noise())
    assert item["label"] == 3
    lenient = transforms.RandMovePictured(["image", "other"], 1.0, allow_missing_keys=True)
    assert set(lenient({"image": noise()})) == {"image"}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_repeats_with_the_seed(workers: int):
    def epoch() -> torch.Tensor:
        set_determinism(5)
        steps = Compose([RadiographAugmentationd("image", **EVERYTHING)]).set_random_state(5)
        data = Dataset([{"image": noise()} for _ in range(6)], steps)
        loader = DataLoader(data, batch_size=1, num_workers=workers, timeout=60 if workers else 0)
        return torch.cat([batch["image"].as_tensor() for batch in loader])

    first, second = epoch(), epoch()
    set_determinism(None)
    assert torch.equal(first, second)
    assert len({tuple(one.flatten().tolist()) for one in first}) == 6
