"""What is found in sources, and what is heard of the rest."""

import os
from pathlib import Path

import pytest

from lungdet.workflows.radiograph_files import find_radiographs


@pytest.mark.parametrize("closed", ["sub", "."])
def test_a_folder_that_cannot_be_listed_is_heard_of(closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.dcm").write_bytes(b"")
    before, refused = os.scandir, tmp_path / closed

    def scandir(folder):
        if Path(folder) == refused:
            raise PermissionError(13, "Permission denied", str(folder))
        return before(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    found, problems = find_radiographs(tmp_path)
    assert found == ([] if closed == "." else [str(tmp_path / "a.dcm")])
    assert list(problems) == [str(refused)]
    assert "cannot be listed" in problems[str(refused)]
