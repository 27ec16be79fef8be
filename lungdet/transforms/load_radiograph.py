"""Load a radiograph from a file into a MONAI pipeline."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils.enums import MetaKeys, SpaceKeys, TransformBackends

from lungdet.readers import read_radiograph
from lungdet.records import Radiograph


class LoadRadiograph(Transform):
    """Load a radiograph as a ``MetaTensor``, ``(1, rows, columns)`` float32 in [0, 1] with bone bright, or refuse it.

    In place of ``LoadImage`` and ``EnsureChannelFirst``. Metadata: ``filename_or_obj``, ``radiograph``
    (:class:`~lungdet.records.RadiographInfo` as JSON), ``spatial_shape`` and ``original_channel_dim``. The affine
    counts pixels: the spacing, or that it is unknown, is in the record, for an affine cannot say "unknown".

    Args:
        options: options of :func:`~lungdet.readers.read_radiograph`: ``frame``, ``max_bytes``, ``max_side``.

    Raises:
        TypeError: an option is unknown.
        RadiographError: on the call, if the file cannot be read or trusted.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, **options: Any) -> None:
        unknown = set(options) - {"frame", "max_bytes", "max_side"}
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}; there are frame, max_bytes and max_side")
        self.options = options

    def __call__(self, path: str | os.PathLike[str]) -> MetaTensor:
        """Read the file ``path``."""
        return picture_to_meta_tensor(read_radiograph(path, **self.options))


class LoadRadiographd(MapTransform):
    """Dictionary form of :class:`LoadRadiograph`: paths become pictures.

    Args:
        keys: keys of the paths.
        allow_missing_keys: do not complain about keys that are not there.
        options: see :class:`LoadRadiograph`.
    """

    backend = LoadRadiograph.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False, **options: Any) -> None:
        super().__init__(keys, allow_missing_keys)
        self.load = LoadRadiograph(**options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load every path in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.load(item[key])
        return item


def picture_to_meta_tensor(radiograph: Radiograph) -> MetaTensor:
    """Dress a radiograph for MONAI: ``(1, rows, columns)``, sharing its memory."""
    image = torch.from_numpy(radiograph.pixels)[None]
    meta = {
        MetaKeys.SPATIAL_SHAPE: torch.tensor(image.shape[1:]).numpy(),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: 0,
        "filename_or_obj": radiograph.info.source,
        "radiograph": radiograph.info.to_json(),
    }
    return MetaTensor(image, affine=torch.eye(3, dtype=torch.float64), meta=meta)
