"""Marks of a training list, moved off the middle of their nodules as a detector's are, as a MONAI transform."""

from __future__ import annotations

import math
import zlib
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable
from monai.utils.enums import MetaKeys, TransformBackends
from numpy.typing import NDArray
from torch import Tensor

from lungdet.geometry.cubes import CUBE_SIDE
from lungdet.geometry.frames import ras_to_lps
from lungdet.phantoms.nodule_cube import FALSE_SPREAD_MM, MARK_MOST, MARK_SPREAD

from .conversion import as_finished_image, as_image, image_affine, plain

Array = NDArray[Any]


class RandShiftMarkd(Randomizable, MapTransform):
    """Crop a cube that was cut wider, so that its mark is as far off as a detector's.

    Readers' centres are exact, a detector's are not: it is off by ``spread`` times the diameter along each axis, 15 %
    at most, like the marks of :class:`RandNoduleCubesd`. The shift is in whole voxels, rounded up or down by chance
    so that small ones are right on average, and nothing is interpolated. It ends where the wide cube does.

    The mark, ``center_lps_mm``, becomes the middle of the new cube.

    Args:
        keys: key of the wide cube, ``(1, X, Y, Z)``, each side wider by an even number or as wide.
        side: voxels of the new cube.
        spread: standard deviation along each axis, in parts of the diameter; 0 crops the exact middle.
        unknown_mm: standard deviation where the diameter is not known, as of look-alikes.
        seed: None draws anew on each call; with a number every mark is shifted as it always is, whatever the order,
            which is for cubes that are validated or scored.
        center_key: key of the mark, three numbers in LPS mm.
        diameter_key: key of the diameter in mm; NaN or absent if unknown.
        allow_missing_keys: do not complain about a cube that is not there.

    Raises:
        ValueError: an argument is out of range. On the call: a cube is narrower, wider by an odd number, or without
            affine.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        side: int = CUBE_SIDE,
        spread: float = MARK_SPREAD,
        unknown_mm: float = FALSE_SPREAD_MM,
        seed: int | None = None,
        center_key: Hashable = "center_lps_mm",
        diameter_key: Hashable = "diameter_mm",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"wanted one key of a cube, got {self.keys}")
        if side < 1:
            raise ValueError(f"side must be positive, got {side}")
        for name, value in (("spread", spread), ("unknown_mm", unknown_mm)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and not negative, got {value}")
        self.side, self.spread, self.unknown_mm, self.seed = side, float(spread), float(unknown_mm), seed
        self.center_key, self.diameter_key = center_key, diameter_key
        self.draw_seed: tuple[int, ...] = (0,)

    def randomize(self, data: Any = None) -> None:
        """Draw the seed of the next shift, or take that of the mark, ``(3,)``."""
        if self.seed is None:
            self.draw_seed = (int(self.R.randint(2**32, dtype=np.uint64)),)
        else:
            self.draw_seed = (self.seed, zlib.crc32(np.asarray(data, dtype=np.float64).tobytes()))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data`` with the narrow cube and its mark."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = as_finished_image(item[key])
            room = self._room(image)
            self.randomize(item[self.center_key])
            first = room + np.clip(self._shift(item.get(self.diameter_key)), -room, room)
            moved_ras = image_affine(image, key)[:3, :3].numpy() @ (first - room)
            center = torch.as_tensor(item[self.center_key], dtype=torch.float64)
            item[key] = self._crop(image, first)
            item[self.center_key] = center + torch.as_tensor(ras_to_lps(moved_ras[None])[0])
        return item

    def _room(self, image: Tensor) -> Array:
        """Voxels on either side of the middle that can be spared, ``(3,)``."""
        wider = np.array(image.shape[1:]) - self.side
        if image.ndim != 4 or (wider < 0).any():
            raise ValueError(f"wanted cubes of {self.side} voxels or more, (1, X, Y, Z), got {tuple(image.shape)}")
        if (wider % 2).any():
            raise ValueError(f"wanted cubes by an even number wider than {self.side}, got {tuple(image.shape)}")
        return wider // 2

    def _shift(self, diameter_mm: Any) -> Array:
        """Whole voxels, ``(3,)``."""
        diameter = math.nan if diameter_mm is None else float(diameter_mm)
        rng = np.random.default_rng(self.draw_seed)
        if self.spread == 0:
            return np.zeros(3, dtype=int)
        off = rng.normal(0, 1, 3)
        if math.isnan(diameter):
            off *= self.unknown_mm
        else:
            off *= self.spread * diameter
            off *= min(1.0, MARK_MOST * diameter / max(float(np.linalg.norm(off)), 1e-9))
        return np.floor(off + rng.random(3)).astype(int)

    def _crop(self, image: Tensor, first: Array) -> Tensor:
        x, y, z = (slice(int(at), int(at) + self.side) for at in first)
        cube = plain(image)[:, x, y, z].clone()
        affine = image_affine(image, self.keys[0]).clone()
        affine[:3, 3] += affine[:3, :3] @ torch.as_tensor(first, dtype=affine.dtype)
        own = {
            MetaKeys.AFFINE: affine,
            MetaKeys.ORIGINAL_AFFINE: affine.clone(),
            MetaKeys.SPATIAL_SHAPE: np.array(cube.shape[1:]),
        }
        return as_image(MetaTensor(cube, meta={**getattr(image, "meta", {}), **own}))
