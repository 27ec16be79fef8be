"""Patches put together again."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.transforms.traits import ReduceTrait
from monai.utils import ensure_tuple
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.boxes import centers_inside, shift_boxes
from lungdet.geometry.stitching import Blend, owned_region, starts_of, stitch_patches

from .conversion import as_box_rows, as_finished_image, plain, with_meta_of
from .patch_image import shifted_affine


class StitchPatches(Transform, ReduceTrait):
    """Put patches of :class:`GridPatches` together again: its exact inverse.

    A partition comes back bit for bit, overlapping patches up to rounding. Patches may have other channels or values
    than those cut, such as a network's output, but not another size.

    Args:
        blend: how to weigh patches where they overlap: ``"average"``, or ``"gaussian"``, which trusts the middle of a
            patch most.

    Raises:
        ValueError: ``blend`` is unknown.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, blend: Blend = "average") -> None:
        if blend not in ("average", "gaussian"):
            raise ValueError(f"blend must be 'average' or 'gaussian', got {blend!r}")
        self.blend: Blend = blend

    def __call__(
        self, patches: Sequence[Any], origins: Any | None = None, scan_size: Sequence[int] | None = None
    ) -> Tensor:
        """Stitch patches.

        Args:
            patches: ``(C, *patch_size)`` each, all of the grid, in any order.
            origins: ``(P, 3)`` first voxel of each; by default ``meta["patch_origin"]``.
            scan_size: spatial size of the scan; by default ``meta["scan_size"]``.

        Returns:
            ``(C, *scan_size)`` with the metadata of the first patch, its affine moved back to the scan's first voxel.

        Raises:
            ValueError: patches are missing, come twice or differ in shape, or nothing says where they were.
        """
        tensors = [as_finished_image(patch) for patch in patches]
        at = [_numbers(row) for row in (_from_meta(tensors, "patch_origin") if origins is None else origins)]
        size = _numbers(_from_meta(tensors, "scan_size")[0] if scan_size is None else scan_size)
        out = with_meta_of(stitch_patches([plain(patch) for patch in tensors], at, size, self.blend), tensors[0])
        if isinstance(out, MetaTensor):
            out.meta["affine"] = shifted_affine(out.affine, [-first for first in at[0]])
            for name in ("patch_origin", "scan_size"):
                out.meta.pop(name, None)
        return out


class StitchPatchesd(MapTransform, ReduceTrait):
    """Dictionary form of :class:`StitchPatches`: the dictionaries of all patches become one again.

    Boxes go back to the scan, and duplicates from overlaps are resolved by **owner**: neighbours share their overlap at
    its middle, each point of the scan belongs to one patch, and a box counts only if its patch owns its centre. Boxes
    whose centre is the same in each patch thus come back exactly once; where a box was cut at a patch's border its
    centre was moved (``GridPatchesd(clip=False)`` avoids that), and a detector places a nodule near a middle line a
    little differently in either patch. With ``owner_margin`` boxes that near to their patch's own part count as well,
    and non-maximum suppression must follow.

    Args:
        keys: keys of the patches.
        blend: see :class:`StitchPatches`.
        box_key: key of the boxes, ``(N, 6)`` in the edge frame of their patch.
        label_keys: keys of what rides along with the boxes: labels, scores.
        owner_margin: voxels by which a centre may lie outside the part its patch owns.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = StitchPatches.backend

    def __init__(
        self,
        keys: KeysCollection,
        blend: Blend = "average",
        box_key: Hashable | None = None,
        label_keys: KeysCollection = (),
        owner_margin: float = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.stitch = StitchPatches(blend)
        self.box_key, self.label_keys, self.owner_margin = box_key, ensure_tuple(label_keys), owner_margin

    def __call__(self, data: Sequence[Mapping[Hashable, Any]]) -> dict[Hashable, Any]:
        """Stitch a list of dictionaries; everything else is taken from the first one.

        Raises:
            ValueError: see :class:`StitchPatches`.
        """
        if not data:
            raise ValueError("there are no patches to stitch")
        out = dict(data[0])
        origins = [_numbers(item["patch_origin"]) for item in data]
        size = _numbers(out.pop("scan_size"))
        out.pop("patch_origin")
        patch_size: Sequence[int] = ()
        for key in self.key_iterator(out):
            patches = [item[key] for item in data]
            patch_size = tuple(patches[0].shape[1:])
            out[key] = self.stitch(patches, origins, size)
        if self.box_key is not None and (self.box_key in out or not self.allow_missing_keys):
            out.update(self._join_boxes(data, origins, patch_size))
        return out

    def _join_boxes(
        self, data: Sequence[Mapping[Hashable, Any]], origins: Sequence[Sequence[int]], patch_size: Sequence[int]
    ) -> dict[Hashable, Tensor]:
        """Bring the boxes that their patches own back to the scan, with what rides along."""
        starts = starts_of(origins)
        rows: dict[Hashable, list[Tensor]] = {key: [] for key in (self.box_key, *self.label_keys)}
        for item, origin in zip(data, origins, strict=True):
            boxes = shift_boxes(as_box_rows(item[self.box_key]), origin)
            low, high = owned_region(origin, starts, patch_size)
            margin = self.owner_margin
            owned = centers_inside(boxes, [edge - margin for edge in low], [edge + margin for edge in high])
            rows[self.box_key].append(boxes[owned])
            for key in self.label_keys:
                values = torch.as_tensor(item[key])
                rows[key].append(values[owned.to(values.device)])
        return {key: torch.cat(parts) for key, parts in rows.items()}


def _numbers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _from_meta(patches: Sequence[Tensor], name: str) -> list[Any]:
    found = [patch.meta[name] for patch in patches if isinstance(patch, MetaTensor) and name in patch.meta]
    if len(found) != len(patches) or not found:
        raise ValueError(
            f"{len(patches) - len(found)} of {len(patches)} patches have no {name!r} in their metadata; "
            "pass origins and scan_size"
        )
    return found
