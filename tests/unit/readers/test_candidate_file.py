from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lungdet.readers.candidate_file import CandidateFileError, candidate_settings, read_candidates
from lungdet.records import ModelInfo, ScanCandidates, empty_scan
from lungdet.reports.candidate_file import write_candidates

DETECTOR = ModelInfo("a detector", "1.0", "ab" * 32)


def scan(count: int = 2) -> ScanCandidates:
    random = np.random.default_rng(0)
    return ScanCandidates(
        "scan 1",
        random.integers(-1000, 400, (count, 48, 48, 48)).astype(np.int16),
        np.linspace(0.9, 0.1, count, dtype=np.float32),
        random.normal(size=(count, 3)),
        np.full(count, 0.75, np.float32),
        DETECTOR,
    )


@pytest.mark.parametrize("made", [scan(), empty_scan("nothing", DETECTOR)], ids=["two", "none"])
def test_what_is_written_is_read(tmp_path: Path, made: ScanCandidates):
    write_candidates(tmp_path / "a.npz", made, "six at most")
    read = read_candidates(tmp_path / "a.npz")
    assert (read.scan_id, read.detector) == (made.scan_id, DETECTOR)
    for name in ("cubes", "scores", "centers_lps_mm", "inside"):
        assert np.array_equal(getattr(read, name), getattr(made, name))
    assert candidate_settings(tmp_path / "a.npz") == (DETECTOR, "six at most")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_the_best_come_first():
    assert len(scan(5).best(3)) == 3
    assert scan(5).best(9, 0.5).scores.tolist() == pytest.approx([0.9, 0.7, 0.5])
    assert len(scan(5).best(9, 0.95)) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": np.array([0.1, 0.9], np.float32)}, "must fall"),
        ({"scores": np.array([1.5, 0.9], np.float32)}, r"scores must be in \[0, 1\]"),
        ({"scores": np.array([np.nan, 0.9], np.float32)}, r"scores must be in \[0, 1\]"),
        ({"cubes": np.zeros((2, 8, 8, 8), np.int16)}, "cubes must be int16"),
        ({"inside": np.ones(2)}, "inside must be float32"),
        ({"centers_lps_mm": np.full((2, 3), np.inf)}, "finite"),
    ],
)
def test_records_that_cannot_be_are_refused(change: dict[str, np.ndarray], said: str):
    with pytest.raises(ValueError, match=f"scan 1: .*{said}|scan 1: {said}"):
        replace(scan(), **change)


def test_files_that_are_none_are_named(tmp_path: Path):
    write_candidates(tmp_path / "good.npz", scan())
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("id,cancer\n")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "pickle.npz", about=np.array({"format": "x"}, dtype=object))
    np.save(tmp_path / "one.npz.npy", np.zeros(3))
    (tmp_path / "one.npz.npy").rename(tmp_path / "one.npz")
    for name in ("cut", "text", "empty", "other", "pickle", "one"):
        with pytest.raises(CandidateFileError, match=f"{name}.npz: holds no candidates"):
            read_candidates(tmp_path / f"{name}.npz")
        with pytest.raises(CandidateFileError, match="make it again"):
            candidate_settings(tmp_path / f"{name}.npz")


def test_a_damaged_cube_is_found(tmp_path: Path):
    write_candidates(tmp_path / "good.npz", scan())
    content = bytearray((tmp_path / "good.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(CandidateFileError, match=r"bad\.npz"):
        read_candidates(tmp_path / "bad.npz")
