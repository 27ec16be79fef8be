from pathlib import Path

import pytest

from lungdet.workflows.slice_folder import slice_folder

SLICES = ["000001_01_01/109.png", "000002_01_01/005.png"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "DeepLesion" / "Images_png"
    (folder / "000002_01_01").mkdir(parents=True)
    (folder / "000002_01_01" / "005.png").touch()
    return folder


def test_the_folder_itself_is_right_even_if_unpacked_in_part(images: Path):
    assert slice_folder(images, SLICES) == images
    assert slice_folder(images, []) == images


@pytest.mark.parametrize("wrong", ["..", "../..", "000002_01_01"])
def test_a_level_too_high_or_too_low_names_the_right_one(images: Path, wrong: str):
    with pytest.raises(ValueError, match="holds none of the 2 key slices") as told:
        slice_folder((images / wrong).resolve(), SLICES)
    assert f"they are in {images}; name that folder" in str(told.value)


def test_where_no_slice_is_near_the_wanted_place_is_told(images: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="itself, in which 000009_01_01/001"):
        slice_folder(images, ["000009_01_01/001.png"])
    with pytest.raises(ValueError, match="no such folder of images"):
        slice_folder(tmp_path / "none", SLICES)
    with pytest.raises(ValueError, match="is a file"):
        slice_folder(images / SLICES[1], SLICES)
