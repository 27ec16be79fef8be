"""Phantom radiographs are told apart from each other, repeat by their seed, and become valid DICOM."""

import itertools

import numpy as np
import pydicom
import pytest

from lungdet.phantoms import RADIOGRAPH_KINDS, TRANSFER_SYNTAXES, make_radiograph, write_radiograph_dicom

PICTURE = make_radiograph(0, "knee", rows=48, columns=32)


@pytest.mark.parametrize("kind", sorted(RADIOGRAPH_KINDS))
def test_a_picture_is_in_range_and_repeats(kind):
    picture = make_radiograph(4, kind, rows=80, columns=60)
    assert (picture.shape, picture.dtype) == ((80, 60), np.float32)
    assert 0 <= picture.min() < 0.1
    assert 0.8 < picture.max() <= 1
    np.testing.assert_array_equal(picture, make_radiograph(4, kind, rows=80, columns=60))
    assert not np.array_equal(picture, make_radiograph(5, kind, rows=80, columns=60))


def test_kinds_differ_more_than_seeds():
    kinds = sorted(set(RADIOGRAPH_KINDS) - {"scene"})  # which differs from itself most
    pictures = {kind: [make_radiograph(seed, kind, rows=64, columns=64) for seed in range(3)] for kind in kinds}
    within = max(np.abs(a - b).mean() for same in pictures.values() for a, b in itertools.combinations(same, 2))
    between = min(np.abs(pictures[a][0] - pictures[b][0]).mean() for a, b in itertools.combinations(kinds, 2))
    assert between > within


@pytest.mark.parametrize(("kind", "rows"), [("unicorn", 64), ("hand", 15)])
def test_nonsense_is_refused(kind, rows):
    with pytest.raises(ValueError, match=r"must be one of|at least 16"):
        make_radiograph(0, kind, rows=rows)


@pytest.mark.parametrize("modality", ["CR", "DX", "PX", "MG", "XA"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_dicom_holds_what_was_given(tmp_path, modality, photometric):
    path = write_radiograph_dicom(PICTURE, tmp_path / "sub" / "a.dcm", modality=modality, photometric=photometric)
    dataset = pydicom.dcmread(path)
    assert (dataset.Modality, dataset.PhotometricInterpretation) == (modality, photometric)
    shown = dataset.pixel_array / 4095
    np.testing.assert_allclose(1 - shown if photometric == "MONOCHROME1" else shown, PICTURE, atol=1e-3)
    assert [str(float(side)) for side in dataset.PixelSpacing] == ["0.2", "0.2"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["a.dcm"]


@pytest.mark.parametrize("syntax", sorted(TRANSFER_SYNTAXES))
def test_every_transfer_syntax_is_lossless(tmp_path, syntax):
    picture = make_radiograph(0, "hand", rows=64, columns=64)
    pytest.importorskip({"jpeg_ls": "jpeg_ls", "jpeg_2000": "openjpeg"}.get(syntax, "pydicom"))
    path = write_radiograph_dicom(picture, tmp_path / "a.dcm", transfer_syntax=syntax, bits=16)
    np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, np.rint(picture * 65535))


def test_the_same_arguments_give_the_same_bytes_and_others_another_uid(tmp_path):
    first, again = (write_radiograph_dicom(PICTURE, tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == again
    uids = {
        pydicom.dcmread(write_radiograph_dicom(PICTURE, tmp_path / "c", **options)).SOPInstanceUID
        for options in ({}, {"seed": 1}, {"patient": "P2"}, {"modality": "CR"})
    }
    assert len(uids) == 4


def test_whole_numbers_are_stored_as_they_are(tmp_path):
    stored = np.arange(12).reshape(3, 4)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        path = write_radiograph_dicom(stored, tmp_path / "a.dcm", photometric=photometric)
        np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, stored)


def test_elements_can_be_set_and_taken_out(tmp_path):
    path = write_radiograph_dicom(
        PICTURE, tmp_path / "a.dcm", body_part="", window=None, spacing_mm=None, laterality="L", Rows=None, KVP="70"
    )
    dataset = pydicom.dcmread(path)
    assert dataset.KVP == 70
    assert dataset.ImageLaterality == "L"
    for keyword in ("BodyPartExamined", "WindowCenter", "PixelSpacing", "Rows"):
        assert keyword not in dataset


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "RGB"},
        {"modality": "CT"},
        {"transfer_syntax": "zip"},
        {"bits": 0},
        {"bits": 17},
        {"window": "half"},
        {"pixels": PICTURE + 1},
        {"pixels": np.full((4, 4), np.nan)},
        {"pixels": np.full((4, 4), 4096)},
        {"pixels": np.full((4, 4), -1)},
        {"pixels": np.zeros(4)},
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, options):
    with pytest.raises(ValueError, match=r"must be|do not fit"):
        write_radiograph_dicom(**{"pixels": PICTURE, "path": tmp_path / "a.dcm", **options})
    assert not list(tmp_path.iterdir())
