"""Padding to the sizes a network can take."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform
from monai.transforms.utils import create_translate
from monai.utils import ensure_tuple, ensure_tuple_rep
from monai.utils.enums import TraceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.patches import pad_image

from .conversion import as_finished_image, as_image, check_holds, plain, with_meta_of

Where = Literal["end", "both"]


class PadToMultiple(InvertibleTransform):
    """Pad an image so that its size is a multiple of a number along each axis.

    At the far end by default, so that boxes in voxels stay valid; with ``where="both"`` the affine follows, and
    :class:`MoveBoxesd` takes boxes along. The memory order of the image is kept, and an image that fits already is not
    copied.

    It is not lazy, on purpose, so in a lazy ``Compose`` whatever is pending is applied first: a pending pad of MONAI
    1.6.1 forgets its value, and brings zeros or the image's border instead.

    Args:
        multiple: one number for all spatial axes, or one for each.
        value: what the padding holds: -1000 in HU, 0 after :class:`ScaleHU`. There is no default, as each would be
            wrong for the other.
        where: ``"end"``, or ``"both"`` sides with the odd voxel at the end.

    Raises:
        ValueError: a multiple is not positive, or ``where`` is unknown.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, multiple: int | Sequence[int], value: float, where: Where = "end") -> None:
        if min(ensure_tuple(multiple)) < 1 or where not in ("end", "both"):
            raise ValueError(f"multiple must be positive and where 'end' or 'both', got {multiple} and {where!r}")
        self.multiple, self.value, self.where = multiple, value, where

    def widths(self, image_size: Sequence[int]) -> tuple[list[int], list[int]]:
        """Voxels to add in front of and behind each axis of an image of that spatial size.

        Raises:
            ValueError: the image has not as many axes as there are multiples.
        """
        multiples = ensure_tuple_rep(self.multiple, len(image_size))
        missing = [-length % multiple for length, multiple in zip(image_size, multiples, strict=True)]
        before = [count // 2 if self.where == "both" else 0 for count in missing]
        return before, [count - first for count, first in zip(missing, before, strict=True)]

    def __call__(self, image: Any) -> Tensor:
        """Pad ``(C, X, Y, Z)``; type and metadata are kept, the affine follows.

        Raises:
            ValueError: the image's type cannot hold the value.
        """
        source = as_finished_image(image)
        size = tuple(source.shape[1:])
        before, after = self.widths(size)
        padded = plain(source)
        if any(before) or any(after):
            check_holds(source.dtype, self.value, "value")
            padded = pad_image(padded, before, after, self.value)
        return self.push_transform(
            with_meta_of(padded, source),
            affine=create_translate(len(size), [-first for first in before]),
            orig_size=size,
            extra_info={"before": before},
        )

    def inverse(self, data: Any) -> Tensor:
        """Cut the padding off again: a view of ``data``."""
        source = as_image(data)
        out = with_meta_of(plain(source), source)
        info = self.pop_transform(out)
        before = [int(first) for first in info[TraceKeys.EXTRA_INFO]["before"]]
        size = [int(length) for length in info[TraceKeys.ORIG_SIZE]]
        region = [slice(first, first + length) for first, length in zip(before, size, strict=True)]
        out = with_meta_of(plain(out)[(slice(None), *region)], out)
        with self.trace_transform(False):
            return self.push_transform(out, affine=create_translate(len(size), before))


class PadToMultipled(MapTransform, InvertibleTransform):
    """Dictionary form of :class:`PadToMultiple`.

    Args:
        keys: keys of the images.
        multiple: see :class:`PadToMultiple`.
        value: see :class:`PadToMultiple`; one for all images, or one for each.
        where: see :class:`PadToMultiple`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = PadToMultiple.backend

    def __init__(
        self,
        keys: KeysCollection,
        multiple: int | Sequence[int],
        value: float | Sequence[float],
        where: Where = "end",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.pads = [PadToMultiple(multiple, each, where) for each in ensure_tuple_rep(value, len(self.keys))]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Pad every image in a copy of ``data``."""
        item = dict(data)
        for key, pad in self.key_iterator(item, self.pads):
            item[key] = pad(item[key])
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Cut the padding off every image in a copy of ``data``."""
        item = dict(data)
        for key, pad in self.key_iterator(item, self.pads):
            item[key] = pad.inverse(item[key])
        return item
