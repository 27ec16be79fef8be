"""Slices of a lesion as another scanner would have them."""

from __future__ import annotations

import torch
from monai.config import KeysCollection
from torch import Tensor

from .rand_picture import RandPicture, RandPictured

SLICES = (0, 1, 2, 4)  # the others are outlines of the mark
KEY, NEIGHBOURS = 1, (0, 2)


class RandLesionSlices(RandPicture):
    """Change contrast and brightness of a lesion's slices, add noise, and take neighbours away; outlines stay.

    The channels are those of :class:`LoadLesion`. A neighbour that is taken away becomes the key slice, as it is where
    a data set has no other slice.

    Args:
        prob: probability that anything is done.
        gain: greatest change of contrast about the middle grey, as a share.
        offset: greatest step of brightness to either side.
        noise: greatest standard deviation of the noise.
        drop_prob: probability that both neighbours are taken away.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.9,
        gain: float = 0.1,
        offset: float = 0.03,
        noise: float = 0.03,
        drop_prob: float = 0.15,
    ) -> None:
        super().__init__(prob)
        if not 0 <= gain < 1 or min(offset, noise) < 0 or not 0 <= drop_prob <= 1:
            raise ValueError(f"out of range: {gain=}, {offset=}, {noise=}, {drop_prob=}")
        self.gain, self.offset, self.noise, self.drop_prob = gain, offset, noise, drop_prob
        self.drawn = (1.0, 0.0, 0.0, False, 0)

    def draw(self) -> None:
        """Draw contrast, brightness, the strength and the seed of the noise, and whether neighbours go."""
        gain, offset = self.R.uniform(-1, 1, 2).tolist()
        noise, drop = self.R.uniform(0, self.noise), bool(self.R.rand() < self.drop_prob)
        self.drawn = (1 + gain * self.gain, offset * self.offset, noise, drop, int(self.R.randint(2**31 - 1)))

    def change(self, picture: Tensor) -> Tensor:
        """Change the slices as drawn.

        Raises:
            ValueError: there are not six channels.
        """
        if len(picture) != 6:
            raise ValueError(f"wanted the six channels of LoadLesion, got {len(picture)}")
        gain, offset, noise, drop, seed = self.drawn
        changed = picture.clone()
        slices = (picture[list(SLICES)] - 0.5) * gain + 0.5 + offset
        grain = torch.randn(slices.shape, generator=torch.Generator().manual_seed(seed), dtype=slices.dtype)
        changed[list(SLICES)] = (slices + noise * grain.to(slices)).clamp(0, 1)
        if drop:
            changed[list(NEIGHBOURS)] = changed[KEY].clone()
        return changed


class RandLesionSlicesd(RandPictured):
    """Dictionary form of :class:`RandLesionSlices`.

    Args:
        keys: keys of the crops.
        prob: see :class:`RandLesionSlices`.
        gain: see :class:`RandLesionSlices`.
        offset: see :class:`RandLesionSlices`.
        noise: see :class:`RandLesionSlices`.
        drop_prob: see :class:`RandLesionSlices`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.9,
        gain: float = 0.1,
        offset: float = 0.03,
        noise: float = 0.03,
        drop_prob: float = 0.15,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandLesionSlices(prob, gain, offset, noise, drop_prob), allow_missing_keys)
