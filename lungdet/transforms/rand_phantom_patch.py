"""Training patches of synthetic chests as MONAI transforms: a cached patient, and fresh nodules in him every time."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import ensure_tuple_rep
from monai.utils.enums import TransformBackends

from lungdet.geometry.frames import boxes_to_voxel
from lungdet.phantoms import Background, PhantomNodule, PhantomPatch, draw_patches, make_background

from .background_draws import BackgroundDraws, turned


class MakeBackgroundd(Transform):
    """Paint the patient of a seed, without nodules: what ``CacheDataset`` keeps for :class:`RandPhantomPatchd`.

    Args:
        seed_key: key of the seed in the datalist.
        background_key: key for the :class:`~lungdet.phantoms.Background`, about 28 MB each with the default shape.
        spacing_mm: voxel size, the network's.
        shape: ``(X, Y, Z)`` voxels, those of a whole scan.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        seed_key: Hashable = "seed",
        background_key: Hashable = "background",
        spacing_mm: Sequence[float] = (1.4, 1.4, 1.4),
        shape: Sequence[int] = (224, 224, 176),
    ) -> None:
        self.seed_key, self.background_key = seed_key, background_key
        (x, y, z), (columns, rows, slices) = spacing_mm, shape
        self.spacing_mm, self.shape = (float(x), float(y), float(z)), (int(columns), int(rows), int(slices))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the background to a copy of ``data``."""
        item = dict(data)
        item[self.background_key] = make_background(int(item[self.seed_key]), self.spacing_mm, self.shape)
        return item


class RandPhantomPatchd(BackgroundDraws):
    """Put fresh nodules into a cached patient and scan random patches of him.

    Every call draws nodules, places of the patches, kernel, dose and slice thickness anew. The patches are orientated
    as a whole scan is after ``Orientationd(axcodes="RAS")``, and in HU: ``ScaleHUd`` follows. The background is left
    out of the items.

    Args:
        keys: key of the background, see :class:`MakeBackgroundd`.
        spatial_size: voxels of a patch, one number for all axes or one for each.
        num_samples: patches a call.
        nodule_ratio: part of the patches that are laid about a nodule; the others hold none.
        thick_ratio: part of the patches with slices of 1.5 to 5 mm, brought back to the grid by interpolation.
        image_key: key for the image: MetaTensor ``(1, X, Y, Z)`` float32, HU, affine in RAS. Its ``patch_origin`` is
            the voxel of the whole scan, orientated likewise, at which it begins.
        box_key: key for the boxes: ``(N, 6)`` float32 in the edge frame of the patch, of the nodules with their centre
            in it; whole, so that they may stick out.
        label_key: key for the labels: ``(N,)`` int64, all 0.
        ignore_key: key for the boxes ``(M, 6)`` of nodules that reach in from outside and of those that the scan has
            washed out: neither nodule nor background.
        allow_missing_keys: do not complain about a background that is not there.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        keys: KeysCollection = "background",
        spatial_size: int | Sequence[int] = (96, 96, 64),
        num_samples: int = 1,
        nodule_ratio: float = 0.7,
        thick_ratio: float = 0.5,
        image_key: Hashable = "image",
        box_key: Hashable = "box",
        label_key: Hashable = "label",
        ignore_key: Hashable = "ignore_box",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, num_samples, image_key, allow_missing_keys)
        x, y, z = (int(n) for n in ensure_tuple_rep(spatial_size, 3))
        if min(x, y, z) < 2:
            raise ValueError(f"spatial_size must be positive and no single slice, got {spatial_size}")
        if not (0 <= nodule_ratio <= 1 and 0 <= thick_ratio <= 1):
            raise ValueError(f"ratios must be in [0, 1], got {nodule_ratio} and {thick_ratio}")
        self.spatial_size = (x, y, z)
        self.nodule_ratio, self.thick_ratio = nodule_ratio, thick_ratio
        self.box_key, self.label_key, self.ignore_key = box_key, label_key, ignore_key

    def items(self, background: Background, rng: np.random.Generator) -> Iterator[dict[Hashable, Any]]:
        """Draw patches in one patient, each with image, boxes, labels and boxes to ignore."""
        ratios = {"nodule_ratio": self.nodule_ratio, "thick_ratio": self.thick_ratio}
        for patch in draw_patches(background, rng, self.spatial_size, self.num_samples, **ratios):
            yield self._item(background, patch)

    def _item(self, background: Background, patch: PhantomPatch) -> dict[Hashable, Any]:
        affine_lps = turned(patch.affine_lps, patch.hu.shape)
        boxes = _edge_boxes(patch.nodules, affine_lps)
        return {
            self.image_key: self.image(background, patch.hu, affine_lps, patch_origin=_origin(background, affine_lps)),
            self.box_key: boxes,
            self.label_key: torch.zeros(len(boxes), dtype=torch.int64),
            self.ignore_key: _edge_boxes(patch.ignored, affine_lps),
        }


def _origin(background: Background, affine_lps: Any) -> torch.Tensor:
    """First voxel of a turned patch in the background turned likewise."""
    steps, shape = np.array(background.spacing_mm), np.array(background.shape)
    first = np.rint((affine_lps[:3, 3] - background.offset_lps_mm - background.first_mm) / steps).astype(np.int64)
    first[:2] = shape[:2] - 1 - first[:2]
    return torch.from_numpy(first)


def _edge_boxes(nodules: Sequence[PhantomNodule], affine_lps: Any) -> torch.Tensor:
    boxes = np.array([nodule.box_lps_mm for nodule in nodules], dtype=np.float64).reshape(-1, 6)
    return torch.as_tensor(boxes_to_voxel(boxes, affine_lps), dtype=torch.float32)
