"""Volume files that do not say where they are, that are damaged, or that are nothing a scanner gives."""

import gzip
import re
from pathlib import Path

import nibabel
import numpy as np
import pytest

from lungdet.readers import SeriesError, read_ct

SimpleITK = pytest.importorskip("SimpleITK")

HU = np.random.default_rng(0).integers(-1000, 400, (20, 24, 16)).astype(np.int16)
RAS = np.diag([-1.0, -1.0, 2.0, 1.0])
PLACE = {"ElementSpacing": "1 1 2", "Offset": "1 2 3", "TransformMatrix": "1 0 0 0 1 0 0 0 1"}
LPS_DIRECTIONS = {"space directions": "(1,0,0) (0,1,0) (0,0,2)", "space origin": "(10,20,30)"}


def write_mha(path: Path, **fields: str) -> Path:
    whole = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        **{name: value for name, value in fields.items() if value},
        "DimSize": "20 24 16",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "LOCAL",
    }
    text = "".join(f"{name} = {value}\n" for name, value in whole.items())
    path.write_bytes(text.encode() + HU.tobytes(order="F"))
    return path


def write_nrrd(path: Path, fields: dict[str, str]) -> Path:
    text = (
        "NRRD0004\n# a comment: with colon\ntype: short\ndimension: 3\nsizes: 20 24 16\nencoding: raw\nendian: little\n"
    )
    text += "".join(f"{name}: {value}\n" for name, value in fields.items()) + "space:=not the space\n\n"
    path.write_bytes(text.encode() + HU.tobytes(order="F"))
    return path


def write_nifti(path: Path, values: np.ndarray = HU, affine: np.ndarray = RAS) -> Path:
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
    return path


def overwrite(path: Path, at: int, data: bytes) -> Path:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    return path


# --- MetaImage and NRRD ---


@pytest.mark.parametrize("change", [{}, {"Offset": "", "Position": "1 2 3"}, {"DistanceUnits": "mm"}])
def test_a_metaimage_with_its_place_is_read(tmp_path: Path, change):
    volume = read_ct(write_mha(tmp_path / "scan.mha", **PLACE | change))
    np.testing.assert_array_equal(volume.array, HU)
    np.testing.assert_array_equal(volume.affine_lps, [[1, 0, 0, 1], [0, 1, 0, 2], [0, 0, 2, 3], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ElementSpacing": ""}, "has no ElementSpacing, so the place and size of its voxels are not known"),
        ({"ElementSpacing": "", "ElementSize": "1 1 2"}, "has no ElementSpacing"),
        ({"Offset": ""}, "has no Offset"),
        ({"TransformMatrix": ""}, "has no TransformMatrix"),
        ({"ElementSpacing": "-1 1 2"}, "ElementSpacing is '-1 1 2'"),
        ({"ElementSpacing": "0 1 2"}, "ElementSpacing is '0 1 2'"),
        ({"ElementSpacing": "nan 1 2"}, "ElementSpacing is 'nan 1 2'"),
        ({"DistanceUnits": "um"}, "its lengths are in um; convert it to mm"),
        ({"ElementToIntensityFunctionOffset": "-1024"}, "ElementToIntensityFunctionOffset is -1024, which is not"),
    ],
)
def test_a_metaimage_without_a_place_is_refused(tmp_path: Path, change, problem: str):
    path = write_mha(tmp_path / "scan.mha", **PLACE | change)
    with pytest.raises(SeriesError, match=r"scan\.mha: .*" + re.escape(problem)):
        read_ct(path)


@pytest.mark.parametrize(
    ("space", "affine_lps"),
    [
        ("left-posterior-superior", [[1, 0, 0, 10], [0, 1, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1]]),
        ("LPS", [[1, 0, 0, 10], [0, 1, 0, 20], [0, 0, 2, 30], [0, 0, 0, 1]]),
        ("right-anterior-superior", [[-1, 0, 0, -10], [0, -1, 0, -20], [0, 0, 2, 30], [0, 0, 0, 1]]),
        ("left-anterior-superior", [[1, 0, 0, 10], [0, -1, 0, -20], [0, 0, 2, 30], [0, 0, 0, 1]]),
    ],
)
@pytest.mark.parametrize("units", [{}, {"space units": '"mm" "mm" "mm"'}])
def test_an_nrrd_in_a_frame_of_the_patient_is_read(tmp_path: Path, space: str, affine_lps, units):
    volume = read_ct(write_nrrd(tmp_path / "scan.nrrd", {"space": space} | LPS_DIRECTIONS | units))
    np.testing.assert_array_equal(volume.array, HU)
    np.testing.assert_array_equal(volume.affine_lps, affine_lps)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "its header has no space"),
        ({"spacings": "1 1 2"}, "its header has no space"),
        ({"space": "scanner-xyz"} | LPS_DIRECTIONS, "its space is scanner-xyz"),
        ({"space": "3D-left-handed"} | LPS_DIRECTIONS, "its space is 3D-left-handed"),
        ({"space": "LPS", "space origin": "(0,0,0)"}, "no space directions of three axes"),
        (
            {"space": "LPS", "space directions": "(1,0,0) (0,1,0) none", "space origin": "(0,0,0)"},
            "no space directions of three axes",
        ),
        ({"space": "LPS", "space directions": "(1,0,0) (0,1,0) (0,0,2)"}, "no space origin"),
        ({"space": "LPS", "space units": '"um" "um" "um"'} | LPS_DIRECTIONS, "its lengths are in um"),
    ],
)
def test_an_nrrd_without_a_place_is_refused(tmp_path: Path, fields, problem: str):
    with pytest.raises(SeriesError, match=r"scan\.nrrd: .*" + re.escape(problem)):
        read_ct(write_nrrd(tmp_path / "scan.nrrd", fields))


