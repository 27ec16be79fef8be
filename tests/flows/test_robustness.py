"""Scans as they should not be, through the whole inference path: the right answer, or an error that helps.

The network is small and has random weights: what is tested are the roads to it and back, not what it has learned.
"""

import dataclasses
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
import torch

from lungdet.geometry.frames import boxes_to_world
from lungdet.networks import NoduleDetector
from lungdet.phantoms import make_chest, write_dicom_series, write_nifti
from lungdet.readers import read_ct
from lungdet.records import CTVolume, DetectionReport, SeriesInfo
from lungdet.workflows import DetectSummary, detect

SPACING_MM = 2.8
SHAPE = (96, 96, 64)
FORMATS = (".nii", ".nii.gz", ".mhd", ".nrrd")
# Which axis of the patient each array axis runs along, and which of them run backwards.
ORDERS = list(itertools.permutations(range(3)))
TURNS = list(itertools.product((False, True), repeat=3))


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of the shipped bundle for a small network, in float32 and on a coarse grid."""
    torch.manual_seed(0)
    network = NoduleDetector(
        channels=(8, 8, 12, 16), feature_channels=8, hidden_channels=8, head_channels=8, second_look=True, candidates=20
    ).eval()
    for weight in network.parameters():
        if weight.ndim > 1:  # as PyTorch fills them all scores are nearly the same, and their order is a matter of luck
            torch.nn.init.kaiming_normal_(weight)
    weights = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), weights)
    return {
        "network_def": network,
        "checkpoint": str(weights),
        "precision": "float32",
        "spacing_mm": [SPACING_MM] * 3,
        "min_score": 0.0,
        "max_findings": 15,
    }


@pytest.fixture(scope="module")
def chest() -> CTVolume:
    return make_chest(5, spacing_mm=(SPACING_MM, SPACING_MM, 4.0), shape=(96, 88, 44)).volume


def find(sources: Iterable[Path], folder: Path, overrides: dict[str, Any], pictures: int = 0) -> DetectSummary:
    return detect(list(sources), folder, device="cpu", overrides=overrides, max_pictures=pictures, progress=False)


def find_one(volume: CTVolume, folder: Path, overrides: dict[str, Any], pictures: int = 1) -> DetectionReport:
    """Detect in a volume that must not fail, and check what must be true of every answer."""
    summary = find([write_nifti(volume, folder / "ct.nii")], folder / "out", overrides, pictures)
    assert [study.error for study in summary.studies] == [""]
    (report,) = summary.reports
    check(report, volume)
    return report


def check(report: DetectionReport, volume: CTVolume) -> None:
    """Boxes lie in the image, and in the patient where the affine says."""
    assert report.shape == volume.array.shape
    for finding in report.findings:
        low, high = np.array(finding.box_voxel[:3]), np.array(finding.box_voxel[3:])
        assert (low >= 0).all()
        assert (high <= volume.array.shape).all()
        assert (low < high).all()
        center = volume.affine_lps[:3, :3] @ ((low + high) / 2 - 0.5) + volume.affine_lps[:3, 3]
        np.testing.assert_allclose(finding.center_lps_mm, center, atol=1e-2)
        assert 0.0 <= finding.score <= 1.0


def plain_volume(values: np.ndarray, spacing_mm: tuple[float, float, float] = (SPACING_MM,) * 3) -> CTVolume:
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = (-120.0, -110.0, -300.0)
    return CTVolume(values, affine, SeriesInfo("made up"))


def rows(report: DetectionReport) -> np.ndarray:
    """Boxes in the patient and scores, one row a finding."""
    return np.array([[*finding.box_lps_mm, finding.score] for finding in report.findings])


@pytest.mark.parametrize("value", [-1000, 0, 60, 3071])
def test_a_constant_image_is_answered(tmp_path: Path, overrides: dict[str, Any], value: int):
    find_one(plain_volume(np.full((40, 36, 20), value, np.int16)), tmp_path, overrides)


@pytest.mark.parametrize("padding", [-2000, -3024, np.nan], ids=str)
def test_nothing_but_padding_is_refused(tmp_path: Path, overrides: dict[str, Any], padding: float):
    kind = np.float32 if np.isnan(padding) else np.int16
    path = write_nifti(plain_volume(np.full((40, 36, 20), padding, kind)), tmp_path / "empty.nii.gz")
    (study,) = find([path], tmp_path / "out", overrides).studies
    assert study.report is None
    assert study.error.startswith(f"{path}: every voxel is padding")
    assert "write it in HU" in study.error


def test_a_dicom_series_of_nothing_but_padding_is_refused(tmp_path: Path, overrides: dict[str, Any]):
    volume = plain_volume(np.full((32, 32, 12), -2000, np.int16))
    write_dicom_series(volume, tmp_path / "empty", seed=1)
    (study,) = find([tmp_path / "empty"], tmp_path / "out", overrides).studies
    assert study.report is None
    assert str(tmp_path / "empty") in study.error
    assert "padding" in study.error


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_few_slices_are_answered(tmp_path: Path, overrides: dict[str, Any], chest: CTVolume, slices: int):
    few = CTVolume(chest.array[:, :, 20 : 20 + slices], chest.affine_lps, chest.info)
    find_one(few, tmp_path, overrides)


def test_two_thousand_slices_are_answered(tmp_path: Path, overrides: dict[str, Any]):
    noise = np.random.default_rng(0).normal(-700, 250, (32, 32, 2000)).astype(np.int16)
    long = plain_volume(noise, (SPACING_MM, SPACING_MM, 1.4))
    grid = {**overrides, "spacing_mm": [SPACING_MM, SPACING_MM, 1.4]}
    report = find_one(long, tmp_path, grid)
    heights = [finding.center_lps_mm[2] for finding in report.findings]
    assert max(heights) - min(heights) > 1000


def test_holes_of_nan_are_padding(tmp_path: Path, overrides: dict[str, Any], chest: CTVolume):
    holed, filled = chest.array.astype(np.float32), chest.array.astype(np.float32)
    holed[:10], filled[:10] = np.nan, -1000.0
    reports = [
        find_one(CTVolume(values, chest.affine_lps, chest.info), tmp_path / name, overrides)
        for name, values in (("holed", holed), ("filled", filled))
    ]
    assert any("padding" in step for step in reports[0].series.steps)
    np.testing.assert_array_equal(*map(rows, reports))


def test_infinity_is_refused(tmp_path: Path, overrides: dict[str, Any], chest: CTVolume):
    values = chest.array.astype(np.float32)
    values[3, 4, 5] = np.inf
    path = write_nifti(CTVolume(values, chest.affine_lps, chest.info), tmp_path / "infinite.nii")
    (study,) = find([path], tmp_path / "out", overrides).studies
    assert study.error.startswith(f"{path}: 1 values are not finite")
    assert "write the file again" in study.error


def test_metal_counts_as_no_more_than_the_window_shows(tmp_path: Path, overrides: dict[str, Any]):
    chest = make_chest(5, spacing_mm=(SPACING_MM,) * 3, shape=SHAPE).volume  # on the network's grid: not resampled
    bone, metal = chest.array.copy(), chest.array.copy()
    place = (slice(40, 52), slice(30, 42), slice(20, 32))
    bone[place], metal[place] = 1200, 30_000
    reports = [
        find_one(CTVolume(values, chest.affine_lps, chest.info), tmp_path / name, overrides)
        for name, values in (("bone", bone), ("metal", metal))
    ]
    assert len(reports[0].findings) == 15
    np.testing.assert_array_equal(*map(rows, reports))


def test_anisotropic_voxels_are_answered(tmp_path: Path, overrides: dict[str, Any]):
    phantom = make_chest(5, spacing_mm=(0.5, 0.5, 5.0), shape=(180, 160, 20))
    report = find_one(phantom.volume, tmp_path, overrides)
    assert report.findings
    # The network sees cubes of voxels, so boxes have no side as long as ten times another.
    sides = np.array([np.subtract(each.box_lps_mm[3:], each.box_lps_mm[:3]) for each in report.findings])
    assert (sides.max(axis=1) < 10 * sides.min(axis=1)).all()


def stored(volume: CTVolume, order: tuple[int, ...], turned: tuple[bool, ...]) -> CTVolume:
    """The same patient, with array axes in another order and of another direction."""
    steps = tuple(slice(None, None, -1) if turn else slice(None) for turn in turned)
    array = np.ascontiguousarray(volume.array.transpose(order)[steps])
    affine = volume.affine_lps[:, [*order, 3]].copy()
    for axis, turn in enumerate(turned):
        if turn:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return CTVolume(array, affine, volume.info)


def write_by_itk(volume: CTVolume, path: Path) -> Path:
    """Write by an outside hand: MetaImage or NRRD."""
    image = SimpleITK.GetImageFromArray(volume.array.transpose(2, 1, 0))
    spacing = np.linalg.norm(volume.affine_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(volume.affine_lps[:3, 3].tolist())
    image.SetDirection((volume.affine_lps[:3, :3] / spacing).ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.fixture(scope="module")
def reference(chest: CTVolume, overrides: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    found = rows(find_one(chest, tmp_path_factory.mktemp("reference"), overrides))
    assert len(found) == 15
    return found


@pytest.mark.slow
def test_order_and_direction_of_the_stored_axes_do_not_matter(
    chest: CTVolume, overrides: dict[str, Any], reference: np.ndarray, tmp_path: Path
):
    """A third of all 48 ways, every order of the axes and every way to turn them, in all formats."""
    ways = [(order, turn) for number, (order, turn) in enumerate(itertools.product(ORDERS, TURNS)) if number % 3 == 0]
    assert {order for order, _ in ways} == set(ORDERS)
    assert {turn for _, turn in ways} == set(TURNS)
    sources, volumes = [], []
    for number, (order, turn) in enumerate(ways):
        volume = stored(chest, order, turn)
        path = tmp_path / str(number) / f"ct{FORMATS[number % len(FORMATS)]}"
        sources.append(write_nifti(volume, path) if ".nii" in path.name else write_by_itk(volume, path))
        volumes.append(volume)
    summary = find(sources, tmp_path / "out", overrides)
    assert [study.error for study in summary.studies] == [""] * len(ways)
    for report, volume in zip(summary.reports, volumes, strict=True):
        check(report, volume)
        np.testing.assert_allclose(rows(report), reference, atol=2e-3)


@pytest.mark.parametrize("turn", [(False, False, True), (True, True, False), (True, False, True)], ids=str)
def test_the_direction_of_a_dicom_series_does_not_matter(
    chest: CTVolume, overrides: dict[str, Any], reference: np.ndarray, tmp_path: Path, turn: tuple[bool, ...]
):
    write_dicom_series(stored(chest, (0, 1, 2), turn), tmp_path / "ct", seed=3)
    (report,) = find([tmp_path / "ct"], tmp_path / "out", overrides).reports
    np.testing.assert_allclose(rows(report), reference, atol=2e-3)


def test_a_mirrored_patient_is_told_from_a_mirrored_file(
    chest: CTVolume, overrides: dict[str, Any], reference: np.ndarray, tmp_path: Path
):
    """Voxels that are turned without their affine are another patient: the invariance must not come from blindness."""
    mirrored = dataclasses.replace(chest, array=chest.array[::-1].copy())
    found = rows(find_one(mirrored, tmp_path, overrides))
    assert np.abs(found - reference).max() > 1.0


def test_a_patient_who_lies_askew_has_the_same_findings(
    chest: CTVolume, overrides: dict[str, Any], reference: np.ndarray, tmp_path: Path
):
    """Another place and a turn by 20 degrees change where boxes lie in the patient, not in the image."""
    angle = np.radians(20.0)
    motion = np.eye(4)
    motion[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    motion[:3, 3] = (300.0, -50.0, 1000.0)
    askew = CTVolume(chest.array, motion @ chest.affine_lps, chest.info)
    report = find_one(askew, tmp_path, overrides)
    edges = np.array([finding.box_voxel for finding in report.findings])
    straight = boxes_to_world(edges, chest.affine_lps)
    np.testing.assert_allclose(straight, reference[:, :6], atol=2e-3)


def test_metal_of_a_dicom_series_is_read_in_full(tmp_path: Path, overrides: dict[str, Any], chest: CTVolume):
    """A scanner's extended scale ends at about 31,000 HU, beyond which 16 bits would wrap around to air."""
    array = chest.array.copy()
    array[40:52, 30:42, 20:32] = 30_000
    volume = CTVolume(array, chest.affine_lps, chest.info)
    write_dicom_series(volume, tmp_path / "ct", seed=4)
    (study,) = find([tmp_path / "ct"], tmp_path / "out", overrides).studies
    assert study.report is not None, study.error
    check(study.report, volume)
    assert read_ct(tmp_path / "ct").array.max() == 30_000
