import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lungdet.cli import main
from lungdet.lesions import EmbeddedLesions, load_embedded, save_embedded
from lungdet.readers.deeplesion_mark import MarkedSlice
from lungdet.readers.png_file import write_png16
from lungdet.workflows import embedded_table, lesion_embedder, similar_lesions
from lungdet.workflows.lesion_embedder import LesionProblem

CROSS = (21.0, 21.0, 31.0, 21.0, 26.0, 18.0, 26.0, 24.0)
COUNT = 6


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One slice for each of six lesions of as many patients."""
    folder = tmp_path / "Images_png"
    for number in range(1, COUNT + 1):
        series = folder / f"{number:06d}_01_01"
        series.mkdir(parents=True)
        write_png16(series / "005.png", np.full((64, 64), 32768 + 10 * number, np.uint16))
    return folder


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """The nearer two numbers of patients, the more alike their lesions."""
    names = [f"{number:06d}_01_01" for number in range(1, COUNT + 1)]
    lesions = EmbeddedLesions(
        keys=np.array([f"{name}_005.png#0" for name in names], dtype=np.str_),
        vectors=np.arange(COUNT, dtype=np.float32)[:, None] * np.ones((1, 4), np.float32),
        lesion_type=np.array(["lung", "lung", "liver", "unknown", "bone", "lung"], dtype=np.str_),
        location=np.full((COUNT, 3), [0.5, 0.25, np.nan]),
        size_mm=np.full((COUNT, 2), [10.0, 6.0]),
        patient=np.array([name[:6] for name in names], dtype=np.str_),
        study=np.ones(COUNT),
        image=np.array([f"{name}/005.png" for name in names], dtype=np.str_),
        box_edge=np.full((COUNT, 4), [20.0, 18.0, 31.0, 24.0]),
        spacing_mm=np.full((COUNT, 3), [1.0, 1.0, 5.0]),
        window_hu=np.full((COUNT, 2), [-100.0, 100.0]),
        weights_sha256="ab" * 32,
    )
    return save_embedded(lesions, tmp_path / "lesions.npz")


class FakeEmbedder:
    """Gives every lesion the same vector."""

    vector: np.ndarray | LesionProblem = np.full(4, 4.4, np.float32)
    asked: list = []

    def __init__(self, *arguments: object) -> None:
        self.model = SimpleNamespace(weights_sha256="ab" * 32)
        self.settings_sha256 = "12" * 32
        self.gap_mm = 5.0

    def __call__(self, lesions, workers):
        FakeEmbedder.asked = list(lesions)
        return iter([self.vector] * len(FakeEmbedder.asked))


def ask(collection: Path, *options: str) -> int:
    return main(["lesions", "query", str(collection), *options])


def test_a_lesion_of_the_collection(collection: Path, images: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    code = ask(collection, "--lesion", "000002_01_01_005.png#0", "-k", "3", "-o", str(out), "--images", str(images))
    assert code == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[2][:6] for line in lines] == ["000001", "000003", "000004"]
    assert lines[0] == ["1", "2.0000", "000001_01_01_005.png#0", "lung", "10.0 x 6.0 mm"]
    assert sorted(path.name for path in out.iterdir()) == ["answers.csv", "answers.json", "sheet.png"]
    content = json.loads((out / "answers.json").read_text())
    assert [told["same_type"] for told in content["answers"]] == [True, False, None]
    assert content["answers"][0]["location"] == [0.5, 0.25, None]
    assert (content["searched"], content["weights_sha256"]) == (6, "ab" * 32)
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.size[0] > 3 * 200


def test_as_many_as_there_are_when_far_too_many_are_asked_for(collection: Path, capsys):
    assert ask(collection, "--lesion", "000002_01_01_005.png#0", "-k", str(10**12)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_without_images_there_is_no_sheet(collection: Path, tmp_path: Path):
    similar_lesions.query_lesions(collection, "000002_01_01_005.png#0", output=tmp_path / "out")
    assert not (tmp_path / "out" / "sheet.png").exists()
    assert not list(tmp_path.glob("out/.*"))


def test_pictures_that_are_missing_or_of_8_bits_are_named(collection: Path, images: Path, tmp_path: Path, capsys):
    (images / "000001_01_01" / "005.png").unlink()
    Image.new("L", (64, 64)).save(images / "000003_01_01" / "005.png")
    out = tmp_path / "out"
    assert ask(collection, "--lesion", "000002_01_01_005.png#0", "-o", str(out), "--images", str(images)) == 1
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 5
    assert "000001_01_01/005.png: the slice cannot be opened" in told.err
    assert "000003_01_01/005.png: 8 bits a value, colour type 0; wanted a 16-bit grey PNG" in told.err
    assert "5 answers, not 10: there are no more patients" in told.err
    assert (out / "sheet.png").is_file()


def test_a_mark_on_a_slice(collection: Path, images: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    image = images / "000005_01_01" / "005.png"
    options = ["--image", str(image), "--recist", *map(str, CROSS), "-k", "2", "--images", str(images)]
    assert ask(collection, *options, "-o", str(tmp_path / "out")) == 0
    keys = [line.split("\t")[2][:6] for line in capsys.readouterr().out.splitlines()]
    assert keys == ["000006", "000004"]  # the nearest is of its own patient
    (asked,) = FakeEmbedder.asked
    assert asked.recist_edge[:2] == (20.5, 20.5)
    assert asked.spacing_mm == (1.0, 1.0, 5.0)  # of the series in the collection
    content = json.loads((tmp_path / "out" / "answers.json").read_text())
    assert content["query"]["size_mm"] == [10.0, 6.0]


def test_the_patient_of_a_copied_slice_can_be_told(collection: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    options = ["--image", str(tmp_path / "copy.png"), "--recist", *map(str, CROSS), "--spacing-mm", "1", "1", "5"]
    assert ask(collection, *options, "-k", "2") == 0
    assert [line.split("\t")[2][:6] for line in capsys.readouterr().out.splitlines()] == ["000005", "000006"]
    assert ask(collection, *options, "-k", "2", "--patient", "000005") == 0
    assert [line.split("\t")[2][:6] for line in capsys.readouterr().out.splitlines()] == ["000006", "000004"]
    with pytest.raises(SystemExit):
        ask(collection, "--lesion", "000002_01_01_005.png#0", "--patient", "000005")
    assert "--patient" in capsys.readouterr().err


def test_a_slice_from_elsewhere_needs_its_spacing(collection: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    with pytest.raises(ValueError, match="--spacing-mm"):
        similar_lesions.query_lesions(collection, MarkedSlice(tmp_path / "a.png", CROSS))
    found = similar_lesions.query_lesions(collection, MarkedSlice(tmp_path / "a.png", CROSS, (0.5, 0.5, 2.0)), count=1)
    assert found.query.size_mm == (5.0, 3.0)
    assert found.answers[0].key.startswith("000005")


def test_a_slice_that_cannot_be_read_ends_the_query(collection: Path, images: Path, monkeypatch):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    monkeypatch.setattr(FakeEmbedder, "vector", LesionProblem("a", "a.png: 8 bits a value"))
    with pytest.raises(ValueError, match="8 bits a value"):
        similar_lesions.query_lesions(collection, MarkedSlice(images / "000005_01_01" / "005.png", CROSS))


def test_another_network_is_refused(collection: Path, images: Path, monkeypatch):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    other = load_embedded(collection)
    other = other.with_vectors(other.vectors, "cd" * 32)
    with pytest.raises(ValueError, match="embedded by weights abababababab"):
        similar_lesions.query_lesions(other, MarkedSlice(images / "000005_01_01" / "005.png", CROSS))


def test_other_settings_of_the_network_are_refused(collection: Path, images: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    question = MarkedSlice(images / "000005_01_01" / "005.png", CROSS)
    lesions = load_embedded(collection)
    same, other = (lesions.with_vectors(lesions.vectors, "ab" * 32, settings * 32) for settings in ("12", "34"))
    read = load_embedded(save_embedded(other, tmp_path / "other.npz"))
    assert read.settings_sha256 == "34" * 32
    with pytest.raises(ValueError, match="embedded with settings 121212121212"):
        similar_lesions.query_lesions(read, question)
    assert len(similar_lesions.query_lesions(same, question).answers) == 5
    assert len(similar_lesions.query_lesions(lesions, question).answers) == 5  # a file that does not tell settings


def test_bad_questions_are_answered_clearly(collection: Path, tmp_path: Path, capsys):
    empty = save_embedded(load_embedded(collection).take([]), tmp_path / "empty.npz")
    assert ask(empty, "--lesion", "a") == 1
    assert "holds no lesions to search among" in capsys.readouterr().err
    assert ask(collection, "--lesion", "000002_01_01_006.png#0") == 1
    assert "lesions.npz: no lesion '000002_01_01_006.png#0' among 6, but 000002_01" in capsys.readouterr().err
    assert ask(collection, "--lesion", "000002_01_01_005.png#0", "--images", str(tmp_path / "none")) == 1
    assert "no such folder of images" in capsys.readouterr().err
    for options in (["--image", "a.png"], ["--lesion", "a", "--recist", *"12345678"], ["--lesion", "a", "-k", "0"], []):
        with pytest.raises(SystemExit) as stop:
            ask(collection, *options)
        assert stop.value.code == 2


def test_a_path_out_of_the_images_is_refused(collection: Path, images: Path, tmp_path: Path):
    lesions = load_embedded(collection)
    odd = EmbeddedLesions(**(lesions.columns() | {"image": np.array(["../../secret.png"] * COUNT, dtype=np.str_)}))
    with pytest.raises(ValueError, match="no image inside"):
        similar_lesions.query_lesions(odd, str(odd.keys[0]), output=tmp_path / "out", images_dir=images)


def test_embedding_a_table_tells_what_it_left_out(collection: Path, images: Path, tmp_path: Path, monkeypatch, capsys):
    lesions = load_embedded(collection)
    slices = {"slice_range": (4, 6), "key_slice": 5, "spacing_mm": (1.0, 1.0, 5.0)}  # 4 and 6 are not on disk
    rows = [SimpleNamespace(split="test", png_path=name, **slices) for name in lesions.image[:3].tolist()]
    table = SimpleNamespace(
        lesions=rows, keys=[*lesions.keys[:2], "c.png#0"], problems=["DL_info.csv, line 5: Patient_index is -1"]
    )
    answer = lesion_embedder.EmbeddingResult(lesions.take([0, 1]), (LesionProblem("c.png#0", "c.png: missing"),))
    monkeypatch.setattr(embedded_table, "read_deeplesion", lambda path, strict: table)
    monkeypatch.setattr(embedded_table, "LesionEmbedder", FakeEmbedder)
    monkeypatch.setattr(embedded_table, "embed_lesions", lambda *arguments, rows: answer)
    out = tmp_path / "new" / "two.npz"
    (tmp_path / "DL_info.csv").touch()
    command = ["lesions", "embed", str(tmp_path), "--images", str(images), "-o", str(out)]
    assert main(command) == 1
    told = capsys.readouterr()
    assert "warning: 2 lesions without neighbour slices" in told.err
    assert "c.png#0: c.png: missing" in told.err
    assert "error: DL_info.csv, line 5: " in told.err
    assert "two.npz: 2 lesions of 2 patients; 2 left out" in told.out
    assert load_embedded(out).keys.tolist() == lesions.keys[:2].tolist()
    assert main([*command, "--part", "train"]) == 1
    assert "holds no lesions of part train" in capsys.readouterr().err
    answer = lesion_embedder.EmbeddingResult(lesions.take([]), answer.problems)
    assert main(command) == 1
    assert "none of 3 lesions could be embedded" in capsys.readouterr().err
    many = tuple(LesionProblem(f"{number}.png#0", "missing") for number in range(24))
    answer = lesion_embedder.EmbeddingResult(lesions.take([0]), many)
    assert main(command) == 1
    told = capsys.readouterr().err
    assert told.count(".png#0: missing") == 9  # and the line of the table
    assert "error: and 15 more like these" in told
    for wrong, words in ((tmp_path / "none", "no such folder of images"), (tmp_path, f"they are in {images}; name")):
        command[4], command[6] = str(wrong), str(tmp_path / "left" / "two.npz")
        assert main(command) == 1
        assert words in capsys.readouterr().err
        assert not (tmp_path / "left").exists()


def test_embedding_replaces_no_file_of_another_kind(images: Path, tmp_path: Path, capsys):
    (tmp_path / "DL_info.csv").touch()
    (tmp_path / "other.npz").write_bytes(b"mine")
    for name, words in (("lesions.csv", "does not end with .npz"), ("other.npz", "no file of 'lungdet lesions embed'")):
        command = ["lesions", "embed", str(tmp_path), "--images", str(images), "-o", str(tmp_path / name)]
        assert main(command) == 1
        assert words in capsys.readouterr().err
    assert (tmp_path / "other.npz").read_bytes() == b"mine"
    assert main(["lesions", "embed", str(tmp_path / "no.csv"), "--images", "a", "-o", str(tmp_path / "a.npz")]) == 1
    assert "no.csv: no such file or folder; check the path" in capsys.readouterr().err


def test_an_earlier_sheet_goes_and_a_sheet_of_others_stays(collection: Path, images: Path, tmp_path: Path, capsys):
    out = tmp_path / "out"
    options = ["--lesion", "000002_01_01_005.png#0", "-k", "3", "-o", str(out)]
    assert ask(collection, *options, "--images", str(images)) == 0
    assert f"written: {out / 'answers.csv'}, {out / 'answers.json'}, {out / 'sheet.png'}" in capsys.readouterr().err
    assert ask(collection, *options) == 0
    assert sorted(path.name for path in out.iterdir()) == ["answers.csv", "answers.json"]
    (out / "answers.json").unlink()
    (out / "sheet.png").write_bytes(b"of somebody")
    assert ask(collection, *options) == 0
    assert (out / "sheet.png").exists()


def test_the_sheet_counts_those_who_may_answer(collection: Path, images: Path, tmp_path: Path, monkeypatch):
    counts = []
    monkeypatch.setattr(similar_lesions, "similar_sheet", lambda *given: (counts.append(given[2]) or b"", []))
    lesions = load_embedded(collection)
    for patients in (["a", "a", "b", "c", "d", "e"], ["", "", "", "", "", ""]):
        told = EmbeddedLesions(**(lesions.columns() | {"patient": np.array(patients)}))
        similar_lesions.query_lesions(told, "000001_01_01_005.png#0", output=tmp_path / "out", images_dir=images)
    assert counts == [4, 5]


def test_a_key_without_number_and_one_that_is_not_there(collection: Path, tmp_path: Path, capsys):
    assert ask(collection, "--lesion", "000002_01_01_005.png", "-k", "1") == 0
    capsys.readouterr()
    two = load_embedded(collection)
    two = EmbeddedLesions(**(two.columns() | {"keys": np.array([f"000001_01_01_005.png#{row}" for row in range(6)])}))
    for key in ("000001_01_01_005.png", "000001_02_01_009.png#0"):
        with pytest.raises(
            ValueError, match=r"but 000001_01_01_005.png#0, .*its slice was missing or could not be read"
        ):
            similar_lesions.query_lesions(two, key, output=tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


def test_a_level_too_high_a_folder_and_a_missing_file_are_told(collection: Path, images: Path, tmp_path: Path, capsys):
    assert ask(collection, "--lesion", "000002_01_01_005.png#0", "--images", str(tmp_path)) == 1
    assert f"they are in {images}; name that folder" in capsys.readouterr().err
    assert ask(tmp_path, "--lesion", "a") == 1
    assert f"is a folder, not a file of 'lungdet lesions embed'; name the file, such as {collection}" in (
        capsys.readouterr().err
    )
    assert ask(tmp_path / "none.npz", "--lesion", "a") == 1
    assert "none.npz: no such file or folder; check the path" in capsys.readouterr().err


def test_a_spacing_that_the_collection_contradicts_is_refused(collection: Path, images: Path, monkeypatch):
    monkeypatch.setattr(lesion_embedder, "LesionEmbedder", FakeEmbedder)
    image = images / "000005_01_01" / "005.png"
    same = MarkedSlice(image, CROSS, (1.001, 1.0, 5.0))
    assert len(similar_lesions.query_lesions(collection, same).answers) == 5
    for spacing, told in (((0.5, 0.5), "0.5 0.5"), ((1.0, 1.0, 2.5), "1 1 2.5")):
        with pytest.raises(ValueError, match=f"--spacing-mm {told}, but series 000005_01_01 has 1 1"):
            similar_lesions.query_lesions(collection, MarkedSlice(image, CROSS, spacing))
