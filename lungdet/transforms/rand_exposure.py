"""Radiographs that are too dark, too flat or too grainy."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import expose

from .rand_picture import RandPicture, RandPictured, rising


class RandExposure(RandPicture):
    """Change gamma, contrast and brightness of a picture, and add grain.

    Args:
        prob: probability that anything is done.
        gamma: least and greatest exponent; drawn evenly on a logarithmic scale.
        gain: least and greatest factor.
        offset: greatest step of brightness to either side.
        noise: greatest standard deviation of the grain, as in :func:`~lungdet.geometry.picture_damage.expose`.
        noise_prob: probability of grain, where anything is done.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.7,
        gamma: Sequence[float] = (0.6, 1.6),
        gain: Sequence[float] = (0.75, 1.2),
        offset: float = 0.08,
        noise: float = 0.06,
        noise_prob: float = 0.5,
    ) -> None:
        super().__init__(prob)
        if min(offset, noise) < 0 or not 0 <= noise_prob <= 1:
            raise ValueError(f"out of range: offset={offset}, noise={noise}, noise_prob={noise_prob}")
        self.gamma, self.gain = rising("gamma", gamma, 0.01), rising("gain", gain, 0)
        self.offset, self.noise, self.noise_prob = float(offset), float(noise), noise_prob
        self.drawn = (1.0, 1.0, 0.0, 0.0, 0)

    def draw(self) -> None:
        """Draw gamma, gain, offset, and the strength and seed of the grain."""
        gamma = math.exp(self.R.uniform(math.log(self.gamma[0]), math.log(self.gamma[1])))
        gain, offset = self.R.uniform(*self.gain), self.R.uniform(-self.offset, self.offset)
        noise = self.R.uniform(0, self.noise) if self.R.rand() < self.noise_prob else 0.0
        self.drawn = (gamma, gain, offset, noise, int(self.R.randint(2**31 - 1)))

    def change(self, picture: Tensor) -> Tensor:
        """Expose the picture as drawn."""
        return expose(picture, *self.drawn)


class RandExposured(RandPictured):
    """Dictionary form of :class:`RandExposure`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandExposure`.
        gamma: see :class:`RandExposure`.
        gain: see :class:`RandExposure`.
        offset: see :class:`RandExposure`.
        noise: see :class:`RandExposure`.
        noise_prob: see :class:`RandExposure`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.7,
        gamma: Sequence[float] = (0.6, 1.6),
        gain: Sequence[float] = (0.75, 1.2),
        offset: float = 0.08,
        noise: float = 0.06,
        noise_prob: float = 0.5,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandExposure(prob, gamma, gain, offset, noise, noise_prob), allow_missing_keys)
