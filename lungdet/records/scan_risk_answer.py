"""What a model of a whole scan says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .model_info import ModelInfo


@dataclass(frozen=True)
class ScanRiskAnswer:
    """The answer of a model of scan risk; it is no diagnosis.

    Attributes:
        probability: of the label that the model was trained on, 0 to 1.
        model: which model answered.
        candidates: marks of the detector that it has seen; a scan without any has an answer, too.
        notes: what a reader must know.

    Raises:
        ValueError: the probability is none, or ``candidates`` is negative.
    """

    probability: float
    model: ModelInfo
    candidates: int
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"probability must be in [0, 1], got {self.probability}")
        if self.candidates < 0:
            raise ValueError(f"candidates must not be negative, got {self.candidates}")

    def to_dict(self) -> dict[str, Any]:
        """Return all facts, ready for JSON.

        Example:
            >>> answer = ScanRiskAnswer(0.25, ModelInfo("scan_risk", "0.1.0", ""), candidates=6)
            >>> answer.to_dict()["probability"]
            0.25
            >>> ScanRiskAnswer.from_dict(answer.to_dict()) == answer
            True
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> ScanRiskAnswer:
        """Read back what :meth:`to_dict` gave, also after JSON has made lists of its tuples."""
        return cls(facts["probability"], ModelInfo(**facts["model"]), facts["candidates"], tuple(facts["notes"]))
