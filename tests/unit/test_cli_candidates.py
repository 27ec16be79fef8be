"""``lungdet candidates``: what it prints, and how it ends."""

from pathlib import Path

import pytest

from lungdet import cli, workflows
from lungdet.datalists.scan_list import ScanList, ScanListEntry
from lungdet.records import ModelInfo
from lungdet.workflows import CandidateResult, CandidateSummary


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Replace the workflow; gives what it was called with."""
    seen: list[dict] = []

    def find(folder: str, output: str, labels: str | None, **options: object) -> CandidateSummary:
        seen.append({"folder": folder, "output": output, "labels": labels, **options})
        results = (CandidateResult("a", 6), CandidateResult("b", 0, kept=True), CandidateResult("c", error="no slices"))
        for result in results:
            options["on_result"](result)
        entries = (ScanListEntry("a", "a.npz", "training", 1, 6), ScanListEntry("b", "b.npz", "test", 0, 0))
        scans = ScanList(entries, ModelInfo("", "", ""), 6, 0.02, {"c": "no slices"})
        return CandidateSummary(
            Path("out/candidates.json"), scans, results, ("labels.csv, line 3: cancer is 'x'",), ("test has no scan",)
        )

    monkeypatch.setattr(workflows, "find_candidates", find, raising=False)
    return seen


def test_what_is_printed(calls: list[dict], capsys: pytest.CaptureFixture[str]):
    code = cli.main(
        ["candidates", "scans", "--labels", "labels.csv", "-o", "out", "--split", "2", "1", "1", "--top", "4"]
    )
    assert code == 1  # one scan has failed
    (call,) = calls
    assert call["shares"] == {"training": 2, "validation": 1, "test": 1}
    assert (call["top"], call["least_score"], call["label"], call["seed"]) == (4, 0.02, "cancer", 0)
    said = capsys.readouterr()
    assert "a: 6 candidates\n" in said.out
    assert "b: 0 candidates, kept\n" in said.out
    assert "2 of 3 scans: 1 test (0 positive), 1 training (1 positive); list: out/candidates.json" in said.out
    assert "error: c: no slices" in said.err
    assert "warning: labels.csv, line 3" in said.err
    assert "warning: out/candidates.json: test has no scan; name more scans of both labels in labels.csv" in said.err
    assert not {"on_gap", "on_single"} & set(call)  # left to the bundle


@pytest.mark.parametrize("wrong", [["--top", "0"], ["--min-score", "2"], ["--split", "1", "-1", "1"]])
def test_wrong_usage(calls: list[dict], wrong: list[str]):
    with pytest.raises(SystemExit) as end:
        cli.main(["candidates", "scans", "-o", "out", *wrong])
    assert end.value.code == 2
    assert calls == []
