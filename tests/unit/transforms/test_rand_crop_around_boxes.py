import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, list_data_collate
from monai.transforms import Compose, Orientationd, Spacingd
from monai.utils import set_determinism

from lungdet.geometry.boxes import fractions_inside
from lungdet.transforms import BoxToVoxeld, BoxToWorld, RandCropAroundBoxes, RandCropAroundBoxesd


def crop(**arguments):
    defaults = {"keys": "image", "box_key": "box", "spatial_size": (8, 9, 7), "label_keys": ("label", "score")}
    return RandCropAroundBoxesd(**{**defaults, **arguments})


def test_positive_patches_hold_a_whole_box(item):
    patches = crop(num_samples=50, pos_ratio=1, keep="overlap", min_overlap=1.0).set_random_state(0)(item)
    assert len(patches) == 50
    assert all(len(patch["box"]) >= 1 for patch in patches)
    assert {label.item() for patch in patches for label in patch["label"]} == {0, 1}
    assert all(patch["image"].shape == (1, 8, 9, 7) for patch in patches)
    assert all(patch["patient"] == "unknown" for patch in patches)


def test_negative_patches_touch_no_box(item):
    for patch in crop(num_samples=50, pos_ratio=0, spatial_size=4).set_random_state(0)(item):
        start = patch["image"].meta["patch_origin"]
        assert (fractions_inside(item["box"], start, start + 4) == 0).all()
        assert patch["box"].shape == (0, 6)


def test_ratio_of_positive_patches(item):
    patches = crop(num_samples=400, pos_ratio=0.25, spatial_size=6).set_random_state(0)(item)
    assert 0.2 < np.mean([len(patch["box"]) > 0 for patch in patches]) < 0.3


def test_jitter(item):
    item["box"], item["label"], item["score"] = (
        torch.tensor([[8.0, 8, 5, 10, 10, 7]]),
        torch.tensor([0]),
        torch.tensor([1]),
    )
    centred = crop(num_samples=20, pos_ratio=1, jitter=0, spatial_size=6).set_random_state(0)(item)
    assert {tuple(patch["box"][0].tolist()) for patch in centred} == {(2, 2, 2, 4, 4, 4)}
    anywhere = crop(num_samples=300, pos_ratio=1, spatial_size=6).set_random_state(0)(item)
    assert {patch["box"][0, 0].item() for patch in anywhere} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("boxes", [torch.empty(0, 6), [], np.zeros((0, 6))])
def test_an_image_without_boxes(item, boxes):
    item.update(box=boxes, label=torch.empty(0, dtype=torch.long), score=torch.empty(0))
    patches = crop(num_samples=5, pos_ratio=1).set_random_state(0)(item)
    assert [patch["box"].shape for patch in patches] == [(0, 6)] * 5
    assert patches[0]["label"].shape == (0,)


def test_boxes_outside_the_image_are_no_target(item):
    item["box"] = torch.tensor([[-50.0, 0, 0, -40, 9, 9], [200, 0, 0, 210, 9, 9]])
    for patch in crop(num_samples=5, pos_ratio=1).set_random_state(0)(item):
        assert (patch["image"].meta["patch_origin"] >= 0).all()
        assert len(patch["box"]) == 0


def test_small_images_are_padded_on_both_sides(item):
    patch = crop(spatial_size=(30, 8, 15), pad_value=-1000).set_random_state(0)(item)[0]
    assert patch["image"].shape == (1, 30, 8, 15)
    assert patch["image"].meta["patch_origin"][[0, 2]].tolist() == [-5, 0]
    assert (patch["image"][0, :5] == -1000).all()
    assert (patch["image"][0, 25:] == -1000).all()
    assert (patch["image"][0, ..., 14] == -1000).all()
    with pytest.raises(ValueError, match="give pad_value"):
        crop(spatial_size=30)(item)


def test_patches_are_views(item):
    for patch in crop(num_samples=10)(item):
        assert patch["image"].untyped_storage().data_ptr() == item["image"].untyped_storage().data_ptr()


def test_boxes_stay_where_they_are_in_the_patient(item):
    in_mm = BoxToWorld()(item["box"], item["image"].affine)
    for patch in crop(num_samples=10, clip=False).set_random_state(0)(item):
        back = BoxToWorld()(patch["box"], patch["image"].affine)
        assert torch.allclose(back, in_mm[patch["label"]], atol=1e-4)
    for patch in crop(num_samples=10, spatial_size=4, pos_ratio=1).set_random_state(0)(item):
        assert ((patch["box"] >= 0) & (patch["box"] <= 4)).all()


