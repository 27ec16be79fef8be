"""Nodules go into any image, whatever its spacing and orientation, and boxes say where."""

import pickle

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Orientation, Orientationd

from lungdet.geometry.frames import lps_to_ras, spacing_of
from lungdet.phantoms import make_chest
from lungdet.transforms import BoxToWorldd, MoveBoxesd, RandInsertNoduled

SPACING, SHAPE = (1.5, 1.5, 4.0), (210, 180, 48)


@pytest.fixture(scope="module")
def image() -> MetaTensor:
    volume = make_chest(8, spacing_mm=SPACING, shape=SHAPE, nodules=0).volume
    affine = torch.as_tensor(lps_to_ras(volume.affine_lps))
    meta = {"filename_or_obj": "scan"}
    return MetaTensor(torch.from_numpy(volume.array.astype(np.float32))[None], affine=affine, meta=meta)


def insert(image, seed=1, **options):
    options = {"prob": 1.0, "count": (3, 3)} | options
    return RandInsertNoduled(**options).set_random_state(seed)


def difference(out, image) -> torch.Tensor:
    return (out["image"].as_tensor() - image.as_tensor())[0]


@pytest.mark.parametrize("codes", ["LPS", "RAS", "SLA", "PIR"])
def test_boxes_fit_in_any_orientation(image, codes):
    turned = Orientation(axcodes=codes, labels=None)(image)
    out = insert(turned)({"image": turned})
    assert out["box"].shape == (3, 6)
    assert out["label"].tolist() == [0, 0, 0]
    assert torch.equal(out["image"].affine, turned.affine)
    added = difference(out, turned)
    rest = added.clone()
    for box in out["box"]:
        low, high = box[:3].floor().int() - 1, box[3:].ceil().int() + 1
        span = tuple(slice(max(int(a), 0), int(b)) for a, b in zip(low, high, strict=True))
        piece = added[span]
        assert piece.max() > 80
        center = (torch.nonzero(piece > 0.5 * piece.max()) + 0.5).mean(dim=0) + torch.tensor([s.start for s in span])
        middle = (box[:3] + box[3:]) / 2
        size_mm = (box[3:] - box[:3]) * torch.as_tensor(spacing_of(turned.affine.numpy()))
        assert ((center - middle).abs() < (0.25 * (box[3:] - box[:3])).clamp(min=0.8)).all()
        assert size_mm.min() > 2
        assert size_mm.max() < 50
        rest[tuple(slice(max(s.start - 8, 0), s.stop + 8) for s in span)] = 0
    assert rest.abs().max() == 0  # nothing changes out of reach


def test_boxes_mean_the_same_place_after_turning_the_image(image):
    out = insert(image)({"image": image})
    before = BoxToWorldd("box", ref_image_key="image")(out)["box"]
    turned = MoveBoxesd(Orientationd("image", axcodes="RAS", labels=None), "box")(out)
    after = BoxToWorldd("box", ref_image_key="image")(turned)["box"]
    assert before.numpy() == pytest.approx(after.numpy(), abs=1e-3)


def test_known_boxes_and_labels_stay_and_are_kept_clear(image):
    known = torch.tensor([[0.0, 0, 0, 105, 180, 48]])
    out = insert(image, label=2)({"image": image, "box": known, "label": torch.tensor([1]), "name": "x"})
    assert torch.equal(out["box"][:1], known)
    assert out["label"].tolist() == [1] + [2] * (len(out["box"]) - 1)
    assert (out["box"][1:, 0] > 105).all()
    assert out["name"] == "x"


def test_boxes_without_labels_get_them(image):
    known = torch.tensor([[0.0, 0, 0, 3, 3, 3], [5, 5, 5, 7, 7, 7]])
    for prob in (0.0, 1.0):
        out = insert(image, prob=prob, label=2, count=(1, 1))({"image": image, "box": known})
        assert out["label"].tolist() == [2] * len(out["box"])
    assert len(out["box"]) == 3
    assert "label" not in insert(image, prob=0.0, label_key=None)({"image": image, "box": known})


@pytest.mark.parametrize("labels", [[], [1], [1, 1, 1], [[1, 1]]])
def test_each_box_has_one_label(image, labels):
    known = torch.tensor([[0.0, 0, 0, 3, 3, 3], [5, 5, 5, 7, 7, 7]])
    with pytest.raises(ValueError, match="one label for each of 2 boxes"):
        insert(image)({"image": image, "box": known, "label": labels})


def test_the_input_is_not_touched_and_the_seed_decides(image):
    before = image.as_tensor().clone()
    one, two = (insert(image, seed=5)({"image": image}) for _ in range(2))
    assert torch.equal(image.as_tensor(), before)
    assert torch.equal(one["image"].as_tensor(), two["image"].as_tensor())
    assert torch.equal(one["box"], two["box"])
    transform = insert(image, seed=5)
    transform({"image": image})
    assert not torch.equal(transform({"image": image})["box"], one["box"])
    pickle.loads(pickle.dumps(transform))({"image": image})  # noqa: S301


def test_probability_and_count(image):
    never = insert(image, prob=0.0)({"image": image, "box": [], "label": []})
    assert never["box"].shape == (0, 6)
    assert never["label"].dtype == torch.int64
    assert torch.equal(never["image"].as_tensor(), image.as_tensor())
    draws = [RandInsertNoduled(prob=0.5, count=(0, 2)).set_random_state(seed) for seed in range(60)]
    for transform in draws:
        transform.randomize()
    assert {transform.wanted for transform in draws} == {0, 1, 2}
    assert 10 < sum(transform.wanted > 0 for transform in draws) < 35


def test_whole_numbers_stay_whole_numbers(image):
    whole = MetaTensor(image.as_tensor().to(torch.int16)).copy_meta_from(image)
    out = insert(whole)({"image": whole})
    assert out["image"].dtype == torch.int16
    assert len(out["box"]) == 3


def test_a_mask_says_where(image):
    mask = torch.zeros_like(image.as_tensor())
    mask[0, 40:75, 60:120, 10:40] = 1
    out = insert(image, mask_key="lung", count=(2, 2), diameter_mm=(4, 8))({"image": image, "lung": mask})
    center = (out["box"][:, :3] + out["box"][:, 3:]) / 2
    assert len(center)
    assert ((center >= torch.tensor([38, 58, 9])) & (center <= torch.tensor([77, 122, 41]))).all()


def test_no_lung_no_nodule():
    air = MetaTensor(torch.full((1, 40, 40, 30), -1000.0), affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    out = insert(air)({"image": air})
    assert out["box"].shape == (0, 6)
    assert torch.equal(out["image"].as_tensor(), air.as_tensor())


def test_in_a_compose(image):
    pipeline = Compose([insert(image), Orientationd("image", axcodes="RAS", labels=None)])
    assert pipeline({"image": image})["image"].shape == image.shape


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"keys": ("a", "b")}, "one key"),
        ({"count": (2, 1)}, "count"),
        ({"diameter_mm": (0, 5)}, "diameter_mm"),
        ({"blur_mm": (1, 0.5)}, "blur_mm"),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        RandInsertNoduled(**wrong)


def test_wrong_images(image):
    with pytest.raises(ValueError, match=r"must be \(1, X, Y, Z\)"):
        insert(image)({"image": torch.cat([image, image])})
    with pytest.raises(ValueError, match="must have the shape"):
        insert(image, mask_key="lung")({"image": image, "lung": torch.ones(1, 4, 4, 4)})
