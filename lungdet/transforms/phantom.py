"""Synthetic chest CT as a MONAI transform: a data source that needs no patient's data."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils.enums import MetaKeys, SpaceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.frames import lps_to_ras
from lungdet.phantoms import PhantomNodule, make_chest


class MakePhantomd(Transform):
    """Make the synthetic chest CT of a seed, with its image and the boxes of its nodules.

    It takes the place of a loader: the datalist holds ``{"seed": 7}`` (and, if wanted, ``"spacing_mm"``) where a list
    of real scans holds ``{"image": path, "box": boxes}``; what comes out has the same keys, frames and types.

    Args:
        seed_key: key of the seed.
        image_key: key for the image: MetaTensor ``(1, X, Y, Z)`` float32, HU, affine in RAS.
        box_key: key for the boxes: ``(N, 6)`` float32, LPS mm, min corner then max corner.
        label_key: key for the labels: ``(N,)`` int64, all 0, the one class "nodule".
        spacing_mm: voxel size; the item's own ``"spacing_mm"`` wins, and its slices then keep the same length in mm.
        shape: ``(X, Y, Z)`` voxels at ``spacing_mm``.
        ignore_key: key for the boxes of nodules that the border of the volume cuts, ``(M, 6)`` likewise: neither to be
            found nor to be counted as false.
        kind_key: key for the kinds of the nodules, ``N`` strings; see :class:`~lungdet.phantoms.PhantomNodule`.
        location_key: key for what they touch, likewise.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        seed_key: Hashable = "seed",
        image_key: Hashable = "image",
        box_key: Hashable = "box",
        label_key: Hashable = "label",
        spacing_mm: Sequence[float] = (1.4, 1.4, 1.4),
        shape: Sequence[int] = (256, 256, 200),
        ignore_key: Hashable = "ignore_box",
        kind_key: Hashable = "kind",
        location_key: Hashable = "location",
    ) -> None:
        self.seed_key, self.image_key = seed_key, image_key
        self.box_key, self.label_key, self.ignore_key = box_key, label_key, ignore_key
        self.kind_key, self.location_key = kind_key, location_key
        self.spacing_mm, self.shape = tuple(spacing_mm), tuple(shape)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the image and the truth to a copy of ``data``."""
        item = dict(data)
        spacing = tuple(item.get("spacing_mm", self.spacing_mm))
        extent = [count * step for count, step in zip(self.shape, self.spacing_mm, strict=True)]
        shape = tuple(round(length / step) for length, step in zip(extent, spacing, strict=True))
        phantom = make_chest(int(item[self.seed_key]), spacing_mm=spacing, shape=shape)
        volume = phantom.volume
        affine_ras = torch.as_tensor(lps_to_ras(volume.affine_lps))
        meta = {
            MetaKeys.ORIGINAL_AFFINE: affine_ras.clone(),
            MetaKeys.SPACE: SpaceKeys.RAS,
            "filename_or_obj": volume.info.source,
            "series": volume.info.to_json(),
        }
        item[self.image_key] = MetaTensor(
            torch.from_numpy(volume.array).to(torch.float32)[None],
            affine=affine_ras,
            meta=meta,
        )
        item[self.box_key] = _boxes(phantom.nodules)
        item[self.ignore_key] = _boxes(phantom.ignored)
        item[self.label_key] = torch.zeros(len(phantom.nodules), dtype=torch.int64)
        item[self.kind_key] = [nodule.kind for nodule in phantom.nodules]
        item[self.location_key] = [nodule.location for nodule in phantom.nodules]
        return item


def _boxes(nodules: Sequence[PhantomNodule]) -> Tensor:
    return torch.tensor([nodule.box_lps_mm for nodule in nodules], dtype=torch.float32).reshape(-1, 6)
