import copy
import json
from pathlib import Path

import jsonschema
import pytest
from monai.data import load_decathlon_datalist

from lungdet.datalists import (
    DatalistError,
    IgnoredBox,
    LabelledBox,
    ScanEntry,
    datalist_content,
    load_entries,
    load_reading,
    load_schema,
    read_datalist,
    write_datalist,
)

BOX = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@pytest.fixture
def content() -> dict[str, object]:
    entries = [
        ScanEntry("a/1.nii", "p1", "lps_mm", (LabelledBox(BOX),), (IgnoredBox(BOX, "why"),), "1.2", ("x.csv",)),
        ScanEntry("a/2.nii", "p2", "lps_mm"),
    ]
    return datalist_content("made", {"training": entries, "test": [ScanEntry("3.nii", "p3", "lps_mm")]}, notes=["n"])


def test_round_trip(content, tmp_path: Path):
    write_datalist(tmp_path / "new" / "list.json", content)
    assert read_datalist(tmp_path / "new" / "list.json") == content
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["list.json"]  # no temporary file stays
    assert content["frames"].keys() == {"lps_mm"}


def test_the_same_entries_give_the_same_bytes(content, tmp_path: Path):
    for name in ("a.json", "b.json"):
        write_datalist(tmp_path / name, copy.deepcopy(content))
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_monai_reads_it(content, tmp_path: Path):
    write_datalist(tmp_path / "list.json", content)
    theirs = load_decathlon_datalist(str(tmp_path / "list.json"), False, "training")
    ours = load_entries(tmp_path / "list.json")
    assert [item["image"] for item in theirs] == [item["image"] for item in ours] == [
        str(tmp_path / "a" / "1.nii"), str(tmp_path / "a" / "2.nii"),
    ]  # fmt: skip
    assert [item["box"] for item in theirs] == [item["box"] for item in ours] == [[list(BOX)], []]


def test_another_base_folder(content, tmp_path: Path):
    write_datalist(tmp_path / "list.json", content)
    assert load_entries(tmp_path / "list.json", "test", "/data")[0]["image"] == str(Path("/data/3.nii"))
    assert load_entries(tmp_path / "list.json", "validation") == []
    with pytest.raises(ValueError, match="part must be one of"):
        load_entries(tmp_path / "list.json", "train")


def test_how_its_cts_were_read(content, tmp_path: Path):
    path = tmp_path / "list.json"
    for told, wanted in (
        ({}, {}),
        ({"seed": 0, "on_gap": "interpolate", "on_tilt": "error"}, {"on_gap": "interpolate"}),
    ):
        write_datalist(path, {**content, "options": told})
        assert load_reading(path) == wanted
    write_datalist(path, {**content, "options": {"on_gap": 3}})
    with pytest.raises(
        DatalistError, match=r"list\.json: options: on_gap must be one of .*, got 3; make the list again"
    ):
        load_reading(path)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(load_schema())


@pytest.mark.parametrize(
    ("break_it", "place"),
    [
        (lambda c: c.pop("training"), r"\$: 'training' is a required"),
        (lambda c: c.update(format="lungdet-datalist/2"), r"\$.format"),
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c["training"][0].pop("box_frame"), r"\$.training\[0\]"),
        (lambda c: c["training"][0].update(box=[[1, 2, 3]]), r"\$.training\[0\].box\[0\]"),
        (lambda c: c["training"][0].update(box=[["1", 2, 3, 4, 5, 6]]), r"\$.training\[0\].box\[0\]\[0\]"),
        (lambda c: c["training"][0].update(weight=[0]), r"\$.training\[0\].weight\[0\]"),
        (lambda c: c["training"][0].update(ignored=[{"kind": "vessel"}]), r"\$.training\[0\].ignored\[0\].kind"),
        (lambda c: c["training"][0].update(nodules=[{"type": 3}]), r"\$.training\[0\].nodules\[0\].type"),
        (lambda c: c["training"][0].update(label=[0, 0]), r"\$.training\[0\]: a/1.nii: 1 boxes with 2 labels"),
        (lambda c: c["training"][0].update(box=[[0, 1, 2, 3, 4, 2]]), r"\$.training\[0\]: a/1.nii: a box is min"),
        (lambda c: c["training"][0].update(box=[[0, 1, 2, 3]]), r"\$.training\[0\]: a/1.nii: a box needs 6"),
        (lambda c: c["training"][0].update(image=""), r"\$.training\[0\].image"),
        (
            lambda c: c["training"][0].update(ignore_reason=[]),
            r"\$.training\[0\]: a/1.nii: .* 1 ignored boxes with 0 reasons",
        ),
        (lambda c: c["test"][0].update(fold=-1), r"\$.test\[0\].fold"),
    ],
)
def test_faults_are_found_on_both_ways(content, tmp_path: Path, break_it, place):
    break_it(content)
    with pytest.raises(DatalistError, match=place):
        write_datalist(tmp_path / "list.json", content)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "list.json").write_text(json.dumps(content))
    with pytest.raises(DatalistError, match=rf"list.json: .*{place}"):
        read_datalist(tmp_path / "list.json")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"training": [NaN]}', "[" * 100_000])
def test_what_is_no_list(tmp_path: Path, text: str):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(DatalistError, match=r"list.json"):
        read_datalist(tmp_path / "list.json")


def test_parts_have_three_names():
    with pytest.raises(ValueError, match="training, validation, test"):
        datalist_content("x", {"train": []})


def test_leaks_are_refused_unless_they_are_known(content, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    leaking = copy.deepcopy(content)
    leaking["validation"] = [{**leaking["training"][0], "image": "other.nii", "series_uid": ""}]
    with pytest.raises(DatalistError, match=r"the list leaks: patient p1 is in training and validation; split it"):
        write_datalist(tmp_path / "list.json", leaking)
    (tmp_path / "list.json").write_text(json.dumps(leaking))
    with pytest.raises(DatalistError, match="the list leaks"):
        read_datalist(tmp_path / "list.json")
    leaking["options"] = {"known_leaks": ["patient p1 is in training and validation"]}
    write_datalist(tmp_path / "list.json", leaking)
    assert read_datalist(tmp_path / "list.json") == leaking
    assert "1 known leaks" in caplog.text
