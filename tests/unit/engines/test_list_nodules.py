import math
from pathlib import Path

import pytest
import torch

from lungdet.datalists import DatalistError, IgnoredBox, LabelledBox, ScanEntry, datalist_content, write_datalist
from lungdet.engines import list_nodules, rating_shares
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS


def box(center: float, half: float = 4.0) -> tuple[float, ...]:
    return (*[center - half] * 3, *[center + half] * 3)


def rated(**values) -> dict:
    return {
        name: {"median": sorted(given)[len(given) // 2], "spread": max(given) - min(given), "values": sorted(given)}
        for name, given in values.items()
    }


NODULE = {
    "center_lps_mm": [1.0, 2.0, 3.0],
    "diameter_mm": 9.0,
    "readers": 3,
    "type": "part_solid",
    "ratings": rated(malignancy=[3, 4, 4], texture=[3, 3, 3], calcification=[6, 6, 6]),
}
FEW = {"kind": "nodule", "center_lps_mm": [40.0, 40, 40], "diameter_mm": 8.0, "ratings": rated(malignancy=[2])}


def lookalike(at: float) -> IgnoredBox:
    return IgnoredBox(box(at, 5), "non-nodule", {"kind": "non_nodule", "center_lps_mm": [at] * 3})


def write(folder: Path, *entries: ScanEntry, **parts) -> Path:
    write_datalist(folder / "list.json", datalist_content("tiny", {"training": entries, **parts}))
    return folder / "list.json"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    ignored = (
        IgnoredBox(box(40), "outlined by 1, fewer than 3 readers", FEW),
        IgnoredBox(box(70, 5), "nodule < 3 mm", {"kind": "small_nodule"}),
        lookalike(100),
        lookalike(43),  # sqrt(3) * 3 = 5.2 mm from the middle of what one reader outlined, 8 mm across
    )
    first = ScanEntry("a.nii", "p1", "lps_mm", (LabelledBox(box(2), facts=NODULE),), ignored, "1.2")
    foreign = ScanEntry("b.nii", "p2", "lps_mm", (LabelledBox(box(10)),), (IgnoredBox(box(50), "excluded"),))
    return write(tmp_path, first, foreign, validation=[ScanEntry("c.nii", "p3", "lps_mm")])


def test_targets_of_a_nodule_by_hand(labels: Path):
    item = list_nodules(labels)[0]
    assert item["image"] == str(labels.parent / "a.nii")
    assert (item["patient"], item["series_uid"], item["place"]) == ("p1", "1.2", "nodule")
    assert (item["center_lps_mm"].tolist(), item["center_lps_mm"].dtype) == ([1, 2, 3], torch.float64)
    assert (item["nodule"].item(), item["nodule"].dtype) == (1.0, torch.float32)
    assert (NODULE_TYPES[item["kind"]], item["kind"].dtype) == ("part_solid", torch.int64)
    assert item["diameter_mm"].item() == 9.0
    ratings = dict(zip(ORDINAL_RATINGS, item["ratings"], strict=True))
    assert ratings["malignancy"].tolist() == pytest.approx([1, 1, 2 / 3, 0])
    assert ratings["texture"].tolist() == [1, 1, 0, 0]
    assert all(ratings[name].isnan().all() for name in ORDINAL_RATINGS if name not in ("malignancy", "texture"))


def test_a_foreign_nodule_is_one_of_unknown_kind_in_the_middle_of_its_box(labels: Path):
    item = list_nodules(labels)[-1]
    assert (item["nodule"].item(), item["kind"].item(), item["diameter_mm"].item()) == (1, -1, 8)
    assert item["center_lps_mm"].tolist() == [10, 10, 10]
    assert item["ratings"].isnan().all()


def test_lookalikes_are_listed_but_not_where_another_reader_saw_a_nodule(labels: Path):
    (item,) = [item for item in list_nodules(labels) if item["place"] == "non_nodule"]
    assert item["center_lps_mm"].tolist() == [100, 100, 100]
    assert (item["nodule"].item(), item["kind"].item()) == (0, -1)
    assert item["ratings"].isnan().all()
    assert math.isnan(item["diameter_mm"])
    assert {item["place"] for item in list_nodules(labels, lookalikes=False)} == {"nodule"}


def test_lookalikes_at_a_nodule_below_three_millimetres_are_left_out(tmp_path: Path):
    """1.5 mm of the nodule and 3 mm apart: 4.5 mm, whatever the size of the box that a point is given."""
    ignored = (
        IgnoredBox(box(100, 5), "nodule < 3 mm", {"kind": "small_nodule", "center_lps_mm": [100.0] * 3}),
        lookalike(102.5),  # sqrt(3) * 2.5 = 4.3 mm off
        lookalike(102.7),  # 4.7 mm off, inside of the box
    )
    path = write(tmp_path, ScanEntry("a.nii", "p1", "lps_mm", (), ignored))
    assert [item["center_lps_mm"][0].item() for item in list_nodules(path)] == [102.7]


@pytest.mark.parametrize(("few", "wanted"), [("leave_out", []), ("unknown", [-1.0]), ("nodule", [1.0])])
def test_what_few_readers_outlined_is_as_wanted(labels: Path, few: str, wanted: list[float]):
    found = [item for item in list_nodules(labels, few_readers=few) if item["center_lps_mm"][0] == 40]
    assert [item["nodule"].item() for item in found] == wanted
    assert all(item["ratings"][0].tolist() == [1, 0, 0, 0] for item in found)


def test_parts_stay_as_they_are_split(labels: Path):
    assert list_nodules(labels, "validation") == []
    assert {item["patient"] for item in list_nodules(labels)} == {"p1", "p2"}
    with pytest.raises(DatalistError, match="no scan in test"):
        list_nodules(labels, "test")
    assert list_nodules("") == []


def test_lists_without_values_or_images_are_refused(tmp_path: Path):
    old = {**NODULE, "ratings": {"malignancy": {"median": 3.0, "spread": 1}}}
    path = write(tmp_path, ScanEntry("a.nii", "p1", "lps_mm", (LabelledBox(box(2), facts=old),)))
    with pytest.raises(DatalistError, match=r"training 0: .*a.nii: malignancy without the readers' values.*again"):
        list_nodules(path)
    wrong = {**NODULE, "ratings": rated(malignancy=[6])}
    path = write(tmp_path, ScanEntry("a.nii", "p1", "lps_mm", (LabelledBox(box(2), facts=wrong),)))
    with pytest.raises(DatalistError, match="malignancy goes from 1 to 5, got 6"):
        list_nodules(path)
    path = write(tmp_path, ScanEntry("1.2.3", "p1", "pixel_z_mm", (LabelledBox(box(2)),)))
    with pytest.raises(DatalistError, match="cubes need scans in LPS mm: make the list with --images"):
        list_nodules(path)
    with pytest.raises(ValueError, match="few_readers must be one of"):
        list_nodules(path, few_readers="some")


def test_shares_of_no_ratings_are_unknown():
    assert rating_shares({}).isnan().all()
    assert rating_shares({}).shape == (7, 4)
