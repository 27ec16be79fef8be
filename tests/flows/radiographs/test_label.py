"""``lungdet label``: lines, files, bad files, exit codes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lungdet.cli import main
from lungdet.workflows import RadiographLabeller, label


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory, write_radiograph) -> Path:
    """Two good files, one at which the router passes, one that is cut off, and one of another kind."""
    folder = tmp_path_factory.mktemp("label") / "in"
    write_radiograph(folder / "a.dcm", "chest")
    write_radiograph(folder / "sub" / "b.png", "knee")
    write_radiograph(folder / "sub" / "c.dcm", "unsure")
    whole = write_radiograph(folder / "d.dcm", "hand").read_bytes()
    (folder / "d.dcm").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("no picture")
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], list[str]]:
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err.splitlines()


def test_one_line_a_file_and_one_complaint_for_the_bad_one(inbox: Path, brightness_bundle: Path, tmp_path, capsys):
    outputs = tmp_path / "new" / "labels.csv", tmp_path / "labels.json"
    code, lines, complaints = run(
        capsys, "label", inbox, "--bundle", brightness_bundle, "--csv", outputs[0], "--json", outputs[1]
    )
    assert code == 1
    fields = [line.split("\t") for line in lines]
    assert [(Path(name).name, text) for name, text, _, _ in fields] == [
        ("a.dcm", "chest"), ("b.png", "knee"), ("c.dcm", "review"),
    ]  # fmt: skip
    assert all(0 <= float(probability) <= 1 and float(seconds) > 0 for _, _, probability, seconds in fields)
    assert float(fields[2][2]) == pytest.approx(0.5, abs=0.05)
    assert len(complaints) == 1
    assert complaints[0].startswith("lungdet: error: ")
    assert "d.dcm" in complaints[0]
    with outputs[0].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["decision"] for row in rows] == ["answer", "error", "answer", "review"]
    content = json.loads(outputs[1].read_text())
    assert content["classes"] == ["hand", "chest", "knee"]
    passed = content["files"][3]
    assert passed["label"] == "review"
    assert {entry["label"] for entry in passed["top"][:2]} == {"hand", "chest"}
    assert "below" in passed["reason"]
    assert content["files"][0]["radiograph"]["body_part_examined"] == "CHEST"


def test_all_well_is_0_and_review_is_well(inbox: Path, brightness_bundle: Path, capsys):
    sources = inbox / "sub", inbox / "sub" / "b.png"
    code, lines, complaints = run(capsys, "label", *sources, "--bundle", brightness_bundle)
    assert (code, len(lines), complaints) == (0, 2, [])


def test_globs_and_top(inbox: Path, brightness_bundle: Path, capsys):
    pattern = str(inbox / "**" / "*.png")
    code, lines, _ = run(capsys, "label", pattern, "--bundle", brightness_bundle, "--top", "2", "--batch-size", "1")
    assert code == 0
    assert lines[0].split("\t")[1] == "knee"
    assert [field.split()[0] for field in lines[0].split("\t")[4:]] == ["knee", "chest"]


def test_what_is_not_there_does_not_stop_the_rest(inbox: Path, brightness_bundle: Path, tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    sources = tmp_path / "nowhere", inbox / "a.dcm", tmp_path / "empty"
    code, lines, complaints = run(capsys, "label", *sources, "--bundle", brightness_bundle)
    assert (code, len(lines), len(complaints)) == (1, 1, 2)
    assert "nowhere" in complaints[0]
    assert "empty" in complaints[1]


def test_a_bad_bundle_or_output_is_known_before_the_work(inbox: Path, brightness_bundle: Path, tmp_path, capsys):
    code, lines, complaints = run(capsys, "label", inbox, "--bundle", tmp_path)
    assert (code, lines, len(complaints)) == (1, [], 1)
    code, lines, complaints = run(capsys, "label", inbox, "--bundle", "nodule_detector")
    assert (code, lines, len(complaints)) == (1, [], 1)
    assert "is no router" in complaints[0]
    assert "lungdet detect" in complaints[0]
    code, lines, complaints = run(capsys, "label", inbox, "--bundle", brightness_bundle, "--csv", inbox / "a.dcm")
    assert (code, lines, len(complaints)) == (1, [], 1)
    assert "is the input" in complaints[0]
    code, lines, complaints = run(
        capsys, "label", inbox, "--csv", tmp_path / "a", "--json", tmp_path / "x" / ".." / "a"
    )
    assert (code, lines, len(complaints)) == (1, [], 1)
    assert "name two" in complaints[0]


@pytest.mark.parametrize("workers", [0, 3])
def test_order_and_answers_do_not_depend_on_threads_and_batches(inbox, brightness_bundle, write_radiograph, workers):
    kinds = ["hand", "chest", "knee"] * 7
    files = [write_radiograph(inbox.parent / "many" / f"{n:02d}.dcm", kind) for n, kind in enumerate(kinds)]
    labeller = RadiographLabeller(brightness_bundle, device="cpu")
    for batch_size in (1, 4, 100):
        done = list(labeller(iter(files), workers=workers, batch_size=batch_size))
        assert [labelled.file for labelled in done] == [str(file) for file in files]
        assert [labelled.label for labelled in done] == kinds
    assert list(labeller([])) == []


def test_weights_and_router_must_belong_together(brightness_bundle: Path, tmp_path: Path):
    import shutil

    other = Path(shutil.copytree(brightness_bundle, tmp_path / "other"))
    router = other / "models" / "router.json"
    router.write_text(router.read_text().replace('"weights_sha256": "', '"weights_sha256": "f'))
    with pytest.raises(ValueError, match="fitted to f"):
        RadiographLabeller(other)
    router.unlink()
    with pytest.raises(ValueError, match="no router there"):
        RadiographLabeller(other)


def test_results_so_far_are_written_when_interrupted(inbox: Path, brightness_bundle: Path, tmp_path: Path):
    def stop(labelled: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        label([inbox], bundle=brightness_bundle, csv=tmp_path / "a.csv", progress=False, on_result=stop)
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 2


def test_no_shell_character_of_a_name_runs(brightness_bundle: Path, write_radiograph, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_radiograph(tmp_path / "$open('evil','w')" / "@x#y.dcm", "chest")
    summary = label(["$open('evil','w')"], bundle=brightness_bundle, progress=False)
    assert [labelled.label for labelled in summary.files] == ["chest"]
    assert not (tmp_path / "evil").exists()


def test_the_command_of_the_shell(inbox: Path, brightness_bundle: Path):
    command = [sys.executable, "-m", "lungdet", "label", str(inbox), "--bundle", str(brightness_bundle)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 3
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("lungdet: error")]) == 1


@pytest.mark.skipif(os.name != "posix", reason="devices and links of POSIX")
def test_results_replace_neither_devices_nor_links(brightness_bundle, write_radiograph, tmp_path):
    file = write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: is no regular file"):
        label(file, bundle=brightness_bundle, csv=tmp_path / "pipe", progress=False)
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "real.csv").write_text("x")
    (tmp_path / "link.csv").symlink_to("real.csv")
    label(file, bundle=brightness_bundle, csv=tmp_path / "link.csv", progress=False)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("file,label")


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_name_that_the_terminal_cannot_show_ends_nothing(brightness_bundle, write_radiograph, tmp_path, encoding):
    write_radiograph(tmp_path / "in" / "\u00e4.dcm", "chest", seed=1)
    write_radiograph(tmp_path / "in" / "z.dcm", "knee", seed=2)
    (tmp_path / "in" / "\u00fc\udcff.dcm").write_bytes(b"nothing" * 100)
    command = [sys.executable, "-m", "lungdet", "label", str(tmp_path / "in"), "--bundle", str(brightness_bundle)]
    environment = {**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"}
    found = subprocess.run(command, env=environment, capture_output=True, timeout=120, check=False)
    assert found.returncode == 1
    assert len(found.stdout.splitlines()) == 2
    (error,) = (line for line in found.stderr.decode(encoding).splitlines() if "error" in line)
    assert r"\udcff.dcm" in error
    assert error.count(".dcm") == 1


def test_a_bad_file_is_named_once(brightness_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("e", "bad\tx\ny.dcm"):
        Path(name).write_bytes(b"zz")
        assert main(["label", name, "--bundle", str(brightness_bundle)]) == 1
    one, two = (line for line in capsys.readouterr().err.splitlines() if line.startswith("lungdet: error"))
    assert one.startswith("lungdet: error: e: ")
    assert two.count("bad") == 1
    assert two.startswith(r"lungdet: error: bad\tx\ny.dcm: ")
