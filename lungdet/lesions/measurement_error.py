"""How far two measurements of one lesion lie apart when nothing has changed.

A diameter ``d`` is read with a standard deviation of ``sqrt((relative * d)**2 + absolute_mm**2)``.

``relative``: the pooled 95 % limits of agreement of two observers on one lesion's longest diameter are -22.1 % and
+25.4 %, those of one observer -17.8 % and +16.1 % (Yoon et al., Observer variability in RECIST-based tumour burden
measurements: a meta-analysis, Eur J Cancer 2016;53:5-15). Half that width is ``1.96 * sqrt(2)`` standard deviations of
one reading: 8.6 % and 6.1 %. ``absolute_mm``: both ends are put on pixels of about 0.8 mm. ``shared``: the limits for
sums of several lesions, -19.2 % and +19.5 %, are wider than independent errors would make them; a correlation of 0.5
between the errors of one study, as of a reader who draws all lines long, explains them for sums of three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Growth = Literal["grows", "shrinks", "within error"]
BETWEEN_OBSERVERS, WITHIN_OBSERVER = 0.086, 0.061
LIMIT_SD = 1.96  # 95 % of changes without growth lie within


@dataclass(frozen=True)
class MeasurementError:
    """The error of diameters; see the module for the sources.

    Attributes:
        relative: standard deviation of a reading as a part of the diameter; two observers' by default.
        absolute_mm: further standard deviation, whatever the diameter.
        shared: correlation of the errors of one study, 0 to 1.

    Raises:
        ValueError: a number is negative or not finite, or ``shared`` above 1.
    """

    relative: float = BETWEEN_OBSERVERS
    absolute_mm: float = 0.33
    shared: float = 0.5

    def __post_init__(self) -> None:
        numbers = (self.relative, self.absolute_mm, self.shared)
        if not all(math.isfinite(number) and number >= 0 for number in numbers) or self.shared > 1:
            raise ValueError(
                f"errors must be finite and 0 or more, shared at most 1: got relative {self.relative}, absolute_mm "
                f"{self.absolute_mm}, shared {self.shared}"
            )

    def sd_mm(self, diameter_mm: float) -> float:
        """Standard deviation of one reading of a diameter.

        Example:
            >>> MeasurementError(relative=0.1, absolute_mm=0.0).sd_mm(20.0)
            2.0
        """
        return math.hypot(self.relative * diameter_mm, self.absolute_mm)

    def sd_of_sum_mm(self, diameters_mm: Sequence[float]) -> float:
        """Standard deviation of a sum of diameters that were read in one study.

        Example:
            >>> MeasurementError(0.1, 0.0, shared=0.0).sd_of_sum_mm([30.0, 40.0])
            5.0
            >>> MeasurementError(0.1, 0.0, shared=1.0).sd_of_sum_mm([30.0, 40.0])
            7.0
        """
        errors = [self.sd_mm(diameter) for diameter in diameters_mm]
        own = sum(error**2 for error in errors)
        return math.sqrt((1 - self.shared) * own + self.shared * sum(errors) ** 2)

    def limit_mm(self, before_mm: Sequence[float], after_mm: Sequence[float]) -> float:
        """Smallest change of a sum that is none of 95 % of those without growth.

        Args:
            before_mm: diameters that were summed in the earlier study; one or more.
            after_mm: those of the later study.

        Example:
            >>> round(MeasurementError(0.1, 0.0).limit_mm([10.0], [10.0]), 2)
            2.77
        """
        return LIMIT_SD * math.hypot(self.sd_of_sum_mm(before_mm), self.sd_of_sum_mm(after_mm))

    def growth(self, before_mm: Sequence[float], after_mm: Sequence[float]) -> Growth:
        """Tell whether the same lesions grew between two studies.

        Args:
            before_mm: diameters in the earlier study; one or more.
            after_mm: diameters of the same lesions in the later study.

        Raises:
            ValueError: there are not as many after as before.

        Example:
            >>> error = MeasurementError()
            >>> error.growth([20.0], [22.0]), error.growth([20.0], [30.0]), error.growth([30.0, 30.0], [20.0, 18.0])
            ('within error', 'grows', 'shrinks')
        """
        if len(before_mm) != len(after_mm):
            raise ValueError(f"{len(before_mm)} diameters before and {len(after_mm)} after are not of the same lesions")
        change = sum(after_mm) - sum(before_mm)
        if abs(change) <= self.limit_mm(before_mm, after_mm):
            return "within error"
        return "grows" if change > 0 else "shrinks"
