"""From CT studies to scores, and a guard before the detector, with a regressor that reads a mark in each slice."""

import csv
import dataclasses
import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet import cli
from lungdet.lesions import ScoreScale
from lungdet.phantoms import write_dicom_series
from lungdet.records import CTVolume, SeriesInfo
from lungdet.reports.scan_score_files import score_line
from lungdet.workflows import BodyScorer, BundleError, score
from lungdet.workflows.lung_guard import LungGuard
from lungdet.workflows.score_studies import one_slice_alone

# The brightest voxel of a slice tells its height in the trunk: 1000 HU above 100 for the whole trunk.
COMMON = """\
imports: [$import torch]
bundle_root: .
device: cpu
network: {_target_: torch.nn.Linear, in_features: 1, out_features: 1}
checkpoint: $@bundle_root + '/models/model.pt'
score_file: $@bundle_root + '/models/score.json'
inferer: "$lambda network, volume: (volume.array.max(axis=(0, 1)).astype(float) - 100) / 1000"
"""
SCALE = ScoreScale(1.0, 0.0, 0.4, 0.7, (0.1, 0.45), (0.0, 1.0), (1 / 900, 1 / 800, 1 / 700), 0.02)
TRUNK_MM, STEP_MM = 800.0, 8.0


def trunk(top: float, bottom: float, source: str = "made", lungs: bool = True) -> CTVolume:
    """A scan from one height in the trunk to another: a box of tissue with its mark, and lungs in the chest."""
    heights = np.arange(bottom, top, -STEP_MM / TRUNK_MM)  # to the head
    array = np.full((48, 40, len(heights)), -1000, dtype=np.int16)
    array[6:42, 8:32] = 40
    array[20, 20] = 100 + 1000 * heights
    if lungs:
        array[10:18, 12:28, (heights > 0.1) & (heights < 0.4)] = -850
        array[28:38, 12:28, (heights > 0.1) & (heights < 0.4)] = -850
    affine = np.diag([8.0, 8.0, STEP_MM, 1.0])
    affine[2, 3] = -bottom * TRUNK_MM
    return CTVolume(array, affine, SeriesInfo(source))


AIR = CTVolume(np.full((40, 40, 30), -1000, np.int16), np.diag([8.0, 8.0, 8.0, 1.0]), SeriesInfo("air"))


def turned(volume: CTVolume) -> CTVolume:
    """The same scan with the head where the feet should be."""
    return dataclasses.replace(volume, array=volume.array[:, :, ::-1].copy())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bundles") / "marks"
    for folder in ("configs", "models"):
        (root / folder).mkdir(parents=True)
    (root / "configs" / "common.yaml").write_text(COMMON)
    (root / "configs" / "inference.yaml").write_text("dataset_dir: ''\n")
    (root / "configs" / "metadata.json").write_text('{"name": "marks", "version": "0.1.0"}')
    torch.save(torch.nn.Linear(1, 1).state_dict(), root / "models" / "model.pt")
    SCALE.save(root / "models" / "score.json")
    with pytest.raises(ValueError, match="fit it again to them"):
        BodyScorer(root)  # this scale knows no weights
    full = hashlib.sha256((root / "models" / "model.pt").read_bytes()).hexdigest()
    dataclasses.replace(SCALE, weights_sha256=full).save(root / "models" / "score.json")
    return root


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> BodyScorer:
    return BodyScorer(bundle)


def test_a_chest_is_a_chest(scorer: BodyScorer):
    scan = scorer(trunk(0.05, 0.55))
    assert [part.region for part in scan.covered] == ["chest", "abdomen"]
    assert [part.extent_mm for part in scan.covered] == [280.0, 120.0]
    assert scan.lungs_mm == pytest.approx((-84.0, -320.0), abs=1.1 * STEP_MM)
    assert scan.line.tau == 1.0
    assert scan.line.rate_per_mm == pytest.approx(1 / TRUNK_MM)
    assert not scan.flags
    assert scan.model.name == "marks"


