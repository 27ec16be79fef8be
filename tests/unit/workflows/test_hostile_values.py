"""What files and paths say is never evaluated: MONAI's settings are a program."""

from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement

from lungdet.reports import read_json
from lungdet.workflows import detect

PROGRAMS = ["$__import__('pathlib').Path('evil').touch()", "@min_score", "%min_score", "$1+1"]


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_series_uid_is_text(
    text: str, write_series: Callable, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    write_series("all/a", seed=1, study_uid="1.1")
    write_series("all/b", seed=2, study_uid="1.2")
    for path in (tmp_path / "all" / "a").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.add(DataElement(0x0020000E, "UI", text, validation_mode=0))
        dataset.save_as(path)
    for options in ({}, {"series": text}):
        detect("all", "out", bundle=tiny_bundle, progress=False, **options)  # refused or read, but not run
        assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["$1+1", "@min_score", "%min_score", "a#b", "{x}", "$__import__('os').mkdir('evil')"])
def test_paths_are_text(
    name: str, write_series: Callable, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    write_series(f"in/{name}")
    (tmp_path / "in" / name).rename(tmp_path / name)
    bundle = tiny_bundle.rename(tmp_path / f"{name} bundle")
    for source in (name, str(tmp_path / name)):
        summary = detect(source, f"{name} out", bundle=bundle.name, progress=False)
        (study,) = summary.studies
        assert study.error == ""
        assert study.page is not None
        assert read_json(study.page.parent / "findings.json").series.source == source
        assert study.page.parent.parent == Path(f"{name} out")
    assert not (tmp_path / "evil").exists()
