"""Boxes that follow their image through any spatial transform.

MONAI moves boxes with flips and quarter turns (``FlipBoxd``, ``RotateBox90d``), which agree with what is here. Its
``ZoomBoxd`` (1.6.1) refuses a single factor, changes its own factors from item to item and can be a voxel off. It has
nothing for rotations, affines, resampling, orientation and padding. Here one class wraps whatever transform there is:
where the boxes go follows from the image's affine before and after.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Compose, InvertibleTransform, LazyTransform, MapTransform, Randomizable, Transform
from monai.transforms.traits import LazyTrait, RandomizableTrait
from monai.transforms.utils import allow_missing_keys_mode
from monai.utils.enums import TraceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.boxes import move_boxes
from lungdet.geometry.frames import BoxFit

from .conversion import as_box_rows, image_affine, own_trace, with_meta_of


class MoveBoxes(Transform):
    """Move boxes from the voxel grid an image had to the one it has.

    Args:
        fit: what must stay inside a box that is turned by less than a quarter: ``"box"``, its eight corners, or
            ``"ellipsoid"``, the ellipsoid that fills it, which suits nodules.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, fit: BoxFit = "box") -> None:
        self.fit: BoxFit = fit

    def __call__(  # type: ignore[override]
        self, boxes: Any, affine_before: Tensor, affine_after: Tensor
    ) -> Tensor:
        """Move boxes.

        Args:
            boxes: ``(N, 6)`` in the edge frame of the image before.
            affine_before: ``(4, 4)``, its affine then, in any frame.
            affine_after: ``(4, 4)``, its affine now, in the same frame.

        Returns:
            ``(N, 6)`` boxes in the edge frame of the image now; they may lie outside it.
        """
        return with_meta_of(
            move_boxes(as_box_rows(boxes), torch.linalg.solve(affine_after, affine_before), self.fit), boxes
        )


class MoveBoxesd(MapTransform, InvertibleTransform, LazyTransform):
    """Run a spatial transform on images and let boxes follow.

    Example:
        ``MoveBoxesd(Flipd("image", spatial_axis=0), "boxes")``, or with ``Rotate90d``, ``Zoomd``, ``Spacingd``,
        ``Orientationd``, ``SpatialPadd``, ``CenterSpatialCropd``, or a ``Compose`` of them. Random ones go into
        :class:`RandMoveBoxesd`. What leaves the image is kept; MONAI's ``ClipBoxToImaged`` cuts and drops it.

    Args:
        transform: a dictionary transform, or a ``Compose``, that keeps the affine of its images up to date.
        keys: keys of the boxes, ``(N, 6)`` in the edge frame of the image.
        ref_image_key: key of the image that the boxes belong to, a ``MetaTensor``.
        fit: see :class:`MoveBoxes`.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: the transform draws random numbers, and this is not :class:`RandMoveBoxesd`.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        transform: MapTransform | Compose,
        keys: KeysCollection,
        ref_image_key: Hashable = "image",
        fit: BoxFit = "box",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        parts = transform.flatten().transforms if isinstance(transform, Compose) else (transform,)
        if any(isinstance(part, RandomizableTrait) for part in parts) and not isinstance(self, Randomizable):
            # A cache would otherwise freeze the random step: MONAI's CacheDataset looks for the trait.
            raise ValueError(f"{type(transform).__name__} draws random numbers: wrap it in RandMoveBoxesd")
        LazyTransform.__init__(self, lazy=bool(isinstance(transform, LazyTrait) and transform.lazy))
        self.transform, self.ref_image_key, self.move = transform, ref_image_key, MoveBoxes(fit)

    @property
    def requires_current_data(self) -> bool:
        """Whether pending transforms must be applied first: what the wrapped transform says."""
        return not isinstance(self.transform, LazyTrait) or bool(self.transform.requires_current_data)

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Transform the images and move the boxes in a copy of ``data``.

        Raises:
            ValueError: the image carries no affine.
        """
        before = image_affine(data[self.ref_image_key], self.ref_image_key, in_patient=False)
        item = {key: _with_own_trace(value) for key, value in data.items()}
        lazy_ = self.lazy if lazy is None else lazy
        item = dict(self.transform(item, lazy=lazy_) if isinstance(self.transform, LazyTrait) else self.transform(item))
        after = image_affine(item[self.ref_image_key], self.ref_image_key, in_patient=False)
        for key in self.key_iterator(item):
            item[key] = self.move(item[key], before, after)
            own_trace(item, key)
            self.push_transform(item, key, extra_info={"before": before, "after": after})
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Invert the wrapped transform and bring the boxes back in a copy of ``data``."""
        item = {key: _with_own_trace(value) for key, value in data.items()}
        for key in self.key_iterator(item):
            own_trace(item, key)
            info = self.pop_transform(item, key)[TraceKeys.EXTRA_INFO]
            item[key] = self.move(item[key], torch.as_tensor(info["after"]), torch.as_tensor(info["before"]))
        # Invertd hands over one key at a time, and says so by allowing for missing ones.
        with allow_missing_keys_mode(self.transform) if self.allow_missing_keys else nullcontext():
            return dict(self.transform.inverse(item))


class RandMoveBoxesd(Randomizable, MoveBoxesd):
    """:class:`MoveBoxesd` for transforms that draw random numbers, such as ``RandFlipd`` and ``RandAffined``.

    Random draws stay where they are: in the wrapped transform, which this hands its seed on to.

    Args:
        transform: see :class:`MoveBoxesd`.
        keys: see :class:`MoveBoxesd`.
        ref_image_key: see :class:`MoveBoxesd`.
        fit: see :class:`MoveBoxesd`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandMoveBoxesd:
        """Seed the wrapped transform."""
        super().set_random_state(seed, state)
        if isinstance(self.transform, Randomizable):
            self.transform.set_random_state(seed, state)
        return self

    def randomize(self, data: Any = None) -> None:
        """Do nothing: the wrapped transform draws for itself."""


def _with_own_trace(value: Any) -> Any:
    """Copy the trace of a ``MetaTensor``: MONAI writes to it where it is, which must not reach the caller's data."""
    if not isinstance(value, MetaTensor):
        return value
    copy = MetaTensor(value.as_tensor()).copy_meta_from(value)
    copy.applied_operations = deepcopy(value.applied_operations)
    return copy
