"""From an evaluator's output to what the FROC metric takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any


def detections_from_engine(
    box_key: Hashable = "pred_box",
    score_key: Hashable = "pred_score",
    truth_key: Hashable = "true_box",
    ignore_key: Hashable = "true_ignore_box",
) -> Callable[[Sequence[Mapping[Hashable, Any]]], tuple[list[tuple[Any, Any]], list[Any]]]:
    """Make the ``output_transform`` of :class:`lungdet.metrics.NoduleFROC` for a decollated output.

    A scan that has boxes to ignore (``ignore_key`` may be absent) hands them on, so that marks on them are not false.

    Example:
        >>> output = [{"pred_box": "boxes of a", "pred_score": "scores of a", "true_box": "truth of a"}]
        >>> detections_from_engine()(output)
        ([('boxes of a', 'scores of a')], ['truth of a'])
    """

    def pick(output: Sequence[Mapping[Hashable, Any]]) -> tuple[list[tuple[Any, Any]], list[Any]]:
        return [(item[box_key], item[score_key]) for item in output], [truth(item) for item in output]

    def truth(item: Mapping[Hashable, Any]) -> Any:
        if item.get(ignore_key) is None:
            return item[truth_key]
        return {"box": item[truth_key], "ignore_box": item[ignore_key]}

    return pick
