"""Windows: a center and a width become brightness (PS3.3 C.11.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(frozen=True)
class Window:
    """One window.

    Args:
        center: in units of the modality LUT's output.
        width: likewise.
        function: one of :data:`WINDOW_FUNCTIONS`.

    Raises:
        ValueError: the width is too small, or the function unknown.
    """

    center: float
    width: float
    function: str = "LINEAR"

    def __post_init__(self) -> None:
        if self.function not in WINDOW_FUNCTIONS:
            raise ValueError(f"function must be one of {WINDOW_FUNCTIONS}, got {self.function!r}")
        if not (np.isfinite(self.center) and np.isfinite(self.width)):
            raise ValueError(f"center {self.center} and width {self.width} must be finite")
        if self.width <= 0 or (self.function == "LINEAR" and self.width < 1):
            raise ValueError(
                f"width must be {'at least 1' if self.function == 'LINEAR' else 'positive'}, got {self.width}"
            )

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Return brightness in [0, 1] for ``values`` of any shape.

        Example:
            >>> Window(2048, 4096)(np.array([-5, 0, 4095, 9000]))
            array([0., 0., 1., 1.], dtype=float32)
            >>> Window(100, 1)(np.array([99, 100]))  # the narrowest: a threshold at 99.5
            array([0., 1.], dtype=float32)
            >>> Window(10, 4, "SIGMOID")(np.array([10.0]))
            array([0.5], dtype=float32)
        """
        x = values.astype(np.float64)
        if self.function == "SIGMOID":
            y = 1 / (1 + np.exp(np.clip(-4 * (x - self.center) / self.width, -700, 700)))
        elif self.function == "LINEAR_EXACT":
            y = (x - self.center) / self.width + 0.5
        elif self.width == 1:
            y = np.where(x > self.center - 0.5, 1.0, 0.0)
        else:
            y = (x - (self.center - 0.5)) / (self.width - 1) + 0.5
        return np.clip(y, 0, 1).astype(np.float32)
