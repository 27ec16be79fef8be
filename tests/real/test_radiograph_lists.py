from collections import Counter
from pathlib import Path

import torch

from lungdet.datalists import RadiographChoice, build_radiographs, split_pictures
from lungdet.engines import list_pictures
from lungdet.routing import load_class_list
from lungdet.workflows.radiograph_list import RadiographListOptions, make_radiograph_list

SHARES = {"training": 70.0, "validation": 15.0, "test": 15.0}


def test_unifesp_several_labels_and_patients(real_data: Path, tmp_path: Path):
    source, target = real_data / "radiographs_unifesp" / "labels.csv", tmp_path / "list.json"
    options = RadiographListOptions(classes="unifesp22", progress=False)
    result = make_radiograph_list(source, target, options)
    assert result.good
    sizes = {part: len(entries) for part, entries in result.parts.items()}
    assert sum(sizes.values()) == 1218
    assert abs(sizes["training"] - 853) < 15
    seen = [{label for entry in entries for label in entry.labels} for entries in result.parts.values()]
    assert seen == [set(range(22))] * 3
    patients = [{entry.patient for entry in entries} for entries in result.parts.values()]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 538
    items = list_pictures(target, "test", source.parent)
    assert all(Path(item["image"]).is_file() for item in items)
    assert torch.stack([item["label"] for item in items]).sum(1).max() >= 2
    again = make_radiograph_list(source, tmp_path / "again.json", options)
    assert again.parts == result.parts


def test_unifesp_groups(real_data: Path):
    source = real_data / "radiographs_unifesp" / "labels.csv"
    choice = RadiographChoice(load_class_list("unifesp22"), by_group=True, with_content=False)
    built = build_radiographs(source, choice=choice)
    assert built.classes.names == ("abdomen", "chest", "spine", "other")
    counted = Counter(entry.labels[0] for entry in built.entries)
    assert [counted[label] for label in range(4)] == [63, 515, 111, 529]
    for entries in split_pictures(built.entries, SHARES).values():
        share = len(entries) / len(built.entries)
        part = Counter(entry.labels[0] for entry in entries)
        assert all(abs(part[label] - counted[label] * share) < 9 for label in range(4))


def test_mednist_names_no_patients(real_data: Path):
    built = build_radiographs(real_data / "mednist", choice=RadiographChoice(load_class_list("mednist6")))
    assert len(built.entries) == built.unknown_patients == 3000
    assert built.notes[0].startswith("no patients are known")
    assert any("HeadCT/001160.jpeg = HeadCT/005644.jpeg" in note for note in built.notes)
    for part, entries in split_pictures(built.entries, SHARES).items():
        counted = Counter(entry.labels[0] for entry in entries)
        assert all(abs(counted[label] - 5 * SHARES[part]) <= 2 for label in range(6))
