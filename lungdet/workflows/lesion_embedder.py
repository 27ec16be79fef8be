"""Vectors of lesions by an embedding bundle, one after another, without MONAI's command line."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.utils import convert_to_tensor
from numpy.typing import NDArray
from torch import Tensor

from lungdet.lesions import EmbeddedLesions
from lungdet.readers.deeplesion import DeepLesionTable
from lungdet.records import Lesion

from .bundle import BundleError
from .bundle_settings import PICTURE, settings_sha256
from .explain import explain
from .opened_bundle import OpenedBundle
from .radiograph_labeller import usable_processors
from .read_ahead import in_batches, read_ahead

logger = logging.getLogger(__name__)
BUNDLE = "lesion_embedding"


@dataclass(frozen=True)
class MarkedLesion:
    """A lesion to embed: where its slice is, and its mark.

    Attributes:
        key: its name.
        image: 16-bit PNG of the key slice; slices beside it that are named by their numbers serve as context.
        recist_edge: ends of the long axis, then of the short one, ``(x, y)`` four times, edge frame.
        spacing_mm: pixel size x, y, and the distance of slices; without that, the key slice serves alone.
    """

    key: str
    image: str
    recist_edge: tuple[float, ...]
    spacing_mm: tuple[float, ...]

    @classmethod
    def of_row(cls, key: str, lesion: Lesion, images_dir: str | Path) -> MarkedLesion:
        """Take what is needed of a row of ``DL_info.csv``."""
        return cls(key, str(Path(images_dir) / lesion.png_path), lesion.recist_edge, lesion.spacing_mm)


@dataclass(frozen=True)
class LesionProblem:
    """A lesion without a vector: which, and why."""

    key: str
    error: str


@dataclass(frozen=True, eq=False)
class EmbeddingResult:
    """Lesions with their vectors, and those that have none."""

    lesions: EmbeddedLesions
    problems: tuple[LesionProblem, ...]


class LesionEmbedder:
    """A bundle's network with its weights, ready for thousands of lesions.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.

    Attributes:
        model: name and version of the bundle, and SHA-256 of its weights.
        settings_sha256: of what else the vectors depend on: preprocessing and inferer with all that they refer to.
        embed_channels: length of the vectors.
        gap_mm: how far above and below the key slice the network looks, if the bundle tells; else 0.

    Raises:
        BundleError: the bundle cannot be found or opened, embeds no lesions, or its weights cannot be loaded.
        ValueError: there is no such device.
    """

    def __init__(
        self, bundle: str | Path = BUNDLE, device: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> None:
        opened = OpenedBundle(bundle, device, overrides)
        take = opened.take
        self.device, network = opened.device, opened.network()
        if not hasattr(network, "embed_channels") or hasattr(network, "classify"):
            what = f"its {type(network).__name__} gives no vector of a lesion"
            raise BundleError(f"{opened.root}: this bundle embeds no lesions: {what}; name another, such as {BUNDLE}")
        self.model = opened.load_weights(network)
        self.network, self.inferer, self.preprocessing = network, take("inferer"), take("preprocessing")
        blank = torch.zeros(1, network.in_channels, network.smallest_side, network.smallest_side)
        self.embed_channels = self.embed_crops(blank).shape[1]  # the inferer may append to the network's own
        self.gap_mm = float(take("gap_mm")) if "gap_mm" in opened.parser else 0.0
        self.settings_sha256 = settings_sha256(opened.parser, PICTURE)

    def __call__(
        self, lesions: Iterable[MarkedLesion], *, workers: int | None = None, batch_size: int = 64
    ) -> Iterator[NDArray[np.float32] | LesionProblem]:
        """Embed lesions, in their order, reading ahead in threads while the network is at work.

        Args:
            lesions: may be a generator; a few batches of it are held at a time.
            workers: threads that read; by default one for each processor. 0 reads in between.
            batch_size: lesions that the network sees at once.

        Yields:
            A vector ``(embed_channels,)`` for each lesion, or what is wrong with it.

        Raises:
            ValueError: ``workers`` is negative or ``batch_size`` less than 1.
        """
        threads = usable_processors() if workers is None else workers
        crops = read_ahead(self._read, lesions, threads, 2 * batch_size + threads)
        for batch in in_batches(crops, batch_size):
            seen = [crop for crop in batch if isinstance(crop, Tensor)]
            vectors = iter(self.embed_crops(torch.stack(seen)) if seen else ())
            yield from (next(vectors) if isinstance(crop, Tensor) else crop for crop in batch)

    @torch.no_grad()
    def embed_crops(self, crops: Tensor) -> NDArray[np.float32]:
        """Embed crops ``(B, 6, rows, columns)`` as :class:`lungdet.transforms.LoadLesion` makes them."""
        vectors: NDArray[np.float32] = self.inferer(crops.to(self.device), self.network).cpu().numpy()
        return vectors

    def crops(self, lesion: MarkedLesion) -> Tensor:
        """Return what the network sees of a lesion, ``(6, rows, columns)``.

        Raises:
            SeriesError: a slice cannot be read.
            ValueError: the mark is none.
        """
        item = {"image": lesion.image, "recist_edge": lesion.recist_edge, "spacing_mm": lesion.spacing_mm}
        crops: Tensor = convert_to_tensor(self.preprocessing(item)["image"], track_meta=False)
        return crops

    def _read(self, lesion: MarkedLesion) -> Tensor | LesionProblem:
        """Read one lesion; what goes wrong is part of the answer."""
        try:
            return self.crops(lesion)
        except Exception as error:  # one bad slice does not stop the rest
            logger.debug("%s: failed", lesion.key, exc_info=True)
            return LesionProblem(lesion.key, explain(error))


def embed_lesions(
    table: DeepLesionTable,
    images_dir: str | Path,
    bundle: str | Path | LesionEmbedder = BUNDLE,
    *,
    device: str | None = None,
    workers: int | None = None,
    rows: Sequence[int] | None = None,
) -> EmbeddingResult:
    """Embed the lesions of a ``DL_info.csv``.

    Lesions whose slice is missing or damaged are told, and the others go on. Those of a table that was read without
    ``strict`` lack its faulty rows.

    Args:
        table: as read.
        images_dir: its ``Images_png``.
        bundle: name or root of an embedding bundle, or one that is open.
        device: see :class:`LesionEmbedder`.
        workers: likewise.
        rows: embed these lesions only, by their place in the table.
    """
    embedder = bundle if isinstance(bundle, LesionEmbedder) else LesionEmbedder(bundle, device)
    keys = table.keys
    chosen = range(len(table)) if rows is None else rows
    marked = partial(MarkedLesion.of_row, images_dir=images_dir)
    answers = embedder((marked(keys[row], table.lesions[row]) for row in chosen), workers=workers)
    vectors, kept, problems = [], [], []
    for row, answer in zip(chosen, answers, strict=True):
        if isinstance(answer, LesionProblem):
            problems.append(answer)
        else:
            vectors.append(answer)
            kept.append(row)
    found = np.stack(vectors) if vectors else np.zeros((0, embedder.embed_channels), dtype=np.float32)
    every = EmbeddedLesions.of_lesions(table.lesions, np.zeros((len(table), 1), dtype=np.float32), keys=keys)
    lesions = every.take(kept).with_vectors(found, embedder.model.weights_sha256, embedder.settings_sha256)
    return EmbeddingResult(lesions, tuple(problems))
