"""What each part of the embedding's loss is worth: train with and without it, and score lesions of unseen patients.

    python benchmarks/lesions_embedding.py --work FOLDER             # about an hour of one core
    python benchmarks/lesions_embedding.py --work FOLDER --quick     # shows that it works: its figures mean nothing

Synthetic patients for training and for scoring are written to ``--work`` once. All trainings draw the same lesions in
the same order.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
import detector_results
from lesions_patients import add_patients, patients_folder

from lungdet.engines import embedding_scores, list_lesions
from lungdet.phantoms import write_deeplesion
from lungdet.readers import read_deeplesion
from lungdet.workflows import LesionEmbedder, bundle_root, embed_lesions

BUNDLE = "lesion_embedding"
TIMEOUT_S = 4 * 3600
VARIANTS = {
    "as shipped": {},
    "triplets of the batch": {"neighbour_weights": "[]"},
    "triplets of each sequence": {"neighbour_weights": "[]", "scope": "sequence"},
    "steps of each sequence alone, as published": {"neighbour_weights": "[]", "scope": "steps", "distance_weight": "0"},
    "neighbours of the same type only": {"neighbour_weights": "[1.0]"},
}


def main(arguments: list[str]) -> None:
    options = read_arguments(arguments)
    training, unseen = training_folder(options), patients_folder(options)
    rows = []
    for name, settings in VARIANTS.items():
        folder = options.work / ("quick_" * options.quick + name.replace(" ", "_").replace(",", ""))
        seconds = train(training / "DL_info.csv", folder, {**settings, "num_epochs": str(options.epochs)})
        rows.append({"loss": name, **score(unseen, folder / "model.pt"), "training, CPU s": seconds})
        print(rows[-1], flush=True)
    settings = {"epochs": options.epochs, "training_patients": options.training_patients, "seed": options.seed}
    detector_results.append(options.out, "lesions embedding", {**settings, "quick": options.quick}, {"rows": rows})
    print(detector_results.markdown(rows))


def training_folder(options: argparse.Namespace) -> Path:
    """Patients to train on, of another seed than those to score on."""
    folder = options.work / f"training_{options.training_patients}"
    if not (folder / "DL_info.csv").is_file():
        size = 64 if options.quick else 256
        write_deeplesion(folder, patients=options.training_patients, seed=1, image_size=size, context_mm=5.0)
    return folder


def train(labels: Path, folder: Path, settings: dict[str, str]) -> float:
    """Train the bundle in a process of its own, and return its CPU seconds; a training that is there is kept."""
    if (folder / "model.pt").is_file():
        return float("nan")
    root = bundle_root(BUNDLE)
    configs = str([str(root / "configs" / name) for name in ("common.yaml", "train.yaml")])
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", configs]
    given = {"bundle_root": str(root), "labels": str(labels), "output_dir": str(folder), "tensorboard": "false"}
    for name, value in {**given, **settings}.items():
        command += [f"--{name}", value]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-4000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def score(folder: Path, checkpoint: Path) -> dict[str, Any]:
    """Score the lesions of a folder by other weights than the shipped ones."""
    embedder = LesionEmbedder(BUNDLE, overrides={"checkpoint": str(checkpoint)})
    table = read_deeplesion(folder / "DL_info.csv")
    lesions = embed_lesions(table, folder / "Images_png", embedder).lesions
    items = {item["key"]: item for item in list_lesions(folder / "DL_info.csv", "all", need_type=False)}
    scores = embedding_scores(lesions, [items[key] for key in lesions.keys.tolist()], neighbours=10)
    names = ("type_accuracy", "balanced", "location_error", "size_error_mm", "found_again")
    return {name.replace("_", " "): scores[name] for name in names}


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("lesions_work"), help="folder of what is made on the way")
    parser.add_argument("--out", type=Path, default=Path("lesions_results.jsonl"), help="results are added to it")
    parser.add_argument("--seed", type=int, default=900_000, help="of the patients to score on")
    parser.add_argument("--training-patients", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    add_patients(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.training_patients, options.epochs = 6, 1
    return options


if __name__ == "__main__":
    main(sys.argv[1:])
