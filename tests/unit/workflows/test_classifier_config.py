"""The classifier's training: on a list its marks are off as a detector's, on phantoms all stays as weights need it."""

import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

from lungdet.transforms import RandNoduleCubesd, RandShiftMarkd
from lungdet.workflows import bundle_root

FOLDER = bundle_root("nodule_classifier") / "configs"


def parsed(name: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(FOLDER / "common.yaml"), str(FOLDER / f"{name}.yaml")])
    parser["device"] = "cpu"
    return parser


def wide_cube(side: int) -> dict:
    image = MetaTensor(torch.zeros(1, side, side, side), meta={"original_affine": torch.eye(4)})
    return {"image": image, "center_lps_mm": torch.zeros(3), "diameter_mm": 30.0}


@pytest.mark.parametrize(
    ("name", "lists", "pipeline", "wanted"),
    [
        ("train", "listed_training", "train#on_list", (0.06, None)),
        ("train", "listed_validation", "validate#on_list", (0.06, 20261121)),
        ("pretrain", "listed_training", "from_list", (0.06, None)),
        ("evaluate", "listed", "load_listed", (0.0, 9000)),
    ],
)
def test_cubes_of_a_list_are_cut_wider_and_shifted(name: str, lists: str, pipeline: str, wanted: tuple):
    parser = parsed(name)
    wide = parser.get_parsed_content(f"{lists}#side")
    (shift,) = [
        step for step in parser.get_parsed_content(pipeline).flatten().transforms if isinstance(step, RandShiftMarkd)
    ]
    assert (shift.side, wide) == (48, 58)
    assert (shift.spread, shift.seed) == wanted
    assert shift(wide_cube(wide))["image"].shape == (1, 48, 48, 48)


def test_an_evaluation_on_a_list_takes_an_error_of_the_marks():
    parser = parsed("evaluate")
    parser["mark_spread"] = 0.1
    assert parser.get_parsed_content("load_listed").flatten().transforms[1].spread == 0.1


def test_phantoms_have_their_own_error_and_no_second_one():
    steps = parsed("train").get_parsed_content("train#on_phantoms").flatten().transforms
    names = [type(step).__name__ for step in steps]
    assert names[:3] == ["MakeBackgroundd", "RandNoduleCubesd", "ScaleHUd"]
    assert "RandShiftMarkd" not in names
    assert isinstance(steps[1], RandNoduleCubesd)
    assert (steps[1].num_samples, steps[1].side) == (16, 48)
