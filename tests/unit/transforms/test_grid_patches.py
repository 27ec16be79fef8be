import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, list_data_collate, set_track_meta
from monai.transforms import Compose, Rotate90

from lungdet.geometry.frames import voxel_to_world
from lungdet.transforms import BoxToWorld, GridPatches, GridPatchesd, ScaleHUd


def test_partition_by_hand():
    image = np.arange(16).reshape(1, 4, 4, 1)
    patches = GridPatches((2, 2, 1))(image)
    assert [patch.flatten().tolist() for patch in patches] == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
        [8, 9, 12, 13],
        [10, 11, 14, 15],
    ]
    assert patches[1].meta["patch_origin"].tolist() == [0, 2, 0]
    assert patches[1].meta["scan_size"].tolist() == [4, 4, 1]


def test_only_patches_at_the_border_are_copied(scan):
    patches = GridPatches((8, 9, 14), pad_value=-1000)(scan)
    shared = [patch.untyped_storage().data_ptr() == scan.untyped_storage().data_ptr() for patch in patches]
    assert shared == [True, True, True, True, False, False]
    assert all(
        patch.untyped_storage().data_ptr() == scan.untyped_storage().data_ptr()
        for patch in GridPatches((8, 8, 8), overlap=3, border="shift")(scan)
    )


def test_border_is_padded_with_the_stated_value(scan):
    last = GridPatches((8, 9, 14), pad_value=-1000)(scan)[-1]
    assert torch.equal(last[:, :4], scan[:, 16:, 9:])
    assert (last[:, 4:] == -1000).all()
    assert last.dtype == torch.int16


def test_border_needs_a_value(scan):
    with pytest.raises(ValueError, match="give pad_value"):
        GridPatches(8)(scan)


def test_each_patch_has_its_own_affine(scan):
    for patch in GridPatches(8, overlap=2, pad_value=0)(scan):
        origin = patch.meta["patch_origin"].double()[None]
        assert torch.allclose(patch.affine[:3, 3], voxel_to_world(origin, scan.affine)[0])
        assert torch.equal(patch.affine[:3, :3], scan.affine[:3, :3])
    assert "patch_origin" not in scan.meta


def test_without_metadata(scan):
    set_track_meta(False)
    try:
        patches = GridPatches((10, 9, 7))(scan)
    finally:
        set_track_meta(True)
    assert all(type(patch) is torch.Tensor for patch in patches)
    assert len(patches) == 8


@pytest.mark.parametrize("clip", [True, False])
def test_boxes_of_a_partition_are_in_one_patch_each(item, clip):
    patches = GridPatchesd("image", (10, 9, 7), box_key="box", label_keys=("label", "score"), clip=clip)(item)
    assert sum(len(patch["box"]) for patch in patches) == 2
    first = patches[0]
    assert first["patch_origin"].tolist() == [0, 0, 0]
    assert first["box"].tolist() == [[2, 3, 4, 6, 7, 7 if clip else 8]]
    assert (first["label"].tolist(), first["score"].tolist()) == ([0], [0.25])
    last = patches[-1]
    assert last["patch_origin"].tolist() == [10, 9, 7]
    assert last["box"].tolist() == [[1, 1, 1, 7, 7, 6]]
    assert last["label"].tolist() == [1]
    assert all(patch["patient"] == "unknown" for patch in patches)


def test_a_box_in_an_overlap_is_in_every_patch_that_holds_its_centre_or_enough_of_it(item):
    counts = {}
    for keep, min_overlap in [("center", 0.5), ("overlap", 0.01), ("overlap", 1.0), ("owner", 0.5)]:
        grid = GridPatchesd("image", (12, 12, 10), 6, "pad", 0, "box", "label", keep, min_overlap)
        counts[keep, min_overlap] = sum(len(patch["box"]) for patch in grid(item))
    assert counts["overlap", 0.01] > counts["center", 0.5] > counts["owner", 0.5] == 2
    assert counts["overlap", 1.0] < counts["overlap", 0.01]


def test_boxes_stay_where_they_are_in_the_patient(item):
    in_mm = BoxToWorld()(item["box"], item["image"].affine)
    for patch in GridPatchesd("image", 12, 6, "shift", box_key="box", label_keys="label", clip=False)(item):
        assert torch.allclose(BoxToWorld()(patch["box"], patch["image"].affine), in_mm[patch["label"]], atol=1e-4)


