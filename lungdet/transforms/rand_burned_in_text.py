"""Text that consoles burn into pictures, so that a network learns to look past it."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection
from torch import Tensor

from lungdet.geometry.burned_in_text import LETTERS, SIDE_MARKS, burn_in_text

from .rand_picture import RandPicture, RandPictured, rising


class RandBurnedInText(RandPicture):
    """Write lines of random letters into a picture, white or black.

    Args:
        prob: probability that anything is done.
        lines: least and greatest number of lines.
        height: least and greatest height of the letters, as shares of the rows; letters have 7 rows at least.
        black_prob: probability that a line is black rather than white.
        side_marks: whether the letters L and R may come. Keep them out where laterality is a label.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.2,
        lines: Sequence[int] = (1, 3),
        height: Sequence[float] = (0.03, 0.08),
        black_prob: float = 0.2,
        side_marks: bool = False,
    ) -> None:
        super().__init__(prob)
        if not 0 <= black_prob <= 1:
            raise ValueError(f"black_prob must be from 0 to 1, got {black_prob}")
        rising("lines", lines, 0)
        self.lines, self.height = (int(lines[0]), int(lines[1])), rising("height", height, 0, 1)
        self.black_prob = black_prob
        self.letters = "".join(letter for letter in LETTERS if side_marks or letter not in SIDE_MARKS)
        self.drawn: list[tuple[str, tuple[float, float], float, float]] = []

    def draw(self) -> None:
        """Draw text, place, height and value of every line."""
        self.drawn = []
        for _ in range(int(self.R.randint(self.lines[0], self.lines[1] + 1))):
            picked = self.R.randint(0, len(self.letters), int(self.R.randint(2, 11)))
            top, left, height, black = self.R.rand(4).tolist()
            size = self.height[0] + height * (self.height[1] - self.height[0])
            text = "".join(self.letters[number] for number in picked)
            self.drawn.append((text, (top, left * 0.9), size, float(black >= self.black_prob)))

    def change(self, picture: Tensor) -> Tensor:
        """Write the lines."""
        for text, where, height, value in self.drawn:
            picture = burn_in_text(picture, text, where, height, value)
        return picture


class RandBurnedInTextd(RandPictured):
    """Dictionary form of :class:`RandBurnedInText`.

    Args:
        keys: keys of the pictures.
        prob: see :class:`RandBurnedInText`.
        lines: see :class:`RandBurnedInText`.
        height: see :class:`RandBurnedInText`.
        black_prob: see :class:`RandBurnedInText`.
        side_marks: see :class:`RandBurnedInText`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.2,
        lines: Sequence[int] = (1, 3),
        height: Sequence[float] = (0.03, 0.08),
        black_prob: float = 0.2,
        side_marks: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, RandBurnedInText(prob, lines, height, black_prob, side_marks), allow_missing_keys)
