"""What holds for every transform: it comes as X and Xd, and survives the trip to a worker process."""

import pickle

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Flipd, MapTransform, RandFlipd, Transform

from lungdet import transforms

ONLY_FOR_DICTIONARIES = {
    "LoadCandidatesd",
    "CutFoundCubesd",
    "MakeBackgroundd",
    "MakePhantomd",
    "MakeTorsod",
    "RandEmptyScand",
    "RandInsertNoduled",
    "RandMoveBoxesd",
    "RandNoduleCubesd",
    "RandPhantomPatchd",
    "RandShiftMarkd",
    "RandTwoViewsd",
}
OF_STACKS = ("RandEquidistantSlices", "SliceAugmentation")
OF_PICTURES = (
    "Disturb",
    "FitPicture",
    "RadiographAugmentation",
    "RandBurnedInText",
    "RandCollimation",
    "RandCutOut",
    "RandExposure",
    "RandInvertPicture",
    "RandLesionSlices",
    "RandMovePicture",
    "RandQuarterTurn",
)
EXAMPLES = {
    "AxialSlices": {},
    "AxialSlicesd": {"keys": "image"},
    "BodyMask": {},
    "BodyMaskd": {"keys": "image"},
    "BoxToVoxel": {},
    "BoxToVoxeld": {"keys": "box"},
    "BoxToWorld": {},
    "BoxToWorldd": {"keys": "box"},
    "ContoursToMask": {},
    "ContoursToMaskd": {"keys": "nodules"},
    "CropToLungs": {},
    "CropToLungsd": {"keys": "image"},
    "CutCube": {},
    "CutCubed": {"keys": "image"},
    "CutFoundCubesd": {},
    "Disturb": {"name": "inversion"},
    "Disturbd": {"keys": "image", "name": "inversion"},
    "FitPicture": {"side": 8},
    "FitPictured": {"keys": "image", "side": 8},
    "GridPatches": {"patch_size": 8, "pad_value": 0},
    "GridPatchesd": {"keys": "image", "patch_size": 8, "pad_value": 0, "box_key": "box"},
    "LoadCT": {},
    "LoadCTd": {"keys": "image"},
    "LoadCandidatesd": {"keys": "image"},
    "LoadCube": {},
    "LoadCubed": {"keys": "image"},
    "LoadLesion": {},
    "LoadLesiond": {"keys": "image"},
    "LoadRadiograph": {},
    "LoadRadiographd": {"keys": "image"},
    "LungMask": {},
    "LungMaskd": {"keys": "image"},
    "MakeBackgroundd": {},
    "MakePhantomd": {},
    "MakeTorsod": {},
    "MaskPadding": {},
    "MaskPaddingd": {"keys": "image"},
    "MoveBoxes": {},
    "MoveBoxesd": {"transform": Flipd("image", 0), "keys": "box"},
    "PadToMultiple": {"multiple": 8, "value": 0},
    "PadToMultipled": {"keys": "image", "multiple": 8, "value": 0},
    "RadiographAugmentation": {},
    "RadiographAugmentationd": {"keys": "image"},
    "RandBurnedInText": {},
    "RandBurnedInTextd": {"keys": "image", "prob": 1.0},
    "RandCollimation": {},
    "RandCollimationd": {"keys": "image", "prob": 1.0},
    "RandCropAroundBoxes": {"spatial_size": 8},
    "RandCropAroundBoxesd": {"keys": "image", "box_key": "box", "spatial_size": 8},
    "RandCutOut": {},
    "RandCutOutd": {"keys": "image", "prob": 1.0},
    "RandEmptyScand": {"keys": "image", "negative": 1.0, "label_key": "slice"},
    "RandEquidistantSlices": {},
    "RandEquidistantSlicesd": {"keys": "image", "count": 2},
    "RandExposure": {},
    "RandExposured": {"keys": "image", "prob": 1.0},
    "RandInsertNoduled": {},
    "RandInvertPicture": {},
    "RandInvertPictured": {"keys": "image", "prob": 1.0},
    "RandKeepMiddle": {},
    "RandKeepMiddled": {"keys": "image", "prob": 1.0, "sides": (2, 3)},
    "RandLesionSlices": {},
    "RandLesionSlicesd": {"keys": "image", "prob": 1.0},
    "RandMoveBoxesd": {"transform": RandFlipd("image", 0.5), "keys": "box"},
    "RandMovePicture": {},
    "RandMovePictured": {"keys": "image", "prob": 1.0},
    "RandNoduleCubesd": {},
    "RandPhantomPatchd": {},
    "RandQuarterTurn": {},
    "RandQuarterTurnd": {"keys": "image", "prob": 1.0},
    "RandShiftMarkd": {"keys": "image"},
    "RandTwoViewsd": {"transform": RandFlipd("image", 0.5), "keys": "image"},
    "RecistToBox": {},
    "RecistToBoxd": {"keys": "recist"},
    "RecistToEllipseMask": {},
    "RecistToEllipseMaskd": {"keys": "recist", "slice_key": "slice"},
    "RescaleToHU": {"slope": 1, "intercept": 0},
    "RescaleToHUd": {"keys": "image", "slope": 1, "intercept": 0},
    "ScaleHU": {},
    "ScaleHUd": {"keys": "image"},
    "SliceAugmentation": {},
    "SliceAugmentationd": {"keys": "image"},
    "StitchPatches": {},
    "StitchPatchesd": {"keys": "image"},
}


