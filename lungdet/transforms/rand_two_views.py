"""Two random views of one image: what a network learns from without labels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import Compose, MapTransform, Randomizable
from monai.utils.enums import TransformBackends


class RandTwoViewsd(Randomizable, MapTransform):
    """Run a random transform twice on the same image, and keep both results.

    Args:
        transform: a dictionary transform, or a ``Compose``, that works on the key of ``keys``.
        keys: key of the image; the first view takes its place.
        second_key: key for the second view.
        allow_missing_keys: do not complain about an image that is not there.

    Raises:
        ValueError: there is not one key.

    Example:
        >>> import torch
        >>> from monai.transforms import RandScaleIntensityd
        >>> twice = RandTwoViewsd(RandScaleIntensityd("image", factors=0.5, prob=1.0)).set_random_state(0)
        >>> item = twice({"image": torch.ones(1, 2, 2, 2)})
        >>> [round(float(item[key].mean()), 2) for key in ("image", "second_view")]
        [1.22, 1.04]
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        transform: MapTransform | Compose,
        keys: KeysCollection = "image",
        second_key: Hashable = "second_view",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"wanted one key of an image, got {self.keys}")
        self.transform, self.second_key = transform, second_key

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> RandTwoViewsd:
        """Seed the transform."""
        super().set_random_state(seed, state)
        if isinstance(self.transform, Randomizable):
            self.transform.set_random_state(seed, state)
        return self

    def randomize(self, data: Any = None) -> None:
        """Do nothing: the transform draws for itself."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the second view to a copy of ``data``, and put the first in place of the image."""
        item = dict(data)
        for key in self.key_iterator(item):
            # Each view starts from a copy: MONAI's transforms note what they did on the image that they were given.
            first, second = (self.transform({**data, key: item[key].clone()})[key] for _ in range(2))
            item[key], item[self.second_key] = first, second
        return item
