"""Fit what stands between a regressor's raw score and a height in the trunk, when its training is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from numpy.typing import NDArray
from torch import nn

from lungdet.geometry.slice_areas import slice_areas
from lungdet.lesions import LabelledScan, ScoreScale, fit_score_scale
from lungdet.phantoms import TorsoPhantom, make_torso

from .save_model import saved_copy

logger = logging.getLogger(__name__)
LUNG_CM2 = 30.0  # of air in tissue that a slice must show to count as one that holds lung
Scorer = Callable[..., NDArray[np.float64]]


class ScoreScaleFitter:
    """Ignite handler of a trainer: fit the scale of the score to synthetic torsos, and write ``score.json``.

    The order of slices teaches a score without zero and unit; torsos of which the truth is known give it both, and the
    heights at which chest, abdomen and pelvis meet. It works on a copy of the network with the weights that were saved
    as the best, so attach it after :class:`BestModelSaver`, in the first process only.

    Args:
        network: any state; its copy gets the weights.
        weights: file of the state dictionary that the scale is for.
        score_file: what to write.
        seeds: of whole torsos that the training has not seen.
        scorer: gives the raw scores of a network and a volume, such as :class:`lungdet.inferers.SliceScorer`.
        spacing_mm: of the torsos' voxels.
        device: where the network works.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: str | Path,
        score_file: str | Path,
        seeds: Iterable[int],
        scorer: Scorer,
        spacing_mm: Sequence[float] = (3.5, 3.5, 7.0),
        device: str | torch.device = "cpu",
    ) -> None:
        self.network, self.weights, self.score_file = network, Path(weights), Path(score_file)
        self.seeds, self.scorer, self.spacing_mm = tuple(seeds), scorer, tuple(spacing_mm)
        self.device = torch.device(device)

    def attach(self, engine: Engine) -> None:
        """Fit when the training ends."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Fit and write; a network that has not learnt the order gets no scale, with a warning."""
        try:
            self.fit()
        except ValueError as error:
            logger.warning("%s is not written: %s", self.score_file, error)

    def fit(self) -> ScoreScale:
        """Fit and write.

        Raises:
            ValueError: weights do not fit the network, or its score does not rise towards the feet.
            OSError: the weights cannot be read, or the scale cannot be written.
        """
        network, digest = saved_copy(self.network, self.weights, self.device)
        scans = [self._labelled(network, seed) for seed in self.seeds]
        scale = fit_score_scale(scans, digest)
        scale.save(self.score_file)
        logger.info(
            "abdomen from %.3f, pelvis from %.3f on a trunk of 0 to 1: %s",
            scale.chest_abdomen, scale.abdomen_pelvis, self.score_file,
        )  # fmt: skip
        return scale

    def _labelled(self, network: nn.Module, seed: int) -> LabelledScan:
        phantom = make_torso(seed, spacing_mm=self.spacing_mm)  # type: ignore[arg-type]
        return labelled_scan(phantom, self.scorer(network, phantom.volume))


def labelled_scan(phantom: TorsoPhantom, raw: NDArray[np.float64]) -> LabelledScan:
    """Put the raw scores of a torso's slices beside the truth.

    Args:
        phantom: whose.
        raw: ``(Z,)``.
    """
    affine = phantom.volume.affine_lps
    z_mm = affine[2, 3] + affine[2, 2] * np.arange(len(raw))
    torso = phantom.torso
    return LabelledScan(
        raw=np.asarray(raw, np.float64),
        z_mm=z_mm,
        u=np.asarray(phantom.coordinates, np.float64),
        region=[torso.part(float(z)) for z in z_mm],
        holds_lung=_holds_lung(phantom, z_mm),
    )


def _holds_lung(phantom: TorsoPhantom, z_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether slices show much air in tissue, from the apices of the lungs to the upper poles of the kidneys."""
    affine = phantom.volume.affine_lps
    _, airy_cm2 = slice_areas(phantom.volume.array, (affine[0, 0], affine[1, 1]))
    marks = phantom.torso.landmarks_mm
    inside = (z_mm <= marks["lung_apex"]) & (z_mm >= marks["kidney_upper_pole"])
    return np.asarray((airy_cm2 >= LUNG_CM2) & inside, dtype=bool)
