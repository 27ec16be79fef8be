"""One evaluated picture: what the network said, what it is, and nothing else, so that processes can send it around."""

from __future__ import annotations

import logging
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from monai.data import decollate_batch
from numpy.typing import NDArray

from lungdet.metrics import truth_matrix
from lungdet.metrics.detection_inputs import as_array

from .prepare_batch import flat_items

logger = logging.getLogger(__name__)
Array = NDArray[np.float64]


@dataclass(frozen=True)
class PictureKeys:
    """Names of what is in a classifier's items.

    Attributes:
        image: the network's input, ``(1, rows, columns)``; a MetaTensor, if the file is to be named.
        prediction: logits ``(K,)``, or a mapping with ``logits`` and maybe ``embedding``.
        label: a class (-1 for "none of the classes"), or ``(K,)`` zeros and ones; it may be absent where pictures are
            not of the list's kind at all.
        patient: a text or number; it may be absent, and then each picture is a patient of its own.
        embedding: ``(D,)``, where the prediction is logits alone; it may be absent.
    """

    image: Hashable = "image"
    prediction: Hashable = "pred"
    label: Hashable = "label"
    patient: Hashable = "patient"
    embedding: Hashable = "embedding"


@dataclass(frozen=True, eq=False)
class DisturbedOutput:
    """What a network says about a disturbed picture.

    Attributes:
        logits: ``(K,)``.
        strange: out-of-domain score, above 1 for what is none of the classes; None where it cannot be told.
    """

    logits: Array
    strange: float | None = None


@dataclass(frozen=True, eq=False)
class ScoredPicture:
    """What a network said about a picture, and the truth about it.

    Attributes:
        name: path of the file; empty where it is not known.
        patient: its patient; empty where nobody said.
        truth: ``(K,)`` yes or no for each class.
        foreign: the label says that it is of another kind than all classes: it counts for the out-of-domain score only.
        logits: ``(K,)``.
        embedding: ``(D,)``, or None.
        disturbed: outputs for the same picture after each disturbance.
    """

    name: str
    patient: str
    truth: NDArray[np.bool_]
    foreign: bool
    logits: Array
    embedding: Array | None = None
    disturbed: Mapping[str, DisturbedOutput] = field(default_factory=dict)

    @property
    def misery(self) -> float:
        """How far the softmax of the logits is from the label, from 0 to 1: where a look at the picture may pay."""
        powers = np.exp(self.logits - self.logits.max())
        return float(np.abs(powers / powers.sum() - self.truth / max(self.truth.sum(), 1)).max())


def read_scored_picture(
    item: Mapping[Any, Any],
    num_classes: int,
    keys: PictureKeys | None = None,
    disturbed: Mapping[str, DisturbedOutput] | None = None,
) -> ScoredPicture:
    """Take what counts out of a decollated item.

    Raises:
        KeyError: there is no prediction.
        ValueError: a prediction is not finite or not ``(K,)``, or the label does not fit.
    """
    keys = keys or PictureKeys()
    logits, embedding = _prediction(item, keys)
    name = source_of(item.get(keys.image))
    if logits.shape != (num_classes,) or not np.isfinite(logits).all():
        what = f"shape {logits.shape}" if logits.shape != (num_classes,) else "numbers that are not finite"
        raise ValueError(f"{name or 'a picture'}: wanted {num_classes} logits, got {what}")
    label = as_array(item.get(keys.label, -1))
    foreign = bool((label == -1).all()) and label.size > 0
    truth = truth_matrix(label.reshape(1) if label.size == 1 else label.reshape(1, -1), num_classes)[0]
    return ScoredPicture(name, as_text(item.get(keys.patient)), truth, foreign, logits, embedding, disturbed or {})


def items_of(values: Any) -> Iterator[Mapping[Any, Any]]:
    """Yield the items of a batch or of an engine's output, decollated or not."""
    if isinstance(values, Mapping):
        yield from decollate_batch(dict(values))
    else:
        yield from flat_items(values)


def unrepeated_pictures(pictures: Sequence[ScoredPicture]) -> list[ScoredPicture]:
    """Sort by name, and drop what is there twice: samplers repeat pictures to make all processes' parts as long."""
    seen: dict[tuple[Any, ...], ScoredPicture] = {}
    for picture in pictures:
        key = (picture.name, picture.truth.tobytes(), picture.foreign) if picture.name else (id(picture),)
        seen.setdefault(key, picture)
    if len(seen) < len(pictures):
        logger.warning("%d pictures were there more than once, and count once", len(pictures) - len(seen))
    return sorted(seen.values(), key=lambda picture: (picture.name, picture.patient, picture.logits.tolist()))


def _prediction(item: Mapping[Any, Any], keys: PictureKeys) -> tuple[Array, Array | None]:
    said, embedding = item[keys.prediction], item.get(keys.embedding)
    if isinstance(said, Mapping):
        said, embedding = said["logits"], said.get("embedding", embedding)
    return as_array(said), None if embedding is None else as_array(embedding).reshape(-1)


def source_of(image: Any) -> str:
    """Path of the file that an image was read from; empty where it is not known."""
    source = getattr(image, "meta", {}).get("filename_or_obj", "")
    return source if isinstance(source, str) else ""


def as_text(value: Any) -> str:
    """A patient as text: a number and its text are the same patient; empty for None and NaN."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        value = value.item()
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)
