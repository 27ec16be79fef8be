"""From an evaluator's output to what the FROC metric takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any


def detections_from_engine(
    box_key: Hashable = "pred_box", score_key: Hashable = "pred_score", truth_key: Hashable = "true_box"
) -> Callable[[Sequence[Mapping[Hashable, Any]]], tuple[list[tuple[Any, Any]], list[Any]]]:
    """Make the ``output_transform`` of :class:`lungdet.metrics.NoduleFROC` for a decollated output.

    Example:
        >>> output = [{"pred_box": "boxes of a", "pred_score": "scores of a", "true_box": "truth of a"}]
        >>> detections_from_engine()(output)
        ([('boxes of a', 'scores of a')], ['truth of a'])
    """

    def pick(output: Sequence[Mapping[Hashable, Any]]) -> tuple[list[tuple[Any, Any]], list[Any]]:
        return [(item[box_key], item[score_key]) for item in output], [item[truth_key] for item in output]

    return pick
