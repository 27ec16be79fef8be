"""From a DeepLesion folder to lesions that look alike, with the shipped weights and by the command line alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet.cli import main
from lungdet.lesions import EmbeddedLesions, load_embedded
from lungdet.phantoms import write_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.readers.deeplesion import FIRST_PIXEL


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Eight patients with two studies each; one slice is missing, one has 8 bits."""
    folder = tmp_path_factory.mktemp("deeplesion")
    write_deeplesion(folder, patients=8, seed=11, image_size=128, context_mm=0.0, studies=2, lesions=2)
    first, last = (read_deeplesion(folder / "DL_info.csv").lesions[row] for row in (0, -1))
    (folder / "Images_png" / first.png_path).unlink()
    Image.new("L", (128, 128)).save(folder / "Images_png" / last.png_path)
    return folder


@pytest.fixture(scope="module")
def embedded(folder: Path) -> Path:
    out = folder / "out" / "lesions.npz"
    command = ["lesions", "embed", str(folder / "DL_info.csv"), "--images", str(folder / "Images_png"), "-o", str(out)]
    assert main(command) == 1  # two slices cannot be read, and the others are there
    return out


def test_bad_slices_are_left_out_and_the_others_are_written(folder: Path, embedded: Path):
    table = read_deeplesion(folder / "DL_info.csv").lesions
    lesions = load_embedded(embedded)
    bad = {table[0].png_path, table[-1].png_path}
    assert len(lesions) == sum(lesion.png_path not in bad for lesion in table)
    assert not bad & set(lesions.image.tolist())
    assert len(lesions.weights_sha256) == 64
    assert len(np.unique(lesions.vectors, axis=0)) == len(lesions)


def test_a_lesion_by_its_key(folder: Path, embedded: Path, tmp_path: Path, capsys):
    lesions = load_embedded(embedded)
    images = ["--images", str(folder / "Images_png")]
    assert (
        main(["lesions", "query", str(embedded), "--lesion", lesions.keys[0], "-k", "5", "-o", str(tmp_path), *images])
        == 0
    )
    content = json.loads((tmp_path / "answers.json").read_text())
    patients = [answer["patient"] for answer in content["answers"]]
    assert len({content["query"]["patient"], *patients}) == 6
    distances = [answer["distance"] for answer in content["answers"]]
    assert distances == sorted(distances)
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert (tmp_path / "sheet.png").stat().st_size > 10_000


def test_the_same_mark_on_the_same_slice_gives_the_same_answers(folder: Path, embedded: Path, capsys):
    lesions = load_embedded(embedded)
    row = len(lesions) // 2
    mark = mark_of(folder, lesions, row)
    image = folder / "Images_png" / lesions.image[row]
    query = ["lesions", "query", str(embedded), "-k", "4"]
    assert main([*query, "--lesion", str(lesions.keys[row])]) == 0
    by_key = capsys.readouterr().out
    assert main([*query, "--image", str(image), "--recist", *mark]) == 0
    assert keys(capsys.readouterr().out) == keys(by_key)


def mark_of(folder: Path, lesions: EmbeddedLesions, row: int) -> list[str]:
    """The mark of a lesion as it would be typed, the first pixel being 1."""
    table = read_deeplesion(folder / "DL_info.csv").lesions
    every = EmbeddedLesions.of_lesions(table, np.zeros((len(table), 1), np.float32))
    lesion = table[every.row_of(str(lesions.keys[row]))]
    return [str(value - 0.5 + FIRST_PIXEL) for value in lesion.recist_edge]


def keys(lines: str) -> list[str]:
    return [line.split("\t")[2] for line in lines.splitlines()]


def test_an_8_bit_slice_cannot_be_asked_with(folder: Path, embedded: Path, capsys):
    bad = folder / "Images_png" / read_deeplesion(folder / "DL_info.csv").lesions[-1].png_path
    options = ["--image", str(bad), "--recist", *map(str, (20, 20, 30, 20, 25, 17, 25, 23)), "--spacing-mm", *"115"]
    assert main(["lesions", "query", str(embedded), *options]) == 1
    assert f"{bad.name}: 8 bits a value" in capsys.readouterr().err
