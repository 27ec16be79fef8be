"""Disturbances without chance, by name: what the table of robustness asks of a router."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.burned_in_text import burn_in_text
from lungdet.geometry.picture_damage import collimate, expose, invert_picture, quantise, quarter_turn

from .conversion import plain, with_meta_of
from .rand_picture import as_picture

COLLIMATED_SHARE = 0.4  # of the picture's area that goes black
GRAIN_SEED = 20


def _collimation(picture: Tensor) -> Tensor:
    border = (1 - (1 - COLLIMATED_SHARE) ** 0.5) / 2
    return collimate(picture, (border, border, border, border))


def _burned_in_text(picture: Tensor) -> Tensor:
    lines = (("PORT 10:45 AP", (0.03, 0.04), 0.07), ("ERECT", (0.45, 0.55), 0.07), ("2.5 MAS 81 KV", (0.88, 0.2), 0.05))
    for text, where, height in lines:
        picture = burn_in_text(picture, text, where, height)
    return picture


def _low_exposure(picture: Tensor) -> Tensor:
    return expose(picture, gamma=1.3, gain=0.6, noise=0.1, seed=GRAIN_SEED)


DISTURBANCES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {
        "none": lambda picture: picture,
        "inversion": invert_picture,
        "quarter_turn_left": lambda picture: quarter_turn(picture, 1),
        "half_turn": lambda picture: quarter_turn(picture, 2),
        "quarter_turn_right": lambda picture: quarter_turn(picture, 3),
        "collimation_40": _collimation,
        "burned_in_text": _burned_in_text,
        "low_exposure": _low_exposure,
        "levels_64": lambda picture: quantise(picture, 64),
    }
)


class Disturb(Transform):
    """Disturb a picture in one way, the same every time.

    ``none``; ``inversion``; ``quarter_turn_left``, ``half_turn``, ``quarter_turn_right``; ``collimation_40`` blackens
    40 % of the area, evenly on the four sides; ``burned_in_text`` writes three lines of white letters, one of them
    across the middle; ``low_exposure`` takes two fifths of the contrast away and adds grain; ``levels_64`` keeps 64
    levels of grey.

    Args:
        name: which.

    Raises:
        ValueError: there is no disturbance of that name. On the call: it is no picture, or a turn needs a square one.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, name: str) -> None:
        if name not in DISTURBANCES:
            raise ValueError(f"no disturbance {name!r}; there are {', '.join(DISTURBANCES)}")
        self.name = name

    def __call__(self, image: Any) -> Tensor:
        """Disturb ``(C, rows, columns)`` float in ``[0, 1]``; shape, range and metadata are kept."""
        source = as_picture(image)
        picture = plain(source)
        return with_meta_of(DISTURBANCES[self.name](picture) if picture.numel() else picture, source)


class Disturbd(MapTransform):
    """Dictionary form of :class:`Disturb`.

    Args:
        keys: keys of the pictures.
        name: see :class:`Disturb`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = Disturb.backend

    def __init__(self, keys: KeysCollection, name: str, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.disturb = Disturb(name)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Disturb every picture in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.disturb(item[key])
        return item
