import pytest
import torch
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import Compose, Spacingd

from lungdet.transforms import GridPatches, GridPatchesd, PadToMultipled, ScaleHUd, StitchPatches, StitchPatchesd

GRIDS = [((8, 8, 8), 0, "pad"), ((8, 8, 8), 3, "pad"), ((8, 9, 7), (4, 2, 0), "shift"), ((30, 30, 30), 5, "pad")]


@pytest.mark.parametrize(("patch_size", "overlap", "border"), GRIDS)
@pytest.mark.parametrize("blend", ["average", "gaussian"])
def test_inverse_of_the_grid(scan, patch_size, overlap, border, blend):
    image = scan / 1000.0
    stitched = StitchPatches(blend)(GridPatches(patch_size, overlap, border, pad_value=-1)(image))
    assert torch.allclose(stitched, image, atol=1e-6)
    assert torch.allclose(stitched.affine, image.affine)
    assert "patch_origin" not in stitched.meta
    assert stitched.meta["filename_or_obj"] == "scan"


def test_a_partition_comes_back_bit_for_bit(scan):
    stitched = StitchPatches()(GridPatches(8, pad_value=-1000)(scan))
    assert stitched.dtype == torch.int16
    assert torch.equal(stitched, scan)


def test_order_does_not_matter(scan):
    patches = GridPatches(8, pad_value=0)(scan)
    stitched = StitchPatches()(patches[::-1])
    assert torch.equal(stitched, scan)
    assert torch.allclose(stitched.affine, scan.affine)


def test_plain_patches_with_other_channels(scan):
    patches = GridPatches(8, 2, pad_value=0)(scan)
    origins = [patch.meta["patch_origin"] for patch in patches]
    outputs = [torch.cat([patch.as_tensor(), -patch.as_tensor()]).float() for patch in patches]
    stitched = StitchPatches()(outputs, origins, scan.shape[1:])
    assert torch.allclose(stitched, torch.cat([scan.as_tensor(), -scan.as_tensor()]).float(), atol=1e-3)


def test_without_origins_there_is_no_way_back():
    with pytest.raises(ValueError, match="2 of 2 patches have no 'patch_origin'"):
        StitchPatches()([torch.zeros(1, 2, 2, 2)] * 2)


@pytest.mark.parametrize(("patch_size", "overlap", "border"), GRIDS)
def test_pipeline_with_boxes(item, patch_size, overlap, border):
    grid = GridPatchesd("image", patch_size, overlap, border, -1000, "box", ("label", "score"), clip=False)
    steps = Compose([grid, ScaleHUd("image"), StitchPatchesd("image", "gaussian", "box", ("label", "score"))])
    out = steps(item)
    assert set(out) == set(item)
    assert torch.allclose(out["image"], ScaleHUd("image")(item)["image"], atol=1e-6)
    order = out["label"].argsort()
    for key in ("box", "label", "score"):
        assert torch.equal(out[key][order], item[key])


def test_clipped_boxes_of_a_partition_come_back_once(item):
    grid = GridPatchesd("image", (10, 9, 7), box_key="box", label_keys="label")
    out = StitchPatchesd("image", box_key="box", label_keys="label")(grid(item))
    assert out["label"].sort().values.tolist() == [0, 1]
    assert out["box"][0].tolist() == [2, 3, 4, 6, 7, 7]


def test_duplicates_are_resolved_by_owner(item):
    # Patches of 12 every 6 voxels along x share [6, 12); the first one owns it up to 9.
    item["box"], item["label"] = torch.tensor([[8.0, 8, 5, 9, 9, 6], [9, 8, 5, 10, 9, 6]]), torch.tensor([0, 1])
    patches = GridPatchesd("image", (12, 18, 14), (6, 0, 0), "pad", 0, "box", "label")(item)
    held = [[patch["patch_origin"][0].item(), patch["label"].tolist()] for patch in patches]
    assert held == [[0, [0, 1]], [6, [0, 1]], [12, []]]
    patches[0]["label"], patches[1]["label"] = torch.tensor([10, 11]), torch.tensor([20, 21])
    assert StitchPatchesd("image", box_key="box", label_keys="label")(patches)["label"].tolist() == [10, 21]
    generous = StitchPatchesd("image", box_key="box", label_keys="label", owner_margin=1)
    assert generous(patches)["label"].tolist() == [10, 11, 20, 21]


def test_what_was_applied_before_can_be_inverted_after(item):
    before = Compose([Spacingd("image", (1.4, 1.6, 2.5)), PadToMultipled("image", 8, 0.0, "both")])
    through = Compose([before, GridPatchesd("image", 8), StitchPatchesd("image")])
    out = through(item)
    assert before.inverse(out)["image"].shape == item["image"].shape


def test_patches_from_a_batch(item):
    batch = list_data_collate(GridPatchesd("image", 8, 2, pad_value=0)({"image": item["image"]}))
    batch["image"] = batch["image"].as_tensor().float()  # a network knows no metadata
    out = StitchPatchesd("image")(decollate_batch(batch))
    assert torch.allclose(out["image"], item["image"].float(), atol=1e-3)


def test_missing_keys_and_patches(item):
    patches = GridPatchesd("image", (10, 9, 7), box_key="box")(item)
    with pytest.raises(ValueError, match="1 of 8 patches of the grid are missing"):
        StitchPatchesd("image")(patches[1:])
    with pytest.raises(ValueError, match="no patches"):
        StitchPatchesd("image")([])
    with pytest.raises(KeyError, match="found"):
        StitchPatchesd("image", box_key="found")(patches)
    out = StitchPatchesd(["image", "prior"], box_key="found", allow_missing_keys=True)(patches)
    assert torch.equal(out["image"], item["image"])
    with pytest.raises(ValueError, match="blend"):
        StitchPatches("max")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_same_on_cuda(item):
    item = {**item, "image": MetaTensor(item["image"].float()).cuda(), "box": item["box"].cuda()}
    grid = GridPatchesd("image", 8, 3, "pad", -1000, "box", "label", clip=False)
    out = StitchPatchesd("image", "gaussian", "box", "label")(grid(item))
    assert out["image"].is_cuda
    assert torch.allclose(out["image"], item["image"], atol=1e-2)
    assert out["label"].sort().values.tolist() == [0, 1]
