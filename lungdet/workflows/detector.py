"""A bundle's network, ready for one study after another, without MONAI's command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from monai.transforms import Compose
from monai.utils import convert_to_tensor

from lungdet.readers.read_options import ReadOptions
from lungdet.records import SeriesInfo
from lungdet.transforms import LoadCTd

from .bundle import BundleError
from .opened_bundle import OpenedBundle
from .studies import StudyJob


class Detector:
    """A bundle's network with its weights, ready for one study after another.

    Nothing of a study goes through the bundle's settings, which are a program: its path travels in the data item, and
    what is to be read of it is set on the bundle's :class:`~lungdet.transforms.LoadCTd` itself.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.
        reading: options of :func:`lungdet.readers.read_ct`, such as ``{"on_gap": "interpolate"}``; they win over those
            of the bundle.
        least_score: give marks down to it, too, where the bundle's own ``min_score`` is higher.

    Attributes:
        min_score: the bundle's own; 0 where it has none.

    Raises:
        BundleError: the bundle cannot be found or opened, loads no CT, or its weights cannot be loaded.
        ValueError: there is no such device, or no such way to read.
    """

    def __init__(
        self,
        bundle: str | Path = "nodule_detector",
        device: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        reading: Mapping[str, Any] | None = None,
        least_score: float | None = None,
    ) -> None:
        ReadOptions(**(reading or {}))
        opened = OpenedBundle(bundle, device, overrides)
        self.min_score: float = opened.take("min_score") if "min_score" in opened.parser.config else 0.0
        if least_score is not None and float(self.min_score) > least_score:
            opened.parser["min_score"] = least_score
        self.device, self.network = opened.device, opened.network()
        self.model = opened.load_weights(self.network)
        self.preprocessing: Callable[[dict[str, Any]], dict[str, Any]] = opened.take("preprocessing")
        self.inferer, self.postprocessing = opened.take("inferer"), opened.take("postprocessing")
        self._loaders = _loaders(self.preprocessing, opened.root)
        for loader in self._loaders:
            loader.load.options = {**loader.load.options, **(reading or {})}

    def __call__(self, job: StudyJob, on_read: Callable[[SeriesInfo], None] | None = None) -> dict[str, Any]:
        """Read one study and detect; see :func:`lungdet.engines.save_study` for the keys of the result.

        Args:
            job: what to read.
            on_read: called with what is known of the series before the network is asked; what it raises ends the work.
        """
        item = self._read(job)
        if on_read is not None:
            on_read(SeriesInfo.from_json(item["ct"].meta["series"]))
        image = convert_to_tensor(item["image"], track_meta=False)
        with torch.no_grad():
            item["pred"] = self.inferer(image[None].to(self.device), self.network)[0]
            result: dict[str, Any] = self.postprocessing(item)
        return result

    def _read(self, job: StudyJob) -> dict[str, Any]:
        for loader in self._loaders:
            loader.load.options = {**loader.load.options, "series": job.series, "choose": job.choose}
        item = self.preprocessing({"ct": list(job.files) or job.source})
        meta = item["ct"].meta
        meta["series"] = replace(SeriesInfo.from_json(meta["series"]), source=job.source).to_json()  # not "90 files"
        return item


def _loaders(preprocessing: Any, root: Path) -> list[LoadCTd]:
    steps = preprocessing.flatten().transforms if isinstance(preprocessing, Compose) else (preprocessing,)
    loaders = [step for step in steps if isinstance(step, LoadCTd)]
    if not loaders:
        raise BundleError(f"{root}: its preprocessing holds no lungdet.transforms.LoadCTd, which reads a CT")
    return loaders
