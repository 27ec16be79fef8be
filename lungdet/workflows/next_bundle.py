"""Hand what was routed on to the bundles that the rules name."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lungdet.records import RoutedFile

from .bundle import CONFIG_FILES, BundleError, bundle_root

RESULTS = "results"


@dataclass(frozen=True)
class NextStep:
    """One folder of a destination that a bundle is to see.

    Attributes:
        folder: relative to the destination.
        bundle: name or folder of the bundle.
        files: how many files are in it.
    """

    folder: str
    bundle: str
    files: int

    def command(self, destination: str | Path) -> str:
        """Return the command line that does the same as :func:`run_next`, quoted for a shell of POSIX."""
        source, output = Path(destination) / self.folder, Path(destination) / RESULTS / self.folder
        if reads_ct(self.bundle):
            words = ["detect", source, "-o", output]
        else:
            words = ["label", source, "--csv", output / "labels.csv"]
        return shlex.join(["lungdet", *map(str, words), "--bundle", self.bundle])


def next_steps(files: Iterable[RoutedFile]) -> list[NextStep]:
    """List the folders that have a next bundle.

    Example:
        >>> routed = RoutedFile("a", decision="answer", folder="ct", target="ct/a", next_bundle="nodule_detector")
        >>> next_steps([routed, routed, RoutedFile("b")])
        [NextStep(folder='ct', bundle='nodule_detector', files=2)]
    """
    counts: dict[tuple[str, str], int] = {}
    for routed in files:
        if routed.target and routed.next_bundle:
            key = (routed.folder, routed.next_bundle)
            counts[key] = counts.get(key, 0) + 1
    return [NextStep(folder, bundle, count) for (folder, bundle), count in sorted(counts.items())]


def run_next(step: NextStep, destination: str | Path) -> bool:
    """Run a bundle on a folder, and write into ``results/<folder>`` of the destination.

    Returns:
        Whether all went well; what did not is in the results.

    Raises:
        BundleError: the bundle cannot be used.
        OSError: nothing can be written there.
    """
    from .label_radiographs import label
    from .many_studies import detect

    source, output = Path(destination) / step.folder, Path(destination) / RESULTS / step.folder
    if reads_ct(step.bundle):
        found = detect([source], output, bundle=step.bundle)
        return not found.failed and not found.problem
    return not label([source], bundle=step.bundle, csv=output / "labels.csv", json=output / "labels.json").failed


def reads_ct(bundle: str | Path) -> bool:
    """Tell whether a bundle detects in CT; else it labels radiographs.

    Raises:
        BundleError: it does neither, or there is no such bundle.
    """
    root = bundle_root(bundle)
    paths = [root / "configs" / name for name in CONFIG_FILES]
    settings = "".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())
    for loader, is_ct in (("lungdet.transforms.LoadCTd", True), ("lungdet.transforms.LoadRadiographd", False)):
        if loader in settings:
            return is_ct
    raise BundleError(
        f"{root}: its settings name neither LoadCTd nor LoadRadiographd, so it is not known what it reads"
    )
