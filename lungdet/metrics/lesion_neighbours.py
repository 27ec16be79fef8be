"""Whether lesions that lie next to each other in an embedding belong together, as an Ignite metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from ignite.exceptions import NotComputableError
from ignite.metrics import Metric
from numpy.typing import NDArray

from .detection_inputs import gather

UNKNOWN_TYPE = -1


class LesionNeighbours(Metric):
    """Mean of two shares: neighbours of the right type, and lesions found again in another study.

    The first is over lesions of a known type: of the nearest ``neighbours``, one from each other patient, the share of
    the same type; averaged over types, so that rare ones count. Where less than so many other patients have the type,
    only that many neighbours are looked at, so that 1 can be reached. The second is over lesions that are marked in
    another study of their patient, too: the share whose nearest lesion among the patient's other studies is the same
    one. Where only one can be told, it is the score. In a distributed run :meth:`compute` joins all processes.

    Args:
        items: lesions of the data set in its order, with ``lesion_type``, -1 if not known, ``patient``, ``study`` and
            ``identity``, empty if not known.
        neighbours: of each lesion.
        output_transform: what to take from the engine's output: vectors, and rows of ``items``, such as
            ``monai.handlers.from_engine(["pred", "label"])``.

    Attributes:
        latest_parts: ``type_accuracy`` and ``found_again`` of the last :meth:`compute`.

    Raises:
        ValueError: ``neighbours`` is less than 1.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        neighbours: int = 10,
        output_transform: Callable[[Any], Any] = lambda output: output,
    ) -> None:
        if neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, got {neighbours}")
        self.neighbours = neighbours
        self.types = np.array([int(item["lesion_type"]) for item in items])
        self.patients = np.unique(np.array([str(item["patient"]) for item in items]), return_inverse=True)[1]
        self.studies = np.array([int(item["study"]) for item in items])
        self.identities = np.array([str(item.get("identity", "")) for item in items], dtype=np.str_)
        self.latest_parts: dict[str, float] = {}
        super().__init__(output_transform=output_transform)

    def reset(self) -> None:
        """Forget all lesions."""
        self._vectors: dict[int, NDArray[np.float64]] = {}

    def update(self, output: tuple[Any, Any]) -> None:
        """Add lesions: vectors ``(B, D)`` and rows ``(B,)``, or lists of ``B`` of either."""
        vectors, rows = output
        for vector, row in zip(vectors, rows, strict=True):
            self._vectors[int(row)] = torch.as_tensor(vector).detach().double().cpu().numpy()

    def compute(self) -> float:
        """Return the mean; NaN where nothing can be told, or a vector is not finite.

        Raises:
            NotComputableError: there is no lesion.
        """
        found = dict(pair for part in gather([self._vectors]) for pair in part.items())
        if not found:
            raise NotComputableError("LesionNeighbours needs at least one lesion: call update first")
        rows = np.array(sorted(found), dtype=np.intp)
        self.latest_parts = self.parts(rows, np.stack([found[row] for row in rows.tolist()]))
        return float(np.mean(list(self.latest_parts.values()))) if self.latest_parts else float("nan")

    def parts(self, rows: NDArray[np.intp], vectors: NDArray[Any]) -> dict[str, float]:
        """Tell both shares, as far as they can be told, of vectors ``(N, D)`` of items ``rows``; joins no processes."""
        if not np.isfinite(vectors).all():
            return {}
        apart = _distances(np.asarray(vectors, dtype=np.float64))
        parts = {"type_accuracy": self._type_accuracy(apart, rows), "found_again": self._found_again(apart, rows)}
        return {name: value for name, value in parts.items() if np.isfinite(value)}

    def _type_accuracy(self, apart: NDArray[np.float64], rows: NDArray[np.intp]) -> float:
        types, patients = self.types[rows], self.patients[rows]
        shares: dict[int, list[float]] = {}
        for lesion in np.flatnonzero(types != UNKNOWN_TYPE).tolist():
            order = np.argsort(apart[lesion], kind="stable")
            order = order[(patients[order] != patients[lesion]) & (types[order] != UNKNOWN_TYPE)]
            enough = min(self.neighbours, len(np.unique(patients[order[types[order] == types[lesion]]])))
            first = np.sort(np.unique(patients[order], return_index=True)[1])[:enough]
            if len(first):
                shares.setdefault(int(types[lesion]), []).append(float((types[order[first]] == types[lesion]).mean()))
        return float(np.mean([np.mean(each) for each in shares.values()])) if shares else float("nan")

    def _found_again(self, apart: NDArray[np.float64], rows: NDArray[np.intp]) -> float:
        patients, studies, identities = self.patients[rows], self.studies[rows], self.identities[rows]
        right = []
        for lesion in np.flatnonzero(identities != "").tolist():
            others = np.flatnonzero((patients == patients[lesion]) & (studies != studies[lesion]))
            if (identities[others] == identities[lesion]).any():
                nearest = others[np.argmin(apart[lesion, others])]
                right.append(identities[nearest] == identities[lesion])
        return float(np.mean(right)) if right else float("nan")


def _distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean distances of all pairs by one matrix product; small ones lose digits, their order hardly does."""
    squares = (vectors**2).sum(axis=1)
    apart: NDArray[np.float64] = squares[:, None] + squares[None] - 2 * vectors @ vectors.T
    return np.sqrt(np.maximum(apart, 0))
