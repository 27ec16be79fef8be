"""Scans without candidates for a training whose detector has marked something in every scan."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils.enums import TransformBackends


class RandEmptyScand(RandomizableTransform, MapTransform):
    """Now and then show a scan as if its detector had marked nothing in it.

    What an empty scan means cannot be seen where there is none, so it is said here: where ``positive`` of the positive
    scans and ``negative`` of the negative ones are shown empty, a model learns that the odds of an empty scan are
    ``positive / negative`` times those of all scans. The defaults say a tenth.

    Args:
        keys: keys of packed candidates, ``(K, F + 2)``, see :func:`lungdet.networks.nets.pack_candidates`.
        negative: share of the scans with the label 0 that are shown empty.
        positive: share of the scans with the label 1; smaller, as a detector misses few cancers altogether.
        label_key: key of the label, one number.
        allow_missing_keys: do not complain about keys that are not there.

    Raises:
        ValueError: a share is not in [0, 1].

    Example:
        >>> always = RandEmptyScand("candidates", negative=1.0, positive=0.0)
        >>> scans = ({"candidates": torch.ones(1, 3), "label": torch.tensor([label])} for label in (0, 1))
        >>> [float(always(scan)["candidates"].sum()) for scan in scans]
        [0.0, 3.0]
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        negative: float = 0.1,
        positive: float = 0.01,
        label_key: Hashable = "label",
        allow_missing_keys: bool = False,
    ) -> None:
        if not 0 <= negative <= 1 or not 0 <= positive <= 1:
            raise ValueError(f"shares must be in [0, 1], got {negative=}, {positive=}")
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.shares, self.label_key = (negative, positive), label_key

    def randomize(self, data: Any = None) -> None:
        """Draw whether a scan of the label ``data`` is shown empty."""
        self._do_transform = bool(self.R.random_sample() < self.shares[int(data)])

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Empty the candidates in a copy of ``data``, or leave them."""
        item = dict(data)
        self.randomize(float(torch.as_tensor(item[self.label_key]).reshape(-1)[0]) > 0.5)
        for key in self.key_iterator(item):
            if self._do_transform:
                item[key] = torch.zeros_like(item[key])
        return item
