"""A router's bundle, ready for one radiograph after another, without MONAI's command line."""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.inferers import fast_picture_network
from lungdet.records import Decision, LabelledFile, RadiographInfo
from lungdet.routing import Router

from .bundle import BundleError
from .bundle_settings import PICTURE, settings_sha256
from .explain import explain
from .opened_bundle import OpenedBundle
from .place_file import file_sha256
from .read_ahead import in_batches, read_ahead

logger = logging.getLogger(__name__)

BUNDLE = "body_part_router"


class RadiographLabeller:
    """A bundle's network and router with their weights, ready for thousands of files.

    Nothing of a file goes through the bundle's settings, which are a program: its path travels in the data item.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.

    Attributes:
        model: name and version of the bundle, and SHA-256 of its weights.
        router: turns the network's answers to decisions.
        settings: SHA-256 of what decisions depend on: weights, router, and preprocessing with all that it refers to.

    Raises:
        BundleError: the bundle cannot be found or opened, is no router, or its weights cannot be loaded.
        ValueError: there is no such device, or the router does not belong to the weights.
    """

    def __init__(
        self,
        bundle: str | Path = BUNDLE,
        device: str | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> None:
        opened = OpenedBundle(bundle, device, overrides)
        take = opened.take
        self.device, network = opened.device, opened.network()
        _check_router(opened.root, network)
        self.model = opened.load_weights(network)
        digest = self.model.weights_sha256
        self.network = fast_picture_network(network)
        router_file = Path(take("router_file"))
        self.router = _load_router(router_file, digest)
        self.inferer = take("inferer")
        self.preprocessing: Callable[[dict[str, Any]], dict[str, Any]] = take("preprocessing")
        self.settings = {
            "weights": digest,
            "router": file_sha256(router_file),
            "preprocessing": settings_sha256(opened.parser, PICTURE),
        }

    def __call__(
        self,
        files: Iterable[str | os.PathLike[str]],
        *,
        workers: int | None = None,
        batch_size: int = 16,
        top: int = 5,
        hashed: bool = False,
    ) -> Iterator[LabelledFile]:
        """Label files, in their order, reading ahead in threads while the network is at work.

        Args:
            files: may be a generator; at most a few batches of it are held at a time.
            workers: threads that read; by default one for each processor. 0 reads in between.
            batch_size: pictures that the network sees at once.
            top: most probable classes that a decision holds.
            hashed: give the size, times, inode and, where it can be read, the SHA-256 of each file, too.

        Yields:
            One record for each file; one that cannot be read has an error.

        Raises:
            ValueError: ``workers`` is negative or ``batch_size`` less than 1.
        """
        threads = usable_processors() if workers is None else workers
        reader = partial(self._read, hashed=hashed)
        names = (os.fspath(file) for file in files)
        pictures = read_ahead(reader, names, threads, 2 * batch_size + threads)
        for batch in in_batches(pictures, batch_size):
            yield from self._decide(batch, top)

    def _read(self, file: str, hashed: bool) -> _Picture:
        """Read one file; what goes wrong is part of the answer."""
        start = time.perf_counter()
        picture = _Picture(file)
        try:
            if hashed:
                picture.facts = _state(file)
            item = self.preprocessing({"image": file})
            picture.info = RadiographInfo.from_json(item["image"].meta["radiograph"])
            pixels = convert_to_tensor(item["image"], track_meta=False)
            if hashed:
                picture.facts |= {"sha256": _hash_of_what_was_read(file, picture.facts)}
            picture.pixels = pixels
        except Exception as error:  # one bad file does not stop the rest
            logger.debug("%s: failed", file, exc_info=True)
            picture.error = explain(error)
        picture.seconds = time.perf_counter() - start
        return picture

    def _decide(self, batch: Sequence[_Picture], top: int) -> Iterator[LabelledFile]:
        start = time.perf_counter()
        seen = [picture.pixels for picture in batch if picture.pixels is not None]
        decisions = iter(self._answer(torch.stack(seen), top) if seen else [])
        share = (time.perf_counter() - start) / max(len(seen), 1)
        for picture in batch:
            if picture.pixels is None:
                yield LabelledFile(picture.file, picture.seconds, error=picture.error, **picture.facts)
            else:
                seconds = picture.seconds + share
                yield LabelledFile(picture.file, seconds, next(decisions), picture.info, **picture.facts)

    @torch.no_grad()
    def _answer(self, pictures: Tensor, top: int) -> list[Decision]:
        """Decide on ``(B, 1, rows, columns)``."""
        seen = self.inferer(pictures.to(self.device), self.network)
        return self.router.decide_batch(seen["logits"].cpu(), seen["embedding"].cpu(), top=top)


@dataclass
class _Picture:
    """A file on its way to the network."""

    file: str
    pixels: Tensor | None = None  # (1, rows, columns)
    info: RadiographInfo | None = None
    seconds: float = 0.0
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def _state(file: str) -> dict[str, Any]:
    """What the system knows of a file that can be read and hashed without end.

    Raises:
        ValueError: it is a pipe, a device or the like.
    """
    now = os.stat(file)
    if not stat.S_ISREG(now.st_mode):
        raise ValueError(f"{file}: is no file with content of its own, but a pipe, a device or the like; leave it out")
    return file_state(now)


def file_state(now: os.stat_result) -> dict[str, Any]:
    """By what a change of a file is seen, as the fields of a record."""
    return {"size": now.st_size, "mtime_ns": now.st_mtime_ns, "ctime_ns": now.st_ctime_ns, "inode": now.st_ino}


def _hash_of_what_was_read(file: str, before: Mapping[str, Any]) -> str:
    """Hash a file that was read before.

    Raises:
        ValueError: it is not the same any more.
    """
    digest = file_sha256(file)
    if _state(file) != before:
        raise ValueError(f"{file}: changed while it was read; try again when nothing writes to it")
    return digest


def _check_router(root: Path, network: object) -> None:
    """Refuse a bundle that is no router, such as a detector's, before its weights are read.

    Raises:
        BundleError: its network has no embedding to tell its own pictures by.
    """
    if not (hasattr(network, "features") and hasattr(network, "classify")):
        problem = f"this bundle is no router: its {type(network).__name__} gives no embedding of a picture"
        raise BundleError(f"{root}: {problem}; for a detector's bundle use lungdet detect, here name a router's")


def _load_router(path: Path, weights_sha256: str) -> Router:
    if not path.is_file():
        raise BundleError(f"{path}: no router there; train the bundle first, or name another")
    return Router.load(path, weights_sha256=weights_sha256)


def usable_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
