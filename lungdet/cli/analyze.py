"""``lungdet analyze``: CT studies to measured and classified findings."""

from __future__ import annotations

import argparse

from .messages import messages_above_the_bar
from .number_types import real
from .study_options import add_study_arguments, study_settings, tell_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Find nodules as `lungdet detect` does, measure the lungs and each nodule, say of which type it is and how "
        "readers would rate it, and how likely the scan has the label of the model of scan risk. What has no weights "
        "is left out, and told. Nothing of it is a diagnosis."
    )
    add_study_arguments(parser)
    parser.add_argument(
        "--findings", metavar="PATH",
        help="take the marks of an earlier run, a findings.json or its folder, in place of a detector; with no option "
        "that is for one",
    )  # fmt: skip
    parser.add_argument(
        "--prior",
        metavar="PATH",
        help="findings.json of an analyzed earlier scan, or the folder that holds it alone, to tell what has grown",
    )
    parser.add_argument(
        "--prior-days", type=real(positive=True), metavar="DAYS", help="days that have passed since that scan"
    )
    parser.add_argument(
        "--prior-anyway",
        action="store_true",
        help="compare also with a scan that is of another patient, of the same study or later, by what the files say",
    )
    parser.add_argument(
        "--filter", action="store_true",
        help="score marks by detector and classifier together, and drop the unlikely, if the classifier has a filter "
        "for this detector; the shipped one has none",
    )  # fmt: skip
    for name, bundle, what in (
        ("--classifier", "nodule_classifier", "a nodule classifier"),
        ("--risk", "scan_risk", "a model of the whole scan"),
    ):
        parser.add_argument(
            name, default=bundle, metavar="BUNDLE",
            help=f"name or folder of the bundle of {what} that you trust (default {bundle}); none asks none",
        )  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Analyze every study; 1 if a study failed."""
    from lungdet.workflows import analyze

    with messages_above_the_bar():
        summary = analyze(
            options.ct,
            options.output,
            findings=options.findings,
            prior=options.prior,
            prior_days=options.prior_days,
            prior_anyway=options.prior_anyway,
            filter_marks=options.filter,
            classifier=None if options.classifier == "none" else options.classifier,
            risk=None if options.risk == "none" else options.risk,
            min_score=options.min_score,
            **study_settings(options),
        )
    return tell_summary(summary, options.output)
