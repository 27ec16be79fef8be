"""Fit what stands between a classifier's weights and an answer, when its training is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data import DataLoader
from monai.data.utils import no_collation
from numpy.typing import NDArray
from torch import nn

from lungdet.records import ClassList
from lungdet.routing.calibration import SOFTMAX
from lungdet.routing.fit_router import fit_router
from lungdet.routing.router import Router

from .prepare_picture_batch import prepare_picture_batch
from .save_model import saved_copy
from .scored_picture import PictureKeys, read_scored_picture

logger = logging.getLogger(__name__)
MOST_REMEMBERED = 5000  # training pictures that are looked at, evenly chosen from the list; fewer are remembered


@dataclass(frozen=True, eq=False)
class PictureOutputs:
    """What a network says about labelled pictures.

    Attributes:
        logits: ``(N, K)``.
        truth: ``(N, K)``.
        embeddings: ``(N, D)``.
        patients: ``N`` names; a number of its own for a picture that has none.
    """

    logits: NDArray[np.float64]
    truth: NDArray[np.bool_]
    embeddings: NDArray[np.float64]
    patients: tuple[Hashable, ...]


class CalibrationFitter:
    """Ignite handler of a trainer: fit calibration, thresholds and the out-of-domain score, and write the router file.

    It works on a copy of the network with the weights that were saved as the best, so attach it after
    :class:`BestModelSaver`, in the first process only. Without a validation picture it writes nothing, with a warning.

    Where classes share a whole and a picture may have several, pictures without any are left out of the temperature and
    of the domain, and every answer to them counts as wrong. Patients that items name (``patient``) count once for the
    confidence. If the validation pictures also chose the epoch of the weights, what is promised is optimistic: see
    :func:`lungdet.routing.choose_threshold`.

    Args:
        network: any state; its copy gets the weights.
        weights: file of the state dictionary that the router is for.
        router_file: what to write.
        class_list: names in the order of the logits.
        validation: items of other patients, ready for the network: ``image``, ``label``, maybe ``patient``.
        training: items of the training, not augmented; None for an out-of-domain score from the validation's alone.
        inferer: gives ``logits`` and ``embedding`` of a batch, such as :class:`lungdet.inferers.EmbeddingInferer`.
        device: where the network works.
        activation: ``"softmax"`` or ``"sigmoid"``, as the network was trained.
        target_accuracy: of what is answered; see :func:`lungdet.routing.choose_threshold`.
        confidence: with which it is to be reached; None for as observed.
        offsets: also fit an offset for each class.
        batch_size: pictures at once.
        num_workers: processes that read.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: str | Path,
        router_file: str | Path,
        class_list: ClassList,
        validation: Sequence[Any],
        training: Sequence[Any] | None = None,
        *,
        inferer: Callable[..., Any],
        device: str | torch.device = "cpu",
        activation: str = SOFTMAX,
        target_accuracy: float = 0.99,
        confidence: float | None = 0.9,
        offsets: bool = False,
        batch_size: int = 32,
        num_workers: int = 0,
    ) -> None:
        self.network, self.weights, self.router_file = network, Path(weights), Path(router_file)
        self.class_list, self.validation, self.training = class_list, validation, training
        self.inferer, self.device = inferer, torch.device(device)
        self.activation, self.target_accuracy = activation, target_accuracy
        self.confidence, self.offsets = confidence, offsets
        self.batch_size, self.num_workers = batch_size, num_workers

    def attach(self, engine: Engine) -> None:
        """Fit when the training ends."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Fit and write."""
        self.fit()

    def fit(self) -> Router | None:
        """Fit and write.

        Returns:
            The router; None without a validation picture.

        Raises:
            ValueError: weights or pictures do not fit the network or the class list.
            OSError: the weights cannot be read, or the router cannot be written.
        """
        network, digest = saved_copy(self.network, self.weights, self.device)
        held_out = self._judged(self._outputs(network, self.validation))
        if not len(held_out.logits) or (self.activation == SOFTMAX and not held_out.truth.any()):
            logger.warning("%s is not written: there is no labelled validation picture", self.router_file)
            return None
        known = None if self.training is None else self._outputs(network, _evenly(self.training))
        router = fit_router(
            self.class_list,
            held_out.logits,
            held_out.truth,
            held_out.embeddings,
            train_embeddings=None if known is None or not len(known.logits) else known.embeddings,
            train_labels=None if known is None or not len(known.logits) else known.truth,
            activation=self.activation,
            offsets=self.offsets,
            target_accuracy=self.target_accuracy,
            confidence=self.confidence,
            weights_sha256=digest,
            patients=held_out.patients,
        )
        router.save(self.router_file)
        self._report(router)
        return router

    def _outputs(self, network: nn.Module, items: Any) -> PictureOutputs:
        loader = DataLoader(items, batch_size=self.batch_size, num_workers=self.num_workers, collate_fn=no_collation)
        pictures, classes = [], len(self.class_list)
        for batch in loader:
            images, _ = prepare_picture_batch(batch, self.device)
            with torch.no_grad():
                said = self.inferer(images, network)
            for row, item in enumerate(batch):
                outputs: Mapping[str, Any] = {name: values[row] for name, values in said.items()}
                pictures.append(read_scored_picture({**item, "pred": outputs}, classes, PictureKeys()))
        own = [picture for picture in pictures if not picture.foreign]
        empty = np.empty((0, classes))
        return PictureOutputs(
            np.stack([picture.logits for picture in own]) if own else empty,
            np.stack([picture.truth for picture in own]) if own else empty.astype(bool),
            np.stack([np.asarray(picture.embedding) for picture in own]) if own else empty,
            tuple(picture.patient or place for place, picture in enumerate(own)),
        )

    def _judged(self, outputs: PictureOutputs) -> PictureOutputs:
        """Leave out pictures without any class where each has exactly one; where it may have several, just say so."""
        kept = outputs.truth.sum(axis=1) > 0
        if self.activation != SOFTMAX or kept.all():
            return outputs
        without = int((~kept).sum())
        if self.class_list.multi_label:
            logger.warning("%d validation pictures have no class: every answer to them counts as wrong", without)
            return outputs
        logger.warning("%d validation pictures have no class, and are left out", without)
        patients = tuple(patient for patient, keep in zip(outputs.patients, kept, strict=True) if keep)
        return PictureOutputs(outputs.logits[kept], outputs.truth[kept], outputs.embeddings[kept], patients)

    def _report(self, router: Router) -> None:
        found = router.abstention
        if found.reached:
            logger.info(
                "temperature %.3f; answers from %.3f on: %.1f %% of %d validation pictures, accuracy %.4f: %s",
                router.calibration.temperature, found.threshold, 100 * found.coverage, found.pictures, found.accuracy,
                self.router_file,
            )  # fmt: skip
        else:
            logger.warning(
                "%s: %d validation pictures do not show an accuracy of %.4g with the confidence that is asked for, so "
                "everything goes to a person; validate on more, or lower target_accuracy or confidence",
                self.router_file, found.pictures, self.target_accuracy,
            )  # fmt: skip


def _evenly(items: Sequence[Any]) -> Sequence[Any]:
    """At most so many items, evenly over the list, which may be sorted by class."""
    if len(items) <= MOST_REMEMBERED:
        return items
    places = np.linspace(0, len(items) - 1, MOST_REMEMBERED).round().astype(int)
    return torch.utils.data.Subset(items, places.tolist())  # type: ignore[arg-type,return-value]
