"""What a router says about one radiograph."""

from __future__ import annotations

import math
from dataclasses import dataclass

ANSWER, REVIEW = "answer", "review"


@dataclass(frozen=True)
class Decision:
    """A label with a calibrated probability, or the request that a person look.

    Attributes:
        label: the most probable label; of several labels, their names with ``;`` between them. With ``review`` it is no
            answer but what a person may want to see first; :attr:`answer` never tells it.
        labels: the same, one by one; empty where a multi-label router finds none.
        probability: calibrated probability in ``[0, 1]`` that ``label`` is right; of several labels, that all are.
        top: ``(label, probability)`` of every class that is reported, by falling probability.
        decision: ``answer`` or ``review``.
        reason: why it is ``review``, in words; empty for an answer.
        out_of_domain: how far the picture is from those of the training, in units of the limit: above 1 it is none of
            them. None where the router cannot tell.
    """

    label: str
    labels: tuple[str, ...]
    probability: float
    top: tuple[tuple[str, float], ...]
    decision: str
    reason: str = ""
    out_of_domain: float | None = None

    def __post_init__(self) -> None:
        if self.decision not in (ANSWER, REVIEW):
            raise ValueError(f"decision must be {ANSWER!r} or {REVIEW!r}, got {self.decision!r}")
        if (self.decision == REVIEW) != bool(self.reason):
            raise ValueError(f"a review needs a reason and an answer none, got {self.decision!r} and {self.reason!r}")
        for probability in (self.probability, *(value for _, value in self.top)):
            if not 0.0 <= probability <= 1.0:
                raise ValueError(f"a probability must be in [0, 1], got {probability}")
        values = [value for _, value in self.top]
        if values != sorted(values, reverse=True):
            raise ValueError("top must come by falling probability")
        if self.out_of_domain is not None and not (math.isfinite(self.out_of_domain) and self.out_of_domain >= 0):
            raise ValueError(f"out_of_domain must be finite and not negative, got {self.out_of_domain}")

    @property
    def answer(self) -> str:
        """The label if the router answers, else ``review``.

        Example:
            >>> Decision("chest", ("chest",), 0.6, (("chest", 0.6),), "review", "unsure").answer
            'review'
        """
        return self.label if self.decision == ANSWER else REVIEW
