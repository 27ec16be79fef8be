"""The FROC metric against the figures of LUNA16's own evaluation of a published detector."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from lungdet.metrics import FrocResult, NoduleFROC


def read_points(path: Path) -> dict[str, np.ndarray]:
    """Read ``uid,x,y,z,value`` into ``(N, 4)`` for each UID."""
    rows = defaultdict(list)
    with path.open(newline="") as file:
        for uid, *numbers in list(csv.reader(file))[1:]:
            rows[uid].append([float(number) for number in numbers])
    return {uid: np.array(numbers) for uid, numbers in rows.items()}


@pytest.fixture(scope="module")
def result(real_data: Path) -> FrocResult:
    folder = real_data / "luna16"
    nodules, excluded = read_points(folder / "annotations.csv"), read_points(folder / "annotations_excluded.csv")
    marks = read_points(folder / "deeplung_dpn26_predictions.csv")
    nothing = np.empty((0, 4))
    metric = NoduleFROC()
    for uid in (folder / "seriesuids.csv").read_text().split():
        mark, nodule, other = (points.get(uid, nothing) for points in (marks, nodules, excluded))
        metric.update_scan(mark[:, :3], mark[:, 3], nodule[:, :3], nodule[:, 3], other[:, :3], other[:, 3])
    return metric.result()


def test_sensitivities_and_cpm_are_those_published(result: FrocResult) -> None:
    golden = [0.6922, 0.7690, 0.8238, 0.8651, 0.8929, 0.9174, 0.9334]
    np.testing.assert_allclose(result.sensitivities, golden, atol=5e-5)
    assert result.cpm == pytest.approx(0.8419658, abs=5e-8)


def test_every_mark_and_nodule_is_accounted_for(result: FrocResult) -> None:
    assert (result.scans, result.nodules) == (888, 1186)
    assert (result.true_positives, result.false_positives, result.false_negatives) == (1136, 46078, 50)
    assert (result.marks, result.on_excluded, result.double_hits) == (52708, 5308, 186)
