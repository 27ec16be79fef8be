"""Outlines become masks on the very image that they were drawn on, and nowhere else."""

import numpy as np
import pytest
import torch
from monai.transforms import CenterSpatialCropd, Compose, Flipd

from lungdet.datalists import find_nodules
from lungdet.records import Contour, CTVolume, Mark, SeriesInfo, SeriesMarks
from lungdet.transforms import ContoursToMask, ContoursToMaskd
from lungdet.transforms.load_ct import to_meta_tensor

AFFINE_LPS = np.array([[0.7, 0, 0, -100], [0, 0.8, 0, -90], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])


def square(session: int, column: int, k: int = 4, **kwargs) -> Mark:
    """3 x 2 pixels from ``(column, 6)`` on slice ``k``."""
    corners = np.array([[column - 1, 5], [column + 3, 5], [column + 3, 8], [column - 1, 8]])
    contours = (Contour("", -300 + 2.5 * k, corners),)
    return Mark("1.2", "", session, "r", f"n{column}", "nodule", contours, **kwargs)


def point(column: int) -> Mark:
    return Mark("1.2", "", 0, "r", "p", "small_nodule", (Contour("", -300.0, np.array([[column, 9]])),))


@pytest.fixture
def image():
    volume = CTVolume(np.zeros((20, 18, 14), np.int16), AFFINE_LPS, SeriesInfo("scan", series_uid="1.2"))
    return to_meta_tensor(volume)


def test_hand_worked(image):
    mask = ContoursToMask()([square(0, 10)], image)
    assert (mask.shape, mask.dtype) == ((1, 20, 18, 14), torch.uint8)
    assert torch.argwhere(mask[0].as_tensor()).tolist() == [[i, j, 4] for i in (10, 11, 12) for j in (6, 7)]
    assert torch.equal(mask.affine, image.affine)


def test_a_nodule_is_its_consensus(image):
    marks = SeriesMarks("1.2", "", 4, tuple(square(s, 10 + s) for s in range(3)))
    for level in (0.3, 0.5, 1.0):
        (nodule,) = find_nodules(marks, level=level)
        mask = ContoursToMask()([nodule], image)
        assert int(mask.sum()) == nodule.consensus.voxels
        center = torch.argwhere(mask[0].as_tensor()).double().mean(dim=0)
        assert center[:2].tolist() == pytest.approx(nodule.consensus.centroid[:2])


def test_instances_and_kinds(image):
    marks = [square(0, 3), point(1), square(0, 10, k=6)]
    numbered = ContoursToMask(instances=True)(marks, image)
    assert (numbered.dtype, numbered.unique().tolist()) == (torch.int16, [0, 1, 3])
    assert int(ContoursToMask(kinds=("small_nodule",))(marks, image).sum()) == 1
    assert int(ContoursToMask(kinds=("nodule", "small_nodule"))(marks, image).sum()) == 13


def test_nothing_gives_an_empty_mask(image):
    assert int(ContoursToMask()([], image).sum()) == 0


def test_dictionary_form_adds_a_mask_that_moves_with_the_image(image):
    item = {"image": image, "nodules": [square(0, 10)]}
    moved = Compose([ContoursToMaskd("nodules"), Flipd(("image", "mask"), 0)])(item)
    assert moved.keys() == {"image", "nodules", "mask"}
    assert item.keys() == {"image", "nodules"}
    assert torch.argwhere(moved["mask"][0].as_tensor())[:, 0].unique().tolist() == [7, 8, 9]
    assert ContoursToMaskd("none", allow_missing_keys=True)(item).keys() == item.keys()
    with pytest.raises(ValueError, match="one key"):
        ContoursToMaskd(("a", "b"))


@pytest.mark.parametrize("move", [Flipd("image", 2), CenterSpatialCropd("image", (10, 10, 10))])
def test_an_image_that_was_moved_is_refused(image, move):
    moved = move({"image": image})["image"]
    with pytest.raises(ValueError, match="right after LoadCTd"):
        ContoursToMask()([square(0, 10)], moved)


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (square(0, 18), "'n18': .* reaches column 21"),
        (square(0, 10, k=40), "lie on no slice"),
        (square(0, 10, k=-2), "lie on no slice"),
        (square(0, 10, k=4.4), "lie on no slice"),
        (Mark("1.9", "", 0, "r", "n", "nodule", square(0, 10).contours), "outlines are of 1.9"),
    ],
)
def test_outlines_of_another_image_are_refused(image, mark, message):
    with pytest.raises(ValueError, match=message):
        ContoursToMask()([mark], image)


@pytest.mark.parametrize("axes", [(1,), (0,), (2,), (0, 1)])
def test_a_volume_file_with_turned_axes_is_refused(axes):
    turn = np.eye(4)
    for axis in axes:
        turn[axis, axis], turn[axis, 3] = -1, (20, 18, 14)[axis] - 1
    volume = CTVolume(np.zeros((20, 18, 14), np.int16), AFFINE_LPS @ turn, SeriesInfo("a.nii", series_uid="1.2"))
    with pytest.raises(ValueError, match="mirrored" if len(axes) == 1 else "may have turned"):
        ContoursToMask()([square(0, 10)], to_meta_tensor(volume))


def test_two_readers_at_slightly_different_z_are_on_one_slice(image):
    marks = SeriesMarks("1.2", "", 2, (square(0, 10), square(1, 10, k=4.1)))
    (nodule,) = find_nodules(marks, image=np.array(AFFINE_LPS), level=1.0)
    assert (nodule.votes, nodule.consensus.voxels) == (2, 6)
    mask = ContoursToMask()([nodule], image)
    assert torch.argwhere(mask[0].as_tensor()).tolist() == [[i, j, 4] for i in (10, 11, 12) for j in (6, 7)]


def test_an_image_without_affine_is_refused():
    with pytest.raises(ValueError, match="without affine"):
        ContoursToMask()([], torch.zeros(1, 4, 4, 4))
