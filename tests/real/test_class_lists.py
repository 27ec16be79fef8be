"""The class lists fit the label files and folders that they were made for."""

import csv
from pathlib import Path

from lungdet.routing import load_class_list


def test_unifesp_labels_are_those_of_the_list(real_data: Path):
    entries = load_class_list("unifesp22")
    with (real_data / "radiographs_unifesp" / "labels.csv").open(newline="") as stream:
        labels = [entries.split(row["label"]) for row in csv.DictReader(stream)]
    assert len(labels) == 1218
    assert sum(len(outputs) > 1 for outputs in labels) == 80
    assert {output for outputs in labels for output in outputs} == set(range(22))
    counts = [sum(entries.group(outputs) == group for outputs in labels) for group in range(4)]
    assert sum(counts) == 1218
    assert counts[entries.groups.index("abdomen")] == 63  # every picture with this label, since it goes first


def test_mednist_folders_are_those_of_the_list(real_data: Path):
    folders = sorted(path.name for path in (real_data / "mednist").iterdir() if path.is_dir())
    assert tuple(folders) == load_class_list("mednist6").names
