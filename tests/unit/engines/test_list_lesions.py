"""Lesions of a table with their slices, and the sequences and batches of a training."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.datalists import DatalistError
from lungdet.engines import LesionSequenceSampler, PrepareLesionBatch, list_lesions
from lungdet.lesions import LesionFacts, relations
from lungdet.phantoms import write_deeplesion


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DeepLesion of six patients with tiny pictures."""
    path = tmp_path_factory.mktemp("deeplesion")
    write_deeplesion(path, patients=6, seed=2, image_size=64, context_mm=1.0, studies=2)
    return path


def test_items_have_what_a_training_needs(folder: Path):
    items = list_lesions(folder / "DL_info.csv")
    assert [item["row"] for item in items] == list(range(len(items)))
    first = items[0]
    assert Path(first["image"]).is_file()
    assert len(first["recist_edge"]) == 8
    assert first["identity"].startswith(first["patient"])
    assert first["size_mm"][0] >= first["size_mm"][1] > 0
    assert len(items) >= 10


def test_parts_are_those_of_the_table(folder: Path):
    parts = {name: list_lesions(folder / "DL_info.csv", name) for name in ("training", "validation", "test", "all")}
    assert sum(len(parts[name]) for name in ("training", "validation", "test")) == len(parts["all"])
    patients = [{item["patient"] for item in parts[name]} for name in ("training", "validation", "test")]
    assert not patients[0] & patients[1]
    assert not patients[0] & patients[2]


def test_what_cannot_be_used_is_left_out_and_told(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    every = list_lesions(folder / "DL_info.csv", "all")
    text = (folder / "DL_info.csv").read_text().replace(every[0]["image"].split("/")[-2], "999999_01_01", 1)
    (tmp_path / "DL_info.csv").write_text(text)  # its name contradicts its indices now
    some = list_lesions(tmp_path / "DL_info.csv", "all", folder / "Images_png")
    assert len(some) == len(every) - 1
    assert "1 faulty rows" in caplog.text
    with pytest.raises(DatalistError, match=r"have no key slice in .*nowhere"):
        list_lesions(folder / "DL_info.csv", "all", tmp_path / "nowhere")


def test_lesions_of_which_nothing_is_known_are_no_use(tmp_path: Path):
    write_deeplesion(tmp_path / "a", patients=3, image_size=64, context_mm=1.0, studies=1, hide_training_types=True)
    known = list_lesions(tmp_path / "a" / "DL_info.csv")
    assert {item["lesion_type"] for item in known} == {-1}
    (tmp_path / "a" / "truth.csv").unlink()
    with pytest.raises(DatalistError, match="the others have no type"):
        list_lesions(tmp_path / "a" / "DL_info.csv")
    assert len(list_lesions(tmp_path / "a" / "DL_info.csv", need_type=False)) == len(known)


def test_bad_arguments(folder: Path, tmp_path: Path):
    assert list_lesions("") == []
    with pytest.raises(ValueError, match="part must be one of"):
        list_lesions(folder / "DL_info.csv", "train")
    (tmp_path / "truth.csv").write_text("a,b\n")
    with pytest.raises(DatalistError, match="wanted columns key and identity"):
        list_lesions(folder / "DL_info.csv", truth=tmp_path / "truth.csv")
    with pytest.raises(DatalistError, match="cannot be opened"):
        list_lesions(folder / "DL_info.csv", truth=tmp_path / "none.csv")


def test_epochs_differ_and_repeat(folder: Path):
    items = list_lesions(folder / "DL_info.csv")
    sampler = LesionSequenceSampler(items, sequences=4, seed=1)
    sampler.set_epoch(3)
    drawn = list(sampler)
    assert len(drawn) == len(sampler) == 24
    assert list(sampler) == drawn
    assert {each.epoch for each in drawn} == {3}
    assert max(Counter(each.key for each in drawn).values()) == 1  # a lesion that comes again has another key
    sampler.set_epoch(4)
    assert [each.item for each in sampler] != [each.item for each in drawn]


def test_processes_share_whole_sequences(folder: Path):
    items = list_lesions(folder / "DL_info.csv")
    one = list(LesionSequenceSampler(items, sequences=4, num_replicas=1, rank=0))
    two = [list(LesionSequenceSampler(items, sequences=4, num_replicas=2, rank=rank)) for rank in (0, 1)]
    assert [len(each) for each in two] == [12, 12]
    assert two[0][:6] == one[:6]
    assert two[1][:6] == one[6:12]
    assert two[0][6:] == one[12:18]
    assert len(LesionSequenceSampler(items, sequences=3, num_replicas=2, rank=0)) == 12  # four, to share evenly
    with pytest.raises(ValueError, match="at least one sequence"):
        LesionSequenceSampler(items, sequences=0)


def test_a_batch_knows_its_levels(folder: Path):
    items = list_lesions(folder / "DL_info.csv")[:5]
    crops, told = PrepareLesionBatch()([{**item, "image": torch.rand(6, 8, 8)} for item in items])
    assert crops.shape == (5, 6, 8, 8)
    assert told["levels"].dtype == torch.int64
    assert (told["levels"].numpy() == relations(LesionFacts.of_items(items), np.arange(5))).all()
    assert told["unlikeness"].shape == (5, 5)
