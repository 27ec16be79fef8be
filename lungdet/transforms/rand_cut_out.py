"""A patch of grey over a part of a picture, so that a network looks at more than one place."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import cut_out

from .rand_picture import RandPicture, RandPictured, rising


class RandCutOut(RandPicture):
    """Cover a random rectangle with one random grey.

    Args:
        prob: probability that anything is done.
        size: least and greatest length of each side, as a share of the picture's.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, prob: float = 0.3, size: Sequence[float] = (0.15, 0.45)) -> None:
        super().__init__(prob)
        self.size = rising("size", size, 0, 1)
        self.box, self.value = (0.0, 0.0, 0.0, 0.0), 0.5

    def draw(self) -> None:
        """Draw place, size and grey."""
        height, width = self.R.uniform(*self.size, 2).tolist()
        top, left = self.R.uniform(0, 1 - height), self.R.uniform(0, 1 - width)
        self.box, self.value = (top, top + height, left, left + width), float(self.R.rand())

    def change(self, picture: Tensor) -> Tensor:
        """Cover the rectangle."""
        return cut_out(picture, self.box, self.value)


class RandCutOutd(RandPictured):
    """Dictionary form of :class:`RandCutOut`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandCutOut`.
        size: see :class:`RandCutOut`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.3,
        size: Sequence[float] = (0.15, 0.45),
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandCutOut(prob, size), allow_missing_keys)