def test_same_seed_same_patches(item):
    steps = Compose([crop(num_samples=4)])
    origins = []
    for seed in (7, 7, 8):
        steps.set_random_state(seed)
        origins.append([patch["image"].meta["patch_origin"].tolist() for patch in steps(item)])
    assert origins[0] == origins[1] != origins[2]
    set_determinism(3)  # seeds what is put into a Compose from now on
    first, second = (
        [patch["image"].meta["patch_origin"].tolist() for patch in Compose([crop(num_samples=4)])(item)] for _ in "ab"
    )
    assert first == second
    set_determinism(None)


def test_several_images_are_cropped_alike(item):
    item["mask"] = item["image"].as_tensor() > 0
    for patch in crop(keys=["image", "mask", "prior"], num_samples=4, allow_missing_keys=True)(item):
        assert torch.equal(patch["mask"].as_tensor(), patch["image"].as_tensor() > 0)


def test_lazy_crops_only_what_is_asked_for(item):
    item["image"] = item["image"].float()
    item["box"] = BoxToWorld()(item["box"], item["image"].affine)
    steps = [
        Orientationd("image", "RAS", labels=None),
        Spacingd("image", (1.0, 1.0, 2.0)),
        BoxToVoxeld("box"),
        crop(num_samples=3, spatial_size=(6, 5, 7), keep="overlap", min_overlap=0.01),
    ]
    eager, lazy = (Compose(steps, lazy=lazy).set_random_state(1)(item) for lazy in (False, True))
    for ours, theirs in zip(lazy, eager, strict=True):
        assert ours["image"].shape == theirs["image"].shape == (1, 6, 5, 7)
        assert ours["image"].pending_operations == []
        assert torch.allclose(ours["image"].affine, theirs["image"].affine)
        assert torch.allclose(ours["image"], theirs["image"], atol=1e-2)
        assert torch.equal(ours["box"], theirs["box"])


def test_lazy_padding_keeps_its_value(item):
    steps = [Spacingd("image", (1.0, 1.0, 2.0)), crop(spatial_size=40, pad_value=-2000)]
    eager, lazy = (Compose(steps, lazy=lazy).set_random_state(1)(item)[0]["image"] for lazy in (False, True))
    assert lazy.shape == eager.shape == (1, 40, 40, 40)
    assert lazy.min() == -2000
    assert torch.allclose(lazy, eager, atol=1e-2)


def test_lazy_leaves_its_input_alone(item):
    pending = Spacingd("image", (1.0, 1.0, 2.0), lazy=True)(item)
    for size in (6, 40):
        crop(spatial_size=size, pad_value=0)(pending, lazy=True)
        assert len(pending["image"].pending_operations) == 1
        assert pending["image"].shape == item["image"].shape


def test_array_form(scan):
    transform = RandCropAroundBoxes(6, num_samples=3, pos_ratio=1, lazy=False).set_random_state(0)
    patches = transform(scan, [[8, 8, 5, 10, 10, 7]])
    assert [patch.meta["patch_origin"].tolist() for patch in patches] == [list(origin) for origin in transform.origins]
    again = transform(scan, [], randomize=False)
    assert all(torch.equal(a, b) for a, b in zip(again, patches, strict=True))


def test_in_a_loader_with_workers(item):
    data = [{"image": item["image"], "box": item["box"]}] * 4
    dataset = Dataset(data, Compose([crop(num_samples=2, label_keys=()), DropBoxes()]))
    batches = list(DataLoader(dataset, batch_size=2, num_workers=2, collate_fn=list_data_collate))
    assert [batch["image"].shape for batch in batches] == [(4, 1, 8, 9, 7)] * 2


class DropBoxes:
    def __call__(self, data):
        return {"image": data["image"]}


@pytest.mark.parametrize(
    "arguments",
    [
        {"spatial_size": 0},
        {"num_samples": 0},
        {"tries": 0},
        {"pos_ratio": 1.5},
        {"jitter": -1},
        {"keep": "owner"},
        {"keep": "all"},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match=r"must be|keep"):
        crop(**arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(item):
    on_cuda = {**item, "image": item["image"].cuda(), "box": item["box"].cuda()}
    ours, theirs = (crop(num_samples=4).set_random_state(0)(data) for data in (on_cuda, item))
    for a, b in zip(ours, theirs, strict=True):
        assert a["image"].is_cuda
        assert torch.equal(a["image"].cpu(), b["image"])
        assert torch.equal(a["box"].cpu(), b["box"])
