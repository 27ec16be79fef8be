"""What all random changes of a picture share: shape and range are kept, and what is drawn is apart from the work."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils.enums import TransformBackends
from torch import Tensor

from .conversion import as_finished_image, plain, with_meta_of

_D = TypeVar("_D", bound="RandPictured")


class RandPicture(RandomizableTransform):
    """A random change of a picture ``(C, rows, columns)`` float in ``[0, 1]``; shape, range and metadata are kept.

    What is drawn does not depend on the picture, so one draw serves pictures of several sizes.

    Args:
        prob: probability that anything is changed.

    Raises:
        ValueError: it is no probability.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, prob: float) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must be from 0 to 1, got {prob}")
        super().__init__(prob)

    @abstractmethod
    def draw(self) -> None:
        """Draw what to do, through ``self.R``."""

    @abstractmethod
    def change(self, picture: Tensor) -> Tensor:
        """Do what was drawn to a picture without metadata that has pixels; the picture itself stays as it is."""

    def randomize(self, data: Any = None) -> None:
        """Draw whether to change anything, and what."""
        super().randomize(None)
        if self._do_transform:
            self.draw()

    def apply(self, picture: Tensor) -> Tensor:
        """Do what was drawn last, if anything, to a picture without metadata."""
        return self.change(picture) if self._do_transform and picture.numel() else picture

    def __call__(self, image: Any, randomize: bool = True) -> Tensor:
        """Change ``image``.

        Args:
            image: ``(C, rows, columns)`` float in ``[0, 1]``.
            randomize: draw anew; else do what was drawn last.

        Raises:
            ValueError: it is no such picture.
        """
        source = as_picture(image)
        if randomize:
            self.randomize()
        changed = self.apply(plain(source))
        return source if changed is plain(source) or not self._do_transform else with_meta_of(changed, source)


class RandPictured(RandomizableTransform, MapTransform):
    """Dictionary form of a :class:`RandPicture`: all pictures of an item are changed alike; labels are not touched.

    Args:
        keys: keys of the pictures.
        transform: what to do.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = RandPicture.backend

    def __init__(self, keys: KeysCollection, transform: RandPicture, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.transform = transform

    def set_random_state(self: _D, seed: int | None = None, state: np.random.RandomState | None = None) -> _D:
        """Set the state of the transform's draws."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def randomize(self, data: Any = None) -> None:
        """Draw what to do."""
        self.transform.randomize()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Change every picture in a copy of ``data``."""
        item = dict(data)
        self.randomize()
        for key in self.key_iterator(item):
            item[key] = self.transform(item[key], randomize=False)
        return item


def as_picture(image: Any) -> Tensor:
    """Take ``(C, rows, columns)`` of floating point as a tensor, metadata kept.

    Raises:
        ValueError: it has another number of axes, or holds whole numbers.
    """
    picture = as_finished_image(image)
    if picture.ndim != 3 or not picture.dtype.is_floating_point:
        raise ValueError(
            f"wanted a picture (C, rows, columns) of floating point in [0, 1], got {tuple(picture.shape)} of "
            f"{picture.dtype}: LoadRadiographd reads files as such"
        )
    return picture


def rising(name: str, limits: Sequence[float], least: float, most: float = float("inf")) -> tuple[float, float]:
    """Check the two ends of a range to draw from.

    Raises:
        ValueError: they do not rise, or lie outside ``least`` to ``most``.
    """
    low, high = limits
    if not least <= low <= high <= most:
        raise ValueError(f"{name} must rise within {least:g} to {most:g}, got {tuple(limits)}")
    return float(low), float(high)
