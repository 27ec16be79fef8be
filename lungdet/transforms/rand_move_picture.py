"""Small turns, scales, shears and shifts of a picture, and mirrors where sides are no labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_moves import PictureMove, move_picture

from .rand_picture import RandPicture, RandPictured, rising


class RandMovePicture(RandPicture):
    """Turn, scale, stretch, shear, shift and perhaps mirror a picture, in one interpolation.

    The affine of a ``MetaTensor`` is left as it was: this is for training, where nothing is brought back.

    Args:
        prob: probability that anything is done.
        degrees: greatest turn to either side.
        scale: least and greatest scale, above 1 enlarges; drawn evenly on a logarithmic scale.
        shift: greatest shift, as a share of the side.
        aspect: greatest ratio of width to height, and of height to width.
        shear: greatest shear to either side.
        mirror_prob: probability of exchanging left and right. Keep 0 where laterality is a label.
        fill: what comes in from outside: ``"border"`` repeats the outermost pixel, ``"zeros"`` is black.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.9,
        degrees: float = 12.0,
        scale: Sequence[float] = (0.82, 1.22),
        shift: float = 0.06,
        aspect: float = 1.1,
        shear: float = 0.06,
        mirror_prob: float = 0.0,
        fill: str = "border",
    ) -> None:
        super().__init__(prob)
        if degrees < 0 or not 0 <= shift <= 1 or aspect < 1 or not 0 <= shear < 1 or not 0 <= mirror_prob <= 1:
            what = f"degrees={degrees}, shift={shift}, aspect={aspect}, shear={shear}, mirror_prob={mirror_prob}"
            raise ValueError(f"out of range: {what}")
        if fill not in ("border", "zeros"):
            raise ValueError(f"fill must be 'border' or 'zeros', got {fill!r}")
        low, high = rising("scale", scale, 0.1)
        self.degrees, self.shift, self.shear = float(degrees), float(shift), float(shear)
        self.log_scale, self.log_aspect = (math.log(low), math.log(high)), math.log(aspect)
        self.mirror_prob, self.fill, self.move = mirror_prob, fill, PictureMove()

    def draw(self) -> None:
        """Draw the move."""
        turn, aspect, shear, down, right = self.R.uniform(-1, 1, 5).tolist()
        self.move = PictureMove(
            degrees=turn * self.degrees,
            scale=math.exp(self.R.uniform(*self.log_scale)),
            aspect=math.exp(aspect * self.log_aspect),
            shear=shear * self.shear,
            down=down * self.shift,
            right=right * self.shift,
            mirror=bool(self.R.rand() < self.mirror_prob),
        )

    def change(self, picture: Tensor) -> Tensor:
        """Move the picture as drawn."""
        return move_picture(picture, self.move, self.fill)


class RandMovePictured(RandPictured):
    """Dictionary form of :class:`RandMovePicture`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandMovePicture`.
        degrees: see :class:`RandMovePicture`.
        scale: see :class:`RandMovePicture`.
        shift: see :class:`RandMovePicture`.
        aspect: see :class:`RandMovePicture`.
        shear: see :class:`RandMovePicture`.
        mirror_prob: see :class:`RandMovePicture`.
        fill: see :class:`RandMovePicture`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.9,
        degrees: float = 12.0,
        scale: Sequence[float] = (0.82, 1.22),
        shift: float = 0.06,
        aspect: float = 1.1,
        shear: float = 0.06,
        mirror_prob: float = 0.0,
        fill: str = "border",
        allow_missing_keys: bool = False,
    ) -> None:
        move = RandMovePicture(prob, degrees, scale, shift, aspect, shear, mirror_prob, fill)
        super().__init__(keys, move, allow_missing_keys)
