"""Decoding as a MONAI transform, for the postprocessing of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Literal

from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_tensor
from monai.utils.enums import TransformBackends
from torch import Tensor

from .coder import BoxCoder
from .decode import decode
from .nms import nms
from .sequence_decode import decode_sequence


class DecodeBoxesd(MapTransform):
    """Decode a network's answer for one image to boxes and scores, without doubles.

    Args:
        keys: key of the answer, ``(7, gx, gy, gz)``, or as the sequence head gives it; it is kept.
        box_key: key for the boxes: ``(N, 6)`` float32 in the edge frame of the network's input, by falling score.
        score_key: key for the scores: ``(N,)`` float32 in [0, 1].
        coder: how boxes are tied to cells; that of ``NoduleDetector`` if None.
        min_score: boxes below it are dropped.
        max_boxes: how many are kept at most (LUNA16 takes 100 a scan).
        suppression: how doubles are known: ``"distance"`` or ``"iou"``, see :func:`lungdet.detection.nms`.
        iou_threshold: for ``"iou"``.
        head: which head of ``NoduleDetector`` has answered: ``"dense"`` or ``"sequence"``.
        allow_missing_keys: do nothing where the answer is absent.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection = "pred",
        box_key: Hashable = "pred_box",
        score_key: Hashable = "pred_score",
        coder: BoxCoder | None = None,
        min_score: float = 0.05,
        max_boxes: int = 100,
        suppression: Literal["distance", "iou"] = "distance",
        iou_threshold: float = 0.1,
        head: Literal["dense", "sequence"] = "dense",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"one answer is decoded at a time, got the keys {self.keys}")
        self.box_key, self.score_key, self.coder = box_key, score_key, coder
        if head not in ("dense", "sequence"):
            raise ValueError(f"head must be 'dense' or 'sequence', got {head!r}")
        self.decode: Callable[..., tuple[Tensor, Tensor]] = decode if head == "dense" else decode_sequence
        self.min_score, self.max_boxes = min_score, max_boxes
        self.suppression, self.iou_threshold = suppression, iou_threshold

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add boxes and scores to a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            outputs = convert_to_tensor(item[key], track_meta=False)
            # Doubles are dropped before the best are chosen, so decode may give more than max_boxes.
            boxes, scores = self.decode(outputs, self.coder, self.min_score, top_k=10 * self.max_boxes)
            keep = nms(boxes, scores, self.suppression, self.iou_threshold, max_boxes=self.max_boxes)
            item[self.box_key], item[self.score_key] = boxes[keep], scores[keep]
        return item
