"""A few slices of a volume, equally far from each other: what the body-part regressor learns from."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor


class RandEquidistantSlices(Randomizable, Transform):
    """Draw ``count`` slices of a stack: a random gap, the same between all of them, and a random start.

    The order of the stack is kept. All gaps for which there is room are as likely as each other, and then all starts
    (Yan, Lu, Summers, ISBI 2018).

    Args:
        count: slices to draw, 2 or more.
        limits_mm: least and most of a gap, in mm; where no gap of whole slices fits between, the nearest that there is
            room for. None takes any.

    Raises:
        ValueError: ``count`` is below 2, or the limits do not rise; at the call, if the stack has fewer slices.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, count: int = 8, limits_mm: Sequence[float] | None = None) -> None:
        if count < 2:
            raise ValueError(f"count must be 2 or more, got {count}")
        if limits_mm is not None and not 0 <= limits_mm[0] <= limits_mm[1]:
            raise ValueError(f"limits_mm must rise from 0 on, got {tuple(limits_mm)}")
        self.count, self.limits_mm = count, None if limits_mm is None else tuple(limits_mm)
        self.gap, self.start = 1, 0

    def randomize(self, slices: int, step_mm: float = 1.0) -> None:
        """Draw the gap and the start for a stack of ``slices``, ``step_mm`` apart."""
        least, most = 1, (slices - 1) // (self.count - 1)
        if self.limits_mm is not None:
            low, high = (limit / step_mm for limit in self.limits_mm)
            least = min(max(1, int(-(-low // 1))), most)
            most = max(least, min(most, int(high)))
        self.gap = int(self.R.randint(least, most + 1))
        self.start = int(self.R.randint(slices - self.gap * (self.count - 1)))

    def draw(self, slices: int, positions_mm: Tensor | None = None) -> slice:
        """Draw which of so many slices to take.

        Raises:
            ValueError: there are fewer than ``count``.
        """
        if slices < self.count:
            raise ValueError(
                f"a volume of {slices} slices has no {self.count} to draw: leave it out of the list, or draw fewer"
            )
        step = 1.0 if positions_mm is None else abs(float(positions_mm[-1] - positions_mm[0])) / (slices - 1)
        self.randomize(slices, step or 1.0)
        return slice(self.start, self.start + self.gap * (self.count - 1) + 1, self.gap)

    def __call__(self, stack: Tensor, positions_mm: Tensor | None = None) -> Tensor:
        """Take slices of ``stack``, ``(Z, ...)``; ``(count, ...)`` comes out."""
        return stack[self.draw(len(stack), positions_mm)]


class RandEquidistantSlicesd(Randomizable, MapTransform):
    """Dictionary form of :class:`RandEquidistantSlices`: the same slices of every stack, and of their positions.

    Args:
        keys: keys of the stacks.
        count: see :class:`RandEquidistantSlices`.
        limits_mm: see there.
        positions_key: ``(Z,)`` mm of the slices, if it is there.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = RandEquidistantSlices.backend

    def __init__(
        self,
        keys: KeysCollection,
        count: int = 8,
        limits_mm: Sequence[float] | None = None,
        positions_key: Hashable = "positions_mm",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.draw, self.positions_key = RandEquidistantSlices(count, limits_mm), positions_key

    def set_random_state(self, seed: int | None = None, state: Any = None) -> RandEquidistantSlicesd:
        """Set the state of the draws."""
        super().set_random_state(seed, state)
        self.draw.set_random_state(seed, state)
        return self

    def randomize(self, data: Any = None) -> None:
        """Nothing of its own is drawn: see :class:`RandEquidistantSlices`."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw slices in a copy of ``data``."""
        item = dict(data)
        positions = item.get(self.positions_key)
        chosen: slice | None = None
        for key in self.key_iterator(item):
            chosen = self.draw.draw(len(item[key]), positions) if chosen is None else chosen
            item[key] = item[key][chosen]
        if chosen is not None and positions is not None:
            item[self.positions_key] = torch.as_tensor(positions)[chosen]
        return item
