"""Synthetic CT of the whole torso as a MONAI transform."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Transform
from monai.utils.enums import TransformBackends

from lungdet.phantoms import draw_torso, make_torso

from .load_ct import to_meta_tensor

RANGE_STREAM = 401
TABLE_SHARE = 0.8


class MakeTorsod(Transform):
    """Make the synthetic torso of a seed, or a part of it, as one scans the chest alone; one in five lies on no table.

    It takes the place of a loader: the list holds ``{"seed": 7}`` where one of real scans holds ``{"image": path}``.

    Args:
        seed_key: key of the seed.
        image_key: key for the image: MetaTensor ``(1, X, Y, Z)``, HU, affine in RAS.
        coordinate_key: key for the truth: ``(Z,)`` float32, body coordinate of each slice, 0 at the top and 1 at the
            bottom of the torso; in the order of the volume, so from the feet to the head.
        spacing_mm: voxel size ``(x, y, z)``; an item's own ``"spacing_mm"`` wins.
        size: columns and rows.
        part_prob: share of the seeds that show a part of the torso only, at least ``least_mm`` of it.
        least_mm: see there.

    Raises:
        ValueError: ``part_prob`` is no probability.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        seed_key: Hashable = "seed",
        image_key: Hashable = "image",
        coordinate_key: Hashable = "coordinate",
        spacing_mm: Sequence[float] = (3.5, 3.5, 6.0),
        size: int = 128,
        part_prob: float = 0.0,
        least_mm: float = 250.0,
    ) -> None:
        if not 0 <= part_prob <= 1:
            raise ValueError(f"part_prob must be from 0 to 1, got {part_prob}")
        self.seed_key, self.image_key, self.coordinate_key = seed_key, image_key, coordinate_key
        self.spacing_mm, self.size = tuple(spacing_mm), size
        self.part_prob, self.least_mm = part_prob, least_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the image and the truth to a copy of ``data``."""
        item = dict(data)
        seed = int(item[self.seed_key])
        spacing = tuple(float(step) for step in item.get("spacing_mm", self.spacing_mm))
        rng = np.random.default_rng([seed, RANGE_STREAM])
        phantom = make_torso(
            seed,
            spacing_mm=(spacing[0], spacing[1], spacing[2]),
            size=self.size,
            z_range_mm=self._range(seed, rng),
            table=bool(rng.random() < TABLE_SHARE),
        )
        item[self.image_key] = to_meta_tensor(phantom.volume, None)
        item[self.coordinate_key] = torch.as_tensor(np.ascontiguousarray(phantom.coordinates)).float()
        return item

    def _range(self, seed: int, rng: np.random.Generator) -> tuple[float, float] | None:
        """Which part of the torso this seed shows."""
        if rng.uniform() >= self.part_prob:
            return None
        low, high = draw_torso(seed).z_range_mm
        length = rng.uniform(min(self.least_mm, high - low), high - low)
        start = rng.uniform(low, high - length)
        return float(start), float(start + length)
