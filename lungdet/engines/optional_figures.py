"""Figures of an evaluation, which is worth having without them: where they cannot be drawn, that is logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from lungdet.reports.history import draw_history, read_history
from lungdet.reports.score_figures import MissingPlotsError, require_matplotlib

logger = logging.getLogger(__name__)


def figures_of(draw: Callable[[], dict[str, bytes]]) -> dict[str, bytes]:
    """Return what ``draw`` returns, files by name; without matplotlib there are none."""
    try:
        require_matplotlib()
    except MissingPlotsError as error:
        logger.warning("no figures are drawn: %s", error)
        return {}
    return draw()


def draw_loss(history: str | Path | None) -> dict[str, bytes]:
    """Make ``loss.png`` from the table that a training wrote; nothing where there is none that can be read."""
    if history is None or not Path(history).is_file():
        return {}
    try:
        return {"loss.png": draw_history(read_history(history))["png"]}
    except ValueError as error:  # no reason to lose the scores
        logger.warning("no loss.png: %s", error)
        return {}
