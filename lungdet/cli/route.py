"""``lungdet route``: radiographs to folders, by what they show."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .exit_codes import EXIT_FAILED, EXIT_OK
from .label import add_bundle_arguments, complain_of_file
from .messages import messages_above_the_bar

if TYPE_CHECKING:
    from lungdet.records import RoutedFile
    from lungdet.workflows import RouteSummary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Copy each radiograph to the folder of DEST that the rules name, and write DEST/manifest.csv and "
        "DEST/route.html, which shows where header and picture disagree. Originals are only read, nothing is "
        "overwritten, and a run that was stopped goes on when it is started again. Ends with 1 if a file failed."
    )
    parser.add_argument("source", nargs="+", metavar="FOLDER", help="a folder, file, or glob in quotes")
    parser.add_argument("--rules", required=True, metavar="YAML", help="what goes where; checked before the first file")
    parser.add_argument("--to", required=True, metavar="DEST", help="folder for copies, manifest and page")
    parser.add_argument("--link", action="store_true", help="make hard links where the disk can, instead of copies")
    parser.add_argument(
        "--run-next", action="store_true", help="then run the bundles that the rules name, into DEST/results"
    )
    add_bundle_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Route every file; 1 if one failed."""
    from lungdet.workflows import route

    with messages_above_the_bar():
        summary = route(
            options.source,
            options.rules,
            options.to,
            bundle=options.bundle,
            device=options.device,
            link=options.link,
            workers=options.workers,
            batch_size=options.batch_size,
            on_result=_complain,
        )
    print(_count(summary.files))
    print(f"{summary.new} new, {len(summary.files) - summary.new} done before")
    good = _go_on(summary, options.to, options.run_next)
    print(f"manifest: {summary.manifest}\npage: {summary.page}")
    return EXIT_FAILED if summary.failed or not good else EXIT_OK


def _complain(routed: RoutedFile) -> None:
    if routed.error:
        complain_of_file(routed.file, routed.error)


def _count(files: Sequence[RoutedFile]) -> str:
    """Say how many files each folder got."""
    counts: dict[str, int] = {}
    for routed in files:
        name = routed.folder if routed.target else "(failed)"
        counts[name] = counts.get(name, 0) + 1
    disagree = sum(routed.agreement == "disagree" for routed in files)
    lines = [f"{count:7d}  {name}" for name, count in sorted(counts.items())]
    return "\n".join([*lines, f"{disagree:7d}  with another body part in the header than the picture shows"])


def _go_on(summary: RouteSummary, destination: str, run_them: bool) -> bool:
    """Run the next bundles, or say how."""
    from lungdet.workflows.next_bundle import next_steps, run_next

    good = True
    for step in next_steps(summary.files):
        print(f"{'next' if run_them else 'to do'}: {step.command(destination)}", flush=True)
        good = (not run_them or run_next(step, destination)) and good
    return good