def test_axes_of_the_image_do_not_matter(scorer: BodyScorer):
    volume = trunk(0.05, 0.55)
    affine = volume.affine_lps[:, [2, 0, 1, 3]].copy()
    affine[:3, 3] += affine[:3, 0] * (volume.array.shape[2] - 1)
    affine[:3, 0] *= -1  # slices come first, and from the head
    other = CTVolume(volume.array.transpose(2, 0, 1)[::-1], affine, volume.info)
    seen, expected = scorer(other), scorer(volume)
    assert (seen.z_mm, seen.score, seen.flags) == (expected.z_mm, expected.score, expected.flags)
    assert seen.slice_index == tuple(range(volume.array.shape[2]))  # from the head, as this image runs
    assert expected.slice_index == seen.slice_index[::-1]


def test_an_oblique_image_is_refused(scorer: BodyScorer):
    turn = np.eye(4)
    turn[:2, :2] = [[0.7071, -0.7071], [0.7071, 0.7071]]
    with pytest.raises(ValueError, match=r"made: .*45 degrees"):
        scorer(CTVolume(np.zeros((8, 8, 8), np.int16), turn, SeriesInfo("made")))


def test_fewer_slices_say_the_same(scorer: BodyScorer):
    whole, part = scorer(trunk(0.05, 0.85)), scorer(trunk(0.05, 0.85), most_slices=16)
    assert len(part.z_mm) <= 16
    assert part.line.rate_per_mm == pytest.approx(whole.line.rate_per_mm)
    assert {one.region for one in part.covered} == {one.region for one in whole.covered}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (trunk(0.05, 0.55), []),
        (trunk(0.0, 1.0), []),
        (trunk(0.5, 1.0), ["no slice holds lung: they score as abdomen and pelvis"]),
        (turned(trunk(0.05, 0.55)), ["upside down"]),
        (turned(trunk(0.5, 1.0)), ["upside down", "no slice holds lung"]),
        (trunk(0.05, 0.35, lungs=False), ["none holds as much air"]),
        (AIR, ["shows a body"]),
        (trunk(0.3, 0.31), []),
        (trunk(0.8, 0.81), ["no slice holds lung: they score as pelvis"]),
    ],
    ids=["chest", "whole", "belly", "turned", "belly turned", "no air", "all air", "one slice", "one of pelvis"],
)
def test_the_guard_warns_of_what_is_no_chest(bundle: Path, volume: CTVolume, expected: list[str]):
    warnings = LungGuard(bundle)(volume)
    assert len(warnings) == len(expected)
    assert all(words in warning for words, warning in zip(expected, warnings, strict=True))