def test_no_boxes_give_no_boxes(item):
    item.update(box=[], label=torch.empty(0, dtype=torch.long))
    for patch in GridPatchesd("image", (10, 9, 7), box_key="box", label_keys="label")(item):
        assert patch["box"].shape == (0, 6)
        assert patch["label"].shape == (0,)


def test_several_images_and_their_pad_values(item):
    item["mask"] = torch.ones(1, 20, 18, 14, dtype=torch.uint8)
    patches = GridPatchesd(["image", "mask"], 16, pad_value=(-1000, 0))(item)
    assert (patches[-1]["image"][0, -1] == -1000).all()
    assert (patches[-1]["mask"][0, -1] == 0).all()
    item["mask"] = torch.ones(1, 20, 18, 13)
    with pytest.raises(ValueError, match="one size"):
        GridPatchesd(["image", "mask"], 16, pad_value=0)(item)


def test_rows_must_match(item):
    item["label"] = torch.tensor([0, 1, 2])
    with pytest.raises(ValueError, match="as many labels as boxes"):
        GridPatchesd("image", (10, 9, 7), box_key="box", label_keys="label")(item)


def test_missing_keys(item):
    del item["label"]
    with pytest.raises(KeyError, match="label"):
        GridPatchesd("image", (10, 9, 7), box_key="box", label_keys="label")(item)
    grid = GridPatchesd(["image", "prior"], (10, 9, 7), box_key="box", label_keys="label", allow_missing_keys=True)
    assert len(grid(item)) == 8
    del item["box"]
    assert "box" not in grid(item)[0]


def test_in_a_pipeline_and_a_loader_with_workers(item):
    steps = Compose([ScaleHUd("image"), GridPatchesd("image", (10, 9, 7), box_key="box", label_keys="label")])
    without_boxes = [{key: item[key] for key in ("image",)}]
    steps_images = Compose([ScaleHUd("image"), GridPatchesd("image", (10, 9, 7))])
    assert len(steps(item)) == 8
    loader = DataLoader(Dataset(without_boxes, steps_images), num_workers=1, collate_fn=list_data_collate)
    (batch,) = list(loader)
    assert batch["image"].shape == (8, 1, 10, 9, 7)
    assert batch["patch_origin"].shape == (8, 3)


@pytest.mark.parametrize("arguments", [(0,), ((4, 4, -4),), (4, -1), (4, 4), (4, 0, "wrap")])
def test_bad_arguments_are_refused(arguments, scan):
    with pytest.raises(ValueError, match=r"patch|border"):
        GridPatches(*arguments, pad_value=0)(scan)
    with pytest.raises(ValueError, match=r"keep|min_overlap"):
        GridPatchesd("image", 4, keep="corner")
    with pytest.raises(ValueError, match="min_overlap"):
        GridPatchesd("image", 4, min_overlap=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(item):
    on_cuda = {**item, "image": item["image"].cuda(), "box": item["box"].cuda()}
    grid = GridPatchesd("image", 8, 3, "pad", -1000, "box", "label")
    for ours, theirs in zip(grid(on_cuda), grid(item), strict=True):
        assert ours["image"].is_cuda
        assert torch.equal(ours["image"].cpu(), theirs["image"])
        assert torch.equal(ours["box"].cpu(), theirs["box"])


def test_meta_tensors_come_out(item):
    assert all(isinstance(patch["image"], MetaTensor) for patch in GridPatchesd("image", (10, 9, 7))(item))


def test_what_is_pending_is_applied_first(scan):
    turn = Rotate90(spatial_axes=(0, 1))
    patches = GridPatches(7, pad_value=-1000)(turn(scan, lazy=True))
    truth = GridPatches(7, pad_value=-1000)(turn(scan))
    assert len(patches) == len(truth)
    for ours, theirs in zip(patches, truth, strict=True):
        assert torch.equal(ours.float(), theirs.float())
        assert torch.allclose(ours.affine, theirs.affine)
    item = GridPatchesd("image", 7, pad_value=-1000)({"image": turn(scan, lazy=True)})[0]
    assert torch.equal(item["image"].float(), truth[0].float())


def test_a_pad_value_that_does_not_fit_is_refused_by_name():
    image = torch.zeros(1, 5, 4, 4, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"pad_value=-1000 does not fit into torch.uint8"):
        GridPatches(4, pad_value=-1000)(image)
    assert len(GridPatches((5, 2, 2), pad_value=-1000)(image)) == 4  # no patch sticks out
