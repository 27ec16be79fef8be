"""LIDC-IDRI's own XML files, against the published nodule size list of the same scans.

The list has for each nodule >= 3 mm its volume, the equivalent diameter, the centroid's pixel, the number of the slice
and the readers' IDs for it. Neither pixel size nor slice numbers are in the XML, so, for each series, one factor from
voxels to mm3 and one offset of the slice number come from the list itself; figures are therefore given for those
series where other rows than the one compared can tell them.
"""

import csv
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists.consensus import find_nodules
from lungdet.readers.lidc import LidcReport, read_lidc
from lungdet.records import Nodule, SeriesMarks
from lungdet.records.nodule import equivalent_diameter_mm


@dataclass(frozen=True)
class Row:
    """One row of the size list."""

    case: str
    scan: str
    number: int
    volume_mm3: float
    diameter_mm: float
    column: float
    row: float
    slice_number: int
    ids: frozenset[str]


@dataclass(frozen=True)
class Match:
    """A row and our nodule with the most IDs in common."""

    row: Row
    nodule: Nodule
    slice_mm: float
    slice_error: float
    others: tuple["Match", ...] = ()

    @property
    def common(self) -> int:
        return len(self.row.ids & ids_of(self.nodule))

    @property
    def centroid_error_px(self) -> float:
        return float(np.hypot(*np.subtract(self.nodule.median_centroid[:2], (self.row.column, self.row.row))))

    @property
    def holds(self) -> bool:
        enough = self.common >= min(2, len(self.row.ids))
        return enough and self.centroid_error_px <= 3 and abs(self.slice_error) <= 1


def ids_of(nodule: Nodule) -> frozenset[str]:
    return frozenset(mark.nodule_id for mark in nodule.marks if mark.kind == "nodule")


def median_voxels(nodule: Nodule) -> float:
    return statistics.median(extent.voxels for _, extent in nodule.by_reader)


@pytest.fixture(scope="module")
def report() -> LidcReport:
    return LidcReport()


@pytest.fixture(scope="module")
def series(real_data: Path, report: LidcReport) -> dict[str, SeriesMarks]:
    return {marks.series_uid: marks for marks in read_lidc(real_data / "lidc" / "xml", report=report)}


@pytest.fixture(scope="module")
def matches(real_data: Path, series: dict[str, SeriesMarks]) -> list[Match]:
    rows = defaultdict(list)
    for row in read_rows(real_data / "lidc" / "nodule_size_list.csv"):
        rows[row.case, row.scan].append(row)
    candidates = series_of_cases(real_data / "lidc" / "patients.csv", series)
    found = []
    for (case, _), of_scan in sorted(rows.items()):
        found += best_matches(of_scan, candidates[case])
    return found


def read_rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [Row(r[0], r[1], int(r[2]), *map(float, r[3:7]), int(r[7]), frozenset(filter(None, r[9:]))) for r in rows]


def series_of_cases(path: Path, series: dict[str, SeriesMarks]) -> dict[str, list[SeriesMarks]]:
    cases = defaultdict(list)
    with path.open(newline="") as file:
        pairs = {(line["patient_id"][-4:], line["series_uid"]) for line in csv.DictReader(file)}
    for case, uid in sorted(pairs):
        if uid in series:
            cases[case].append(series[uid])
    return cases


def best_matches(rows: list[Row], candidates: list[SeriesMarks]) -> list[Match]:
    """Match the rows of one scan; of a patient's series take the one with the most IDs in common."""
    options = [matches_in(rows, marks) for marks in candidates]
    return max(options, key=lambda option: sum(match.common for match in option), default=[])


def matches_in(rows: list[Row], marks: SeriesMarks) -> list[Match]:
    nodules = [nodule for nodule in find_nodules(marks) if nodule.kind == "nodule"]
    z_mm = sorted({contour.z_mm for mark in marks.marks for contour in mark.contours})
    slice_mm = min(step for step in np.diff(z_mm) if step > 0.01)
    pairs = [(row, max(nodules, key=lambda nodule: closeness(row, nodule))) for row in rows]
    errors = slice_errors(pairs, slice_mm)
    plain = [Match(row, nodule, slice_mm, error) for (row, nodule), error in zip(pairs, errors, strict=True)]
    return [Match(m.row, m.nodule, slice_mm, m.slice_error, tuple(o for o in plain if o is not m)) for m in plain]


def closeness(row: Row, nodule: Nodule) -> tuple[int, float]:
    column, y, _ = nodule.median_centroid
    return len(row.ids & ids_of(nodule)), -float(np.hypot(column - row.column, y - row.row))


def slice_errors(pairs: list[tuple[Row, Nodule]], slice_mm: float) -> np.ndarray:
    """Slices between the listed and our centroid, up to one offset and one direction of counting for the scan."""
    z = np.array([nodule.median_centroid[2] for _, nodule in pairs]) / slice_mm
    listed = np.array([row.slice_number for row, _ in pairs])
    options = []
    for direction in (-1, 1):
        offset = listed - direction * z
        options.append(offset - (offset.min() + offset.max()) / 2)
    return min(options, key=lambda errors: np.abs(errors).max())


def relative_error(match: Match, voxels_of) -> float:
    """Relative error of the equivalent diameter; mm3 of a voxel from the other rows of the scan."""
    voxel_mm3 = statistics.median(other.row.volume_mm3 / median_voxels(other.nodule) for other in match.others)
    ours_mm = equivalent_diameter_mm(voxels_of(match.nodule) * voxel_mm3)
    return abs(ours_mm / match.row.diameter_mm - 1)


def test_every_file_is_read_or_its_skip_explained(real_data: Path, series: dict[str, SeriesMarks], report: LidcReport):
    files = list((real_data / "lidc" / "xml").rglob("*.xml"))
    assert report.files == len(files) == 172
    assert (report.read, len(report.radiographs), report.problems) == (166, 6, [])
    assert len(series) == report.series == 156
    assert sum("sessions repeat" in note for note in report.notes) == 10  # copies of four series' files
    assert sum("regions of a single point" in note for note in report.notes) == 8


def test_odd_numbers_of_sessions(series: dict[str, SeriesMarks]):
    assert sorted(marks.sessions for marks in series.values() if marks.sessions != 4) == [3, 8]


def test_at_least_97_percent_of_the_size_list_is_matched(matches: list[Match]):
    assert len(matches) >= 470
    missed = [(m.row.case, m.row.number, m.common, m.centroid_error_px, m.slice_error) for m in matches if not m.holds]
    assert sum(match.holds for match in matches) >= 0.97 * len(matches), missed


def test_groups_hold_the_ids_of_the_list_and_no_others(matches: list[Match]):
    assert all(match.row.ids == ids_of(match.nodule) for match in matches)


def test_diameters_agree_with_the_list(matches: list[Match]):
    comparable = [match for match in matches if match.others]
    assert len(comparable) > 350
    assert statistics.median(relative_error(match, median_voxels) for match in comparable) < 0.05
    assert statistics.median(relative_error(match, lambda n: n.consensus.voxels) for match in comparable) < 0.05


def test_volumes_are_the_lists_to_the_digit(matches: list[Match]):
    """The median of the readers' voxels: so outlines, holes and small regions are counted as the list counts them."""
    comparable = [match for match in matches if match.others]
    exact = [match for match in comparable if relative_error(match, median_voxels) < 5e-4]
    assert len(exact) >= 0.97 * len(comparable)