def test_every_transform_has_an_example():
    assert set(transforms.__all__) == set(EXAMPLES)
    assert transforms.__all__ == sorted(transforms.__all__)


def test_every_transform_comes_twice():
    for name in transforms.__all__:
        if name not in ONLY_FOR_DICTIONARIES:
            assert name + "d" in transforms.__all__ or name[:-1] in transforms.__all__, name


@pytest.mark.parametrize("name", EXAMPLES)
def test_kind_and_pickle(name):
    transform = getattr(transforms, name)(**EXAMPLES[name])
    assert isinstance(transform, Transform)
    assert transform.backend
    again = pickle.loads(pickle.dumps(transform))  # noqa: S301
    assert type(again) is type(transform)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in EXAMPLES
        if name[-1] == "d"
        and name
        not in (
            "BoxToWorld",
            "CutFoundCubesd",
            "LoadCTd",
            "LoadCandidatesd",
            "LoadCubed",
            "LoadLesiond",
            "LoadRadiographd",
            "MakeBackgroundd",
            "MakePhantomd",
            "MakeTorsod",
            "RandNoduleCubesd",
            "RandPhantomPatchd",
            "RandShiftMarkd",
        )
    ],
)
def test_dictionaries_are_copied_and_missing_keys_noticed(name, item):
    transform = getattr(transforms, name)(**EXAMPLES[name])
    assert isinstance(transform, MapTransform)
    item.update(recist=torch.zeros(1, 4, 2), slice=[0], nodules=[], center_lps_mm=(-95.0, -85.0, -280.0))
    if name.startswith(OF_PICTURES):
        item["image"] = MetaTensor(torch.rand(6 if name == "RandLesionSlicesd" else 1, 9, 9))
    if name.startswith(OF_STACKS):
        item["image"] = MetaTensor(torch.rand(4, 1, 9, 9))
    before = dict(item)
    image, boxes = item["image"].clone(), item["box"].clone()
    transform(item) if name != "StitchPatchesd" else transform(transforms.GridPatchesd("image", 10, pad_value=0)(item))
    assert item.keys() == before.keys()
    assert all(item[key] is before[key] for key in item)
    assert torch.equal(item["image"], image)
    assert item["image"].applied_operations == []
    assert torch.equal(item["box"], boxes)
    with pytest.raises(KeyError):
        transform({} if name != "StitchPatchesd" else [{"patch_origin": [0, 0, 0], "scan_size": [1, 1, 1]}])
