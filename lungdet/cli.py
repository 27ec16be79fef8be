"""The command line. Everything heavy is imported inside the commands: ``lungdet --help`` must stay quick."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__

if TYPE_CHECKING:
    from lungdet.workflows import StudyResult

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line, without the program's name; those of this process if None.

    Returns:
        0; 1 if something failed; 130 if interrupted. Wrong usage leaves with 2.
    """
    options = build_parser().parse_args(arguments)
    _be_quiet(options.debug)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("lungdet: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # `lungdet series ... | head`: nothing is wrong, and nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        if options.debug:
            raise
        _complain(str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}")
        return EXIT_FAILED


def build_parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    parser = argparse.ArgumentParser(prog="lungdet", description="Find lung nodules in chest CT. Not for clinical use.")
    parser.add_argument("--version", action="version", version=f"lungdet {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="show tracebacks and all messages")
    _add_detect(commands.add_parser("detect", parents=[common], help="find nodules in CT studies, and write reports"))
    _add_series(commands.add_parser("series", parents=[common], help="list the series that can be read"))
    _add_phantom(
        commands.add_parser("phantom", parents=[common], help="write a synthetic chest CT as DICOM, with truth")
    )
    _add_bundle(commands.add_parser("bundle", parents=[common], help="say where a shipped bundle is, or copy it"))
    return parser


def _add_detect(parser: argparse.ArgumentParser) -> None:
    parser.description = "Find nodules, and write a folder with JSON, CSV, HTML and pictures for each study."
    parser.add_argument(
        "ct", nargs="+", metavar="CT", help="a DICOM folder or file, or a NIfTI, MetaImage or NRRD file"
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for the results")
    parser.add_argument(
        "--bundle", default="nodule_detector", help="name or folder of a bundle that you trust: its settings run code"
    )
    parser.add_argument("--series", metavar="UID", help="which series to read, or the unique beginning of its UID")
    parser.add_argument(
        "--choose", choices=("thinnest", "none"), default="thinnest",
        help="of several series take the thinnest axial one of each study (default), or refuse",
    )  # fmt: skip
    parser.add_argument(
        "--on-gap", choices=("error", "interpolate"), default="error", help="what to do about missing slices"
    )
    parser.add_argument("--on-tilt", choices=("error", "resample"), default="error", help="... about a tilted gantry")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ...; the bundle decides if it is not given")
    parser.add_argument("--min-score", type=_fraction, metavar="S", help="leave out findings below this score, 0 to 1")
    parser.add_argument("--pictures", type=int, default=10, metavar="N", help="draw the first N findings (default 10)")
    parser.set_defaults(run=_detect)


def _add_series(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ct", nargs="+", metavar="CT", help="a folder or file")
    parser.set_defaults(run=_series)


def _add_phantom(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write OUT/dicom, and the true nodules as OUT/truth.json and OUT/truth.csv."
    parser.add_argument("output", metavar="OUT", help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="which chest (default 0)")
    parser.add_argument(
        "--spacing", type=float, nargs=3, default=(1.0, 1.0, 1.5), metavar="MM", help="voxel size x y z"
    )
    parser.add_argument("--size", type=int, nargs=3, default=(352, 352, 200), metavar="N", help="voxels along x y z")
    parser.set_defaults(run=_phantom)


def _add_bundle(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a shipped bundle, such as nodule_detector")
    parser.add_argument("--copy-to", metavar="DIR", help="copy the bundle to this new folder")
    parser.set_defaults(run=_bundle)


def _detect(options: argparse.Namespace) -> int:
    from .workflows import detect

    overrides = {} if options.min_score is None else {"min_score": options.min_score}
    with _messages_above_the_bar():
        summary = detect(
            options.ct,
            options.output,
            bundle=options.bundle,
            device=options.device,
            series=options.series,
            choose=None if options.choose == "none" else options.choose,
            on_gap=options.on_gap,
            on_tilt=options.on_tilt,
            overrides=overrides,
            max_pictures=options.pictures,
            on_result=_print_result,
        )
    for study in summary.failed:
        _complain(study.error if study.source in study.error else f"{study.source}: {study.error}")
    if len(summary.studies) > 1:
        print(f"{len(summary.reports)} of {len(summary.studies)} studies, summary: {options.output}/summary.csv")
    return EXIT_FAILED if summary.failed else EXIT_OK


def _series(options: argparse.Namespace) -> int:
    from .readers import list_series

    code = EXIT_OK
    for source in options.ct:
        candidates = list_series(source)
        print(f"{source}: {len(candidates)} series")
        for candidate in candidates:
            print(f"  {candidate}")
        code = code if candidates else EXIT_FAILED
    return code


def _phantom(options: argparse.Namespace) -> int:
    from .phantoms import make_chest, write_dicom_series, write_truth

    folder = Path(options.output)
    chest = make_chest(options.seed, spacing_mm=tuple(options.spacing), shape=tuple(options.size))
    info = write_dicom_series(chest.volume, folder / "dicom", seed=options.seed)
    write_truth(chest.nodules, info.series_uid, folder / "truth.json", folder / "truth.csv", image="dicom")
    print(
        f"{len(info.slice_uids)} slices in {folder / 'dicom'}, {len(chest.nodules)} nodules in {folder / 'truth.csv'}"
    )
    return EXIT_OK


def _bundle(options: argparse.Namespace) -> int:
    import shutil

    from .workflows.bundle import bundle_root

    root = bundle_root(options.name)
    if options.copy_to is not None:
        unwanted = shutil.ignore_patterns("eval", "runs", "__pycache__")  # what runs in a checkout leave behind
        root = Path(shutil.copytree(root, options.copy_to, ignore=unwanted))
    print(root)
    return EXIT_OK


def _print_result(study: StudyResult) -> None:
    from .reports import report_to_text

    if study.report is not None:
        print(f"{report_to_text(study.report)}, report: {study.page}", flush=True)


def _fraction(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, got {text}")
    return value


def _complain(message: str) -> None:
    """Put an error on one line, but for the lists that some errors carry."""
    print(f"lungdet: error: {message}", file=sys.stderr)


def _be_quiet(debug: bool) -> None:
    """Show the readers' warnings in one form, and hide those that other packages address to developers."""
    logging.basicConfig(level=logging.WARNING, format="lungdet: %(levelname)s: %(message)s")
    if debug:
        logging.getLogger("lungdet").setLevel(logging.DEBUG)
    else:
        warnings.filterwarnings("ignore", module=r"(?!lungdet)")


def _messages_above_the_bar() -> AbstractContextManager[Any]:
    from tqdm.contrib.logging import logging_redirect_tqdm

    redirect: AbstractContextManager[Any] = logging_redirect_tqdm()
    return redirect
