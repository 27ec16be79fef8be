"""Boxes between the patient and the voxels of an image.

Datalists hold boxes in LPS mm, so that no change of spacing or orientation ever stales them. The main road is
therefore: transform the image, then :class:`BoxToVoxeld` takes the boxes to the voxels the image has *now*; after the
network :class:`BoxToWorldd` brings the found ones home. Boxes need not be moved along with each step.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Literal

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, LazyTransform, MapTransform, Transform
from monai.utils.enums import TraceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.frames import BoxOrigin, boxes_to_voxel, boxes_to_world, ras_to_lps

from .conversion import as_box_rows, image_affine, own_trace, with_meta_of

World = Literal["lps", "ras"]


class BoxToVoxel(Transform):
    """Take boxes from the patient to the voxels of an image.

    Args:
        world: the frame the boxes come in, mm: ``"lps"`` (lungdet's records and datalists, DICOM, LUNA16) or ``"ras"``.
        origin: the frame they go to: ``"edge"``, where voxel 3 spans ``[3, 4)``, or ``"voxel"``, where 3 is a centre.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, world: World = "lps", origin: BoxOrigin = "edge") -> None:
        self.world, self.origin = _checked(world, origin)

    def __call__(self, boxes: Any, affine: Tensor) -> Tensor:  # type: ignore[override]
        """Map boxes.

        Args:
            boxes: ``(N, 6)`` in mm, min corner then max corner.
            affine: ``(4, 4)``, voxel centres to **RAS** mm, as in ``MetaTensor.affine``.

        Returns:
            ``(N, 6)`` boxes in voxels; computed in float64, returned in the floating type that came in.
        """
        rows = as_box_rows(boxes)
        mapped = boxes_to_voxel(rows.to(torch.float64), _affine_to(self.world, affine, rows), self.origin)
        return with_meta_of(mapped.to(rows.dtype), boxes)


class BoxToWorld(Transform):
    """Take boxes from the voxels of an image to the patient; the arguments are those of :class:`BoxToVoxel`.

    Args:
        world: the frame they go to, mm: ``"lps"`` or ``"ras"``.
        origin: the frame the boxes come in: ``"edge"`` or ``"voxel"``.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, world: World = "lps", origin: BoxOrigin = "edge") -> None:
        self.world, self.origin = _checked(world, origin)

    def __call__(self, boxes: Any, affine: Tensor) -> Tensor:  # type: ignore[override]
        """Map ``(N, 6)`` boxes in voxels to mm; ``affine``, ``(4, 4)``, ends in **RAS** like ``MetaTensor.affine``."""
        rows = as_box_rows(boxes)
        mapped = boxes_to_world(rows.to(torch.float64), _affine_to(self.world, affine, rows), self.origin)
        return with_meta_of(mapped.to(rows.dtype), boxes)


class _BoxFramed(MapTransform, InvertibleTransform, LazyTransform):
    """What :class:`BoxToVoxeld` and :class:`BoxToWorldd` share: boxes of an image, and the way back.

    Only the affine of the image is looked at, so transforms that are pending on it stay so: ``lazy`` is obeyed by
    leaving the image alone.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        ref_image_key: Hashable = "image",
        world: World = "lps",
        origin: BoxOrigin = "edge",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        LazyTransform.__init__(self, lazy=False)
        self.ref_image_key = ref_image_key
        self._to_voxel, self._to_world = BoxToVoxel(world, origin), BoxToWorld(world, origin)

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Map the boxes in a copy of ``data``.

        Raises:
            ValueError: the image carries no affine.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            affine = image_affine(item[self.ref_image_key], self.ref_image_key)
            item[key] = self._map(item[key], affine, back=False)
            own_trace(item, key)
            self.push_transform(item, key, extra_info={"affine": affine})
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Map the boxes back, through the affine the image had then, in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            own_trace(item, key)
            boxes = with_meta_of(item[key], item[key])
            item[key] = boxes
            affine = torch.as_tensor(self.pop_transform(item, key)[TraceKeys.EXTRA_INFO]["affine"])
            item[key] = self._map(boxes, affine, back=True)
        return item

    def _map(self, boxes: Any, affine: Tensor, back: bool) -> Tensor:
        raise NotImplementedError


class BoxToVoxeld(_BoxFramed):
    """Dictionary form of :class:`BoxToVoxel`: boxes in mm to the voxels that their image has now.

    It goes behind the spatial transforms of the image, and needs only the image's affine: transforms that are still
    pending on it (``Compose(..., lazy=True)``) stay pending.

    Args:
        keys: keys of the boxes.
        ref_image_key: key of the image, a ``MetaTensor``.
        world: see :class:`BoxToVoxel`.
        origin: see :class:`BoxToVoxel`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def _map(self, boxes: Any, affine: Tensor, back: bool) -> Tensor:
        return (self._to_world if back else self._to_voxel)(boxes, affine)


class BoxToWorldd(_BoxFramed):
    """Dictionary form of :class:`BoxToWorld`: boxes in the voxels of their image to mm in the patient.

    Args:
        keys: keys of the boxes.
        ref_image_key: key of the image, a ``MetaTensor``.
        world: see :class:`BoxToWorld`.
        origin: see :class:`BoxToWorld`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def _map(self, boxes: Any, affine: Tensor, back: bool) -> Tensor:
        return (self._to_voxel if back else self._to_world)(boxes, affine)


def _checked(world: World, origin: BoxOrigin) -> tuple[World, BoxOrigin]:
    if world not in ("lps", "ras") or origin not in ("edge", "voxel"):
        raise ValueError(f"world is 'lps' or 'ras' and origin is 'edge' or 'voxel', got {world!r} and {origin!r}")
    return world, origin


def _affine_to(world: World, affine_ras: Tensor, boxes: Tensor) -> Tensor:
    affine = torch.as_tensor(affine_ras).to(device=boxes.device, dtype=torch.float64)
    return ras_to_lps(affine) if world == "lps" else affine
