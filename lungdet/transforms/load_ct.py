"""Load a CT from files into a MONAI pipeline."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import MetaKeys, SpaceKeys, TransformBackends

from lungdet.geometry.frames import lps_to_ras
from lungdet.readers import read_ct
from lungdet.readers.read_options import ReadOptions
from lungdet.records import CTVolume

CHOICES = ("series", "choose")


class LoadCT(Transform):
    """Load a CT as a ``MetaTensor``, ``(1, X, Y, Z)`` in HU with an exact affine, or refuse it.

    In place of ``LoadImage`` and ``EnsureChannelFirst``. The affine is in RAS, as everywhere in MONAI. The tensor is a
    transposed view of a ``(Z, Y, X)`` block, so nothing is copied but for the type. Metadata: ``filename_or_obj`` (the
    source in words), ``series`` (:class:`~lungdet.records.SeriesInfo` as JSON), ``space``, ``original_affine``,
    ``spatial_shape`` and ``original_channel_dim``.

    Args:
        dtype: of the image; None keeps int16 where :func:`~lungdet.readers.read_ct` gives it.
        options: options of :func:`~lungdet.readers.read_ct`, such as ``choose="thinnest"`` or ``on_gap="interpolate"``.

    Raises:
        TypeError: an option is unknown.
        ValueError: an option has a value that is not allowed.
        SeriesError: on the call, if the source holds no volume that can be trusted.
        ValueError: on the call, if the volume does not fit ``dtype``.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, dtype: torch.dtype | str | None = torch.float32, **options: Any) -> None:
        self.dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
        usable = self.dtype is None or (isinstance(self.dtype, torch.dtype) and not self.dtype.is_complex)
        if not usable or self.dtype == torch.bool:
            raise ValueError(f"dtype must be a torch dtype of real numbers, its name, or None, got {dtype!r}")
        ReadOptions(**{name: value for name, value in options.items() if name not in CHOICES})  # refuse what is wrong
        self.options = options

    def __call__(self, source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> MetaTensor:
        """Read ``source``: a folder, a list of files, or one file."""
        # Read as float32 at once where that is wanted: half the memory of a later conversion, and less time.
        dtype: Literal["auto", "float32"] = "float32" if self.dtype == torch.float32 else "auto"
        return to_meta_tensor(read_ct(source, dtype=dtype, **self.options), self.dtype)


class LoadCTd(MapTransform):
    """Dictionary form of :class:`LoadCT`: paths become images.

    Args:
        keys: keys of the paths.
        dtype: see :class:`LoadCT`.
        allow_missing_keys: do not complain about keys that are not there.
        options: see :class:`LoadCT`.
    """

    backend = LoadCT.backend

    def __init__(
        self,
        keys: KeysCollection,
        dtype: torch.dtype | str | None = torch.float32,
        allow_missing_keys: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.load = LoadCT(dtype, **options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load every path in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.load(item[key])
        return item


def to_meta_tensor(volume: CTVolume, dtype: torch.dtype | None = torch.float32) -> MetaTensor:
    """Dress a volume for MONAI.

    Args:
        volume: ``(X, Y, Z)`` in HU, affine in LPS.
        dtype: of the result; None keeps the volume's.

    Returns:
        ``(1, X, Y, Z)``; it shares memory with the volume unless the type changes.

    Raises:
        ValueError: ``dtype`` cannot hold the values.
    """
    _check_fits(volume, dtype)
    # torch keeps the order of the axes in memory, and two threads of it convert faster than NumPy.
    image = torch.from_numpy(volume.array)[None].to(dtype)
    affine_ras = torch.from_numpy(np.ascontiguousarray(lps_to_ras(volume.affine_lps)))
    meta = {
        MetaKeys.ORIGINAL_AFFINE: affine_ras.clone(),
        MetaKeys.SPATIAL_SHAPE: np.array(volume.array.shape),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        "filename_or_obj": volume.info.source,
        "series": volume.info.to_json(),
    }
    return MetaTensor(image, affine=affine_ras, meta=meta)


def _check_fits(volume: CTVolume, dtype: torch.dtype | None) -> None:
    """Refuse a type that would wrap or cut HU: -1000 becomes 24 in uint8, and 0.5 becomes 0 in any whole number."""
    if dtype is None or dtype in (torch.float32, torch.float64):
        return
    low, high = float(volume.array.min()), float(volume.array.max())
    limits = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    remedy = "leave dtype float32, or None for the type that holds it exactly"
    if low < limits.min or high > limits.max:
        raise ValueError(f"{volume.info.source}: {dtype} cannot hold HU from {low:g} to {high:g}; {remedy}")
    fractions = volume.array.dtype.kind == "f" and not dtype.is_floating_point
    if fractions and any((plane != np.rint(plane)).any() for plane in volume.array.transpose(2, 1, 0)):
        raise ValueError(f"{volume.info.source}: its HU have fractions, which {dtype} would cut off; {remedy}")
