"""``lungdet route``: copies where the rules say, never twice, never over anything, and nothing half after a kill."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lungdet.cli import main
from lungdet.workflows import route

RULES = """\
rules:
  - folder: bones/{label}
    when: {label: [hand, knee]}
  - folder: ct
    bundle: nodule_detector
    when: {label: chest, Modality: CT}
  - folder: chest
    when: {label: chest}
default: {folder: look}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def inbox(tmp_path: Path, write_radiograph) -> Path:
    folder = tmp_path / "in"
    write_radiograph(folder / "a.dcm", "chest", seed=1)
    write_radiograph(folder / "b.dcm", "hand", seed=2, body_part="KNEE")
    write_radiograph(folder / "sub" / "a.dcm", "knee", seed=3, body_part="")
    write_radiograph(folder / "c.png", "unsure")
    (folder / "d.dcm").write_bytes(b"no DICOM" * 100)
    return folder


def copies(folder: Path) -> list[str]:
    """Folder and first part of the name of everything that was put somewhere."""
    found = [path for path in folder.rglob("*") if path.is_file() and path.parent != folder]
    names = [path.relative_to(folder).as_posix() for path in found if ".lungdet-route" not in path.parts]
    return sorted(name.rpartition("-")[0] for name in names)


def manifest(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


PLACES = ["bones/hand/b", "bones/knee/a", "chest/a", "look/c"]


@pytest.mark.parametrize("link", [(), ("--link",)], ids=["copy", "link"])
def test_files_go_where_the_rules_say(inbox, rules, brightness_bundle, tmp_path, capsys, link):
    before, out = state(inbox), tmp_path / "out"
    code = main(
        ["route", str(inbox), "--rules", str(rules), "--to", str(out), "--bundle", str(brightness_bundle), *link]
    )
    said = capsys.readouterr()
    assert code == 1
    assert len([line for line in said.err.splitlines() if line.startswith("lungdet: error")]) == 1
    assert f"page: {out / 'route.html'}" in said.out
    assert "5 new, 0 done before" in said.out
    assert copies(out) == PLACES
    assert state(inbox) == before
    rows = manifest(out)
    assert {row["decision"] for row in rows.values()} == {"answer", "review", "error"}
    hand = rows[str(inbox / "b.dcm")]
    assert (hand["label"], hand["body_part_examined"], hand["agreement"]) == ("hand", "KNEE", "disagree")
    assert hand["rule"].startswith("line 2")
    assert hand["sha256"] == hashlib.sha256((inbox / "b.dcm").read_bytes()).hexdigest()
    copy = out / hand["target"]
    assert copy.read_bytes() == (inbox / "b.dcm").read_bytes()
    assert copy.samefile(inbox / "b.dcm") is bool(link)
    assert hand["sop_uid"]
    assert rows[str(inbox / "c.png")]["label"] == "review"
    assert rows[str(inbox / "sub" / "a.dcm")]["agreement"] == "unknown"
    bad = rows[str(inbox / "d.dcm")]
    assert (bad["target"], bad["decision"], bad["label"]) == ("", "error", "")
    page = (out / "route.html").read_text()
    assert "Header and picture disagree: 1" in page
    assert page.count("data:image/png;base64,") == 2


def test_a_second_run_goes_on(inbox, rules, brightness_bundle, write_radiograph, tmp_path):
    out = tmp_path / "out"
    first = route(inbox, rules, out, bundle=brightness_bundle, progress=False)
    assert (first.new, len(first.files), len(first.failed)) == (5, 5, 1)
    before = {name: facts for name, facts in state(out).items() if "-" in Path(name).name and ".lungdet" not in name}
    write_radiograph(inbox / "e.dcm", "chest", seed=9)
    second = route([inbox], rules, out, bundle=brightness_bundle, progress=False)
    assert (second.new, len(second.files)) == (2, 6)  # the new one, and the one that failed
    after = state(out)
    assert before
    assert {name: after[name] for name in before} == before
    assert copies(out) == sorted([*PLACES, "chest/e"])
    assert {row["file"]: row["how"] for row in manifest(out).values()}[str(inbox / "e.dcm")] == "copied"


def test_copies_do_not_come_back_as_sources(inbox, rules, brightness_bundle):
    (inbox / "d.dcm").unlink()
    for _ in range(2):
        summary = route(inbox, rules, inbox / "sorted", bundle=brightness_bundle, progress=False)
        assert len(summary.files) == 4
    with pytest.raises(ValueError, match="where copies go"):
        route(inbox / "sorted" / "chest", rules, inbox / "sorted", bundle=brightness_bundle, progress=False)


def test_what_is_there_is_kept_and_reported(inbox, rules, brightness_bundle, tmp_path):
    out = tmp_path / "out"
    digest = hashlib.sha256((inbox / "a.dcm").read_bytes()).hexdigest()
    taken = out / "chest" / f"a-{digest[:12]}.dcm"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"precious")
    summary = route(inbox / "a.dcm", rules, out, bundle=brightness_bundle, progress=False)
    assert "is kept" in summary.failed[0].error
    assert taken.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rules:\n  - folder: chest\n    when: {label: cehst}\n", "line 3"),
        ("rules:\n  - folder: ../out\n    when: {label: chest}\n", "line 2"),
        ("rules:\n  - folder: x\n    bundle: no_such_bundle\n    when: {label: chest}\n", "line 3"),
        ("rules:\n  - when: {label: chest}\n", "line 2"),
    ],
)
def test_wrong_rules_are_told_by_line_before_any_file(inbox, brightness_bundle, tmp_path, capsys, text, line):
    path, out = tmp_path / "wrong.yaml", tmp_path / "out"
    path.write_text(text)
    arguments = ["route", str(inbox), "--rules", str(path), "--to", str(out), "--bundle", str(brightness_bundle)]
    assert main(arguments) == 1
    assert f"wrong.yaml, {line}" in capsys.readouterr().err
    assert not out.exists()


