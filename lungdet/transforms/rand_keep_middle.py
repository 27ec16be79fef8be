"""Only the middle of a cube, so that what a network says of it is about what lies there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import convert_to_tensor
from monai.utils.enums import TransformBackends
from torch import Tensor


class RandKeepMiddle(RandomizableTransform):
    """Keep a random box about the middle of an image, and cover the rest with one value.

    Two views of a cube that share nothing but the mark cannot be matched by the vessels beside it.

    Args:
        prob: probability that anything is covered.
        sides: least and greatest side of what is kept, in voxels, drawn for each axis by itself.
        value: of what is covered.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> RandKeepMiddle(1.0, sides=(2, 2))(torch.ones(1, 4, 4)).sum(), RandKeepMiddle(0.0)(torch.ones(1, 4, 4)).sum()
        (tensor(4.), tensor(16.))
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, prob: float = 0.5, sides: Sequence[int] = (20, 40), value: float = 0.0) -> None:
        if not 0 <= prob <= 1 or len(sides) != 2 or not 1 <= sides[0] <= sides[1]:
            raise ValueError(f"prob must be in [0, 1], and sides rise from 1 on, got {prob} and {tuple(sides)}")
        RandomizableTransform.__init__(self, prob)
        self.sides, self.value = (int(sides[0]), int(sides[1])), value
        self.kept: tuple[int, ...] = ()

    def randomize(self, data: Any = None) -> None:
        """Draw whether anything is done, and the sides for an image of ``data`` axes."""
        super().randomize(None)
        self.kept = tuple(int(self.R.randint(self.sides[0], self.sides[1] + 1)) for _ in range(int(data)))

    def __call__(self, image: Tensor, randomize: bool = True) -> Tensor:
        """Cover the outside of ``image``, ``(C, ...)``, in a copy; metadata is kept."""
        if randomize:
            self.randomize(image.ndim - 1)
        if not self._do_transform:
            return image
        inside = torch.zeros(image.shape[1:], dtype=torch.bool, device=image.device)
        inside[tuple(_middle(size, kept) for size, kept in zip(image.shape[1:], self.kept, strict=True))] = True
        covered: Tensor = torch.where(inside, image, torch.as_tensor(self.value, dtype=image.dtype))
        return covered


class RandKeepMiddled(RandomizableTransform, MapTransform):
    """Dictionary form of :class:`RandKeepMiddle`; all keys keep the same box.

    Args:
        keys: keys of the images.
        prob: see :class:`RandKeepMiddle`.
        sides: see :class:`RandKeepMiddle`.
        value: see :class:`RandKeepMiddle`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = RandKeepMiddle.backend

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 0.5,
        sides: Sequence[int] = (20, 40),
        value: float = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.keep = RandKeepMiddle(prob, sides, value)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> RandKeepMiddled:
        """Seed the draws."""
        super().set_random_state(seed, state)
        self.keep.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Cover the outside of every image in a copy of ``data``."""
        item, drawn = dict(data), False
        for key in self.key_iterator(item):
            image = convert_to_tensor(item[key], track_meta=True)
            item[key] = self.keep(image, randomize=not drawn)
            drawn = True
        return item


def _middle(size: int, kept: int) -> slice:
    """The middle ``kept`` of ``size`` voxels.

    Example:
        >>> _middle(48, 20), _middle(5, 9)
        (slice(14, 34, None), slice(0, 5, None))
    """
    first = max(size - kept, 0) // 2
    return slice(first, first + min(kept, size))
