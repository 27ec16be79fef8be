"""A picture of any size to a square of one size, nothing squashed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform
from monai.transforms.utils import create_scale, create_translate
from monai.utils.enums import TraceKeys, TransformBackends
from torch import Tensor

from lungdet.geometry.picture_fit import border_value, centred_widths, fit_size, pad_picture, resize_picture

from .conversion import as_image, plain, with_meta_of
from .rand_picture import as_picture

FILLS = ("border", "zero")


class FitPicture(InvertibleTransform):
    """Resize a picture so that its longest side is ``side`` pixels, and pad it to a square.

    The aspect is kept. Shrinking averages over exact areas, growing interpolates linearly. The picture is centred; an
    odd pixel of padding goes below or to the right. The affine follows, and ``inverse`` cuts the padding off and
    resizes back.

    Args:
        side: of the square, in pixels.
        fill: value of the padding: ``"border"`` for the median of the picture's outermost pixels (so that a white
            frame stays white, and the result for an inverted picture is the inverse), ``"zero"``, or a number.
        grow: enlarge pictures that are smaller than ``side``; if ``False`` they are only padded.

    Raises:
        ValueError: an argument is out of range.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, side: int, fill: str | float = "border", grow: bool = True) -> None:
        if side < 1:
            raise ValueError(f"side must be at least 1 pixel, got {side}")
        if fill not in FILLS and (isinstance(fill, str) or not 0 <= fill <= 1):
            raise ValueError(f"fill must be {' or '.join(map(repr, FILLS))}, or a number from 0 to 1, got {fill!r}")
        self.side, self.fill, self.grow = int(side), fill, grow

    def __call__(self, image: Any) -> Tensor:
        """Fit ``(C, rows, columns)`` in ``[0, 1]`` into ``(C, side, side)``; metadata is kept.

        Raises:
            ValueError: it is no such picture, or has no pixels.
        """
        source = as_picture(image)
        picture = plain(source)
        old_rows, old_columns = picture.shape[-2:]
        rows, columns = fit_size(old_rows, old_columns, self.side)
        if not self.grow and max(old_rows, old_columns) < self.side:
            rows, columns = old_rows, old_columns
        picture = resize_picture(picture, rows, columns).clamp(0, 1)  # averages of ones round to a little more
        widths = centred_widths(rows, columns, self.side)
        out = with_meta_of(pad_picture(picture, widths, self._fill(picture)), source)
        step = (old_rows / rows, old_columns / columns)  # old pixels for each new one
        centre = [(step[0] - 1) / 2, (step[1] - 1) / 2]  # of the new picture's first pixel, among the old ones
        affine = create_translate(2, centre) @ create_scale(2, step) @ create_translate(2, [-widths[2], -widths[0]])
        extra = {"widths": list(widths), "fitted": [rows, columns]}
        return self.push_transform(out, affine=affine, orig_size=(old_rows, old_columns), extra_info=extra)

    def inverse(self, data: Any) -> Tensor:
        """Bring a square picture or map of this transform's back to the size that there was."""
        source = as_image(data)
        out = with_meta_of(plain(source), source)
        info = self.pop_transform(out)
        extra, (old_rows, old_columns) = info[TraceKeys.EXTRA_INFO], info[TraceKeys.ORIG_SIZE]
        (left, _, top, _), (rows, columns) = extra["widths"], extra["fitted"]
        inner = plain(out)[:, int(top) : int(top) + int(rows), int(left) : int(left) + int(columns)]
        back = with_meta_of(resize_picture(inner, int(old_rows), int(old_columns)), out)
        step = (int(rows) / int(old_rows), int(columns) / int(old_columns))
        start = [int(top) + (step[0] - 1) / 2, int(left) + (step[1] - 1) / 2]
        with self.trace_transform(False):
            return self.push_transform(back, affine=create_translate(2, start) @ create_scale(2, step))

    def _fill(self, picture: Tensor) -> Tensor:
        if self.fill == "border":
            return border_value(picture)
        return torch.full((len(picture),), 0.0 if self.fill == "zero" else float(self.fill)).to(picture)


class FitPictured(MapTransform, InvertibleTransform):
    """Dictionary form of :class:`FitPicture`.

    Args:
        keys: keys of the pictures.
        side: see :class:`FitPicture`.
        fill: see :class:`FitPicture`.
        grow: see :class:`FitPicture`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = FitPicture.backend

    def __init__(
        self,
        keys: KeysCollection,
        side: int,
        fill: str | float = "border",
        grow: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fit = FitPicture(side, fill, grow)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Fit every picture in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.fit(item[key])
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Bring every picture in a copy of ``data`` back to its own size."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.fit.inverse(item[key])
        return item
