"""``lungdet detect``: CT studies to reports."""

from __future__ import annotations

import argparse

from .messages import messages_above_the_bar
from .study_options import add_study_arguments, study_settings, tell_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = "Find nodules, and write a folder with JSON, CSV, HTML and pictures for each study."
    add_study_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Find nodules in every study; 1 if a study failed."""
    from lungdet.workflows import detect

    settings = study_settings(options)
    if options.min_score is not None:
        settings["overrides"]["min_score"] = options.min_score
    with messages_above_the_bar():
        summary = detect(options.ct, options.output, **settings)
    return tell_summary(summary, options.output)
