"""``lungdet evaluate froc`` from the phantom's truth to files, and how it ends when it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lungdet import cli
from lungdet.phantoms import make_chest, write_truth
from lungdet.reports import score_figures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom's truth as annotations, and as perfect predictions with one false mark."""
    folder = tmp_path_factory.mktemp("evaluate")
    chest = make_chest(3, spacing_mm=(4.0, 4.0, 5.0), shape=(80, 72, 56))
    write_truth(chest.nodules, "1.2.3", folder / "truth.json", folder / "truth.csv")
    _, *rows = (folder / "truth.csv").read_text().splitlines()
    marks = [",".join([*row.split(",")[:4], f"0.{90 - number}"]) for number, row in enumerate(rows)]
    marks.append("1.2.3,999,0,0,0.05")
    (folder / "marks.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,probability", *marks]) + "\n")
    return folder


def arguments(folder: Path, *more: str) -> list[str]:
    files = ["--annotations", str(folder / "truth.csv"), "--predictions", str(folder / "marks.csv")]
    return ["evaluate", "froc", *files, "-o", str(folder / "out"), "--bootstraps", "20", *more]


def test_the_truth_scores_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments(folder, "--seed", "7")) == 0
    printed = capsys.readouterr().out
    assert "1.0000      1.0000" in printed
    assert f"written: {folder / 'out'}/froc.json" in printed
    content = json.loads((folder / "out" / "froc.json").read_text())
    assert (content["cpm"], content["false_positives"], content["intervals"]["seed"]) == (1.0, 1, 7)
    assert content["protocol"] == "luna16 (no exclusion list)"
    assert (folder / "out" / "froc.svg").is_file()


def test_options_reach_the_scores(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--protocol", "simplified", "--max-marks", "1", "--size-edges", "--no-figures", "--debug"]
    assert cli.main([*arguments(folder, *more)[:-1], "--strata", "seriesuid"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("simplified (max_marks=1): centre within the radius, at most 1 marks a scan")
    assert "seriesuid 1.2.3 (" in printed
    assert "size" not in printed


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--hit", "iou"], "no column diameter_mm"),
        (["--predictions", "absent.csv"], "absent.csv"),
        (["--hit", "iou", "--min-iou", "2"], "min_iou must be in"),
        (["--min-iou", "0.2"], "choose hit 'iou', too"),
        (["--size-edges", "nan"], "edges must be positive"),
        (["--bootstraps", "10000000000"], "at most 100000"),
    ],
)
def test_errors_take_one_line(folder: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments(folder, *more)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lungdet: error: ")
    assert message in line


def test_a_missing_extra_is_told_before_any_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> None:
        raise score_figures.MissingPlotsError("drawing figures needs matplotlib: pip install lungdet[plots]")

    monkeypatch.setattr(score_figures, "require_matplotlib", absent)
    assert cli.main(arguments(folder)) == 1
    assert "pip install lungdet[plots]" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--bootstraps", "-1"], ["--protocol", "cpm"], ["--hit", "luck"]])
def test_wrong_usage_leaves_with_two(folder: Path, wrong: list[str]) -> None:
    for line in (arguments(folder, *wrong), ["evaluate"], ["evaluate", "froc"]):
        with pytest.raises(SystemExit) as caught:
            cli.main(line)
        assert caught.value.code == 2


def test_scoring_loads_neither_torch_nor_monai(folder: Path) -> None:
    code = (
        "import sys; from lungdet.cli import main; assert main(sys.argv[1:]) == 0; "
        "assert not {'torch', 'monai', 'ignite'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, *arguments(folder)], check=True, capture_output=True, timeout=600)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lungdet.cli import main\n"
        "try:\n    main(['evaluate', 'froc', '--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        "assert not {'numpy', 'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=600)
