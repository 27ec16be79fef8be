"""Small pictures of what a classifier and a label disagree about, kept while pictures go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from monai.utils import convert_to_numpy
from numpy.typing import NDArray

from lungdet.reports.label_error_sheet import small_picture

from .scored_picture import ScoredPicture

Kept = tuple[float, str, NDArray[np.uint8]]  # less misery, name of the file, picture


@dataclass
class PictureGallery:
    """Small pictures by the name of their file: those whose label the network believes least.

    Args:
        limit: how many to keep.

    Attributes:
        kept: the pictures, the worst first.
    """

    limit: int
    kept: list[Kept] = field(default_factory=list)

    def add(self, picture: ScoredPicture, image: Any) -> None:
        """Look at one picture; ``image`` is the network's input, ``(C, rows, columns)`` in [0, 1]."""
        if self.limit < 1 or not picture.name or picture.foreign:
            return
        if len(self.kept) == self.limit and -picture.misery >= self.kept[-1][0]:
            return
        pixels = convert_to_numpy(image).astype(np.float32)
        self._keep([*self.kept, (-picture.misery, picture.name, small_picture(pixels[0]))])

    @classmethod
    def joined(cls, parts: Sequence[PictureGallery]) -> PictureGallery:
        """Join what several processes kept."""
        gallery = cls(parts[0].limit)
        gallery._keep([entry for part in parts for entry in part.kept])
        return gallery

    def find(self, name: str) -> NDArray[np.uint8] | None:
        """Return the small picture of a file, ``(rows, columns)``; None if it was not kept."""
        return next((picture for _, kept, picture in self.kept if kept == name), None)

    def _keep(self, entries: list[Kept]) -> None:
        unrepeated = {entry[1]: entry for entry in entries}
        self.kept = sorted(unrepeated.values(), key=lambda entry: entry[:2])[: self.limit]
