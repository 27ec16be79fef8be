"""Synthetic patients with a label for each scan, by a rule that is known: to train and to check a scan's risk on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .chest import NODULE_STREAM
from .nodule import PhantomNodule
from .nodule_readers import malignancy_level
from .patient import draw_patient
from .placement import place_nodules

COHORT_STREAM = 307
COUNT_SHARES = (0.2, 0.25, 0.25, 0.18, 0.12)  # of the patients with 0, 1, 2, 3 and 4 nodules
HALF_LEVEL, STEEPNESS = 4.0, 6.0  # a nodule of this malignancy is a cancer in half of the cases
LEAK = 0.01  # cancers that show no nodule


@dataclass(frozen=True)
class CohortPatient:
    """What is known about one patient of a cohort.

    ``make_chest(seed, nodules=len(nodules))`` shows this patient on any grid.

    Attributes:
        seed: of the patient.
        nodules: the truth about all nodules that the patient has; coarse voxels may wash some out.
        probability: of cancer, by :func:`cancer_probability`.
        cancer: drawn with that probability.
    """

    seed: int
    nodules: tuple[PhantomNodule, ...]
    probability: float
    cancer: bool

    @property
    def name(self) -> str:
        """The patient's id: the name of the scan's folder, and the key of the label."""
        return f"{self.seed:06d}"


def cancer_probability(nodules: Sequence[PhantomNodule]) -> float:
    """The rule: each nodule is a cancer by its malignancy, independently, and a few cancers show none (noisy-or).

    ``1 - (1 - LEAK) * prod(1 - p)`` with ``p = sigmoid(STEEPNESS * (level - HALF_LEVEL))`` and the level of
    :func:`~lungdet.phantoms.malignancy_level`.

    Example:
        >>> round(cancer_probability([]), 9)
        0.01
    """
    levels = np.array([malignancy_level(nodule) for nodule in nodules])
    spared = 1 - 1 / (1 + np.exp(-STEEPNESS * (levels - HALF_LEVEL)))
    return float(1 - (1 - LEAK) * spared.prod())


def draw_cohort_patient(seed: int) -> CohortPatient:
    """Draw a patient with 0 to 4 nodules and a label; the same seed gives the same.

    Raises:
        ValueError: ``seed`` is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    rng = np.random.default_rng([seed, COHORT_STREAM])
    count = int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES))
    placed = place_nodules(draw_patient(seed), np.random.default_rng([seed, NODULE_STREAM]), count)
    nodules = tuple(item.truth for item in placed)
    probability = cancer_probability(nodules)
    return CohortPatient(seed, nodules, probability, bool(rng.random() < probability))
