"""``lungdet label``: what radiographs show."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from .exit_codes import EXIT_FAILED, EXIT_OK
from .messages import complain, messages_above_the_bar
from .number_types import whole

if TYPE_CHECKING:
    from lungdet.records import LabelledFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Print FILE, label, probability and seconds for each radiograph, with tabs between them. Where the router is "
        "not sure enough, or the picture is none of those that it knows, the label is 'review'. A file that cannot be "
        "read is one line on the error stream, and the exit code is then 1."
    )
    parser.add_argument(
        "file", nargs="+", metavar="FILE", help="DICOM, PNG, JPEG, BMP, GIF or TIFF; a folder, or a glob in quotes"
    )
    parser.add_argument("--csv", metavar="OUT", help="also write file,label,probability,seconds,decision")
    parser.add_argument("--json", metavar="OUT", help="also write everything, with the most probable classes")
    parser.add_argument(
        "--top", type=positive, metavar="N",
        help="append the N most probable classes to each line, and put so many into the JSON (default there: 5)",
    )  # fmt: skip
    add_bundle_arguments(parser)
    parser.set_defaults(run=run)


def add_bundle_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe what opens a router's bundle and reads files for it."""
    parser.add_argument(
        "--bundle", default="body_part_router", help="name or folder of a bundle that you trust: its settings run code"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")
    parser.add_argument("--workers", type=whole(), metavar="N", help="threads that read (default: one a processor)")
    parser.add_argument(
        "--batch-size", type=positive, default=16, metavar="N", help="pictures that the network sees at once"
    )


def run(options: argparse.Namespace) -> int:
    """Label every file; 1 if one failed."""
    from lungdet.workflows import label

    with messages_above_the_bar():
        summary = label(
            options.file,
            bundle=options.bundle,
            device=options.device,
            csv=options.csv,
            json=options.json,
            top=options.top or 5,
            workers=options.workers,
            batch_size=options.batch_size,
            on_result=_printer(options.top or 0),
        )
    return EXIT_FAILED if summary.failed else EXIT_OK


def _printer(top: int) -> Callable[[LabelledFile], None]:
    from tqdm import tqdm

    from lungdet.reports import label_line

    def show(labelled: LabelledFile) -> None:
        if labelled.error:
            complain_of_file(labelled.file, labelled.error)
        else:
            tqdm.write(label_line(labelled, top))

    return show


def complain_of_file(file: str, error: str) -> None:
    """Name a bad file and what is wrong with it, on one line."""
    from tqdm import tqdm

    from lungdet.readers.plain_text import printable
    from lungdet.reports.escaped_name import escaped_name

    for name in (file, printable(file)):
        error = error.removeprefix(f"{name}: ").removesuffix(f": {name!r}")
    message = f"{escaped_name(file)}: {error}"
    with tqdm.external_write_mode():  # above the bar
        complain(" ".join(message.split()))


def positive(text: str) -> int:
    """Read a number of 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value
