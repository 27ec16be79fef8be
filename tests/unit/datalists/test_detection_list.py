import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from monai.apps.detection.transforms.dictionary import ConvertBoxModed

from lungdet.datalists import LabelledBox, ScanEntry, detection_list_content, read_detection_list
from lungdet.geometry.box_modes import BOX_MODES_3D
from lungdet.readers import AnnotationError

ENTRY = ScanEntry(
    "a/1.nii.gz",
    "p",
    "lps_mm",
    (LabelledBox((-10.0, 0.0, 5.0, 20.0, 8.0, 9.0)), LabelledBox((0.0, 0.0, 0.0, 2.0, 2.0, 2.0), 1)),
)
EMPTY = ScanEntry("a/2.nii.gz", "q", "lps_mm")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[object], Path]:
    def write(content: object) -> Path:
        (tmp_path / "list.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "list.json"

    return write


@pytest.mark.parametrize("mode", BOX_MODES_3D)
@pytest.mark.parametrize("world", ["lps", "ras"])
def test_round_trip(write, mode, world):
    content = detection_list_content({"training": [ENTRY], "test": [EMPTY]}, box_mode=mode, world=world)
    built = read_detection_list(write(content))
    assert [item.box for item in built.entries[0].boxes] == [item.box for item in ENTRY.boxes]
    assert [item.label for item in built.entries[0].boxes] == [0, 1]
    assert built.entries[1].boxes == ()
    assert [entry.part for entry in built.entries] == ["training", "test"]
    assert built.official == "parts"
    assert built.problems == ()


def test_ras_turns_corners_around():
    (item,) = detection_list_content({"training": [ENTRY]}, world="ras")["training"]
    assert item["box"][0] == [-20, -8, 5, 10, 0, 9]
    assert item["box_frame"] == "ras_mm"


def test_monai_agrees_with_what_is_written():
    (item,) = detection_list_content({"training": [ENTRY]}, box_mode="cccwhd")["training"]
    assert item["box"][0] == [5, 4, 7, 30, 8, 4]
    convert = ConvertBoxModed("box", src_mode="cccwhd", dst_mode="xyzxyz")
    assert np.allclose(convert({"box": np.array(item["box"])})["box"], [item.box for item in ENTRY.boxes])


def test_a_list_as_monais_tutorial_has_it(write):
    path = write({"training": [{"image": "1.2.nii.gz", "box": [[5, 4, 7, 30, 8, 4]], "label": [0]}], "validation": []})
    built = read_detection_list(path, box_mode="cccwhd")
    assert built.entries[0].boxes[0].box == ENTRY.boxes[0].box
    assert (built.entries[0].patient_id, built.official) == ("1.2.nii.gz", "")


def test_slices_and_folds(write):
    flat = ScanEntry("1.png", "p", "edge_px", (LabelledBox((1.0, 2.0, 5.0, 8.0)),), fold=1)
    content = detection_list_content({"training": [flat]}, box_mode="ccwh")
    assert content["training"][0]["box"] == [[3, 5, 4, 6]]
    built = read_detection_list(write(content))
    assert built.entries[0].box_frame == "edge_px"
    assert built.entries[0].boxes[0].box == flat.boxes[0].box
    assert built.official == "folds"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("a.nii.gz", "has no labels"),
        ({"image": "a", "label": []}, "no 'box'"),
        ({"image": 3, "box": [], "label": []}, "wanted a path"),
        ({"image": "a", "box": [[0, 0, 0, 1, 1, 1]], "label": []}, "1 boxes and 0 labels"),
        ({"image": "a", "box": [[0, 0, 0, 1, 1]], "label": [0]}, r"are \(N, 6\), got \(1, 5\)"),
        ({"image": "a", "box": [[0, 0, 0, 1, 1, 0]], "label": [0]}, "min corner, then max corner"),
        ({"image": "a", "box": [["x", 0, 0, 1, 1, 0]], "label": [0]}, "could not convert"),
        ({"image": "a", "box": [], "label": [], "box_mode": "zyx"}, "box mode 'zyx' is none of"),
        ({"image": "a", "box": [], "label": [], "box_frame": "moon"}, "unknown box_frame 'moon'"),
        ({"image": "a", "box": 5, "label": []}, "has no len"),
        *(
            ({"image": "a", "box": [[0, 0, 0, 1, 1, 1]], "label": [label]}, "a label is .*, wanted a whole number")
            for label in (0.7, True, -1, "0", None)
        ),
        ({"image": "a", "box": [], "label": [], "fold": -1}, "fold is -1, wanted a whole number"),
        ({"image": "a", "box": [], "label": [], "ignore_box": [[0, 0, 0, 1, 1, 1]], "ignore_reason": []}, "0 reasons"),
        ({"image": "a", "box": [[0, 0, 0, 1, 1, 10**400]], "label": [0]}, "finite"),
    ],
)
def test_faulty_entries_are_left_out(write, item, message):
    good = {"image": "good", "box": [], "label": []}
    built = read_detection_list(write({"training": [good, item], "test": 4}))
    assert [entry.image for entry in built.entries] == ["good"]
    (problem,) = built.problems
    assert "training 2: " in problem
    assert re.search(message, problem)


@pytest.mark.parametrize("content", ["", "[]", "{}", {"training": 3}])
def test_what_is_no_list(write, content):
    with pytest.raises(AnnotationError, match=r"list.json"):
        read_detection_list(write(content))


def test_mistakes():
    flat = ScanEntry("1.png", "p", "edge_px", (LabelledBox((1.0, 2.0, 5.0, 8.0)),))
    with pytest.raises(ValueError, match="no place in RAS"):
        detection_list_content({"training": [flat]}, box_mode="xyxy", world="ras")
    with pytest.raises(ValueError, match="cannot be written as"):
        detection_list_content({"training": [flat]})


def test_parts_win_over_folds_and_ignored_boxes_are_kept(write):
    box, fold = [0, 0, 0, 1, 2, 3], {"box": [], "label": []}
    content = {
        "training": [{"image": "a", **fold, "fold": 0, "box_frame": "ras_mm", "ignore_box": [box]}],
        "test": [{"image": "b", "box": [box], "label": [1.0], "fold": 1}],
    }
    built = read_detection_list(write(content))
    assert built.official == "parts"
    assert [(entry.part, entry.fold) for entry in built.entries] == [("training", 0), ("test", 1)]
    assert built.entries[0].ignored[0].box == (-1, -2, 0, 0, 0, 3)
    assert built.entries[0].ignored[0].reason == "ignored in the list"
    assert built.entries[1].boxes[0].label == 1
