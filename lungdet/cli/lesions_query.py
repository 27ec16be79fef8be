"""``lungdet lesions embed`` and ``lungdet lesions query``: which lesions look alike."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lungdet.counted import counted

from .exit_codes import EXIT_FAILED, EXIT_OK
from .label import positive
from .messages import complain, messages_above_the_bar, warn

MOST_LINES = 10  # of problems, before a count
BUNDLE_HELP = "name or folder of a bundle that you trust: its settings run code"


def add_embed_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of ``embed``."""
    parser.description = (
        "Give each lesion of a DL_info.csv a vector, so that lesions alike in type, place and size are near each "
        "other. A lesion whose slice is missing or cannot be read is one line on the error stream, of which ten are "
        "shown; the others are written, and the exit code is then 1."
    )
    parser.add_argument("table", metavar="DL_INFO", help="DL_info.csv, or its folder")
    parser.add_argument("--images", required=True, metavar="DIR", help="Images_png, with a folder for each series")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.npz", help="file of lesions and vectors")
    parser.add_argument(
        "--part", choices=("train", "validation", "test"), help="of the official split; all if not given"
    )
    parser.add_argument("--bundle", default="lesion_embedding", help=BUNDLE_HELP)
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")
    parser.set_defaults(run=run_embed)


def add_query_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments of ``query``."""
    parser.description = (
        "Print the lesions of other patients that look most like one: place, distance, key, type and size, with tabs "
        "between them. No patient answers twice."
    )
    parser.add_argument("collection", metavar="LESIONS.npz", help="what 'lungdet lesions embed' wrote")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--lesion", metavar="KEY", help="one of the collection: 000001_01_01_109.png#0")
    which.add_argument(
        "--image", metavar="PNG", type=Path,
        help="16-bit slice of another lesion; needs --recist. The numbers of slices beside it must rise to the feet",
    )  # fmt: skip
    parser.add_argument(
        "--recist", nargs=8, type=float, metavar="N",
        help="x and y of the long axis' two ends, then of the short one's, in pixels; the first pixel is 1",
    )  # fmt: skip
    parser.add_argument(
        "--spacing-mm", nargs=3, type=float, metavar=("X", "Y", "Z"),
        help="pixel size and distance of slices; not needed if the series is in the collection",
    )  # fmt: skip
    parser.add_argument(
        "--patient", metavar="NAME",
        help="of --image, who then does not answer; not needed if its folder is named as DeepLesion's are",
    )  # fmt: skip
    parser.add_argument("-k", dest="count", type=positive, default=10, metavar="K", help="answers (default: 10)")
    parser.add_argument("-o", "--output", metavar="OUT", help="folder for answers.csv, answers.json and sheet.png")
    parser.add_argument("--images", metavar="DIR", help="Images_png of the collection, for the sheet of pictures")
    parser.add_argument("--same-patient-twice", action="store_true", help="let a patient answer more than once")
    parser.add_argument("--bundle", default="lesion_embedding", help=BUNDLE_HELP + "; for --image only")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")
    parser.set_defaults(run=run_query, usage_error=parser.error)


def run_embed(options: argparse.Namespace) -> int:
    """Embed the lesions of a table; 1 if one failed."""
    from lungdet.workflows.embedded_table import embed_table

    with messages_above_the_bar():
        embedded = embed_table(
            options.table,
            options.images,
            options.output,
            part=options.part,
            bundle=options.bundle,
            device=options.device,
        )
    for problem in embedded.problems[:MOST_LINES]:
        complain(problem)
    if len(embedded.problems) > MOST_LINES:
        complain(f"and {len(embedded.problems) - MOST_LINES} more like these")
    if embedded.without_neighbours:
        what = "the nearest that are there stood in, which moves their vectors a little"
        warn(f"{counted(embedded.without_neighbours, 'lesion')} without neighbour slices; {what}")
    print(embedded)
    return EXIT_FAILED if embedded.problems else EXIT_OK


def run_query(options: argparse.Namespace) -> int:
    """Ask for lesions that look alike; 1 if a picture could not be read."""
    if (options.image is None) != (options.recist is None):
        options.usage_error("--image and --recist belong together: the slice, and the diameters marked on it")
    if options.patient is not None and options.image is None:
        options.usage_error("--patient tells whose --image it is; of --lesion it is known")
    from lungdet.readers.deeplesion_mark import MarkedSlice
    from lungdet.reports.similar_files import similar_line
    from lungdet.workflows.similar_lesions import query_lesions

    question = options.lesion
    if question is None:
        spacing = tuple(options.spacing_mm) if options.spacing_mm else None
        question = MarkedSlice(options.image, tuple(options.recist), spacing)
    found = query_lesions(
        options.collection,
        question,
        count=options.count,
        output=options.output,
        images_dir=options.images,
        bundle=options.bundle,
        device=options.device,
        one_a_patient=not options.same_patient_twice,
        patient=options.patient or "",
    )
    for answer in found.answers:
        print(similar_line(answer))
    for problem in found.problems:
        complain(problem)
    if len(found.answers) < options.count:
        complain(f"{len(found.answers)} answers, not {options.count}: there are no more patients to answer")
    if found.written:
        print(f"lungdet: written: {', '.join(map(str, found.written))}", file=sys.stderr)
    return EXIT_FAILED if found.problems else EXIT_OK
