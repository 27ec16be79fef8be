"""Retrieval among the rows of the real ``DL_info.csv``: by place and size alone, for their images are not at hand."""

from pathlib import Path

import numpy as np
import pytest

from lungdet.cli import main
from lungdet.lesions import EmbeddedLesions, LesionRetrieval, load_embedded, random_answers, save_embedded
from lungdet.metrics import retrieval_scores
from lungdet.readers import read_deeplesion


@pytest.fixture(scope="module")
def lesions(real_data: Path) -> EmbeddedLesions:
    table = read_deeplesion(real_data / "deeplesion" / "DL_info_excerpt.csv", strict=False)
    told = EmbeddedLesions.of_lesions(table.lesions, np.zeros((len(table), 1), np.float32))
    return told.with_vectors(np.hstack([told.location, np.log1p(told.size_mm) / 4]).astype(np.float32))


def test_keys_are_those_of_the_table(lesions: EmbeddedLesions, tmp_path: Path):
    assert lesions.keys[0] == "000001_01_01_109.png#0"
    assert lesions.image[0] == "000001_01_01/109.png"
    assert len(set(lesions.keys.tolist())) == len(lesions) > 2000
    read = load_embedded(save_embedded(lesions, tmp_path / "lesions.npz"))
    np.testing.assert_array_equal(read.box_edge, lesions.box_edge)


def test_answers_are_of_different_patients_and_nearer_than_chance(lesions: EmbeddedLesions):
    asked = np.arange(0, len(lesions), 10)
    queries = lesions.take(asked)
    found = LesionRetrieval(lesions).like_rows(asked, 10).rows
    for row, answers in zip(asked.tolist(), found, strict=True):
        assert len({lesions.patient[row], *lesions.patient[answers]}) == 11
    near = retrieval_scores(queries, lesions, found)
    chance = retrieval_scores(queries, lesions, random_answers(lesions.patient, queries.patient, 10))
    assert near.location_error < chance.location_error / 3
    assert near.size_error_mm < chance.size_error_mm / 2
    assert near.type_accuracy > 2 * chance.type_accuracy


def test_a_real_jpeg_is_no_slice(lesions: EmbeddedLesions, real_data: Path, tmp_path: Path, capsys):
    path = save_embedded(lesions, tmp_path / "lesions.npz")
    folder = tmp_path / "Images_png" / "000001_01_01"
    folder.mkdir(parents=True)
    jpeg = real_data / "deeplesion" / "key_slices" / "000001_01_01_109.jpg"
    (folder / "109.png").write_bytes(jpeg.read_bytes())
    options = ["--lesion", "000001_01_01_109.png#0", "-k", "1", "-o", str(tmp_path), "--images", str(folder.parent)]
    assert main(["lesions", "query", str(path), *options]) == 1
    assert "000001_01_01/109.png: no PNG; fetch the slice again" in capsys.readouterr().err
