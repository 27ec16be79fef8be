"""Load a cube that was cut before, from the file that holds all cubes of its scan."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils.enums import TransformBackends
from numpy.typing import NDArray
from torch import Tensor

from lungdet.geometry.cubes import Cube

from .cut_cube import cube_image


class LoadCube(Transform):
    """Load one of the cubes of a ``.npy`` file, ``(N, side, side, side)`` in HU, without reading the others."""

    backend = [TransformBackends.NUMPY]

    def __call__(
        self, path: str | Path, index: int = 0, affine_lps: Sequence[Sequence[float]] | NDArray[Any] | None = None
    ) -> Tensor:
        """Return ``(1, side, side, side)`` float32 with its affine in RAS; without one given, that of LPS mm.

        Raises:
            ValueError: the file holds no such cube; the message names it.
            OSError: it cannot be opened.
        """
        cubes = np.load(path, mmap_mode="r", allow_pickle=False)
        if cubes.ndim != 4 or not 0 <= index < len(cubes):
            raise ValueError(f"{path}: wanted cube {index} of (N, side, side, side), got shape {cubes.shape}")
        affine = np.eye(4) if affine_lps is None else np.asarray(affine_lps, dtype=np.float64)
        cube = Cube(np.array(cubes[index], dtype=np.float32)[None], affine, 1.0)
        return cube_image(cube, {"filename_or_obj": f"{path}[{index}]"})


class LoadCubed(MapTransform):
    """Dictionary form of :class:`LoadCube`: paths become cubes.

    Args:
        keys: keys of the paths.
        index_key: key of the cube's number in the file; 0 where it is absent.
        affine_key: key of its affine in LPS mm, ``(4, 4)``.
        inside_key: key of the share of the cube that lies in the image, which becomes ``meta["inside"]``.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = LoadCube.backend

    def __init__(
        self,
        keys: KeysCollection,
        index_key: Hashable = "cube",
        affine_key: Hashable = "affine_lps",
        inside_key: Hashable = "inside",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.index_key, self.affine_key, self.inside_key = index_key, affine_key, inside_key
        self.load = LoadCube()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load every cube in a copy of ``data``; number, affine and share are left out of it."""
        item = dict(data)
        index, affine = item.pop(self.index_key, 0), item.pop(self.affine_key, None)
        inside = item.pop(self.inside_key, 1.0)
        for key in self.key_iterator(item):
            item[key] = self.load(item[key], int(index), affine)
            if hasattr(item[key], "meta"):
                item[key].meta["inside"] = float(inside)
        return item
