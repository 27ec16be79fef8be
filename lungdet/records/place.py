"""Points, boxes and affines as plain tuples, for records without NumPy."""

from __future__ import annotations

Point = tuple[float, float, float]
Box = tuple[float, float, float, float, float, float]
Affine = tuple[tuple[float, float, float, float], ...]
