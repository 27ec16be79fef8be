"""One evaluated scan: what was found, what is there, and nothing else, so that processes can send it to each other."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lungdet.geometry import frames
from lungdet.metrics import ScanMatch, ScoringProtocol, match_scan, size_labels
from lungdet.metrics.detection_inputs import as_array, balls, boxes_in_mm
from lungdet.metrics.nodule_matching import inside_balls
from lungdet.records import SeriesInfo
from lungdet.reports.csv_file import scan_name, source_name

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EvaluationKeys:
    """Names of what is in an evaluator's items; those of the truth but for the boxes may be absent.

    Attributes:
        image: MetaTensor ``(1, X, Y, Z)`` as the network saw it.
        box: boxes found, ``(N, 6)`` in the edge frame of the image.
        score: their scores, ``(N,)``.
        truth: boxes of the nodules, ``(M, 6)`` likewise.
        ignored: boxes that are neither to be found nor false, ``(K, 6)``.
        strata: labels of the nodules by kind of strata: the key of ``M`` texts or numbers.
    """

    image: Hashable = "image"
    box: Hashable = "pred_box"
    score: Hashable = "pred_score"
    truth: Hashable = "true_box"
    ignored: Hashable = "true_ignore_box"
    strata: Mapping[str, Hashable] = field(default_factory=lambda: {"kind": "true_kind", "location": "true_location"})


@dataclass(frozen=True, eq=False)
class ScoredScan:
    """What was found in a scan, and the truth about it.

    Attributes:
        name: series UID, or name of the file.
        boxes: ``(N, 6)`` found, in the edge frame of the network's image, in voxels.
        scores: ``(N,)``.
        truth: ``(M, 6)`` boxes of the nodules, likewise.
        ignored: ``(K, 6)`` boxes that are neither to be found nor false; None where nobody said.
        affine_lps: ``(4, 4)`` of the network's image, voxel centres to LPS mm.
        strata: for each kind of strata ``M`` labels.
        seconds: what the scan took, without loading it.
    """

    name: str
    boxes: Array
    scores: Array
    truth: Array
    ignored: Array | None
    affine_lps: Array
    strata: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = math.nan

    def diameters_mm(self, boxes: Array) -> Array:
        """Diameters of boxes of the image, ``(N,)``: the geometric means of their sides."""
        return balls(self._mm(boxes))[1]

    def on_nodules(self) -> Mask:
        """Tell which mark lies on which nodule, ``(N, M)``: nearer to its centre than its radius."""
        return inside_balls(balls(self._mm(self.boxes))[0], *balls(self._mm(self.truth)))

    def is_false(self) -> Mask:
        """Tell which marks, ``(N,)``, are on no nodule and on nothing that is ignored."""
        ignored = np.empty((0, 6)) if self.ignored is None else self.ignored
        on_ignored = inside_balls(balls(self._mm(self.boxes))[0], *balls(self._mm(ignored))).any(axis=1)
        return np.asarray(~on_ignored & ~self.on_nodules().any(axis=1))

    def best_scores(self) -> Array:
        """Highest score of the marks on each nodule, ``(M,)``; minus infinity where there is none."""
        return np.asarray(np.where(self.on_nodules(), self.scores[:, None], -np.inf).max(axis=0, initial=-np.inf))

    def match(self, protocol: ScoringProtocol, size_edges_mm: Sequence[float] = ()) -> ScanMatch:
        """Match marks with nodules by a protocol that tells hits by distance, as ``NoduleFROC`` does."""
        ignored = self.ignored if protocol.uses_excluded and self.ignored is not None else np.empty((0, 6))
        strata: dict[str, Sequence[object]] = dict(self.strata)
        if size_edges_mm:
            strata = {"size": size_labels(self.diameters_mm(self.truth), size_edges_mm), **strata}
        return match_scan(
            balls(self._mm(self.boxes))[0], self.scores, *balls(self._mm(self.truth)), *balls(self._mm(ignored)),
            protocol.max_marks, strata,
        )  # fmt: skip

    def center_lps_mm(self, box: Array) -> tuple[float, float, float]:
        """Centre of a box ``(6,)`` of the image, in the patient."""
        center = frames.edge_to_voxel((box[:3] + box[3:])[None] / 2)
        x, y, z = frames.voxel_to_world(center, self.affine_lps)[0].tolist()
        return x, y, z

    def _mm(self, boxes: Array) -> Array:
        return boxes_in_mm(boxes, frames.spacing_of(self.affine_lps))


def read_scored_scan(
    item: Mapping[Any, Any], keys: EvaluationKeys | None = None, seconds: float = math.nan
) -> ScoredScan:
    """Take what counts out of an evaluator's decollated item.

    Raises:
        KeyError: image, boxes, scores or truth are not in the item.
        ValueError: there are not as many labels as nodules.
    """
    keys = keys or EvaluationKeys()
    truth = _boxes(item[keys.truth])
    labels = {kind: _labels(item.get(key)) for kind, key in keys.strata.items()}
    for kind, values in labels.items():
        if values and len(values) != len(truth):
            raise ValueError(f"{keys.strata[kind]!r} holds {len(values)} labels for {len(truth)} nodules")
    image = item[keys.image]
    ignored = item.get(keys.ignored)
    return ScoredScan(
        name=name_of(image.meta),
        boxes=_boxes(item[keys.box]),
        scores=as_array(item[keys.score]).reshape(-1),
        truth=truth,
        ignored=None if ignored is None else _boxes(ignored),
        affine_lps=frames.ras_to_lps(as_array(image.affine)),
        strata={kind: values for kind, values in labels.items() if values},
        seconds=seconds,
    )


def name_of(meta: Mapping[str, Any]) -> str:
    """Name a scan by the metadata of its image."""
    if "series" in meta:
        return scan_name(SeriesInfo.from_json(meta["series"]))
    source = meta.get("filename_or_obj", "")
    return source_name(str(source)) if isinstance(source, str) and source else ""


def _boxes(values: Any) -> Array:
    return as_array(values).reshape(-1, 6)


def _labels(values: Any) -> tuple[str, ...]:
    if values is None:  # a list without an item does not survive collation
        return ()
    return tuple(map(str, values.tolist() if isinstance(values, (torch.Tensor, np.ndarray)) else values))
