"""``lungdet score``: which part of the body CT studies show."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain, messages_above_the_bar
from .study_options import add_source_arguments

if TYPE_CHECKING:
    from lungdet.workflows.score_studies import ScoredStudy

logger = logging.getLogger("lungdet.score")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Score every slice by its height in the trunk, say on one line what a scan covers, and write score.json, "
        "slices.csv and score.png into a folder for each study, and scores.csv for all. What does not fit (gaps, "
        "slices in the wrong order or of elsewhere, a scan that is upside down or holds no lung) is flagged, and told "
        "on the error stream; the exit code is 1 only where a study could not be read."
    )
    add_source_arguments(parser, "body_part_regressor")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing; then matplotlib is not needed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Score every study; 1 if a study failed."""
    from lungdet.workflows import score

    with messages_above_the_bar():
        summary = score(
            options.ct,
            options.output,
            bundle=options.bundle,
            device=options.device,
            series=options.series,
            choose=None if options.choose == "none" else options.choose,
            plot=not options.no_plot,
            on_result=_print_result,
        )
    for study in summary.failed:
        complain(study.error if study.source in study.error else f"{study.source}: {study.error}")
    return EXIT_FAILED if summary.failed else EXIT_OK


def _print_result(study: ScoredStudy) -> None:
    from tqdm import tqdm

    from lungdet.readers.plain_text import printable
    from lungdet.reports.scan_score_files import flag_line, score_line

    if study.scan is None:
        return
    tqdm.write(f"{score_line(study.scan)}; results: {study.folder}")
    for flag in study.scan.flags:
        logger.warning("%s: %s", printable(study.source), flag_line(study.scan, flag))
