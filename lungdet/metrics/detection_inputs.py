"""What evaluators hand to a detection metric, in every form that MONAI and lungdet produce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from .box_overlap import as_boxes

Array = NDArray[np.float64]
Item = TypeVar("Item")


@dataclass(frozen=True)
class DetectionKeys:
    """Names of what is in predictions and targets where they are mappings."""

    box: str = "box"
    score: str = "score"
    ignore: str = "ignore_box"
    strata: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScanBoxes:
    """One scan: boxes that were found, their scores, true boxes, boxes to ignore, and labels of the true ones."""

    found: Array
    scores: Array
    true: Array
    ignored: Array
    strata: Mapping[str, tuple[str, ...]]


def read_scans(output: tuple[Sequence[Any], Sequence[Any]], keys: DetectionKeys) -> Iterator[ScanBoxes]:
    """Yield the scans of a batch.

    Args:
        output: predictions and targets, one of each for each scan. A prediction is ``(boxes, scores)`` or a mapping, a
            target is boxes or a mapping.
        keys: names in the mappings.

    Raises:
        ValueError: the numbers of predictions and targets differ, or a shape does not fit.
    """
    predictions, targets = output
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} predictions for {len(targets)} targets")
    for prediction, target in zip(predictions, targets, strict=True):
        boxes, scores = (
            (prediction[keys.box], prediction[keys.score]) if isinstance(prediction, Mapping) else prediction
        )
        true, ignored = (target[keys.box], target.get(keys.ignore, ())) if isinstance(target, Mapping) else (target, ())
        strata = {key: tuple(map(str, _listed(target[key]))) for key in keys.strata}
        found, true, ignored = (as_boxes(as_array(each)) for each in (boxes, true, ignored))
        yield ScanBoxes(found, as_array(scores), true, ignored, strata)


def as_array(values: Any) -> Array:
    """Return float64 in NumPy, from tensors of any type and place."""
    if isinstance(values, torch.Tensor):
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def as_spacing(spacing_mm: Any) -> Array:
    """Return ``(3,)``, or ``(2,)`` for slices, from one number for all axes or one for each.

    Raises:
        ValueError: the numbers are not positive and finite, or of another count.

    Example:
        >>> as_spacing(2).tolist(), as_spacing((1, 2, 3)).tolist()
        ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    """
    spacing = as_array(spacing_mm)
    spacing = np.repeat(spacing, 3) if spacing.ndim == 0 else spacing
    if spacing.shape not in ((2,), (3,)) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"spacing_mm must be one positive number, or one for each axis, got {spacing_mm}")
    return spacing


def boxes_in_mm(boxes: Array, spacing_mm: Array) -> Array:
    """Scale boxes in voxels along their axes.

    Raises:
        ValueError: there are boxes in space, and the spacing is that of a slice.
    """
    if len(boxes) and boxes.shape[1] // 2 > len(spacing_mm):
        raise ValueError(f"boxes (N, 6) need a spacing of three axes, got {spacing_mm.tolist()}")
    if not len(boxes):
        return boxes
    return np.asarray(boxes * np.tile(spacing_mm[: boxes.shape[1] // 2], 2))


def balls(boxes: Array) -> tuple[Array, Array]:
    """Return centres ``(N, D)`` and diameters ``(N,)``, the geometric means of the sides."""
    axes = boxes.shape[1] // 2
    low, high = boxes[:, :axes], boxes[:, axes:]
    return (low + high) / 2, np.prod(high - low, axis=1) ** (1 / axes)


def gather(items: list[Item]) -> list[Item]:
    """Join the items of all processes, in the order of their ranks."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return items
    parts: list[list[Item]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(parts, items)
    return [item for part in parts for item in part]


def _listed(labels: Any) -> list[Any]:
    return labels.tolist() if isinstance(labels, (torch.Tensor, np.ndarray)) else list(labels)
