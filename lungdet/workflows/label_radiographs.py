"""Say of radiographs what they show: a few, or a whole archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lungdet.records import LabelledFile
from lungdet.reports import labels_to_csv, labels_to_json, write_files

from .radiograph_files import Source, find_radiographs
from .radiograph_labeller import BUNDLE, RadiographLabeller
from .targets import prepare_file


@dataclass(frozen=True)
class LabelSummary:
    """All files of one run, in their order.

    Attributes:
        files: one record each; a source in which nothing could be found is among them, with its error.
    """

    files: tuple[LabelledFile, ...]

    @property
    def failed(self) -> tuple[LabelledFile, ...]:
        """Files that could not be read."""
        return tuple(labelled for labelled in self.files if labelled.error)


def label(
    sources: Source | Iterable[Source],
    *,
    bundle: str | Path = BUNDLE,
    device: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    csv: str | Path | None = None,
    json: str | Path | None = None,
    top: int = 5,
    workers: int | None = None,
    batch_size: int = 16,
    progress: bool = True,
    on_result: Callable[[LabelledFile], None] | None = None,
) -> LabelSummary:
    """Label radiographs. A file that cannot be read is reported, and the rest go on.

    Args:
        sources: files, folders and globs; a file counts once.
        bundle: name of a shipped bundle, or the root of another one that you trust.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of other settings of the bundle, by id; values, not expressions.
        csv: file to write, with the columns ``file,label,probability,seconds,decision``.
        json: file to write, with everything that is known.
        top: most probable classes of each file that go into ``json``.
        workers: threads that read; by default one for each processor.
        batch_size: pictures that the network sees at once.
        progress: show a bar, if the error stream is a terminal.
        on_result: called with each file as soon as it is labelled.

    Returns:
        The files. ``csv`` and ``json`` are written at the end, and when the run is interrupted.

    Raises:
        BundleError: the bundle cannot be used.
        ValueError: a number is out of range, or ``csv`` or ``json`` is one of the files to read, or both are the same.
        OSError: they cannot be written; this is known before the work begins.
    """
    from tqdm import tqdm

    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    if csv is not None and json is not None and Path(csv).resolve() == Path(json).resolve():
        raise ValueError(f"{csv}: CSV and JSON cannot be one file; name two")
    files, problems = find_radiographs(sources)
    targets = [prepare_file(path, files) for path in (csv, json) if path is not None]
    labeller = RadiographLabeller(bundle, device, overrides)
    done = [LabelledFile(source, 0.0, error=problem) for source, problem in problems.items()]
    if on_result is not None:
        for labelled in done:
            on_result(labelled)
    try:
        stream = labeller(files, workers=workers, batch_size=batch_size, top=top)
        for labelled in tqdm(stream, total=len(files), unit="file", disable=None if progress else True):
            done.append(labelled)
            if on_result is not None:
                on_result(labelled)
    finally:
        if csv is not None:
            _write(targets[0], labels_to_csv(done))
        if json is not None:
            _write(targets[-1], labels_to_json(done, labeller.model, labeller.router.class_list.names, top))
    return LabelSummary(tuple(done))


def _write(path: Path, content: bytes) -> None:
    write_files(path.parent, {path.name: content})
