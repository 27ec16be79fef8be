"""Load the candidates of a scan into a MONAI pipeline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils.enums import TransformBackends

from lungdet.readers.candidate_file import read_candidates


class LoadCandidatesd(MapTransform):
    """Read files that ``lungdet candidates`` wrote: paths become cubes, and the detector's scores stand beside them.

    Args:
        keys: keys of the paths; each is replaced by cubes, ``(K, 48, 48, 48)`` float32 in HU.
        score_keys: keys for the scores, ``(K,)`` float32 in [0, 1], falling; one for each of ``keys``.
        top: candidates at most.
        least_score: of a candidate; others are left out.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: ``keys`` and ``score_keys`` are not as many.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        keys: KeysCollection,
        score_keys: KeysCollection = "scores",
        top: int = 6,
        least_score: float = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.score_keys = (score_keys,) if isinstance(score_keys, str) else tuple(score_keys)  # type: ignore[arg-type]
        if len(self.score_keys) != len(self.keys):
            raise ValueError(f"wanted a key of scores for each of {self.keys}, got {self.score_keys}")
        self.top, self.least_score = top, least_score

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load every path in a copy of ``data``.

        Raises:
            CandidateFileError: a file holds no candidates.
        """
        item = dict(data)
        for key, score_key in self.key_iterator(item, self.score_keys):
            found = read_candidates(item[key]).best(self.top, self.least_score)
            item[key] = torch.from_numpy(found.cubes).float()
            item[score_key] = torch.from_numpy(found.scores)
        return item
