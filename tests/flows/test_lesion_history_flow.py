"""From synthetic patients to the same lesions over time, by the command line, scored against the truth."""

import csv
import json
from pathlib import Path

from lungdet.cli import main
from lungdet.metrics import sequence_scores


def test_lesions_are_followed(tmp_path: Path):
    data, out = tmp_path / "deeplesion", tmp_path / "out"
    phantom = ["phantom", str(data), "--kind", "deeplesion", "--patients", "6", "--image-size", "64", "--context", "0"]
    assert main([*phantom, "--seed", "3"]) == 0
    history = ["lesions", "history", str(data / "DL_info.csv"), "--images", str(data / "Images_png"), "-o", str(out)]
    assert main(history) == 0

    truth = list(csv.DictReader((data / "truth.csv").open()))
    found = {}
    for patient in json.loads((out / "history.json").read_text())["patients"]:
        for sequence in patient["sequences"]:
            for mark in sequence["marks"]:
                found.update(dict.fromkeys((mark["key"], *mark["repeats"]), sequence["name"]))
    names = [found.get(row["key"], row["key"]) for row in truth]
    scores = sequence_scores(names, [row["identity"] for row in truth], [row["key"][:9] for row in truth])
    assert scores.pairs.true > 10
    assert scores.pairs.precision >= 0.9
    assert scores.pairs.recall >= 0.9
    drawn = {path.name for path in (out / "patients").iterdir()}
    assert drawn == {
        f"{name}{end}.png" for name in {row.rsplit("-")[0] for row in found.values()} for end in ("", "_lesions")
    }
