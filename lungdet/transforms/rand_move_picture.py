"""Small turns, scales and shifts of a picture, and mirrors where sides are no labels."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import move_picture

from .rand_picture import RandPicture, RandPictured, rising


class RandMovePicture(RandPicture):
    """Turn, scale, shift and perhaps mirror a picture, in one interpolation.

    The affine of a ``MetaTensor`` is left as it was: this is for training, where nothing is brought back.

    Args:
        prob: probability that anything is done.
        degrees: greatest turn to either side.
        scale: least and greatest scale; above 1 enlarges.
        shift: greatest shift, as a share of the side.
        mirror_prob: probability of exchanging left and right. Keep 0 where laterality is a label.
        fill: what comes in from outside: ``"border"`` repeats the outermost pixel, ``"zeros"`` is black.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.8,
        degrees: float = 12.0,
        scale: Sequence[float] = (0.85, 1.15),
        shift: float = 0.06,
        mirror_prob: float = 0.0,
        fill: str = "border",
    ) -> None:
        super().__init__(prob)
        if degrees < 0 or not 0 <= shift <= 1 or not 0 <= mirror_prob <= 1:
            raise ValueError(f"out of range: degrees={degrees}, shift={shift}, mirror_prob={mirror_prob}")
        if fill not in ("border", "zeros"):
            raise ValueError(f"fill must be 'border' or 'zeros', got {fill!r}")
        self.degrees, self.scale, self.shift = float(degrees), rising("scale", scale, 0.1), float(shift)
        self.mirror_prob, self.fill = mirror_prob, fill
        self.drawn: tuple[float, float, tuple[float, float], bool] = (0.0, 1.0, (0.0, 0.0), False)

    def draw(self) -> None:
        """Draw turn, scale, shift and mirror."""
        turn = self.R.uniform(-self.degrees, self.degrees)
        scale = self.R.uniform(*self.scale)
        down, right = self.R.uniform(-self.shift, self.shift, 2)
        self.drawn = (turn, scale, (float(down), float(right)), bool(self.R.rand() < self.mirror_prob))

    def change(self, picture: Tensor) -> Tensor:
        """Move the picture as drawn."""
        turn, scale, shift, mirror = self.drawn
        return move_picture(picture, turn, scale, shift, mirror, self.fill)


class RandMovePictured(RandPictured):
    """Dictionary form of :class:`RandMovePicture`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandMovePicture`.
        degrees: see :class:`RandMovePicture`.
        scale: see :class:`RandMovePicture`.
        shift: see :class:`RandMovePicture`.
        mirror_prob: see :class:`RandMovePicture`.
        fill: see :class:`RandMovePicture`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.8,
        degrees: float = 12.0,
        scale: Sequence[float] = (0.85, 1.15),
        shift: float = 0.06,
        mirror_prob: float = 0.0,
        fill: str = "border",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandMovePicture(prob, degrees, scale, shift, mirror_prob, fill), allow_missing_keys)
