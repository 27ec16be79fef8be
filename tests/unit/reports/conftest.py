"""A small volume with findings, made by hand."""

from datetime import datetime, timezone

import numpy as np
import pytest

from lungdet.geometry import frames
from lungdet.records import CTVolume, DetectionReport, Finding, ModelInfo, SeriesInfo

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
