"""From cubes and scores of a scan's candidates to the one tensor that a model of scan risk takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_tensor
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.hounsfield import scale_hu
from lungdet.networks.nets import pack_candidates

LEAST = 1e-4  # a score of 0 has no logit


class PackCandidatesd(MapTransform):
    """Describe each candidate by features, put the logit of its score beside them, and fill up to a fixed number.

    It draws nothing, so a ``CacheDataset`` keeps what it gives: features of a frozen network are computed once.

    Args:
        keys: key of the cubes, ``(K, 48, 48, 48)`` in HU; replaced by ``(room, F + 2)``, see
            :func:`lungdet.networks.nets.pack_candidates`.
        embed: cubes ``(K, 48, 48, 48)`` in HU to features ``(K, F)``, for K of 1 or more.
        features: F, for scans without candidates.
        room: most candidates of a scan.
        score_key: key of the scores, ``(K,)``, which goes.
        allow_missing_keys: do nothing where there are no cubes.

    Raises:
        ValueError: on the call, if ``embed`` does not give F features, or there are more candidates than room.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        embed: Callable[[Tensor], Tensor],
        features: int,
        room: int = 6,
        score_key: Hashable = "scores",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.embed, self.features, self.room, self.score_key = embed, features, room, score_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Pack in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            cubes = convert_to_tensor(item[key], track_meta=False)
            scores = convert_to_tensor(item.pop(self.score_key), track_meta=False)
            found = self.embed(cubes).float() if len(cubes) else torch.zeros(0, self.features)
            if found.shape != (len(cubes), self.features):
                wanted = (len(cubes), self.features)
                raise ValueError(
                    f"the network describes a candidate by {tuple(found.shape)} numbers, wanted {wanted}: set features"
                )
            item[key] = pack_candidates(found, scores.clamp(LEAST, 1 - LEAST).logit(), self.room)
        return item


class FlatCubes:
    """Let cubes be their own features, for a network that is trained through to the voxels.

    Args:
        low_hu: of the window that becomes [0, 1].
        high_hu: likewise.

    Example:
        >>> FlatCubes(-1000, 400)(torch.full((2, 4, 4, 4), -300.0))[:, 0]
        tensor([0.5000, 0.5000])
    """

    def __init__(self, low_hu: float, high_hu: float) -> None:
        self.low_hu, self.high_hu = low_hu, high_hu

    def __call__(self, cubes: Tensor) -> Tensor:
        """Return ``(K, voxels)`` in [0, 1] of cubes ``(K, X, Y, Z)`` in HU."""
        return scale_hu(cubes, self.low_hu, self.high_hu).flatten(1)
