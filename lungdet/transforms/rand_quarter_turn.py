"""Radiographs that lie on their side or on their head, as plates come out of a reader."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.picture_damage import quarter_turn

from .rand_picture import RandPicture, RandPictured


class RandQuarterTurn(RandPicture):
    """Turn a square picture by a multiple of 90 degrees.

    The affine of a ``MetaTensor`` is left as it was: this is for training, where nothing is brought back.

    Args:
        prob: probability of a turn.
        turns: which turns may come, in quarters, anti-clockwise.

    Raises:
        ValueError: there is no turn to choose from, or one is no turn. On the call: the picture is not square.
    """

    def __init__(self, prob: float = 0.2, turns: Sequence[int] = (1, 2, 3)) -> None:
        super().__init__(prob)
        if not turns or not set(turns) <= {1, 2, 3}:
            raise ValueError(f"turns must be some of 1, 2 and 3, got {turns}")
        self.turns, self.drawn = tuple(turns), 0

    def draw(self) -> None:
        """Draw the turn."""
        self.drawn = self.turns[int(self.R.randint(len(self.turns)))]

    def change(self, picture: Tensor) -> Tensor:
        """Turn the picture."""
        return quarter_turn(picture, self.drawn)


class RandQuarterTurnd(RandPictured):
    """Dictionary form of :class:`RandQuarterTurn`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandQuarterTurn`.
        turns: see :class:`RandQuarterTurn`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.2,
        turns: Sequence[int] = (1, 2, 3),
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandQuarterTurn(prob, turns), allow_missing_keys)
