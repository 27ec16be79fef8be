"""What looks alike: the embedding against raw features and chance, and how long a search takes.

Every lesion of unseen patients asks all others for the ten most like it, each of another patient. "ceiling" is what the
type accuracy could be at most: of a rare type there are less than ten other patients.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import detector_results
import numpy as np
import torch
from lesions_patients import add_patients, patients_folder
from lesions_raw_features import raw_features
from numpy.typing import NDArray

from lungdet.lesions import EmbeddedLesions, LesionRetrieval, build_index, random_answers
from lungdet.lesions.index import import_faiss
from lungdet.metrics import retrieval_scores
from lungdet.readers import read_deeplesion
from lungdet.records.lesion_key import lesion_keys
from lungdet.workflows.lesion_embedder import LesionEmbedder, MarkedLesion

BATCH = 64
OFFICIAL, WIDTH = 32_120, 256  # lesions of DeepLesion, and numbers for each
MANY = 150_000  # above the limit of the exact search


def main(options: argparse.Namespace) -> None:
    settings = {"seed": options.seed, "k": options.k, "folder": str(options.folder or ""), "quick": options.quick}
    rows = accuracy(options)
    detector_results.append(options.out, "lesions retrieval", settings, {"rows": rows})
    print(detector_results.markdown(rows), flush=True)
    speeds = speed(options.quick)
    detector_results.append(options.out, "lesions retrieval speed", settings, {"rows": speeds})
    print(f"\n{detector_results.markdown(speeds)}")


def accuracy(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Score the answers of each kind of features, and of chance."""
    lesions, crops = embed(options)
    asked = np.arange(len(lesions))
    kinds = {
        "embedding": lesions,
        "raw features": lesions.with_vectors(raw_features(crops).astype(np.float32)),
        "type, place and size as told": lesions.with_vectors(told(lesions)),
    }
    rows = []
    for name, kind in kinds.items():
        found = LesionRetrieval(kind).like_rows(asked, options.k).rows
        rows.append(row(name, lesions, found))
    rows.append(row("chance", lesions, random_answers(lesions.patient, lesions.patient, options.k, options.seed)))
    rows.append(
        {"features": "ceiling", **row("", lesions, rows_of_same_type(lesions, options.k), only="type accuracy")}
    )
    return rows


def row(name: str, lesions: EmbeddedLesions, found: NDArray[Any], only: str = "") -> dict[str, Any]:
    """One line of the table: means over the queries; the nearest alone is told apart."""
    scores = retrieval_scores(lesions, lesions, found).row()
    if only:
        return {only: scores[only]}
    first = retrieval_scores(lesions, lesions, found[:, :1]).type_accuracy
    scores = {"queries": scores.pop("queries"), "patients": len(set(lesions.patient.tolist())), **scores}
    return {"features": name, **scores, "type accuracy of the first": first}


def embed(options: argparse.Namespace) -> tuple[EmbeddedLesions, NDArray[np.float32]]:
    """Embed all lesions of the folder, and keep what the network saw."""
    folder = patients_folder(options)
    table = read_deeplesion(folder / "DL_info.csv")
    embedder = LesionEmbedder(options.bundle)
    keys = lesion_keys(lesion.file_name for lesion in table.lesions)
    marked = [
        MarkedLesion.of_row(key, lesion, folder / "Images_png")
        for key, lesion in zip(keys, table.lesions, strict=True)
        if options.split in (None, lesion.split)
    ]
    crops = torch.stack([embedder.crops(lesion) for lesion in marked])
    vectors = np.concatenate([embedder.embed_crops(part) for part in crops.split(BATCH)])
    every = EmbeddedLesions.of_lesions(table.lesions, np.zeros((len(table), 1), np.float32))
    kept = [every.row_of(lesion.key) for lesion in marked]
    return every.take(kept).with_vectors(vectors, embedder.model.weights_sha256), crops.numpy()


def told(lesions: EmbeddedLesions) -> NDArray[np.float32]:
    """What the list itself says of a lesion, as a vector: how near answers could be, if pictures did not matter."""
    types = np.unique(lesions.lesion_type)[None] == lesions.lesion_type[:, None]
    return np.hstack([2 * types, lesions.location, np.log1p(lesions.size_mm) / 4]).astype(np.float32)


def rows_of_same_type(lesions: EmbeddedLesions, count: int) -> NDArray[Any]:
    """The best answers by type alone: an oracle."""
    types, order = np.unique(lesions.lesion_type, return_inverse=True)
    oracle = lesions.with_vectors(np.eye(len(types), dtype=np.float32)[order])
    return LesionRetrieval(oracle).like_rows(np.arange(len(lesions)), count).rows


def speed(quick: bool) -> list[dict[str, Any]]:
    """Time one query, ten answers, by the median of many in CPU time; building the index apart."""
    libraries = ["numpy", *(["faiss"] if import_faiss(required=False) else [])]
    cases: list[tuple[int, Any]] = [(OFFICIAL, library) for library in libraries] + [(MANY, libraries[-1])]
    rows = []
    for count, library in cases:
        vectors = like_embeddings(count // (30 if quick else 1))
        start = time.process_time()
        index = build_index(vectors, library=library, exact_up_to=100_000 // (30 if quick else 1))
        built = time.process_time() - start
        queries = vectors[:: max(1, len(vectors) // 200)]
        one = median_ms(index.search, [queries[row : row + 1] for row in range(len(queries))])
        exact = build_index(vectors, library="numpy").search(queries, 10)[1]
        found = index.search(queries, 10)[1]
        share = np.mean([len({*a} & {*b}) / 10 for a, b in zip(found, exact, strict=True)])
        rows.append(
            {
                "search": index.name,
                "vectors": f"{len(vectors)} x {WIDTH}",
                "built in CPU s": built,
                "one query, CPU ms": one,
                "of the ten nearest": float(share),
            }
        )
    return rows


def median_ms(search: Callable[..., Any], queries: list[NDArray[np.float32]]) -> float:
    search(queries[0], 10)
    times = []
    for query in queries:
        start = time.process_time()
        search(query, 10)
        times.append(time.process_time() - start)
    return float(np.median(times) * 1000)


def like_embeddings(count: int) -> NDArray[np.float32]:
    """Unit vectors in eight heaps, each a surface of six dimensions with some noise."""
    rng = np.random.default_rng(0)
    kind, place = rng.integers(0, 8, count), rng.normal(size=(count, 6))
    middle, along = 2 * rng.normal(size=(8, WIDTH)), rng.normal(size=(8, 6, WIDTH)) / 2
    vectors = np.empty((count, WIDTH), np.float32)
    for number in range(8):
        mine = kind == number
        vectors[mine] = middle[number] + np.tanh(place[mine] @ along[number])
    vectors += 0.3 * rng.normal(size=vectors.shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_patients(parser)
    parser.add_argument("--bundle", default="lesion_embedding", help="name or folder of the embedding bundle")
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), help="of the folder's split; all if not given"
    )
    parser.add_argument("-k", type=int, default=10, help="answers")
