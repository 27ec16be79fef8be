"""Borders that a collimator or a shutter leaves without picture."""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import collimate

from .rand_picture import RandPicture, RandPictured


class RandCollimation(RandPicture):
    """Blank the four borders of a picture, each by a width of its own.

    Args:
        prob: probability that anything is done.
        most: greatest width of a border, as a share of the side, below one half.
        white_prob: probability that the borders are white, as where no shutter hides what was not exposed; else black.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, prob: float = 0.2, most: float = 0.2, white_prob: float = 0.0) -> None:
        super().__init__(prob)
        if not 0 <= most < 0.5 or not 0 <= white_prob <= 1:
            raise ValueError(f"wanted most below 0.5 and a probability, got most={most}, white_prob={white_prob}")
        self.most, self.white_prob = float(most), white_prob
        self.borders, self.value = (0.0, 0.0, 0.0, 0.0), 0.0

    def draw(self) -> None:
        """Draw the four widths, and black or white."""
        top, bottom, left, right = self.R.uniform(0, self.most, 4).tolist()
        self.borders = (top, bottom, left, right)
        self.value = float(self.R.rand() < self.white_prob)

    def change(self, picture: Tensor) -> Tensor:
        """Blank the borders."""
        return collimate(picture, self.borders, self.value)


class RandCollimationd(RandPictured):
    """Dictionary form of :class:`RandCollimation`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandCollimation`.
        most: see :class:`RandCollimation`.
        white_prob: see :class:`RandCollimation`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.2,
        most: float = 0.2,
        white_prob: float = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandCollimation(prob, most, white_prob), allow_missing_keys)
