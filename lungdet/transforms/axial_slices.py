"""A CT volume as a stack of small axial slices, from head to feet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.axial_slices import axial_slices
from lungdet.geometry.frames import ras_to_lps

from .conversion import as_finished_image, image_affine, plain

DTYPES = ("float32", "float16", "int16")


class AxialSlices(Transform):
    """Cut a volume ``(1, X, Y, Z)`` into ``(Z, 1, side, side)``, whichever way its axes run.

    Rows run to the back, columns to the patient's left, slices to the feet; means over exact areas; air outside. The
    result is a plain tensor, for its slices no longer make up one volume.

    Args:
        side: of a slice, in pixels.
        pixel_mm: of its pixels; None shows the whole slice, whatever its size.
        centred: in each slice the field's middle is that of the body; else that of the slice.
        masked: turn what is not the trunk, such as table, blanket and arms, to air.
        dtype: of the slices; ``"int16"`` and ``"float16"`` take half the memory.

    Raises:
        ValueError: a size is not positive, or the type is unknown.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        side: int = 128,
        pixel_mm: float | None = 3.5,
        centred: bool = True,
        masked: bool = False,
        dtype: str = "float32",
    ) -> None:
        if side < 1 or (pixel_mm is not None and pixel_mm <= 0):
            raise ValueError(f"side and pixel_mm must be positive, got {side} and {pixel_mm}")
        if dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
        self.side, self.pixel_mm, self.centred = side, pixel_mm, centred
        self.masked, self.dtype = masked, getattr(torch, dtype)

    def __call__(self, image: Any) -> Tensor:
        """Cut ``image``, HU with an affine in RAS.

        Raises:
            ValueError: it is no such image, or no axis of it runs along the body.
        """
        return self.cut(image)[0]

    def cut(self, image: Any, name: Hashable = "image") -> tuple[Tensor, Tensor]:
        """Return the slices and where they lie: ``(Z,)`` float32, mm, rising towards the feet."""
        volume = as_finished_image(image)
        if volume.ndim != 4 or len(volume) != 1:
            raise ValueError(f"wanted a volume (1, X, Y, Z), got {tuple(volume.shape)}")
        affine = ras_to_lps(image_affine(volume, name)).numpy()
        found = axial_slices(plain(volume)[0].cpu(), affine, self.side, self.pixel_mm, self.centred, self.masked)
        whole = found.images if self.dtype.is_floating_point else found.images.round()
        return whole.to(self.dtype), found.positions_mm


class AxialSlicesd(MapTransform):
    """Dictionary form of :class:`AxialSlices`; also tells where the slices lie.

    Args:
        keys: keys of the volumes.
        side: see :class:`AxialSlices`.
        pixel_mm: see there.
        centred: see there.
        masked: see there.
        dtype: see there.
        source_key: where the name of the file or folder goes.
        positions_key: where ``(Z,)`` positions go, mm, rising towards the feet; of the last of several volumes.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = AxialSlices.backend

    def __init__(
        self,
        keys: KeysCollection,
        side: int = 128,
        pixel_mm: float | None = 3.5,
        centred: bool = True,
        masked: bool = False,
        dtype: str = "float32",
        positions_key: Hashable = "positions_mm",
        source_key: Hashable = "source",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.slices = AxialSlices(side, pixel_mm, centred, masked, dtype)
        self.positions_key, self.source_key = positions_key, source_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Cut every volume in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[self.source_key] = str(getattr(item[key], "meta", {}).get("filename_or_obj", ""))
            item[key], item[self.positions_key] = self.slices.cut(item[key], key)
        return item
