from pathlib import Path

import pytest

from lungdet.cli import main
from lungdet.workflows.lesion_source import lesion_source
from lungdet.workflows.new_output import new_output
from lungdet.workflows.page_owner import refuse_page_of_another


def test_a_folder_stands_for_the_table_in_it(tmp_path: Path):
    (tmp_path / "DL_info.csv").touch()
    (tmp_path / "Images_png").mkdir()
    assert lesion_source(tmp_path) == lesion_source(tmp_path / "DL_info.csv") == tmp_path / "DL_info.csv"
    with pytest.raises(ValueError, match=r"folder without DL_info.csv; name .*/DL_info.csv"):
        lesion_source(tmp_path / "Images_png")


@pytest.mark.parametrize("command", ["describe", "history"])
def test_what_is_no_list_is_said_and_leaves_no_folder(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "lesions.npz").touch()
    (tmp_path / "empty").mkdir()
    for source, told in (
        ("lesions.npz", "is a file of `lungdet lesions embed`"),
        ("empty", "is a folder without DL_info.csv"),
        ("nothing.csv", "no such file or folder; check the path"),
    ):
        assert main(["lesions", command, str(tmp_path / source), "-o", str(tmp_path / "out" / "deep")]) == 1
        assert f"lungdet: error: {tmp_path / source}: {told}" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_a_failed_run_removes_only_what_it_made_and_is_empty(tmp_path: Path):
    (tmp_path / "mine").mkdir()

    def fail(folder: Path, name: str) -> None:
        with new_output(folder) as made:
            if name:
                (made / name).touch()
            raise KeyError

    for folder, name, stays in (("mine", "", True), ("a/b", "", False), ("c/d", "file", True)):
        with pytest.raises(KeyError):
            fail(tmp_path / folder, name)
        assert (tmp_path / folder).exists() == stays
    assert not (tmp_path / "a").exists()


def test_a_page_names_whose_it_is(tmp_path: Path):
    page = tmp_path / "index.html"
    refuse_page_of_another(page, "lungdet lesions history")
    page.write_text("<html>anything</html>")
    refuse_page_of_another(page, "lungdet lesions history")
    page.write_text('<meta name="generator" content="lungdet lesions describe">')
    refuse_page_of_another(page, "lungdet lesions describe")
    with pytest.raises(ValueError, match=r"is the page of `lungdet lesions describe`.*another output folder"):
        refuse_page_of_another(page, "lungdet lesions history")
