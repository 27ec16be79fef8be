import pickle

import numpy as np
import torch

from lungdet.geometry.frames import lps_to_ras
from lungdet.phantoms import make_chest
from lungdet.records import SeriesInfo
from lungdet.transforms import BoxToVoxeld, MakePhantomd

SHAPE, SPACING = (64, 64, 48), (4.0, 4.0, 4.0)


def test_image_and_boxes_are_those_of_the_phantom():
    item = MakePhantomd(spacing_mm=SPACING, shape=SHAPE)({"seed": 3})
    phantom = make_chest(3, spacing_mm=SPACING, shape=SHAPE)
    assert item["image"].shape == (1, *SHAPE)
    assert (item["image"][0].numpy() == phantom.volume.array).all()
    np.testing.assert_allclose(item["image"].affine, lps_to_ras(phantom.volume.affine_lps))
    expected = np.array([nodule.box_lps_mm for nodule in phantom.nodules]).reshape(-1, 6)
    np.testing.assert_allclose(item["box"], expected, atol=1e-3)
    assert item["label"].shape == (len(phantom.nodules),)
    assert SeriesInfo.from_json(item["image"].meta["series"]) == phantom.volume.info


def test_boxes_land_on_bright_voxels():
    item = BoxToVoxeld("box", ref_image_key="image")(
        MakePhantomd(spacing_mm=(2.0,) * 3, shape=(160, 160, 120))({"seed": 4})
    )
    image = item["image"][0].as_tensor()
    assert len(item["box"])
    for box in item["box"].round().long().tolist():
        x0, y0, z0, x1, y1, z1 = box
        inside = image[max(x0, 0) : x1, max(y0, 0) : y1, max(z0, 0) : z1]
        assert inside.max() > image[image < -500].median() + 150, box


def test_spacing_of_the_item_keeps_the_patient_and_the_extent():
    make = MakePhantomd(spacing_mm=SPACING, shape=SHAPE)
    thick = make({"seed": 3, "spacing_mm": (4.0, 4.0, 8.0)})
    assert thick["image"].shape == (1, 64, 64, 24)
    centers = [(item["box"][:, :3] + item["box"][:, 3:]) / 2 for item in (make({"seed": 3}), thick)]
    torch.testing.assert_close(*centers, atol=8.0, rtol=0)


def test_input_is_left_alone_and_workers_can_have_it():
    data = {"seed": 1, "name": "a"}
    item = pickle.loads(pickle.dumps(MakePhantomd(spacing_mm=SPACING, shape=SHAPE)))(data)  # noqa: S301
    assert data == {"seed": 1, "name": "a"}
    assert item["name"] == "a"


def test_all_of_the_truth_travels():
    shape = (64, 64, 20)  # cuts some nodules
    cut = 0
    for seed in range(4):
        item = MakePhantomd(spacing_mm=SPACING, shape=shape)({"seed": seed})
        phantom = make_chest(seed, spacing_mm=SPACING, shape=shape)
        ignored = np.array([nodule.box_lps_mm for nodule in phantom.ignored]).reshape(-1, 6)
        np.testing.assert_allclose(item["ignore_box"], ignored, atol=1e-3)
        assert item["ignore_box"].shape == (len(phantom.ignored), 6)
        assert item["kind"] == [nodule.kind for nodule in phantom.nodules]
        assert item["location"] == [nodule.location for nodule in phantom.nodules]
        cut += len(ignored)
    assert cut
