"""What a training list holds of the readers' ratings, against the XML files read again by other, plainer means.

Which marks are of one nodule comes here from the published size list, not from lungdet's own grouping: it names the IDs
that the readers gave. Ratings come straight from the XML with ``xml.etree``.
"""

import csv
import statistics
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lungdet.datalists import LidcChoice, build_lidc
from lungdet.engines import rating_shares
from lungdet.records import ORDINAL_RATINGS, RatingTarget

NEAR_PX = 20.0  # IDs such as "0" come several times in a file: the place tells which mark is meant


@dataclass(frozen=True)
class PlainMark:
    """A rated mark as it stands in a file."""

    session: int
    name: str
    ratings: tuple[tuple[str, int], ...]
    center: tuple[float, float]
    points: int


def read_plainly(folder: Path) -> dict[str, list[PlainMark]]:
    """Every rated mark by series UID; the same mark in a copy of its file counts once."""
    marks: dict[str, dict[PlainMark, None]] = defaultdict(dict)
    for path in sorted(folder.rglob("*.xml")):
        root = ET.parse(path).getroot()  # noqa: S314
        uid = root.findtext(".//{*}SeriesInstanceUid")
        for session, reading in enumerate(root.findall("{*}readingSession")):
            for found in reading.findall("{*}unblindedReadNodule"):
                rated = found.find("{*}characteristics")
                xy = [(int(e[0].text), int(e[1].text)) for e in found.iter() if e.tag.endswith("}edgeMap")]
                if rated is None or len(rated) == 0 or not xy:
                    continue
                ratings = tuple((each.tag.split("}")[1], int(each.text)) for each in rated)
                center = (statistics.fmean(x for x, _ in xy), statistics.fmean(y for _, y in xy))
                marks[uid][PlainMark(session, found.findtext("{*}noduleID").strip(), ratings, center, len(xy))] = None
    return {uid: list(found) for uid, found in marks.items()}


def values_of(marks: list[PlainMark], name: str) -> list[int]:
    """One value for each reader: of the mark with most points where there are several."""
    by_reader = {}
    for mark in sorted(marks, key=lambda mark: mark.points):
        by_reader[mark.session] = dict(mark.ratings)[name]
    return sorted(by_reader.values())


@dataclass(frozen=True)
class Pair:
    """A row of the size list: what the list of lungdet says of it, and its marks as they stand in the file."""

    row: tuple[str, str, str]
    facts: dict
    marks: list[PlainMark]


@pytest.fixture(scope="module")
def built(real_data: Path):
    return build_lidc([real_data / "lidc" / "xml"], choice=LidcChoice(min_readers=1))


@pytest.fixture(scope="module")
def plain(real_data: Path) -> dict[str, list[PlainMark]]:
    return read_plainly(real_data / "lidc" / "xml")


