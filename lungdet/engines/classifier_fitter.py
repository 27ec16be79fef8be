"""Fit what makes a nodule classifier's answers probabilities, when its training is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.data.dataloader import DataLoader
from monai.data.utils import no_collation
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit
from torch import nn

from lungdet.lesions import ClassifierFile
from lungdet.metrics import quadratic_kappa
from lungdet.metrics.rating_levels import median_from_shares, whole_level
from lungdet.networks.nets.nodule_classifier import split_answers
from lungdet.records import ORDINAL_RATINGS, RATING_LEVELS
from lungdet.routing import fit_calibration

from .prepare_nodule_batch import prepare_nodule_batch
from .save_model import saved_copy

logger = logging.getLogger(__name__)
Array = NDArray[np.float64]
SUREST = 1e-6  # a threshold lies between this and 1 less this
LEARNT_KAPPA = 0.4  # where Landis and Koch (Biometrics 1977) begin to call an agreement moderate
FEWEST_RATED = 20  # of fewer nodules a kappa says nothing
_WIDEST = 3.0  # logarithm of the temperatures that are tried for ratings


class ClassifierFitter:
    """Ignite handler of a trainer: fit what belongs to the weights to the validation, and write ``classifier.json``.

    That is a temperature for each kind of answer, the threshold, and which ratings were learnt. It works on a copy of
    the network with the weights that were saved as the best, so attach it after :class:`BestModelSaver`, in the first
    process only; :meth:`fit` alone does it for weights that are there already.

    Args:
        network: any state; its copy gets the weights.
        weights: file of the state dictionary that the temperatures are for.
        classifier_file: what to write.
        cubes: a data set of the validation's cubes.
        inferer: how the answers are made that will be divided.
        device: where the network works.
        sensitivity: share of the validation's nodules that lie above the threshold.
        batch_size: cubes that are judged at once.
    """

    def __init__(
        self,
        network: nn.Module,
        weights: str | Path,
        classifier_file: str | Path,
        cubes: Any,
        inferer: Callable[..., Any],
        device: str | torch.device = "cpu",
        sensitivity: float = 0.95,
        batch_size: int = 32,
    ) -> None:
        self.network, self.weights, self.classifier_file = network, Path(weights), Path(classifier_file)
        self.cubes, self.inferer, self.device = cubes, inferer, torch.device(device)
        self.sensitivity, self.batch_size = sensitivity, batch_size

    def attach(self, engine: Engine) -> None:
        """Look at the validation when the training starts, and fit when it ends."""
        engine.add_event_handler(Events.STARTED, self.check)
        engine.add_event_handler(Events.COMPLETED, self)

    def check(self) -> None:
        """Refuse a validation by which nodules cannot be told from look-alikes, before hours are spent on it.

        Raises:
            ValueError: it has no nodule or no look-alike.
        """
        known = [float(item["nodule"]) for item in getattr(self.cubes, "data", self.cubes)]
        nodules, others = sum(value > 0.5 for value in known), sum(0 <= value <= 0.5 for value in known)
        if not (nodules and others):
            raise ValueError(
                f"the validation has {nodules} nodules and {others} look-alikes, but weights are chosen and calibrated "
                "on both; give it more patients or, on a list, another fold"
            )

    def __call__(self, engine: Engine) -> None:
        """Fit and write; with a warning, answers that cannot be judged have no file, nor that of earlier weights."""
        try:
            self.fit()
        except ValueError as error:
            self.classifier_file.unlink(missing_ok=True)
            logger.warning("%s is not written: %s", self.classifier_file, error)

    def fit(self) -> ClassifierFile:
        """Fit and write.

        Raises:
            ValueError: weights do not fit the network, or the validation has no nodule or no look-alike.
            OSError: the weights cannot be read, or the file cannot be written.
        """
        network, digest = saved_copy(self.network, self.weights, self.device)
        logits, told = self._answers(network)
        found = fit_classifier_file(logits, told, self.sensitivity, digest)
        found.save(self.classifier_file)
        logger.info(
            "temperatures: nodule %.3f, kind %.3f, ratings %.3f; a nodule from %.3f on; learnt: %s: %s",
            found.nodule, found.kind, found.ratings, found.threshold,
            ", ".join(found.learnt or ()) or "no rating", self.classifier_file,
        )  # fmt: skip
        return found

    def _answers(self, network: nn.Module) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        loader = DataLoader(self.cubes, batch_size=self.batch_size, num_workers=0, collate_fn=no_collation)
        said, truths = [], []
        for batch in loader:
            cubes, told = prepare_nodule_batch(batch, self.device)
            with torch.no_grad():
                said.append(self.inferer(cubes, network).cpu())
            truths.append({name: value.cpu() for name, value in told.items()})
        if not said:
            raise ValueError("there are no cubes to calibrate on")
        return torch.cat(said), {name: torch.cat([each[name] for each in truths]) for name in truths[0]}


def fit_classifier_file(
    logits: torch.Tensor, told: Mapping[str, torch.Tensor], sensitivity: float = 0.95, weights_sha256: str = ""
) -> ClassifierFile:
    """Fit a temperature for each kind of answer, by the likelihood of what is known, and a threshold; judge ratings.

    Args:
        logits: ``(B, 33)`` for cubes that were not trained on.
        told: see :func:`prepare_nodule_batch`.
        sensitivity: share of the nodules whose probability reaches the threshold.
        weights_sha256: what the logits come from.

    Raises:
        ValueError: there is no nodule or no look-alike.
    """
    parts = split_answers(logits.double())
    nodule, kind = told["nodule"], told["kind"]
    known, typed = nodule >= 0, kind >= 0
    positive = nodule[known] > 0.5
    if positive.all() or not positive.any():
        raise ValueError(f"a classifier is calibrated on nodules and look-alikes, got {int(positive.sum())} nodules")
    column = parts.nodule[known][:, None]
    first = fit_calibration(column.numpy(), positive[:, None].double().numpy(), activation="sigmoid")
    second = fit_calibration(parts.kind[typed].numpy(), kind[typed].numpy()).temperature if typed.any() else 1.0
    said: Array = first.probabilities(column[positive].numpy())[:, 0]
    threshold = float(np.clip(np.quantile(said, 1 - sensitivity), SUREST, 1 - SUREST))
    logits_of, shares = parts.ratings.numpy(), told["ratings"].double().numpy()
    ratings, learnt = _rating_temperature(logits_of, shares), learnt_ratings(logits_of, shares)
    return ClassifierFile(first.temperature, second, ratings, threshold, None, weights_sha256, learnt)


def learnt_ratings(logits: Array, shares: Array) -> tuple[str, ...]:
    """Tell which ratings the answers agree with the readers on.

    A rating is learnt if, on enough nodules, the said median and the readers' have a quadratic weighted kappa of at
    least ``LEARNT_KAPPA``: the ``kappa`` that an evaluation shows. A temperature does not change it, and one who always
    says the mean has 0. What no readers have rated is not learnt: nothing has taught it, or nobody can tell.

    Args:
        logits: ``(B, 7, 4)`` of more than 1, 2, 3, 4.
        shares: ``(B, 7, 4)`` part of the readers; NaN where it is unknown.

    Returns:
        Names, in the order of ``ORDINAL_RATINGS``.
    """
    kappas = [_kappa(logits[:, place], shares[:, place]) for place in range(len(ORDINAL_RATINGS))]
    return tuple(name for name, kappa in zip(ORDINAL_RATINGS, kappas, strict=True) if kappa >= LEARNT_KAPPA)


def _kappa(logits: Array, shares: Array) -> float:
    """Kappa of one rating, from ``(B, 4)``; 0 where it cannot be told."""
    known = ~np.isnan(shares).any(axis=1)
    if known.sum() < FEWEST_RATED:
        return 0.0
    said, true = (whole_level(median_from_shares(each[known])) for each in (expit(logits), shares))
    return float(np.nan_to_num(quadratic_kappa(true, said, RATING_LEVELS, np.ones((1, len(true)))))[0])


def _rating_temperature(logits: Array, shares: Array) -> float:
    """Temperature by which the cross-entropy with the readers' shares is least; 1 where there are no readers."""
    known = ~np.isnan(shares)
    if not known.any():
        return 1.0
    values, wanted = logits[known], shares[known]

    def loss(log_temperature: float) -> float:
        scaled = values / np.exp(log_temperature)
        return float((np.logaddexp(0.0, scaled) - wanted * scaled).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded").x))