def test_without_weights_there_is_no_guard(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    guard = LungGuard(tmp_path / "nowhere")
    assert guard(trunk(0.5, 1.0)) == ()
    assert guard(trunk(0.5, 1.0)) == ()
    (record,) = caplog.records
    assert "no guard against scans without lungs" in record.message


def test_the_guard_lets_pass_what_it_cannot_judge(bundle: Path, caplog: pytest.LogCaptureFixture):
    guard = LungGuard(bundle)
    guard.scorer.raw_scores = lambda network, volume: np.full(volume.array.shape[2], np.nan)
    assert guard(trunk(0.5, 1.0)) == ()
    assert "not checked for lungs" in caplog.text


def test_a_bundle_of_another_kind_is_refused(bundle: Path, tmp_path: Path):
    with pytest.raises(BundleError, match="no body-part regressor"):
        BodyScorer("nodule_detector")
    with pytest.raises(BundleError, match="no scale of the scores there"):
        BodyScorer(bundle, overrides={"score_file": str(tmp_path / "none.json")})


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """A good study, one with a gap, a single slice, and one that cannot be read."""
    made = {"good": trunk(0.05, 0.55), "gap": trunk(0.1, 0.5), "one": trunk(0.3, 0.31)}
    for number, (name, volume) in enumerate(made.items()):
        write_dicom_series(volume, tmp_path / "in" / name, seed=number)
    files = sorted((tmp_path / "in" / "gap").glob("*.dcm"))
    for path in files[10:14]:
        path.unlink()
    (tmp_path / "in" / "bad").mkdir()
    (tmp_path / "in" / "bad" / "notes.txt").write_text("nothing here")
    return tmp_path / "in"


def test_studies_become_files(bundle: Path, studies: Path, tmp_path: Path):
    sources = [studies / name for name in ("good", "gap", "one", "bad")]
    summary = score(sources, tmp_path / "out", bundle=bundle, progress=False)
    assert [study.source for study in summary.failed] == [str(studies / "bad")]
    good, gap, one, _ = summary.studies
    assert not good.scan.flags
    assert {path.name for path in good.folder.iterdir()} == {"score.json", "slices.csv", "score.png"}
    assert [flag.kind for flag in gap.scan.flags] == ["gap"]
    assert len(gap.scan.z_mm) == 36  # what the reader made to fill the gap does not count
    assert [flag.kind for flag in one.scan.flags] == ["few_slices"]
    assert one.scan.lungs_mm is not None
    rows = list(csv.DictReader(summary.table.read_text().splitlines()))
    assert [row["flags"] for row in rows] == ["", "gap", "few_slices", ""]
    assert [bool(row["error"]) for row in rows] == [False, False, False, True]
    content = json.loads((gap.folder / "score.json").read_text())
    marked = [row for row in content["slices"] if "gap" in row["flags"]]
    assert marked[0]["z_mm"] - marked[1]["z_mm"] == pytest.approx(5 * STEP_MM)
    assert content["holds_lungs"]


def test_one_slice_is_as_high_as_thick_and_need_not_hold_lungs(scorer: BodyScorer):
    volume = trunk(0.8, 0.805)
    judged = scorer(volume)
    assert (len(judged.z_mm), judged.has("no_lungs")) == (1, True)
    told = one_slice_alone(judged, volume)
    assert [flag.kind for flag in told.flags] == ["few_slices"]
    assert f"1 slice: pelvis {STEP_MM:.0f} mm; flags: few_slices" in score_line(told)
    several = trunk(0.5, 1.0)
    assert one_slice_alone(scorer(several), several).has("no_lungs")


def test_a_second_run_replaces_its_own_files_only(bundle: Path, studies: Path, tmp_path: Path):
    first = score(studies / "good", tmp_path / "out", bundle=bundle, progress=False)
    folder = first.studies[0].folder
    (folder / "findings.json").write_text("{}")
    score(studies / "good", tmp_path / "out", bundle=bundle, plot=False, progress=False)
    assert {path.name for path in folder.iterdir()} == {"score.json", "slices.csv", "findings.json"}


def test_the_command_line(bundle: Path, studies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["score", str(studies / "gap"), str(studies / "bad"), "--bundle", str(bundle), "--no-plot"]
    assert cli.main([*arguments, "-o", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    assert "36 slices: chest 208 mm, abdomen 80 mm, lungs over 208 mm" in line
    assert "flags: gap; results: " in line
    assert f"lungdet: error: {studies / 'bad'}" in printed.err
    good = ["score", str(studies / "good"), "--bundle", str(bundle), "--no-plot", "-o", str(tmp_path / "good")]
    assert cli.main(good) == 0


def test_flags_are_told_in_the_log(
    bundle: Path, studies: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    with caplog.at_level(logging.WARNING, "lungdet.score"):
        cli.main(["score", str(studies / "gap"), "--bundle", str(bundle), "--no-plot", "-o", str(tmp_path / "out")])
    (record,) = [record for record in caplog.records if record.name == "lungdet.score"]
    assert "40.0 mm between two slices, where 8.0 mm are usual" in record.getMessage()
    assert capsys.readouterr().out.count("\n") == 1
