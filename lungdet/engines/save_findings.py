"""Write the findings of every study that an evaluator has seen."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.utils import convert_to_numpy

from lungdet.counted import counted
from lungdet.detection.findings import make_report
from lungdet.geometry import frames
from lungdet.readers.stack_notes import doubtful_steps
from lungdet.records import CTVolume, DetectionReport, ModelInfo, SeriesInfo
from lungdet.reports import prepare_output, study_folder_name, write_study

logger = logging.getLogger(__name__)


class FindingsSaver:
    """Ignite handler: one folder per study with ``findings.json``, ``findings.csv``, ``report.html`` and pictures.

    Attach it to a :class:`monai.engines.SupervisedEvaluator` that decollates; see :func:`save_study` for the keys.

    Args:
        output_dir: each study gets a folder of its own in it.
        checkpoint: the weights' file, to record its SHA-256.
        metadata: the bundle's ``metadata.json``, to record its name and version.
        max_pictures: findings of a study that get pictures of their own.
    """

    def __init__(
        self, output_dir: str | Path, checkpoint: str | Path, metadata: str | Path, max_pictures: int = 10
    ) -> None:
        self.output_dir, self.max_pictures = Path(output_dir), max_pictures
        self.checkpoint, self.metadata = Path(checkpoint), Path(metadata)

    def attach(self, engine: Engine) -> None:
        """Make the folder ready when the run starts, and save after every iteration."""
        engine.add_event_handler(Events.STARTED, lambda: prepare_output(self.output_dir))
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Save what is in ``engine.state``."""
        model = read_model_info(self.metadata, self.checkpoint)
        state: Any = engine.state
        for inputs, outputs in zip(state.batch, state.output, strict=True):
            report, page = save_study({**inputs, **outputs}, self.output_dir, model, self.max_pictures)
            logger.info("%s, report: %s", counted(len(report.findings), "finding"), page)


def save_study(
    item: Mapping[str, Any],
    output_dir: str | Path,
    model: ModelInfo,
    max_pictures: int = 10,
    warnings: tuple[str, ...] = (),
) -> tuple[DetectionReport, Path]:
    """Write one study's findings into a folder of its own.

    Args:
        item: ``ct``, MetaTensor ``(1, X, Y, Z)`` in HU as read, with :meth:`SeriesInfo.to_json` in ``meta["series"]``;
            ``image``, the preprocessed MetaTensor, of which the affine is used; ``pred_box`` ``(N, 6)`` in its edge
            frame; ``pred_score`` ``(N,)``.
        output_dir: where the study's folder goes; an older one of the same series is replaced.
        model: which model looked.
        max_pictures: findings that get pictures of their own.
        warnings: why the findings may mean nothing, beside what the reader had to believe.

    Returns:
        The report, and the path of its HTML.
    """
    volume = volume_of(item["ct"])
    affines = item["image"].affine, item["ct"].affine
    report = make_report(
        item["pred_box"],
        item["pred_score"],
        *affines,
        volume.array.shape,
        volume.info,
        model,  # edge frame of "image"
    )
    report = replace(report, warnings=(*warnings, *doubtful_steps(volume.info.steps)))
    folder = Path(output_dir) / study_folder_name(volume.info)
    return report, write_study(folder, report, volume, max_pictures)


def volume_of(ct: Any) -> CTVolume:
    """Take a volume back out of the MetaTensor that ``LoadCT`` made of it; the voxels are shared where possible."""
    affine = frames.ras_to_lps(convert_to_numpy(ct.affine).astype("float64"))
    voxels = ct[0].numpy(force=True)  # MONAI's own conversion makes it C-contiguous, which copies what LoadCT gives
    return CTVolume(voxels, affine, SeriesInfo.from_json(ct.meta["series"]))


def read_model_info(metadata: str | Path, checkpoint: str | Path, weights_sha256: str = "") -> ModelInfo:
    """Describe a bundle's model: the name and version in its ``metadata.json``, and the SHA-256 of its weights.

    Args:
        metadata: the JSON.
        checkpoint: the weights.
        weights_sha256: their SHA-256, where it is known already; else the file is read for it.
    """
    content = json.loads(Path(metadata).read_text(encoding="utf-8"))
    digest = weights_sha256 or hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    return ModelInfo(str(content.get("name", "")), str(content.get("version", "")), digest)