@pytest.fixture(scope="module")
def pairs(real_data: Path, built, plain: dict[str, list[PlainMark]]) -> list[Pair]:
    series = defaultdict(set)
    with (real_data / "lidc" / "patients.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            series[line["patient_id"][-4:]].add(line["series_uid"])
    found = []
    with (real_data / "lidc" / "nodule_size_list.csv").open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            place, names = np.array([float(row[5]), float(row[6])]), set(filter(None, row[9:]))
            for entry in [entry for entry in built.entries if entry.series_uid in series[row[0]]]:
                near = [item for item in entry.boxes if is_meant(item, place, names)]
                marks = [
                    mark
                    for mark in plain.get(entry.series_uid, [])
                    if mark.name in names and np.hypot(*np.subtract(mark.center, place)) < NEAR_PX
                ]
                if near and {mark.name for mark in marks} == names:
                    found.append(Pair((row[0], row[1], row[2]), near[0].facts, marks))
    return found


def is_meant(item, place: np.ndarray, names: set[str]) -> bool:
    middle = (np.array(item.box[:2]) + item.box[3:5]) / 2
    return bool(np.hypot(*(middle - place)) < NEAR_PX) and names <= set(item.facts["nodule_ids"])


def test_every_row_of_the_size_list_has_its_nodule(pairs: list[Pair]):
    assert len(pairs) == len({pair.row for pair in pairs}) == 473


def test_median_spread_and_readers_of_every_nodule(pairs: list[Pair]):
    wrong = []
    for pair in pairs:
        for name in ORDINAL_RATINGS:
            values, ours = values_of(pair.marks, name), pair.facts["ratings"][name]
            target = RatingTarget.of_values(name, ours["values"])
            wanted = (statistics.median(values), max(values) - min(values), len(values))
            if (ours["median"], ours["spread"], len(ours["values"])) != wanted:
                wrong.append((pair.row, name, values, ours))
            if (target.median, target.spread, target.readers) != wanted:
                wrong.append((pair.row, name, values, target))
    assert wrong == []


def test_shares_of_every_nodule(pairs: list[Pair]):
    for pair in pairs:
        shares = rating_shares(pair.facts["ratings"]).numpy()
        wanted = [
            [np.mean(np.array(values_of(pair.marks, name)) > level) for level in range(1, 5)]
            for name in ORDINAL_RATINGS
        ]
        assert np.allclose(shares, wanted)


def test_types_of_every_nodule(pairs: list[Pair]):
    for pair in pairs:
        texture, calcification = values_of(pair.marks, "texture"), values_of(pair.marks, "calcification")
        median = statistics.median(texture)
        density = "ground_glass" if median <= 2 else "solid" if median >= 4 else "part_solid"
        absent = sum(value == 6 for value in calcification) > len(calcification) / 2
        assert pair.facts["type"] == (density if absent else "calcified")


#: Looked up by eye in the XML files: file, IDs, and what the readers gave, reader by reader.
BY_EYE = {
    # Four readers of one large nodule.
    ("157/158.xml", "3"): {"malignancy": [3, 4, 5, 3], "texture": [5, 4, 5, 4], "spiculation": [1, 1, 3, 4],
                           "lobulation": [1, 3, 4, 4], "subtlety": [5, 4, 5, 5], "calcification": [6, 6, 6, 6]},
    # They agree on its malignancy, and not on its texture.
    ("185/220.xml", "206669"): {"malignancy": [3, 3, 3, 3], "texture": [1, 2, 4, 2], "margin": [3, 5, 3, 3],
                                "sphericity": [2, 3, 3, 3], "calcification": [6, 6, 6, 6]},
    # Four saw it; the reader who took it for < 3 mm gave no ratings.
    ("157/162.xml", "12781"): {"malignancy": [3, 4, 3], "texture": [5, 3, 2], "margin": [3, 2, 2],
                               "calcification": [6, 6, 6]},
    # Calcified, but for one reader.
    ("185/088.xml", "Nodule 005"): {"malignancy": [2, 1, 1, 1], "texture": [5, 5, 5, 5],
                                    "calcification": [6, 3, 3, 3]},
    # The fourth reader drew two pieces, of 115 and 153 points, malignancy 4 and 5: the larger speaks.
    ("186/031.xml", "126773"): {"malignancy": [3, 2, 4, 5], "texture": [4, 4, 5, 5], "sphericity": [3, 2, 3, 3],
                                "calcification": [6, 6, 6, 6]},
}  # fmt: skip
#: From these numbers by hand: type, median malignancy, spread, readers, shares above 1 to 4.
BY_HAND = {
    ("157/158.xml", "3"): ("solid", 3.5, 2, 4, (1, 1, 0.5, 0.25)),
    ("185/220.xml", "206669"): ("ground_glass", 3, 0, 4, (1, 1, 0, 0)),
    ("157/162.xml", "12781"): ("part_solid", 3, 1, 3, (1, 1, 1 / 3, 0)),
    ("185/088.xml", "Nodule 005"): ("calcified", 1, 1, 4, (0.25, 0, 0, 0)),
    ("186/031.xml", "126773"): ("solid", 3.5, 3, 4, (1, 0.75, 0.5, 0.25)),
}


@pytest.mark.parametrize("key", BY_EYE, ids=lambda key: " ".join(key))
def test_the_sample_that_was_looked_up_by_eye(built, key: tuple[str, str]):
    file, name = key
    (facts,) = [
        item.facts
        for entry in built.entries
        for item in entry.boxes
        if entry.sources == (file,) and name in item.facts["nodule_ids"] and len(item.facts["nodule_ids"]) > 2
    ]
    for rating, values in BY_EYE[key].items():
        assert facts["ratings"][rating]["values"] == sorted(values), rating
    target = RatingTarget.of_values("malignancy", facts["ratings"]["malignancy"]["values"])
    assert (facts["type"], target.median, target.spread, target.readers) == BY_HAND[key][:4]
    assert rating_shares(facts["ratings"])[0].tolist() == pytest.approx(BY_HAND[key][4])


def test_how_many_there_are_of_each_type(built):
    facts = [item.facts for entry in built.entries for item in entry.boxes]
    assert Counter(known["type"] for known in facts) == {
        "solid": 362, "calcified": 47, "ground_glass": 37, "part_solid": 30,
    }  # fmt: skip
    kinds = Counter(item.facts["kind"] for entry in built.entries for item in entry.ignored)
    assert kinds == {"non_nodule": 1715, "small_nodule": 765}
