"""A ``DL_info.csv`` and its images to a file of embedded lesions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lungdet.counted import counted
from lungdet.lesions import load_embedded, save_embedded
from lungdet.readers import read_deeplesion

from .lesion_embedder import BUNDLE, LesionEmbedder, embed_lesions
from .lesion_source import lesion_source
from .neighbour_slices import lacks_neighbours
from .new_output import new_output
from .slice_folder import slice_folder
from .targets import prepare_file

ENDING = ".npz"


@dataclass(frozen=True)
class EmbeddedTable:
    """What became of a table.

    Attributes:
        output: the file that was written.
        lesions: how many have a vector.
        patients: how many have such a lesion.
        problems: rows that are faulty, and lesions without a slice that can be read.
        without_neighbours: how many have a vector, but lack slices beside their own that the table says there are.
    """

    output: Path
    lesions: int
    patients: int
    problems: tuple[str, ...]
    without_neighbours: int = 0

    def __str__(self) -> str:
        told = f"{self.output}: {counted(self.lesions, 'lesion')} of {counted(self.patients, 'patient')}"
        return f"{told}; {len(self.problems)} left out" if self.problems else told


def embed_table(
    labels: str | Path,
    images_dir: str | Path,
    output: str | Path,
    *,
    part: str | None = None,
    bundle: str | Path = BUNDLE,
    device: str | None = None,
) -> EmbeddedTable:
    """Embed the lesions of a table, and write them with their vectors.

    Args:
        labels: ``DL_info.csv``, or the folder that it is in.
        images_dir: its ``Images_png``.
        output: ``.npz`` to write; what is there is replaced only if it is such a file.
        part: ``"train"``, ``"validation"`` or ``"test"`` of the official split; all if None.
        bundle: name or root of an embedding bundle.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.

    Raises:
        ValueError: the table, the folder, the bundle or the output cannot be used, or no lesion could be embedded.
        OSError: the output cannot be written; this is known before the work begins.
    """
    source = lesion_source(labels)
    _refuse_other_file(Path(output))
    with new_output(Path(output).parent):
        target = prepare_file(output, [source])
        return _embed(source, images_dir, target, part, bundle, device)


def _embed(
    source: Path, images_dir: str | Path, target: Path, part: str | None, bundle: str | Path, device: str | None
) -> EmbeddedTable:
    table = read_deeplesion(source, strict=False)
    rows = [row for row, lesion in enumerate(table.lesions) if part is None or lesion.split == part]
    problems = [str(problem) for problem in table.problems]
    if not rows:
        raise ValueError(f"{source}: holds no lesions{f' of part {part}' if part else ''}; name another table or part")
    images = slice_folder(images_dir, (table.lesions[row].png_path for row in rows))
    embedder = LesionEmbedder(bundle, device)
    result = embed_lesions(table, images, embedder, rows=rows)
    problems += [f"{problem.key}: {problem.error}" for problem in result.problems]
    if not len(result.lesions):
        raise ValueError(f"{source}: none of {len(rows)} lesions could be embedded; the first: {problems[0]}")
    save_embedded(result.lesions, target)
    left_out = {problem.key for problem in result.problems}
    keys = table.keys
    kept = (table.lesions[row] for row in rows if keys[row] not in left_out)
    lacking = sum(lacks_neighbours(lesion, images, embedder.gap_mm) for lesion in kept)
    patients = len(set(result.lesions.patient.tolist()))
    return EmbeddedTable(target, len(result.lesions), patients, tuple(problems), lacking)


def _refuse_other_file(output: Path) -> None:
    """Refuse a name that is none of a file of lesions, and a file that is another's."""
    if output.suffix != ENDING:
        example = output.parent / f"lesions{ENDING}"
        raise ValueError(f"{output}: does not end with {ENDING}; name a file such as {example}")
    if output.is_file():
        try:
            load_embedded(output)
        except ValueError as error:
            what = "is there, and is no file of 'lungdet lesions embed'"
            raise ValueError(f"{output}: {what}; name another, or remove it") from error
