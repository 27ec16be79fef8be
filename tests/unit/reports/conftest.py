"""A small volume with findings, made by hand."""

import dataclasses
from datetime import datetime, timezone

import numpy as np
import pytest

from lungdet.geometry import frames
from lungdet.records import (
    CTVolume,
    DetectionReport,
    Finding,
    LungsFound,
    LungSideFacts,
    ModelInfo,
    NoduleAnswer,
    NoduleGrowth,
    NoduleMeasurement,
    RatingAnswer,
    ScanRiskAnswer,
    SeriesInfo,
)

CREATED = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
AFFINE = np.array([[1.0, 0, 0, -40.0], [0, 1.0, 0, -30.0], [0, 0, 2.5, 100.0], [0, 0, 0, 1]])
SHAPE = (80, 60, 20)


def finding(box: tuple[float, ...], score: float, affine: np.ndarray = AFFINE) -> Finding:
    return Finding(tuple(frames.boxes_to_world(np.array([box], float), affine)[0].tolist()), box, score)


@pytest.fixture
def volume() -> CTVolume:
    array = np.random.default_rng(0).integers(-1000, 400, SHAPE).astype(np.int16)
    uids = tuple(f"1.2.3.{n}" for n in range(SHAPE[2]))
    info = SeriesInfo("/data/chest", "1.2.3", "1.2", uids, "Thorax", "B60f", 3.0, ("2 duplicate slices dropped",))
    return CTVolume(array, AFFINE, info)


@pytest.fixture
def report(volume: CTVolume) -> DetectionReport:
    findings = (finding((50, 10, 4, 58, 18, 7), 0.9), finding((10.5, 40, 12, 16, 46.25, 14), 0.25))
    return DetectionReport(
        volume.info, SHAPE, tuple(map(tuple, AFFINE.tolist())), findings, ModelInfo("net", "0.1.0", "ab" * 32), "0.1.0"
    )


@pytest.fixture
def created() -> datetime:
    return CREATED


@pytest.fixture
def analyzed(report: DetectionReport) -> DetectionReport:
    """The same findings, the first one measured and classified, the second one not."""
    measurement = NoduleMeasurement(
        (13.5, -16.5, 112.5), 300.0, 9.0, 7.0, 5, ((49.5, 14.0), (58.5, 14.0), (54.0, 10.5), (54.0, 17.5)),
        -250.0, 0.25, "part_solid", pleural_distance_mm=4.5, side="left", notes=("slices are <thick>",), version=1,
    )  # fmt: skip
    malignancy = RatingAnswer.of_levels("malignancy", (0, 0, 0.5, 0.5, 0))
    growth = NoduleGrowth(200.0, 300.0, 90.0, "grows", 153.9, 100.0, None, 2.5)
    answer = NoduleAnswer(0.875, (0.125, 0.5, 0.25, 0.125), (malignancy,), 1.0)
    first, second = report.findings
    lung = LungSideFacts(2500.0, -850.5, 2.25)
    return dataclasses.replace(
        report,
        findings=(
            dataclasses.replace(first, measurement=measurement, answer=answer, detector_score=0.75, growth=growth),
            dataclasses.replace(second, notes=("not measured: nothing stands out <here>",)),
        ),
        lungs=LungsFound(LungSideFacts(5000.0, -850.5, 2.25), lung, lung, (1.0, 2.0, 3.5), notes=("one <note>",)),
        risk=ScanRiskAnswer(0.125, ModelInfo("scan_risk", "0.1.0", "cd" * 32), 6),
        models=(ModelInfo("nodule_classifier", "0.1.0", "ef" * 32), ModelInfo("scan_risk", "0.1.0", "cd" * 32)),
        notes=("scores are of detector & classifier together",),
    )
