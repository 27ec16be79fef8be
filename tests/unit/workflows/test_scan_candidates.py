"""A folder of scans and a table of labels become candidates: bad scans are told, and a stopped run goes on."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lungdet.datalists import DatalistError
from lungdet.datalists.scan_list import ScanListEntry, read_scan_list, split_scans
from lungdet.geometry.cubes import cut_cube
from lungdet.readers import AnnotationError, read_ct
from lungdet.readers.candidate_file import read_candidates
from lungdet.records import ModelInfo, SeriesInfo
from lungdet.reports.candidate_file import write_candidates
from lungdet.workflows import find_candidates
from lungdet.workflows.candidate_finder import CandidateFinder, cut_candidates
from lungdet.workflows.files_print import files_print
from lungdet.workflows.scan_candidates import scan_sources

WriteSeries = Callable[..., SeriesInfo]


@pytest.fixture
def scans(tmp_path: Path, write_series: WriteSeries) -> Path:
    """Folder of four scans, of which one is damaged."""
    for number in range(3):
        write_series(f"scans/s{number}", seed=number)
    (tmp_path / "scans" / "bad").mkdir()
    (tmp_path / "scans" / "bad" / "note.txt").write_text("no scan")
    (tmp_path / "scans" / "labels.csv").write_text("id,cancer\ns0,1\ns1,0\nbad,0\ngone,1\ns0,1\n")
    return tmp_path / "scans"


def test_every_scan_has_its_cubes_or_its_reason(scans: Path, tiny_bundle: Path, tmp_path: Path):
    summary = find_candidates(scans, tmp_path / "out", scans / "labels.csv", bundle=tiny_bundle, progress=False)
    found = read_scan_list(summary.list_path)
    assert {scan.id: (scan.label, scan.candidates) for scan in found.scans} == {
        "s0": (1, 2),
        "s1": (0, 2),
        "s2": (None, 2),
    }
    assert [scan.part for scan in found.scans if scan.id == "s2"] == ["unlabelled"]
    assert set(found.failed) == {"bad"}
    assert [result.scan for result in summary.failed] == ["bad"]
    told = "\n".join(summary.problems)
    assert "line 6: the scan repeats line 2" in told
    assert "no scan of the name 'gone'" in told
    assert "s2: has no label" in told


def test_parts_that_cannot_serve_are_told(scans: Path, tiny_bundle: Path, tmp_path: Path):
    def weak(**options: Any) -> tuple[str, ...]:
        labels = scans / "labels.csv" if options.pop("labelled", True) else None
        return find_candidates(scans, tmp_path / "out", labels, bundle=tiny_bundle, progress=False, **options).weak

    (scans / "labels.csv").write_text("id,cancer\ns0,1\ns1,0\ns2,0\n")
    everything = {"training": 1.0, "validation": 0.0, "test": 0.0}
    assert weak(shares=everything) == ()
    assert weak(labelled=False) == ()
    (scans / "labels.csv").write_text("id,cancer\ns1,0\ns2,0\n")
    assert weak(shares=everything) == ("training has no positive scan (2 in all)",)
    told = weak()  # two scans for three parts
    assert told[0] == "training has no positive scan (1 in all)"
    assert sorted(part.split(" ", 1)[1] for part in told[1:]) == ["has no positive scan (1 in all)", "has no scan"]


def test_a_label_of_another_name_is_asked_for(scans: Path, tiny_bundle: Path, tmp_path: Path):
    (scans / "labels.csv").write_text("id,malignant\ns0,1\ns1,0\ns2,0\n")
    out = tmp_path / "out"
    with pytest.raises(AnnotationError, match=r"no column cancer; the header has id, malignant; .*--label-column"):
        find_candidates(scans, out, scans / "labels.csv", bundle=tiny_bundle, progress=False)
    found = find_candidates(scans, out, scans / "labels.csv", label="malignant", bundle=tiny_bundle, progress=False)
    assert [scan.label for scan in found.scans.scans] == [1, 0, 0]


def test_what_is_allowed_is_part_of_what_was_kept(scans: Path, tiny_bundle: Path, tmp_path: Path):
    first = CandidateFinder(tiny_bundle, reading={"on_gap": "error", "on_single": "thickness"})
    assert first.settings == "top 6, least score 0.02, on_single thickness"
    assert CandidateFinder(tiny_bundle, reading={"on_gap": "error"}).settings == CandidateFinder(tiny_bundle).settings


def test_the_cubes_are_those_around_the_marks(scans: Path, tiny_bundle: Path, tmp_path: Path):
    find_candidates(scans, tmp_path / "out", bundle=tiny_bundle, progress=False, top=1)
    kept = read_candidates(tmp_path / "out" / "s0.npz")
    assert kept.scores.tolist() == pytest.approx([0.8])
    volume = read_ct(scans / "s0")
    cube = cut_cube(volume.array, volume.affine_lps, kept.centers_lps_mm[0])
    assert np.array_equal(kept.cubes[0], np.rint(cube.hu[0]))
    assert kept.inside[0] == pytest.approx(cube.inside)
    middle = (np.array([20.0, 12, 6]) + [26, 20, 8]) / 2 - 0.5  # of the box, in voxels
    assert kept.centers_lps_mm[0] == pytest.approx(volume.affine_lps[:3, :3] @ middle + volume.affine_lps[:3, 3])


def test_a_stopped_run_goes_on(scans: Path, tiny_bundle: Path, tmp_path: Path):
    out = tmp_path / "out"
    first = find_candidates(scans, out, bundle=tiny_bundle, progress=False)
    assert not any(result.kept for result in first.results)
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.npz")}
    (out / "s1.npz").write_bytes((out / "s1.npz").read_bytes()[:100])
    again = find_candidates(scans, out, bundle=tiny_bundle, progress=False)
    assert {result.scan: result.kept for result in again.results} == {"bad": False, "s0": True, "s1": False, "s2": True}
    assert {name for name, time in times.items() if (out / name).stat().st_mtime_ns != time} == {"s1.npz"}
    other = find_candidates(scans, out, bundle=tiny_bundle, progress=False, top=1)
    assert not any(result.kept for result in other.results)


def test_a_scan_whose_images_changed_is_searched_again(
    scans: Path, tiny_bundle: Path, tmp_path: Path, write_series: WriteSeries
):
    out = tmp_path / "out"
    find_candidates(scans, out, bundle=tiny_bundle, progress=False)
    before = {name: read_candidates(out / f"{name}.npz") for name in ("s0", "s1")}
    shutil.rmtree(scans / "s1")
    write_series("scans/s1", seed=7)
    again = find_candidates(scans, out, bundle=tiny_bundle, progress=False)
    assert {result.scan: result.kept for result in again.results} == {"bad": False, "s0": True, "s1": False, "s2": True}
    assert not np.array_equal(read_candidates(out / "s1.npz").cubes, before["s1"].cubes)
    write_candidates(out / "s0.npz", before["s0"], CandidateFinder(tiny_bundle).settings)  # of no files in particular
    last = find_candidates(scans, out, bundle=tiny_bundle, progress=False)
    assert {result.scan for result in last.results if result.kept} == {"s1", "s2"}


def test_the_print_of_a_scan_is_of_its_files(tmp_path: Path):
    made = [tmp_path / name for name in ("a/1.dcm", "a/2.dcm", "b/1.dcm", "b/2.dcm")]
    for path in made:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12")
        os.utime(path, ns=(0, 10**18))
    first = files_print(tmp_path / "a")
    assert first == files_print(tmp_path / "b")  # wherever the folder lies
    os.utime(made[1], ns=(0, 10**18 + 1))
    touched = files_print(tmp_path / "a")
    made[3].write_bytes(b"123")
    os.utime(made[3], ns=(0, 10**18))
    made[0].rename(tmp_path / "a" / "3.dcm")
    assert len({first, touched, files_print(tmp_path / "a"), files_print(tmp_path / "b")}) == 4


def test_two_studies_under_one_name_are_told(scans: Path, tiny_bundle: Path, tmp_path: Path, write_series: WriteSeries):
    write_series("scans/both/early", seed=4, study_uid="1.1", step_mm=1.0)
    write_series("scans/both/late", seed=5, study_uid="1.2")
    summary = find_candidates(scans, tmp_path / "out", bundle=tiny_bundle, progress=False)
    (error,) = (result.error for result in summary.failed if result.scan == "both")
    assert "2 studies" in error
    assert "1.1 (early/" in error
    assert "1.2 (late/" in error
    assert not (tmp_path / "out" / "both.npz").exists()
    assert "both" in summary.scans.failed


def test_one_series_under_two_names_is_no_two_scans(write_series: WriteSeries, tiny_bundle: Path, tmp_path: Path):
    write_series("scans/a", seed=1)
    write_series("scans/b", seed=1)
    for _ in range(2):  # also where the first is there from an earlier run
        summary = find_candidates(tmp_path / "scans", tmp_path / "out", bundle=tiny_bundle, progress=False)
        assert [scan.id for scan in summary.scans.scans] == ["a"]
        assert "b" in summary.scans.failed
        assert "the same as the scan 'a'" in summary.failed[0].error


def test_names_that_lead_elsewhere_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="no scans there"):
        scan_sources(tmp_path)
    (tmp_path / "a.nii").touch()
    (tmp_path / "labels.csv").touch()
    assert scan_sources(tmp_path) == {"a": tmp_path / "a.nii"}
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="second scan of the name 'a'"):
        scan_sources(tmp_path)
    (tmp_path / "a").rename(tmp_path / "a:b")
    with pytest.raises(ValueError, match="cannot name a scan"):
        scan_sources(tmp_path)
    with pytest.raises(ValueError, match="plain names"):
        ScanListEntry("../x", "x.npz", "test", 1, 0)


def test_labels_of_other_scans_are_refused(scans: Path, tiny_bundle: Path, tmp_path: Path):
    (scans / "labels.csv").write_text("id,cancer\nx,1\n")
    with pytest.raises(ValueError, match="labels none of the 4 scans"):
        find_candidates(scans, tmp_path / "out", scans / "labels.csv", bundle=tiny_bundle, progress=False)


def test_a_finder_says_what_it_does_not_take(tiny_bundle: Path):
    with pytest.raises(ValueError, match="top >= 1"):
        CandidateFinder(tiny_bundle, top=0)


def test_no_findings_are_an_empty_scan(scans: Path):
    volume = read_ct(scans / "s0")
    assert len(cut_candidates(volume, (), "s0", ModelInfo("", "", ""))) == 0


def test_the_split_is_by_label_and_by_the_seed_alone():
    labels = {f"s{number}": int(number % 3 == 0) for number in range(60)}
    shares = {"training": 0.7, "validation": 0.15, "test": 0.15}
    split = split_scans(labels, shares, seed=1)
    assert split == split_scans(dict(reversed(labels.items())), shares, seed=1)
    assert split != split_scans(labels, shares, seed=2)
    positives = [sum(labels[scan] for scan in labels if split[scan] == part) for part in shares]
    assert positives == [14, 3, 3]


SHARES = {"training": 0.7, "validation": 0.15, "test": 0.15}


def label_scans(scans: Path, count: int) -> dict[str, int]:
    """Label the scans of the fixture, and ``count`` others that are not there."""
    labels = {f"s{number}": number % 2 for number in range(count)}
    lines = [f"{scan},{label}\n" for scan, label in labels.items()]
    (scans / "labels.csv").write_text("id,cancer\n" + "".join(lines))
    return labels


def parts(scans: Path, out: Path, bundle: Path, **options: object) -> dict[str, str]:
    found = find_candidates(scans, out, scans / "labels.csv", bundle=bundle, progress=False, **options)
    return {scan.id: scan.part for scan in found.scans.scans}


@pytest.mark.parametrize("seed", range(4))
def test_a_scan_that_is_absent_moves_no_other(scans: Path, tiny_bundle: Path, tmp_path: Path, seed: int):
    labels = label_scans(scans, 40)
    wanted = split_scans(labels, SHARES, seed)
    out = tmp_path / "out"
    assert parts(scans, out, tiny_bundle, seed=seed) == {scan: wanted[scan] for scan in ("s0", "s1", "s2")}
    shutil.rmtree(scans / "s0")
    (out / "candidates.json").unlink()
    assert parts(scans, out, tiny_bundle, seed=seed) == {scan: wanted[scan] for scan in ("s1", "s2")}


def test_new_labels_move_no_scan_of_an_earlier_run(scans: Path, tiny_bundle: Path, tmp_path: Path):
    """With as many labels as these the split of the seed alone moves all three."""
    first = parts(scans, tmp_path / "out", tiny_bundle) if label_scans(scans, 9) else {}
    grown = label_scans(scans, 31)
    anew = split_scans(grown, SHARES)
    assert any(anew[scan] != part for scan, part in first.items())
    assert parts(scans, tmp_path / "out", tiny_bundle) == first
    other = split_scans(grown, SHARES, seed=5)
    assert parts(scans, tmp_path / "out", tiny_bundle, seed=5) == {scan: other[scan] for scan in first}


def test_a_list_that_is_damaged_is_made_again(scans: Path, tiny_bundle: Path, tmp_path: Path):
    labels = label_scans(scans, 9)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "candidates.json").write_text("{")
    found = parts(scans, tmp_path / "out", tiny_bundle)
    assert found == {scan: split_scans(labels, SHARES)[scan] for scan in found}


def test_lists_that_are_none_are_refused(tmp_path: Path):
    path = tmp_path / "candidates.json"
    for text in ("", "[]", "{}", '{"format": "lungdet-scans/2"}'):
        path.write_text(text)
        with pytest.raises(DatalistError, match="no list of scans"):
            read_scan_list(path)
