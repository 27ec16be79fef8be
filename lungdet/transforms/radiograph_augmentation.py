"""Everything that may befall a radiograph, in the order in which it happens, at the price of one copy of metadata."""

from __future__ import annotations

from typing import Any

import numpy as np
from monai.config import KeysCollection
from torch import Tensor

from .rand_burned_in_text import RandBurnedInText
from .rand_collimation import RandCollimation
from .rand_cut_out import RandCutOut
from .rand_exposure import RandExposure
from .rand_invert_picture import RandInvertPicture
from .rand_move_picture import RandMovePicture
from .rand_picture import RandPicture, RandPictured
from .rand_quarter_turn import RandQuarterTurn

_SEEDS = 2**32


class RadiographAugmentation(RandPicture):
    """Move, turn, collimate, expose, cover, write on and invert a picture, each with its own probability.

    Anatomy is respected: turns and scales are small, nothing is ever put on its head unless ``quarter_turn_prob`` says
    so, and pictures are mirrored, and marked with L or R, only where laterality is no label.

    Args:
        laterality_is_label: whether any class tells left from right; then nothing is mirrored.
        mirror_prob: probability of exchanging left and right, where that is allowed.
        quarter_turn_prob: probability of a quarter turn; pictures must then be square.
        collimation_prob: probability of blank borders.
        text_prob: probability of burned-in text.
        inversion_prob: probability of inversion.
        cut_out_prob: probability of a grey patch.
        move: arguments of :class:`RandMovePicture` that differ from its defaults.
        exposure: arguments of :class:`RandExposure` that differ from its defaults.
        collimation: arguments of :class:`RandCollimation` that differ from its defaults.
        text: arguments of :class:`RandBurnedInText` that differ from its defaults.

    Raises:
        ValueError: an argument is out of range.
        TypeError: an argument of a step is unknown.
    """

    def __init__(
        self,
        laterality_is_label: bool = True,
        mirror_prob: float = 0.5,
        quarter_turn_prob: float = 0.0,
        collimation_prob: float = 0.2,
        text_prob: float = 0.2,
        inversion_prob: float = 0.3,
        cut_out_prob: float = 0.0,
        move: dict[str, Any] | None = None,
        exposure: dict[str, Any] | None = None,
        collimation: dict[str, Any] | None = None,
        text: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(1.0)
        mirror_prob = 0.0 if laterality_is_label else mirror_prob
        self.steps: tuple[RandPicture, ...] = (
            RandMovePicture(**{"mirror_prob": mirror_prob, **(move or {})}),
            RandQuarterTurn(quarter_turn_prob),
            RandCollimation(collimation_prob, **(collimation or {})),
            RandExposure(**(exposure or {})),
            RandCutOut(cut_out_prob),
            RandBurnedInText(text_prob, **{"side_marks": not laterality_is_label, **(text or {})}),
            RandInvertPicture(inversion_prob),
        )

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RadiographAugmentation:
        """Set the state of all steps' draws, each from a seed of its own."""
        super().set_random_state(seed, state)
        for step in self.steps:
            step.set_random_state(int(self.R.randint(_SEEDS, dtype=np.uint32)))
        return self

    def draw(self) -> None:
        """Draw what every step does."""
        for step in self.steps:
            step.randomize()

    def change(self, picture: Tensor) -> Tensor:
        """Do it, step by step."""
        for step in self.steps:
            picture = step.apply(picture)
        return picture


class RadiographAugmentationd(RandPictured):
    """Dictionary form of :class:`RadiographAugmentation`.

    Args:
        keys: keys of the pictures.
        laterality_is_label: see :class:`RadiographAugmentation`.
        mirror_prob: see :class:`RadiographAugmentation`.
        quarter_turn_prob: see :class:`RadiographAugmentation`.
        collimation_prob: see :class:`RadiographAugmentation`.
        text_prob: see :class:`RadiographAugmentation`.
        inversion_prob: see :class:`RadiographAugmentation`.
        cut_out_prob: see :class:`RadiographAugmentation`.
        move: see :class:`RadiographAugmentation`.
        exposure: see :class:`RadiographAugmentation`.
        collimation: see :class:`RadiographAugmentation`.
        text: see :class:`RadiographAugmentation`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    def __init__(
        self,
        keys: KeysCollection,
        laterality_is_label: bool = True,
        mirror_prob: float = 0.5,
        quarter_turn_prob: float = 0.0,
        collimation_prob: float = 0.2,
        text_prob: float = 0.2,
        inversion_prob: float = 0.3,
        cut_out_prob: float = 0.0,
        move: dict[str, Any] | None = None,
        exposure: dict[str, Any] | None = None,
        collimation: dict[str, Any] | None = None,
        text: dict[str, Any] | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        transform = RadiographAugmentation(
            laterality_is_label,
            mirror_prob,
            quarter_turn_prob,
            collimation_prob,
            text_prob,
            inversion_prob,
            cut_out_prob,
            move,
            exposure,
            collimation,
            text,
        )
        super().__init__(keys, transform, allow_missing_keys)
