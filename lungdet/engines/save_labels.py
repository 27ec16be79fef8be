"""Write what a router says about every radiograph that an evaluator has seen."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from lungdet.counted import counted
from lungdet.records import LabelledFile, RadiographInfo
from lungdet.reports import labels_to_csv, labels_to_json, prepare_output, write_files
from lungdet.routing import Router

from .save_findings import read_model_info

logger = logging.getLogger(__name__)


class LabelSaver:
    """Ignite handler: ``labels.csv`` and ``labels.json``, written when the run ends.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` that decollates, with
    :class:`lungdet.inferers.EmbeddingInferer`; its batches hold what :class:`lungdet.transforms.LoadRadiographd` read.

    Args:
        output_dir: folder of the files; made if absent.
        router_file: calibration, threshold and domain, as :meth:`lungdet.routing.Router.save` wrote them.
        checkpoint: the weights' file; the router must belong to it.
        metadata: the bundle's ``metadata.json``, to record its name and version.
        top: most probable classes of each file that go into ``labels.json``.
        image_key: of the picture in an item.
    """

    def __init__(
        self,
        output_dir: str | Path,
        router_file: str | Path,
        checkpoint: str | Path,
        metadata: str | Path,
        top: int = 5,
        image_key: str = "image",
    ) -> None:
        self.output_dir, self.router_file, self.top, self.image_key = (
            Path(output_dir),
            Path(router_file),
            top,
            image_key,
        )
        self.checkpoint, self.metadata = Path(checkpoint), Path(metadata)

    def attach(self, engine: Engine) -> None:
        """Make ready when the run starts, decide after every iteration, and write at the end."""
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.GET_BATCH_STARTED, self._start_clock)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)
        engine.add_event_handler(Events.COMPLETED, self._finish)

    def __call__(self, engine: Engine) -> None:
        """Decide on the pictures in ``engine.state``."""
        state: Any = engine.state
        answers = [item["pred"] for item in state.output]
        logits, embeddings = (torch.stack([each[name].cpu() for each in answers]) for name in ("logits", "embedding"))
        decisions = self._router.decide_batch(logits, embeddings)
        share = (time.perf_counter() - self._clock) / len(decisions)
        for item, decision in zip(state.batch, decisions, strict=True):
            meta = item[self.image_key].meta
            info = RadiographInfo.from_json(meta["radiograph"])
            self._files.append(LabelledFile(str(meta["filename_or_obj"]), share, decision, info))

    def _start(self, engine: Engine) -> None:
        prepare_output(self.output_dir)
        self._model = read_model_info(self.metadata, self.checkpoint)
        self._router = Router.load(self.router_file, weights_sha256=self._model.weights_sha256)
        self._files: list[LabelledFile] = []

    def _start_clock(self, engine: Engine) -> None:
        self._clock = time.perf_counter()

    def _finish(self, engine: Engine) -> None:
        names = self._router.class_list.names
        files = {
            "labels.csv": labels_to_csv(self._files),
            "labels.json": labels_to_json(self._files, self._model, names, self.top),
        }
        write_files(self.output_dir, files)
        logger.info("%s labelled: %s", counted(len(self._files), "file"), self.output_dir / "labels.csv")