def test_other_rules_need_another_destination(inbox, rules, brightness_bundle, tmp_path):
    route(inbox, rules, tmp_path / "out", bundle=brightness_bundle, progress=False)
    rules.write_text(RULES.replace("look", "review"))
    with pytest.raises(ValueError, match=r"other settings \(rules\)"):
        route(inbox, rules, tmp_path / "out", bundle=brightness_bundle, progress=False)


def test_a_rule_names_the_next_bundle(rules, brightness_bundle, write_radiograph, tmp_path, capsys):
    write_radiograph(tmp_path / "in" / "a.dcm", "chest", Modality="CT")
    out = tmp_path / "out"
    arguments = ["route", str(tmp_path / "in"), "--rules", str(rules), "--to", str(out)]
    assert main([*arguments, "--bundle", str(brightness_bundle)]) == 0
    said = capsys.readouterr().out
    assert f"to do: lungdet detect {out / 'ct'} -o {out / 'results' / 'ct'} --bundle nodule_detector" in said
    (row,) = manifest(out).values()
    assert (row["folder"], row["next_bundle"], row["modality"]) == ("ct", "nodule_detector", "CT")


def test_a_command_can_be_pasted(tmp_path):
    import shlex

    from lungdet.workflows.next_bundle import NextStep

    for bundle, output in (("nodule_detector", "-o"), ("body_part_router", "--csv")):
        words = shlex.split(NextStep("a b", bundle, 1).command(tmp_path / "x; touch y"))
        assert words[2] == str(tmp_path / "x; touch y" / "a b")
        assert words[3] == output
        assert words[-1] == bundle


def test_the_next_bundle_is_run_on_demand(rules, brightness_bundle, write_radiograph, tmp_path):
    write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    rules.write_text(f"rules:\n  - folder: chest\n    bundle: {brightness_bundle}\n    when: {{label: chest}}\n")
    arguments = ["route", str(tmp_path / "in"), "--rules", str(rules), "--to", str(tmp_path / "out"), "--run-next"]
    assert main([*arguments, "--bundle", str(brightness_bundle)]) == 0
    (row,) = csv.DictReader((tmp_path / "out" / "results" / "chest" / "labels.csv").open(newline=""))
    assert row["label"] == "chest"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills by a signal of POSIX")
def test_a_kill_leaves_nothing_half_and_the_next_run_ends_the_work(
    rules, brightness_bundle, write_radiograph, tmp_path
):
    source, out = tmp_path / "in", tmp_path / "out"
    files = [write_radiograph(source / f"{number:03d}.dcm", "chest", seed=number) for number in range(150)]
    command = [sys.executable, "-m", "lungdet", "route", str(source), "--rules", str(rules), "--to", str(out)]
    command += ["--bundle", str(brightness_bundle), "--batch-size", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while len(list((out / "chest").glob("[0-9]*"))) < 5 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait(timeout=60)
    there = list((out / "chest").glob("[0-9]*"))
    assert 5 <= len(there) < 150
    whole = {path.name[:3]: path.read_bytes() for path in files}
    assert all(path.read_bytes() == whole[path.name[:3]] for path in there)
    mark = json.loads((out / ".lungdet-route" / "settings.json").read_text())["mark"]
    (out / "chest" / f".149.dcm.{mark}-0a1b2c3d.lungdet-tmp").write_bytes(b"half")
    summary = route(source, rules, out, bundle=brightness_bundle, progress=False)
    assert not summary.failed
    assert len(summary.files) == 150 > summary.new
    assert sorted(path.name[:3] for path in (out / "chest").iterdir()) == sorted(whole)
    assert len(manifest(out)) == 150
