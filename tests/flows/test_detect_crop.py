"""The shipped detector on the lungs' part of a scan: the marks of the whole scan, in less of it."""

from typing import Any

import numpy as np
import pytest
import torch

from lungdet.detection.findings import make_report
from lungdet.engines.save_findings import volume_of
from lungdet.records import Finding
from lungdet.transforms import LoadCTd, MakePhantomd
from lungdet.workflows import Detector

pytestmark = pytest.mark.slow


def search(scan: dict[str, Any], crop: bool) -> tuple[torch.Tensor, tuple[Finding, ...]]:
    """Detect in a scan in memory: what the network saw, and all that it marks from .02."""
    detector = Detector(overrides={"min_score": 0.02, "crop_to_lungs": crop}, device="cpu")
    item: dict[str, Any] = dict(scan)
    for step in detector.preprocessing.flatten().transforms:  # type: ignore[attr-defined]
        item = item if isinstance(step, LoadCTd) else step(item)
    with torch.no_grad():
        item["pred"] = detector.inferer(item["image"].as_tensor()[None], detector.network)[0]
    item = detector.postprocessing(item)
    volume = volume_of(item["ct"])
    affines = item["image"].affine, item["ct"].affine
    boxes, scores = item["pred_box"], item["pred_score"]
    report = make_report(boxes, scores, *affines, volume.array.shape, volume.info, detector.model)
    return item["image"], report.findings


def test_the_marks_of_the_lungs_part_are_those_of_the_whole_scan():
    scan = MakePhantomd(image_key="ct", spacing_mm=(3.0, 3.0, 3.0), shape=(120, 110, 60))({"seed": 911_201})
    (whole, marks), (part, found) = search(scan, crop=False), search(scan, crop=True)
    assert part.numel() < 0.7 * whole.numel()
    first = torch.linalg.solve(whole.affine, part.affine)[:3, 3]
    x, y, z = (slice(int(low), int(low) + n) for low, n in zip(first.round(), part.shape[1:], strict=True))
    assert (part.as_tensor() - whole.as_tensor()[:, x, y, z]).abs().max() < 1e-4
    assert not (first.round() % torch.tensor([16.0, 16.0, 2.0])).any()
    # 20 mm off the part's border: nothing that the network sees there has changed
    sure = [mark for mark in marks if mark.score >= 0.1 and inside(mark, part, 14)]
    assert len(sure) >= 5
    for mark in sure:
        twin = min(found, key=lambda one: float(np.subtract(one.center_lps_mm, mark.center_lps_mm).__pow__(2).sum()))
        assert twin.score == pytest.approx(mark.score, abs=0.01)
        assert np.array(twin.box_lps_mm) == pytest.approx(np.array(mark.box_lps_mm), abs=0.1)


def test_the_scan_as_read_is_not_written_to():
    scan = MakePhantomd(image_key="ct", spacing_mm=(1.4, 1.4, 1.4), shape=(64, 64, 32))({"seed": 1})
    before = scan["ct"].clone()
    image, _ = search(scan, crop=False)  # on the network's grid already: nothing is resampled
    assert image.shape == before.shape
    assert torch.equal(scan["ct"].as_tensor(), before.as_tensor())
    assert torch.equal(scan["ct"].affine, before.affine)


def inside(mark: Finding, part: Any, border: int) -> bool:
    """Whether the middle of a mark lies at least some voxels off a part's border."""
    place = torch.tensor(
        [-mark.center_lps_mm[0], -mark.center_lps_mm[1], mark.center_lps_mm[2], 1], dtype=torch.float64
    )
    voxel = torch.linalg.solve(part.affine, place)[:3]
    return bool((voxel >= border).all() and (voxel < torch.tensor(part.shape[1:]) - border).all())
