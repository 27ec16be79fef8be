"""From the files of a data set to a training list: read, choose, split, check, write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lungdet.datalists import (
    PARTS,
    BuiltList,
    DeepLesionChoice,
    LidcChoice,
    ScanEntry,
    assign_folds,
    build_ct,
    build_deeplesion,
    build_lidc,
    build_luna16,
    build_tensorbox,
    datalist_content,
    find_leaks,
    read_patients,
    split_by_patient,
    summarise,
    write_datalist,
)
from lungdet.datalists.build_tensorbox import to_tensorbox
from lungdet.datalists.patients import uncovered_note
from lungdet.datalists.schema import KNOWN_LEAKS
from lungdet.datalists.summary import list_reasons
from lungdet.readers import AnnotationError, read_deeplesion, read_luna16, read_tensorbox, tensorbox_content
from lungdet.reports import write_files

from .deeplesion_volumes import write_deeplesion_volumes
from .targets import prepare_file, refuse_inputs

DEFAULT_SHARES = (0.8, 0.1, 0.1)
KINDS = ("lidc", "luna16", "deeplesion", "tensorbox", "ct")
WITH_PATTERN = ("tensorbox", "ct")


@dataclass(frozen=True)
class DatalistOptions:
    """How to make a list.

    Attributes:
        images: folder of the images; paths in the list are relative to it, and what has no image there is left out.
        shares: of training, validation and test; None takes the official split if there is one, else 80, 10 and 10.
        folds: number the training part for cross-validation; without ``shares`` everything is in that part. 0 for none,
            or for the official folds.
        seed: of the split.
        patients: CSV with ``patient_id,series_uid``, for labels that name no patients; TensorBox:
            ``patient_id,image_path``.
        patient_pattern: TensorBox, CT: a regular expression that finds the patient in an image path.
        reading: LIDC-IDRI with ``images``: options of :func:`lungdet.readers.read_ct`, such as
            ``{"on_gap": "interpolate"}``.
        lidc: LIDC-IDRI: what to make of the marks.
        deeplesion: DeepLesion: what to make of the lesions.
        deeplesion_png: DeepLesion: folder of its slices; the volumes in ``images`` that are not there are made of them.
        progress: show a progress bar, on a terminal only.
    """

    images: str | Path | None = None
    shares: tuple[float, float, float] | None = None
    folds: int = 0
    seed: int = 0
    patients: str | Path | None = None
    patient_pattern: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    lidc: LidcChoice = field(default_factory=LidcChoice)
    deeplesion: DeepLesionChoice = field(default_factory=DeepLesionChoice)
    deeplesion_png: str | Path | None = None
    progress: bool = True


@dataclass(frozen=True)
class DatalistResult:
    """What came of it.

    Attributes:
        path: the list.
        parts: its entries.
        problems: files, rows and images that were left out, and why.
        leaks: patients, studies, series or images that are in several parts or folds, as an official split has them.
        notes: what a user of the list should know.
        sources: what it was made of.
    """

    path: Path
    parts: dict[str, list[ScanEntry]]
    problems: tuple[str, ...]
    leaks: tuple[str, ...]
    notes: tuple[str, ...]
    sources: tuple[Path, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing was left out and nothing leaks."""
        return not self.problems and not self.leaks

    def __str__(self) -> str:
        blocks = [
            summarise(self.parts),
            list_reasons("left out", self.problems),
            list_reasons("leaks between parts or folds", self.leaks),
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(block for block in blocks if block)


def make_datalist(
    kind: str,
    sources: Sequence[str | Path],
    output: str | Path,
    options: DatalistOptions | None = None,
) -> DatalistResult:
    """Make a training list and write it.

    Args:
        kind: one of ``KINDS``.
        sources: ``ct``: volume files, and folders of them or of DICOM. ``luna16``: the folder of its CSV files.
            ``deeplesion``: ``DL_info.csv``. ``tensorbox``: lists; those
            named for train, val and test are an official split. ``lidc``: the XML files, as a folder or an archive.
        output: the JSON to write.
        options: how.

    Returns:
        What came of it; the list is written even if something had to be left out.

    Raises:
        AnnotationError: the labels cannot be read at all, or nothing is left of them.
        ValueError: the options do not fit the data, or the output is an input.
        OSError: a file cannot be read, or the output cannot be written.
    """
    options = options or DatalistOptions()
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if options.patients is not None and kind == "deeplesion":
        raise ValueError("DeepLesion names its patients: give no others")
    if options.patient_pattern and kind not in WITH_PATTERN:
        raise ValueError(f"a pattern of patients is for {' and '.join(WITH_PATTERN)}, not for {kind}")
    if options.patients is not None and kind == "ct":
        raise ValueError("of CT without labels, name the patients by a pattern")
    if options.reading and (kind != "lidc" or options.images is None):
        raise ValueError(f"{', '.join(options.reading)}: only a list of lidc with images reads CT; leave it out")
    inputs = (*sources, options.images, options.patients, options.deeplesion_png)
    prepare_file(output, [path for path in inputs if path is not None])
    built = _BUILDERS[kind](sources, options)
    if not built.entries:
        raise AnnotationError([_nothing(kind, sources, built.problems)])
    parts = split_entries(built, options)
    leaks = find_leaks(parts)
    content = datalist_content(
        built.name,
        parts,
        labels=dict(enumerate(built.labels)),
        options=_told(options, sources, built) | ({KNOWN_LEAKS: leaks} if leaks else {}),
        notes=built.notes,
    )
    write_datalist(output, content)
    return DatalistResult(Path(output), parts, built.problems, tuple(leaks), built.notes, tuple(map(Path, sources)))


def split_entries(built: BuiltList, options: DatalistOptions) -> dict[str, list[ScanEntry]]:
    """Split by the options: the shares given, else the official parts or folds, else folds, else 80, 10 and 10.

    Raises:
        ValueError: shares or folds are wanted of images whose patients are not known. By default such a list is not
            split: all is training.
    """
    entries = list(built.entries)
    if built.unknown_patients:
        _refuse_split(built, options)
    if options.shares is not None:
        parts = split_by_patient(entries, dict(zip(PARTS, options.shares, strict=True)), options.seed)
    elif built.official == "parts":
        parts = {part: [entry for entry in entries if entry.part == part] for part in PARTS}
    elif built.official == "folds" or options.folds or built.unknown_patients:
        parts = {"training": entries}
    else:
        parts = split_by_patient(entries, dict(zip(PARTS, DEFAULT_SHARES, strict=True)), options.seed)
    if options.folds:
        parts["training"] = assign_folds(parts["training"], options.folds, options.seed)
    elif options.shares is not None:
        parts = {part: [entry.in_fold(None) for entry in members] for part, members in parts.items()}
    return parts


def _refuse_split(built: BuiltList, options: DatalistOptions) -> None:
    if options.folds or sum(share > 0 for share in options.shares or ()) > 1:
        raise ValueError(
            f"the patients of {built.unknown_patients} of {len(built.entries)} images are not known, so a split would "
            "leak; give a CSV of patients, or a pattern that finds them in the names"
        )


def write_tensorbox(result: DatalistResult, folder: str | Path) -> list[Path]:
    """Write the parts of a list of 2D slices as ``train.json``, ``val.json`` and ``test.json`` for TensorBox.

    Raises:
        ValueError: the list is not of 2D slices, or was made of a file to write.
    """
    names = {"training": "train.json", "validation": "val.json", "test": "test.json"}
    contents = {
        names[part]: json.dumps(tensorbox_content(to_tensorbox(entries)), indent=1).encode("ascii")
        for part, entries in result.parts.items()
    }
    refuse_inputs([Path(folder) / name for name in contents], result.sources)
    write_files(folder, contents)
    return [Path(folder) / name for name in contents]


def _luna16(sources: Sequence[str | Path], options: DatalistOptions) -> BuiltList:
    data = read_luna16(_only(sources), options.images, strict=False)
    patients = None if options.patients is None else read_patients(options.patients)
    return build_luna16(data, options.images, patients, progress=_bar(options, "scan"))


def _deeplesion(sources: Sequence[str | Path], options: DatalistOptions) -> BuiltList:
    table = read_deeplesion(_only(sources), strict=False)
    problems: tuple[str, ...] = ()
    if options.deeplesion_png is not None:
        if options.images is None:
            raise ValueError("to make volumes of slices, name the folder for them: images")
        problems = write_deeplesion_volumes(
            table.lesions, options.deeplesion_png, options.images, progress=_bar(options, "volume")
        )
    built = build_deeplesion(table, options.images, options.deeplesion)
    return replace(built, problems=problems + built.problems)


def _tensorbox(sources: Sequence[str | Path], options: DatalistOptions) -> BuiltList:
    lists, problems = [], []
    for source in sources:
        try:
            lists.append(read_tensorbox(source, strict=False))
        except (AnnotationError, OSError) as error:
            problems.append(str(error))
    patients = None if options.patients is None else read_patients(options.patients, "image_path")
    built = build_tensorbox(lists, options.images, patients, options.patient_pattern)
    return replace(built, problems=(*problems, *built.problems))


def _lidc(sources: Sequence[str | Path], options: DatalistOptions) -> BuiltList:
    patients = None if options.patients is None else read_patients(options.patients)
    built = build_lidc(sources, options.images, patients, options.lidc, _bar(options, "series"), options.reading)
    note = () if patients is None else uncovered_note((entry.series_uid for entry in built.entries), patients)
    return replace(built, notes=built.notes + note)


def _ct(sources: Sequence[str | Path], options: DatalistOptions) -> BuiltList:
    return build_ct(sources, options.images, options.patient_pattern, progress=_bar(options, "CT"))


_BUILDERS: dict[str, Callable[[Sequence[str | Path], DatalistOptions], BuiltList]] = {
    "ct": _ct,
    "lidc": _lidc,
    "luna16": _luna16,
    "deeplesion": _deeplesion,
    "tensorbox": _tensorbox,
}


def _only(sources: Sequence[str | Path]) -> str | Path:
    if len(sources) != 1:
        raise ValueError(f"one source is wanted here, got {len(sources)}")
    return sources[0]


def _bar(options: DatalistOptions, unit: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    """Return what shows progress on a terminal."""

    def bar(items: Iterable[Any]) -> Iterable[Any]:
        from tqdm import tqdm

        shown: Iterable[Any] = tqdm(items, unit=unit, disable=None if options.progress else True)
        return shown

    return bar


def _nothing(kind: str, sources: Sequence[str | Path], problems: Sequence[str]) -> Any:
    from lungdet.readers import LabelProblem

    first = f"; the first of {len(problems)} problems: {problems[0]}" if problems else ""
    return LabelProblem(", ".join(map(str, sources)), None, f"nothing in it makes a list of {kind}{first}")


def _lidc_told(options: DatalistOptions) -> dict[str, Any]:
    return {
        "min_readers": options.lidc.min_readers,
        "level": options.lidc.level,
        "rule": asdict(options.lidc.rule),
        **options.reading,
    }


def _deeplesion_told(options: DatalistOptions) -> dict[str, Any]:
    return {
        key: sorted(value) if isinstance(value, (set, frozenset)) else value
        for key, value in asdict(options.deeplesion).items()
    }


_CHOSEN: dict[str, Callable[[DatalistOptions], dict[str, Any]]] = {"lidc": _lidc_told, "deeplesion": _deeplesion_told}


def _told(options: DatalistOptions, sources: Sequence[str | Path], built: BuiltList) -> dict[str, Any]:
    """Options as the list tells them; names of files without their folders."""
    default = "none, for patients are not known" if built.unknown_patients else "default"
    return {
        "sources": [Path(source).name for source in sources],
        "split": "shares" if options.shares is not None else built.official or default,
        "shares": list(options.shares or DEFAULT_SHARES),
        "folds": options.folds,
        "seed": options.seed,
        **_CHOSEN.get(built.name, lambda options: {})(options),
    }
