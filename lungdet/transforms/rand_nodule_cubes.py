"""Training cubes of nodules and of what is taken for them, as a MONAI transform: a cached patient, fresh nodules."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection

from lungdet.phantoms import Background, CubeStyle, PhantomCube, draw_cubes, rating_shares
from lungdet.phantoms.nodule_cube import LEAST_SIDE
from lungdet.records import NODULE_TYPES, ORDINAL_RATINGS, RATING_LEVELS

from .background_draws import BackgroundDraws, turned

UNKNOWN = -1
NO_NODULE, NODULE = 0, 1


class RandNoduleCubesd(BackgroundDraws):
    """Put fresh nodules into a cached patient and cut cubes of 1 mm about them, and about what is none.

    Every call draws nodules, marks, readers, kernel, dose and slices anew. The mark lies in the exact middle of its
    cube and off the middle of its nodule, as a detector's does. The cubes are orientated as after
    ``Orientationd(axcodes="RAS")``, and in HU: ``ScaleHUd`` follows. The background is left out of the items.

    Each item has

    * the image: MetaTensor ``(1, side, side, side)`` float32, HU, affine in RAS;
    * ``nodule``: float32 1 or 0; -1 for a nodule that its scan has washed out, of which nothing is known;
    * ``kind``: int64 index into ``NODULE_TYPES``, -1 where it is no nodule;
    * ``ratings``: ``(7, 4)`` float32, share of the readers above 1 to 4 in ``ORDINAL_RATINGS``; NaN for no nodule;
    * ``diameter_mm``: float32, NaN where it is no nodule;
    * ``center_lps_mm``: ``(3,)`` float64, the mark;
    * ``place``: what the nodule touches, or what it is if it is none, one of ``MARK_PLACES``;
    * ``lookalike``: the same where it is no nodule, else empty;
    * ``patient``: name of the background's patient.

    Args:
        keys: key of the background, see :class:`MakeBackgroundd`; its voxels must be 1 mm.
        num_samples: cubes a call.
        side: voxels of a cube; an even number, at least 8.
        nodule_ratio: part of the cubes about a nodule.
        type_weights: how often each of ``NODULE_TYPES`` is drawn.
        diameter_mm: least and greatest diameter of the nodules.
        thick_ratio: part of the cubes from slices of 1.5 to 5 mm.
        coarse_ratio: part of the cubes from voxels of 1.1 to 2 mm.
        cut_ratio: part of the cubes that reach beyond the scan: air there.
        image_key: key for the image.
        allow_missing_keys: do not complain about a background that is not there.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        keys: KeysCollection = "background",
        num_samples: int = 8,
        side: int = 48,
        nodule_ratio: float = 0.5,
        type_weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
        diameter_mm: Sequence[float] = (4.0, 30.0),
        thick_ratio: float = 0.4,
        coarse_ratio: float = 0.4,
        cut_ratio: float = 0.03,
        image_key: Hashable = "image",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, num_samples, image_key, allow_missing_keys)
        if side < LEAST_SIDE or side % 2:
            raise ValueError(f"side must be even and at least {LEAST_SIDE}, got {side}")
        low, high = (float(value) for value in diameter_mm)
        weights = tuple(float(weight) for weight in type_weights)
        self.style = CubeStyle(nodule_ratio, weights, (low, high), thick_ratio, coarse_ratio, cut_ratio)
        self.side = side

    def items(self, background: Background, rng: np.random.Generator) -> Iterator[dict[Hashable, Any]]:
        """Draw cubes in one patient."""
        for cube in draw_cubes(background, rng, self.num_samples, self.side, self.style):
            yield {
                self.image_key: self.image(background, cube.hu, turned(cube.affine_lps, cube.hu.shape)),
                "center_lps_mm": torch.tensor(cube.mark_lps_mm, dtype=torch.float64),
                "patient": f"phantom-{background.seed}",
                **targets(cube),
            }


def targets(cube: PhantomCube) -> dict[Hashable, Any]:
    """What is known about a cube, as tensors; see :class:`RandNoduleCubesd`."""
    nodule, place = cube.nodule, cube.place
    label = UNKNOWN if not cube.known else NO_NODULE if nodule is None else NODULE
    if nodule is None or not cube.known:
        kind, diameter_mm = UNKNOWN, float("nan")
        shares = np.full((len(ORDINAL_RATINGS), RATING_LEVELS - 1), np.nan, dtype=np.float32)
    else:
        kind, diameter_mm, shares = NODULE_TYPES.index(nodule.type), nodule.diameter_mm, rating_shares(cube.readings)
    return {
        "nodule": torch.tensor(label, dtype=torch.float32),
        "kind": torch.tensor(kind, dtype=torch.int64),
        "ratings": torch.from_numpy(shares),
        "diameter_mm": torch.tensor(diameter_mm, dtype=torch.float32),
        "place": place,
        "lookalike": place if nodule is None else "",
    }
