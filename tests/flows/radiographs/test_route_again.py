"""Routing the same destination time after time: nothing is skipped, nothing is blamed twice, nothing done is lost."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from lungdet.cli import main
from lungdet.workflows import route, route_one
from lungdet.workflows.route_journal import RouteJournal

RULES = "rules:\n- {when: {label: chest}, folder: chest}\n- {when: {label: [hand, knee]}, folder: limb}\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def run(rules: Path, brightness_bundle: Path, tmp_path: Path):
    def run(source, **options):
        options = {"bundle": brightness_bundle, "progress": False, "workers": 1, **options}
        return route(source, rules, tmp_path / "out", **options)

    return run


def copies(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).parts[0] for path in folder.glob("*/*-*"))


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_equal_names_in_other_folders_are_other_files(run, write_radiograph, tmp_path, monkeypatch):
    for place, kind, seed in (("one", "chest", 1), ("two", "knee", 2)):
        path = write_radiograph(tmp_path / place / "in" / "IM1.dcm", kind, seed=seed, body_part="HAND")
        os.utime(path, (1e9, 1e9))
        monkeypatch.chdir(tmp_path / place)
        assert run("in").new == 1
    assert copies(tmp_path / "out") == ["chest", "limb"]
    rows = manifest(tmp_path / "out")
    assert [row["file"] for row in rows] == [str(tmp_path / place / "in" / "IM1.dcm") for place in ("one", "two")]
    monkeypatch.chdir(tmp_path)
    assert run("two/in").new == 0
    page = (tmp_path / "out" / "route.html").read_text()
    pictures = {part.split('"')[0] for part in page.split("data:image/png;base64,")[1:]}
    assert len(pictures) == 2  # each of its own file


def test_new_content_under_old_size_and_time_is_seen(run, write_radiograph, tmp_path):
    file = tmp_path / "in" / "IM1.dcm"
    for kind, seed in (("chest", 1), ("knee", 2)):
        write_radiograph(file, kind, seed=seed, body_part="CHEST")
        os.utime(file, (1e9, 1e9))
        assert run(tmp_path / "in").new == 1
    assert copies(tmp_path / "out") == ["chest", "limb"]


@pytest.mark.parametrize("link", [False, True])
def test_what_was_done_is_not_done_again(run, write_radiograph, tmp_path, link):
    file = write_radiograph(tmp_path / "in" / "IM1.dcm", "chest")
    assert run(tmp_path / "in", link=link).new == 1
    with RouteJournal(tmp_path / "out", {}) as journal:
        assert [routed.ctime_ns for routed in journal.files] == [file.stat().st_ctime_ns]  # nothing is hashed again
    file.chmod(0o600)  # not its content
    assert run(tmp_path / "in", link=link).new == 0


def test_old_failures_are_not_blamed_on_later_runs(rules, brightness_bundle, write_radiograph, tmp_path, capsys):
    inbox = tmp_path / "in"
    inbox.mkdir()
    command = ["route", str(inbox), "--rules", str(rules), "--to", str(tmp_path / "out")]
    command += ["--bundle", str(brightness_bundle)]
    assert main(command) == 1
    assert "no radiograph in it" in capsys.readouterr().err
    write_radiograph(inbox / "a.dcm", "chest")
    assert main(command) == 0
    (inbox / "b.dcm").write_bytes(b"nothing" * 100)
    assert main(command) == 1
    assert main(command) == 1  # it is there and fails again
    assert {row["decision"] for row in manifest(tmp_path / "out")} == {"answer", "error"}
    (inbox / "b.dcm").unlink()
    assert main(command) == 0
    assert [row["decision"] for row in manifest(tmp_path / "out")] == ["answer"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_without_waiting_for_it(run, write_radiograph, tmp_path):
    write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    os.mkfifo(tmp_path / "pipe.dcm")

    def stuck(*_: object) -> None:
        pytest.fail("waits for the pipe")

    signal.signal(signal.SIGALRM, stuck)
    signal.alarm(30)
    try:
        summary = run([tmp_path / "in", tmp_path / "pipe.dcm"], workers=0)
    finally:
        signal.alarm(0)
    assert [Path(routed.file).name for routed in summary.failed] == ["pipe.dcm"]


def test_only_what_could_be_read_is_hashed(run, write_radiograph, tmp_path, monkeypatch):
    from lungdet.workflows import radiograph_labeller as room

    write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    (tmp_path / "in" / "b.dcm").write_bytes(b"nothing" * 100)
    hashed: list[str] = []
    before = room.file_sha256
    monkeypatch.setattr(room, "file_sha256", lambda path: (hashed.append(Path(path).name), before(path))[1])
    assert len(run(tmp_path / "in").failed) == 1
    assert [name for name in hashed if name != "router.json"] == ["a.dcm"]


def test_a_file_that_changes_while_it_is_read_is_refused(run, write_radiograph, tmp_path, monkeypatch):
    from lungdet.workflows import radiograph_labeller as room

    file = write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    before = room.file_sha256

    def change_first(path: str) -> str:
        write_radiograph(file, "knee", seed=7, body_part="CHEST")
        return before(path)

    monkeypatch.setattr(room, "file_sha256", change_first)
    (failed,) = run(tmp_path / "in").failed
    assert "changed while it was read" in failed.error
    assert copies(tmp_path / "out") == []


def test_an_interrupted_batch_is_in_the_manifest(run, write_radiograph, tmp_path, monkeypatch):
    for number in range(5):
        write_radiograph(tmp_path / "in" / f"{number}.dcm", "chest", seed=number)
    before, calls = route_one.place_file, iter(range(9))

    def interrupted(*arguments: object, **named: object) -> str:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return before(*arguments, **named)

    monkeypatch.setattr(route_one, "place_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "in")
    assert len(copies(tmp_path / "out")) == len(manifest(tmp_path / "out")) == 3
    assert run(tmp_path / "in").new == 2


@pytest.mark.parametrize("change", ["router", "image_size"])
def test_other_thresholds_or_sizes_need_another_destination(run, brightness_bundle, write_radiograph, tmp_path, change):
    import shutil

    bundle = tmp_path / "bundle"
    shutil.copytree(brightness_bundle, bundle)
    write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    run(tmp_path / "in", bundle=bundle)
    if change == "router":
        path = bundle / "models" / "router.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "abstention": {**content["abstention"], "threshold": 0.99}}))
    else:
        path = bundle / "configs" / "common.yaml"
        path.write_text(path.read_text().replace("side: 32", "side: 16"))
    with pytest.raises(ValueError, match=rf"other settings \({'router' if change == 'router' else 'preprocessing'}\)"):
        run(tmp_path / "in", bundle=bundle)


def test_the_unfinished_copies_of_other_runs_are_left_alone(run, write_radiograph, tmp_path):
    write_radiograph(tmp_path / "in" / "a.dcm", "chest")
    other = tmp_path / "out" / "chest" / ".b-1.dcm.0a1b2c3d.lungdet-tmp"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another run is writing this")
    run(tmp_path / "in")
    with RouteJournal(tmp_path / "out", {}) as journal:
        own = other.with_name(f".b-1.dcm.{journal.mark}-0a1b2c3d.lungdet-tmp")
    own.write_bytes(b"half")
    run(tmp_path / "in")
    assert other.exists()
    assert not own.exists()


@pytest.mark.skipif(os.name != "posix", reason="limits of this kind are POSIX's")
def test_a_full_disk_is_told_with_the_file_and_the_next_run_goes_on(run, write_radiograph, tmp_path):
    import resource

    for number in range(12):
        write_radiograph(tmp_path / "in" / f"{number:02}.dcm", "chest", seed=number)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(OSError, match=r"journal\.jsonl|manifest\.csv"):
            run(tmp_path / "in", batch_size=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    journal = (tmp_path / "out" / ".lungdet-route" / "journal.jsonl").read_bytes()
    assert journal.endswith(b"\n")
    assert [json.loads(line)["target"] for line in journal.splitlines()]
    summary = run(tmp_path / "in")
    assert not summary.failed
    assert len(summary.files) == len(manifest(tmp_path / "out")) == len(copies(tmp_path / "out")) == 12