def test_contradictions_are_refused(tmp_path: Path):
    path = write_mha(tmp_path / "scan.mha", **PLACE)
    path.write_bytes(path.read_bytes().replace(b"Offset = 1 2 3\n", b"Offset = 1 2 3\nOffset = 3 2 1\n"))
    with pytest.raises(SeriesError, match="gives Offset twice, and not the same"):
        read_ct(path)
    write_mha(tmp_path / "scan.mha", **PLACE).rename(tmp_path / "scan.nrrd")
    with pytest.raises(SeriesError, match="does not know this file by its name and beginning"):
        read_ct(tmp_path / "scan.nrrd")


@pytest.mark.parametrize("name", ["scan.mha", "scan.mhd", "scan.nrrd", "scan.nhdr"])
def test_damage_in_packed_voxels_is_noticed(tmp_path: Path, name: str):
    image = SimpleITK.GetImageFromArray(HU.transpose(2, 1, 0))
    SimpleITK.WriteImage(image, str(tmp_path / name), True)
    np.testing.assert_array_equal(read_ct(tmp_path / name).array, HU)
    voxels = max(tmp_path.iterdir(), key=lambda path: path.stat().st_size)  # .zraw and .raw.gz stand alone
    assert voxels.suffix in (".mha", ".nrrd", ".zraw", ".gz")
    whole = voxels.read_bytes()
    checksum = len(whole) - (
        8 if "rd" in name.split(".")[1] + voxels.suffix and voxels.suffix in (".nrrd", ".gz") else 4
    )
    for place in [*range(len(whole) // 2, len(whole) - 100, len(whole) // 12), checksum]:
        overwrite(voxels, place, bytes([whole[place] ^ 0x55]))
        with pytest.raises(SeriesError, match=name):
            read_ct(tmp_path / name)
        voxels.write_bytes(whole)
    voxels.write_bytes(whole[:-200])
    with pytest.raises(SeriesError, match=name):
        read_ct(tmp_path / name)


# --- NIfTI ---


def test_every_flipped_byte_of_a_packed_nifti_is_noticed(tmp_path: Path):
    whole = write_nifti(tmp_path / "scan.nii.gz").read_bytes()
    places = [*range(400, len(whole) - 8, len(whole) // 40), len(whole) - 8, len(whole) - 6, len(whole) - 4]
    for place in places:
        damaged = overwrite(write_nifti(tmp_path / "scan.nii.gz"), place, bytes([whole[place] ^ 0x55]))
        with pytest.raises(SeriesError, match=r"scan\.nii\.gz"):
            read_ct(damaged)


@pytest.mark.parametrize(
    ("at", "data", "problem"),
    [
        (0, b"\0\0\0\0", "does not begin as NIfTI"),
        (42, np.array([-5], "<i2").tobytes(), "its shape is -5 x 24 x 16, not one 3D volume; take one out of it"),
        (70, b"\x99\x99", "data code .* not recognized"),
        (108, np.array([1e9], "<f4").tobytes(), "voxels begin at byte 1000000000"),
        (108, np.array([np.nan], "<f4").tobytes(), "cannot be read"),
        (108, np.array([4.0], "<f4").tobytes(), "vox offset 4 too low"),
        (112, np.array([1, np.nan], "<f4").tobytes(), "scl_slope is 1 and scl_inter nan"),
        (112, np.array([np.inf, 0], "<f4").tobytes(), "scl_slope is inf"),
        (112, np.array([1e38, 0], "<f4").tobytes(), "values are not finite"),
        (344, b"ni1\0", "its magic is b'ni1"),
    ],
)
def test_nifti_headers_that_make_no_sense_are_refused(tmp_path: Path, at: int, data: bytes, problem: str):
    with pytest.raises(SeriesError, match=problem) as caught:
        read_ct(overwrite(write_nifti(tmp_path / "scan.nii"), at, data))
    assert str(caught.value).count("scan.nii") == 1


def test_damaged_nifti_headers_are_read_or_refused(tmp_path: Path):
    whole = write_nifti(tmp_path / "scan.nii").read_bytes()
    draw = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[draw.integers(0, 348, 2)] = draw.integers(0, 256, 2)
        (tmp_path / "scan.nii").write_bytes(damaged.tobytes())
        try:
            read_ct(tmp_path / "scan.nii")
        except SeriesError:
            refused += 1
    assert refused > 20


def test_a_nifti_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch):
    header = nibabel.Nifti1Header()
    header.set_data_shape((512, 512, 200))
    header.set_data_dtype(np.int16)
    header.set_sform(np.eye(4), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(header.binaryblock + bytes(1 << 20)))
    monkeypatch.setattr("lungdet.readers.volume_nifti._read_values", None)
    with pytest.raises(SeriesError, match=r"it claims 104857600 bytes of voxels from \d+ compressed bytes"):
        read_ct(path)


def test_what_follows_the_voxels_is_told_and_bounded(tmp_path: Path, monkeypatch, caplog):
    whole = write_nifti(tmp_path / "scan.nii").read_bytes()
    for name, data in (("scan.nii", whole + bytes(99)), ("scan.nii.gz", gzip.compress(whole + bytes(99)))):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(read_ct(tmp_path / name).array, HU)
        assert f"{name}: 99 bytes after its voxels are left out" in caplog.text
    monkeypatch.setattr("lungdet.readers.volume_nifti.MAX_TRAILING_BYTES", 50)
    with pytest.raises(SeriesError, match="more than 50 bytes follow its voxels"):
        read_ct(tmp_path / "scan.nii.gz")


def test_nifti_of_version_2_and_of_the_other_byte_order(tmp_path: Path):
    nibabel.Nifti2Image(HU, RAS).to_filename(tmp_path / "two.nii.gz")
    np.testing.assert_array_equal(read_ct(tmp_path / "two.nii.gz").array, HU)
    big = nibabel.Nifti1Image(HU.astype(">i2"), RAS, nibabel.Nifti1Header(endianness=">"))
    big.set_data_dtype(">i2")
    big.to_filename(tmp_path / "big.nii")
    volume = read_ct(tmp_path / "big.nii")
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, HU)


@pytest.mark.parametrize("name", ["nii", "nii.gz"])
def test_what_monai_saves_is_read(tmp_path: Path, name: str):
    import torch
    from monai.data import MetaTensor
    from monai.transforms import SaveImage

    image = MetaTensor(torch.from_numpy(HU.astype(np.float32))[None], affine=torch.from_numpy(RAS))
    save = SaveImage(tmp_path, output_ext=f".{name}", separate_folder=False, print_log=False)
    save(image)
    (path,) = tmp_path.iterdir()
    assert path.name.endswith(name)
    volume = read_ct(path)
    np.testing.assert_array_equal(volume.array, HU)
    np.testing.assert_array_equal(volume.affine_lps, np.diag([-1, -1, 1, 1]) @ RAS)


# --- values and sizes ---


@pytest.mark.parametrize("padding_hu", [-1000.5, 0.25])
def test_padding_that_int16_cannot_hold_makes_float32(tmp_path: Path, padding_hu: float):
    values = HU.copy()
    values[0, 0, :2] = -3024
    volume = read_ct(write_nifti(tmp_path / "scan.nii", values), padding_hu=padding_hu)
    assert volume.array.dtype == np.float32
    assert volume.array[0, 0, :2].tolist() == [padding_hu] * 2
    assert f"to {padding_hu:g} HU" in volume.info.steps[0]


@pytest.mark.parametrize("padding_hu", [-1000.0, None])
@pytest.mark.parametrize("value", [np.nan, -2000.0])
def test_a_volume_of_nothing_but_padding_is_refused(tmp_path: Path, value: float, padding_hu):
    path = write_nifti(tmp_path / "scan.nii", np.full((4, 4, 4), value, np.float32))
    with pytest.raises(SeriesError, match="every voxel is padding"):
        read_ct(path, padding_hu=padding_hu)


@pytest.mark.parametrize("values", [HU // 4 - 500, HU * np.float32(200) + 1e5, HU // 50 + 500])
def test_values_that_no_chest_has_are_told(tmp_path: Path, values):
    volume = read_ct(write_nifti(tmp_path / "scan.nii", values), padding_hu=None)
    assert "are they HU?" in volume.info.steps[-1]


@pytest.mark.parametrize(
    "steps_mm",
    [(1e-5, 1e-5, 2), (0.04, 1, 1), (25, 1, 1), (1, 1, 51), (1000, 1000, 1000), (1, 1e300, 2), (20, 20, 200)],
)
def test_voxels_of_a_size_that_no_ct_has_are_refused(tmp_path: Path, steps_mm):
    header = "".join(f"{step!r} " for step in map(float, steps_mm))
    path = write_mha(tmp_path / "scan.mha", **PLACE | {"ElementSpacing": header})
    with pytest.raises(SeriesError, match=r"write it again in mm|not finite"):
        read_ct(path)
