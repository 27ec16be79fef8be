"""``lungdet bundle``: where the shipped bundles are."""

from __future__ import annotations

import argparse
from pathlib import Path

from .exit_codes import EXIT_OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("name", metavar="NAME", help="name of a shipped bundle, such as nodule_detector")
    parser.add_argument("--copy-to", metavar="DIR", help="copy the bundle to this new folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the folder of a bundle, or copy it."""
    import shutil

    from lungdet.workflows.bundle import bundle_root

    root = bundle_root(options.name)
    if options.copy_to is not None:
        unwanted = shutil.ignore_patterns("eval", "runs", "__pycache__")  # what runs in a checkout leave behind
        root = Path(shutil.copytree(root, options.copy_to, ignore=unwanted))
    print(root)
    return EXIT_OK
