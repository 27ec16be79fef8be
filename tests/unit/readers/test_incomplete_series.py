"""What is missing, made up or no CT: refused, or told loudly."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from lungdet.readers import ReadLimits, SeriesError, list_series, read_ct
from lungdet.readers import ct_series as ct_series_module


def empty(folder: Path, *numbers: int) -> list[str]:
    """Leave nothing of the slices with these numbers but their names."""
    files = [next(folder.glob(f"*_{number}.dcm")) for number in numbers]
    for file in files:
        file.write_bytes(b"")
    return [file.name for file in files]


def test_empty_files_at_an_end_are_told(ct_files, stored, caplog):
    folder = ct_files.series(stored)
    names = empty(folder, 4, 5)
    volume = read_ct(folder)
    assert volume.array.shape[2] == 4
    expected = (
        f"could not read {', '.join(sorted(names))}: it is empty (of which series cannot be told: it is incomplete"
    )
    assert volume.info.steps[0].startswith(expected)
    assert [record.levelname for record in caplog.records if "it is empty" in record.message] == ["WARNING"]


def test_every_second_file_empty_is_refused(ct_files):
    stored = np.zeros((12, 4, 5), np.int16)
    folder = ct_files.series(stored, SliceThickness=2.0)
    empty(folder, *range(1, 12, 2))
    with pytest.raises(
        SeriesError, match=r"its step of 4 mm is 2 times its SliceThickness.*may be the slices.* missing"
    ):
        read_ct(folder)


def test_a_step_above_the_thickness_is_told(ct_files, stored, caplog):
    volume = read_ct(ct_files.series(stored, SliceThickness=1.0))
    assert volume.info.steps == (
        "its step of 2 mm is 2 times its SliceThickness: what lies between the slices is not shown",
    )
    assert volume.info.steps[0] in caplog.text
    assert read_ct(ct_files.series(stored, SliceThickness=1.4)).info.steps == ()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("IM0001", b"", "it is empty"),
        ("1.2.840.7", bytes(500), "it begins with zeros"),
        ("a.DCM", b"text", "it is called a DICOM file and is none"),
        ("only_preamble", bytes(128) + b"DICM", "it holds neither SOPClassUID nor Modality"),
    ],
)
def test_files_that_were_to_be_slices_are_bad(ct_files, stored, name, content, problem):
    folder = ct_files.series(stored)
    (folder / name).write_bytes(content)
    assert read_ct(folder).info.steps[0].startswith(f"could not read {name}: {problem}")


def test_a_ct_image_cut_off_before_its_pixels_is_missed(ct_files, stored):
    folder = ct_files.series(stored)
    ct_files.slice("cut.dcm", stored[0], (-10, -20, 17), PixelData=None)
    with pytest.raises(
        SeriesError, match=r"1 of its files cannot be used \(cut.dcm\): it is a CT image without pixels"
    ):
        read_ct(folder)


def test_a_folder_that_may_not_be_opened_is_refused(ct_files, stored, monkeypatch):
    folder = ct_files.series(stored, subfolder="a")
    for name in ("b", "lost+found"):
        (folder / name).mkdir()
    scandir = os.scandir

    def locked(name: str) -> None:
        def scan(path):
            if os.fspath(path).endswith(name):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return scandir(path)

        monkeypatch.setattr(os, "scandir", scan)

    locked("b")
    for call in (read_ct, list_series):
        with pytest.raises(SeriesError, match=r"b: cannot be opened \(Permission denied\), and slices in it would be"):
            call(folder)
    locked("lost+found")  # of the file system, and no one's data
    assert read_ct(folder).array.shape == (5, 4, 6)


def test_files_whose_folder_may_be_listed_but_not_entered(ct_files, stored, monkeypatch):
    folder = ct_files.series(stored)
    is_file = Path.is_file

    def refuse(self, **options):
        if self.name.endswith("_3.dcm"):
            raise PermissionError(13, "Permission denied", str(self))
        return is_file(self, **options)

    monkeypatch.setattr(Path, "is_file", refuse)
    with pytest.raises(SeriesError, match=r"_3.dcm: cannot be opened \(Permission denied\)"):
        read_ct(folder)


def test_a_file_that_vanishes_while_it_is_read(ct_files, stored, monkeypatch):
    folder = ct_files.series(stored)
    choose = ct_series_module.choose_series

    def choose_and_delete(*arguments):
        next(folder.glob("*_3.dcm")).unlink()
        return choose(*arguments)

    monkeypatch.setattr(ct_series_module, "choose_series", choose_and_delete)
    with pytest.raises(SeriesError, match=r"_3.dcm: it can no longer be read \(No such file or directory\)"):
        read_ct(folder)


@pytest.mark.parametrize("source", [None, b"ct", 3, ["a", None]])
def test_a_source_must_be_paths(source):
    for call in (read_ct, list_series):
        with pytest.raises(TypeError, match="the source must be a path or a list of paths, got "):
            call(source)


@pytest.mark.parametrize("step", [0.02, 60.0])
def test_steps_that_no_scan_has_are_refused(ct_files, stored, step: float):
    with pytest.raises(SeriesError, match=f"its step is {step:g} mm, not within 0.05 to 50 mm"):
        read_ct(ct_files.series(stored, (0, 0, step)))


def test_extents_that_no_patient_has_are_refused(ct_files):
    wide = ct_files.series(np.zeros((3, 2, 200), np.int16), subfolder="wide", PixelSpacing=[16, 16]) / "wide"
    with pytest.raises(SeriesError, match="it extends over 3200 mm, more than 3000 mm"):
        read_ct(wide)
    shutil.rmtree(wide)
    long = ct_files.series(
        np.zeros((5, 2, 2), np.int16), change=lambda n: {"position": [0, 0, n * 1000 if n > 3 else n]}
    )
    with pytest.raises(SeriesError, match="it extends over 4000 mm"):
        read_ct(long, on_gap="interpolate", on_spacing="resample")


def test_more_slices_are_not_made_up_than_read(ct_files, stored):
    folder = ct_files.series(stored, change=lambda n: {"position": [0, 0, 2 * n if n < 5 else 2 * n + 30]})
    with pytest.raises(SeriesError, match="15 slices would be made up from 6, more than there are"):
        read_ct(folder, on_gap="interpolate")


def test_a_kernel_or_voltage_that_changes_is_told(ct_files, stored, caplog):
    change = lambda n: {"ConvolutionKernel": "B70f" if n > 3 else "B30f", "KVP": 120 if n else 80}  # noqa: E731
    steps = read_ct(ct_files.series(stored, change=change)).info.steps
    assert steps == ("ConvolutionKernel changes within it: 'B30f', 'B70f'", "KVP changes within it: '80', '120'")
    assert steps[1] in caplog.text


def test_a_volume_of_padding_is_none(ct_files, stored):
    folder = ct_files.series(np.full_like(stored, -2000))
    with pytest.raises(SeriesError, match="every voxel is padding, by its tags or by a value of -1500 HU or less"):
        read_ct(folder)
    assert (read_ct(folder, padding_hu=None).array == -3024).all()
    half = stored.copy()
    half[:3] = -2000  # whole slices of padding are at the ends of tilted reformats
    assert read_ct(ct_files.series(half)).info.steps == ("set 60 voxels of padding to -1000 HU",)


@pytest.mark.parametrize("slope", [1, "0.5"])
def test_values_without_air_or_fat_are_told(ct_files, stored, slope):
    steps = read_ct(ct_files.series(stored, RescaleIntercept=0, RescaleSlope=slope)).info.steps
    high = stored.max() * float(slope)
    low = stored.min() * float(slope)
    assert steps == (f"its values run from {low:g} to {high:g}: are they HU?",)
    assert "RescaleSlope is negative" in read_ct(ct_files.series(stored, RescaleSlope=-1)).info.steps[0]


def test_padding_that_is_water_is_told(ct_files, stored):
    hu = (stored - 1024).astype(np.int16)
    hu[1, 0, :3] = 0
    folder = ct_files.series(hu, RescaleIntercept=0, PixelPaddingValue=0)
    steps = read_ct(folder).info.steps
    count = int((hu == 0).sum())
    assert steps[1].startswith(
        f"PixelPaddingValue is a value of the body (above -900 HU), and {count} voxels that have"
    )
    np.testing.assert_array_equal(read_ct(folder, padding_hu=None).array, hu.T)


def test_budgets_can_be_raised_and_lowered(ct_files, stored):
    folder = ct_files.series(stored)
    few = ReadLimits(max_elements=5)
    with pytest.raises(SeriesError, match="its header holds more than 5 elements"):
        read_ct(folder, limits=few)
    assert list_series(folder, limits=few) == []
    assert read_ct(folder, limits=ReadLimits(max_elements=10**6)).array.shape == (5, 4, 6)
    with pytest.raises(TypeError, match="limits must be ReadLimits, got dict"):
        read_ct(folder, limits={"max_elements": 5})
