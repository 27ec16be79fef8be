"""Vectors of the lesions of a table, whatever is wrong with some of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from lungdet.networks.nets import LesionEmbedding
from lungdet.phantoms import write_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.workflows import (
    BundleError,
    LesionEmbedder,
    LesionProblem,
    MarkedLesion,
    bundle_root,
    embed_lesions,
    open_bundle,
)
from lungdet.workflows.bundle_settings import PICTURE, settings_sha256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deeplesion")
    write_deeplesion(path, patients=3, seed=3, image_size=64, context_mm=1.0, studies=1)
    return path


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> LesionEmbedder:
    """The shipped settings, with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(LesionEmbedding(embed_channels=32, width=8).state_dict(), path)
    return LesionEmbedder(overrides={"checkpoint": str(path), "embed_channels": 32, "width": 8}, device="cpu")


def test_all_lesions_of_a_table(folder: Path, embedder: LesionEmbedder):
    table = read_deeplesion(folder / "DL_info.csv")
    result = embed_lesions(table, folder / "Images_png", embedder, workers=0)
    assert result.problems == ()
    assert len(result.lesions) == len(table)
    vectors, sizes = result.lesions.vectors[:, :-1], result.lesions.vectors[:, -1]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    told = 0.5 * np.log(np.sqrt(result.lesions.size_mm.prod(axis=1)) / 20) / np.log(4)
    assert np.allclose(sizes, told, atol=0.2)  # pixels of 6 mm
    assert result.lesions.weights_sha256 == embedder.model.weights_sha256
    assert result.lesions.settings_sha256 == embedder.settings_sha256
    assert result.lesions.lesion_type.tolist() == [lesion.type_name for lesion in table.lesions]
    again = embed_lesions(table, folder / "Images_png", embedder, workers=2)
    assert np.array_equal(again.lesions.vectors, result.lesions.vectors)


def test_settings_that_change_the_vectors_are_told_apart(embedder: LesionEmbedder):
    shipped = LesionEmbedder(device="cpu").settings_sha256
    assert shipped == embedder.settings_sha256  # the weights have a sum of their own
    others = ({"size_weight": 3.0}, {"context_mm": 200}, {"gap_mm": 0}, {"precision": "bfloat16"})
    assert len({shipped, *(LesionEmbedder(overrides=given).settings_sha256 for given in others)}) == 5


def test_monais_command_tells_the_same_settings():
    root = bundle_root("lesion_embedding")
    files = [str(root / "configs" / name) for name in ("common.yaml", "inference.yaml")]
    told = ConfigParser.load_config_files(files)["settings_sha256"]["settings"]
    sums = set()
    for given in ({}, *({name: 3} for name in told)):
        parser = ConfigParser({**ConfigParser.load_config_files(files), "bundle_root": str(root), **given})
        sums.add(parser.get_parsed_content("settings_sha256"))
        assert parser.get_parsed_content("settings_sha256") == settings_sha256(open_bundle(root, given), PICTURE)
    assert len(sums) == 1 + len(told)


def test_one_alone_is_as_among_others(folder: Path, embedder: LesionEmbedder):
    table = read_deeplesion(folder / "DL_info.csv")
    every = embed_lesions(table, folder / "Images_png", embedder, workers=0).lesions
    one = embed_lesions(table, folder / "Images_png", embedder, rows=[1], workers=0).lesions
    assert one.keys.tolist() == [every.keys[1]]
    assert np.allclose(one.vectors[0], every.vectors[1], atol=1e-5)


def test_bad_slices_are_told_and_the_others_go_on(folder: Path, embedder: LesionEmbedder, tmp_path: Path):
    table = read_deeplesion(folder / "DL_info.csv")
    keys = [f"{number}#0" for number in range(3)]
    good = MarkedLesion.of_row(keys[0], table.lesions[0], folder / "Images_png")
    missing = MarkedLesion.of_row(keys[1], table.lesions[0], tmp_path)
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "001.png")
    shallow = MarkedLesion(keys[2], str(tmp_path / "001.png"), good.recist_edge, good.spacing_mm)
    answers = list(embedder([good, missing, shallow, good], workers=0, batch_size=2))
    assert isinstance(answers[1], LesionProblem)
    assert "fetch it again" in answers[1].error
    assert isinstance(answers[2], LesionProblem)
    assert "8 bits" in answers[2].error
    assert np.array_equal(answers[0], answers[3])


def test_no_lesion_at_all(folder: Path, embedder: LesionEmbedder):
    table = read_deeplesion(folder / "DL_info.csv")
    result = embed_lesions(table, "nowhere", embedder, workers=0)
    assert len(result.problems) == len(table)
    assert result.lesions.vectors.shape == (0, 33)


def test_other_bundles_are_refused():
    with pytest.raises(BundleError, match="embeds no lesions"):
        LesionEmbedder("body_part_router")
    with pytest.raises(BundleError, match="no such bundle"):
        LesionEmbedder("no_such_bundle")
