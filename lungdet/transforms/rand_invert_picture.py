"""Bone dark instead of bright: files whose photometric interpretation is wrong, and photographs of films."""

from __future__ import annotations

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import invert_picture

from .rand_picture import RandPicture, RandPictured


class RandInvertPicture(RandPicture):
    """Invert a picture.

    Args:
        prob: probability of it.

    Raises:
        ValueError: it is no probability.
    """

    def __init__(self, prob: float = 0.2) -> None:
        super().__init__(prob)

    def draw(self) -> None:
        """Nothing but the chance is drawn."""

    def change(self, picture: Tensor) -> Tensor:
        """Invert it."""
        return invert_picture(picture)


class RandInvertPictured(RandPictured):
    """Dictionary form of :class:`RandInvertPicture`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandInvertPicture`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(self, keys: KeysCollection, prob: float = 0.2, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, RandInvertPicture(prob), allow_missing_keys)
