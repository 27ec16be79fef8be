"""Cubes around marks as MONAI transforms: :func:`lungdet.geometry.cubes.cut_cube` for images."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import MetaKeys, SpaceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.cubes import CUBE_SIDE, CUBE_SPACING_MM, Cube, cut_cube
from lungdet.geometry.frames import lps_to_ras, ras_to_lps

from .conversion import as_finished_image, as_image, image_affine, plain

_KEPT = ("filename_or_obj", "series")  # metadata of the scan that are true of its cubes


class CutCube(Transform):
    """Cut a cube around a mark: ``(1, side, side, side)`` float32 in HU, whatever the scan's axes and spacing are.

    The image needs neither ``Orientationd`` nor ``Spacingd`` before: see :func:`lungdet.geometry.cubes.cut_cube` for
    what is interpolated, and refused. ``meta["inside"]`` of the cube tells what share of it lies in the image; the
    rest is air.

    Args:
        side: voxels along each axis.
        spacing_mm: of the cube.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, side: int = CUBE_SIDE, spacing_mm: float = CUBE_SPACING_MM) -> None:
        if side < 1 or not 0 < spacing_mm < float("inf"):
            raise ValueError(f"side and spacing_mm must be positive, got {side} and {spacing_mm}")
        self.side, self.spacing_mm = side, float(spacing_mm)

    def __call__(self, image: Any, center_lps_mm: Sequence[float] | Tensor) -> Tensor:  # type: ignore[override]
        """Return the cube around a mark of an image in HU, ``(1, X, Y, Z)``.

        Raises:
            ValueError: the image is not ``(1, X, Y, Z)``, has no affine, or cannot be cut there.
        """
        image_hu = as_finished_image(image)
        if image_hu.ndim != 4 or image_hu.shape[0] != 1:
            raise ValueError(f"an image (1, X, Y, Z) is wanted, got {tuple(image_hu.shape)}")
        affine_lps = ras_to_lps(image_affine(image, "image").numpy())
        center = np.asarray(center_lps_mm, dtype=np.float64)
        cube = cut_cube(plain(image_hu)[0].numpy(), affine_lps, center, self.side, self.spacing_mm)
        known = {key: image.meta[key] for key in _KEPT if key in image.meta}
        return cube_image(cube, known)


class CutCubed(MapTransform):
    """Dictionary form of :class:`CutCube`: images become cubes.

    Args:
        keys: keys of the images.
        center_key: key of the mark, three numbers in LPS mm.
        side: see :class:`CutCube`.
        spacing_mm: see :class:`CutCube`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = CutCube.backend

    def __init__(
        self,
        keys: KeysCollection,
        center_key: Hashable = "center_lps_mm",
        side: int = CUBE_SIDE,
        spacing_mm: float = CUBE_SPACING_MM,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.center_key, self.cut = center_key, CutCube(side, spacing_mm)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Cut every image in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.cut(item[key], item[self.center_key])
        return item


def cube_image(cube: Cube, known: Mapping[str, Any] | None = None) -> Tensor:
    """Dress a cube for MONAI: ``(1, side, side, side)`` float32 HU with its affine in RAS, and what else is known."""
    affine = torch.from_numpy(lps_to_ras(cube.affine_lps))
    meta = {
        **(known or {}),
        MetaKeys.ORIGINAL_AFFINE: affine.clone(),
        MetaKeys.SPATIAL_SHAPE: np.array(cube.hu.shape[1:]),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        "inside": cube.inside,
    }
    return as_image(MetaTensor(torch.from_numpy(cube.hu), affine=affine, meta=meta))
