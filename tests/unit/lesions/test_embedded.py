import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lungdet.lesions import EmbeddedFileError, EmbeddedLesions, load_embedded, save_embedded
from lungdet.records.lesion_key import lesion_keys


def embedded(count: int = 6, width: int = 4, seed: int = 0, **columns) -> EmbeddedLesions:
    """Lesions of three patients."""
    rng = np.random.default_rng(seed)
    patients = [f"{row % 3 + 1:06d}" for row in range(count)]
    given = {
        "keys": np.array([f"{patient}_01_01_{row:03d}.png#0" for row, patient in enumerate(patients)], dtype=np.str_),
        "vectors": rng.normal(size=(count, width)),
        "lesion_type": np.array(["liver", "lung"] * count, dtype=np.str_)[:count],
        "location": rng.random((count, 3)),
        "size_mm": rng.random((count, 2)),
        "patient": np.array(patients, dtype=np.str_),
        "study": np.ones(count),
        "image": np.array([""] * count, dtype=np.str_),
    }
    return EmbeddedLesions(**(given | columns))


def test_a_file_gives_back_what_was_written(tmp_path: Path):
    lesions = embedded(location=np.full((6, 3), np.nan), weights_sha256="abc")
    read = load_embedded(save_embedded(lesions, tmp_path / "folder" / "lesions.npz"))
    assert read.weights_sha256 == "abc"
    for name, column in lesions.columns().items():
        other = getattr(read, name)
        assert other.dtype == column.dtype
        np.testing.assert_array_equal(other, column, err_msg=name)


def test_no_lesions_are_lesions_too(tmp_path: Path):
    none = embedded().take([])
    assert none.vectors.shape == (0, 4)
    read = load_embedded(save_embedded(none, tmp_path / "none.npz"))
    assert len(read) == 0
    assert read.vectors.shape == (0, 4)
    with pytest.raises(KeyError, match="among 0"):
        read.row_of("a.png#0")


def test_columns_get_their_types():
    lesions = embedded()
    assert lesions.vectors.dtype == lesions.location.dtype == np.float32
    assert lesions.study.dtype == np.int32
    assert np.isnan(lesions.box_edge).all()
    assert lesions.box_edge.shape == (6, 4)
    assert lesions.split.tolist() == [""] * 6


def test_some_are_taken_by_number_and_by_mask():
    lesions = embedded()
    for taken in (lesions.take([1, 3, 5]), lesions.take(lesions.lesion_type == "lung")):
        assert taken.keys.tolist() == lesions.keys[1::2].tolist()
        np.testing.assert_array_equal(taken.vectors, lesions.vectors[1::2])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"vectors": np.zeros((5, 4))}, r"vectors must be \(6, D\)"),
        ({"vectors": np.zeros(6)}, r"vectors must be \(6, D\)"),
        ({"vectors": np.full((6, 4), np.nan)}, "6 vectors are not finite, the first of 000001_01_01_000.png#0"),
        ({"location": np.zeros((6, 2))}, r"location must be \(6, 3\)"),
        ({"patient": np.array(["a"])}, r"patient must be \(6,\)"),
        ({"keys": np.array(["a"] * 6)}, "same key"),
        ({"split": np.array(["train"])}, "split must be"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        embedded(**columns)


def test_an_unknown_key_is_answered_with_close_ones():
    lesions = embedded()
    assert lesions.row_of("000002_01_01_004.png#0") == 4
    with pytest.raises(KeyError, match=r"but 000002_01_01_001\.png#0, 000002_01_01_004\.png#0"):
        lesions.row_of("000002_01_01_009.png#0")
    with pytest.raises(KeyError, match=r"keys look like 000001_01_01_000\.png#0"):
        lesions.row_of("other")


def test_keys_count_the_lesions_of_a_slice():
    assert lesion_keys([]) == []
    keys = lesion_keys(["a", "a", "b", "a"])
    assert keys == ["a#0", "a#1", "b#0", "a#2"]


def test_files_that_are_none_are_refused(tmp_path: Path):
    path = tmp_path / "lesions.npz"
    with pytest.raises(EmbeddedFileError, match="No such file"):
        load_embedded(path)
    for content in (b"", b"no archive", b"PK\x03\x04 cut"):
        path.write_bytes(content)
        with pytest.raises(EmbeddedFileError, match=r"lesions\.npz: no embedded lesions, or damaged"):
            load_embedded(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(EmbeddedFileError, match="holds arrays, but no embedded lesions"):
        load_embedded(path)


def test_a_damaged_file_is_refused(tmp_path: Path):
    path = save_embedded(embedded(), tmp_path / "lesions.npz")
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(EmbeddedFileError, match="damaged"):
        load_embedded(path)
    place = bytes(content).index(embedded().vectors.tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(EmbeddedFileError, match="CRC"):
        load_embedded(path)


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 99)])  # of the directory: encrypted; packed in no known way
def test_a_damaged_directory_is_refused(tmp_path: Path, place: int, value: int):
    path = save_embedded(embedded(), tmp_path / "lesions.npz")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + place] = value
    path.write_bytes(content)
    with pytest.raises(EmbeddedFileError, match="damaged"):
        load_embedded(path)


def repacked(path: Path, changed: dict[str, bytes | None], how: int = zipfile.ZIP_STORED) -> None:
    """Write an archive again with members changed, or left out."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()} | changed
    with zipfile.ZipFile(path, "w", how) as new:
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)


def as_npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_pickles_bombs_and_other_versions_are_refused(tmp_path: Path):
    path = tmp_path / "lesions.npz"
    about = b'{"format": "lungdet.embedded_lesions", "version": 9}'
    for changed, how, message in (
        ({"patient.npy": as_npy(np.array([{}] * 6, dtype=object))}, zipfile.ZIP_STORED, "allow_pickle"),
        ({"zeros.npy": bytes(10_000_000)}, zipfile.ZIP_DEFLATED, "unpacks to"),
        ({"about.npy": as_npy(np.frombuffer(about, dtype=np.uint8))}, zipfile.ZIP_STORED, "version 9"),
        ({"study.npy": None}, zipfile.ZIP_STORED, "study"),
        ({"other.npy": as_npy(np.zeros(3))}, zipfile.ZIP_STORED, "other"),
    ):
        save_embedded(embedded(), path)
        repacked(path, changed, how)
        with pytest.raises(EmbeddedFileError, match=message):
            load_embedded(path)
