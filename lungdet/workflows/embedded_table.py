"""A ``DL_info.csv`` and its images to a file of embedded lesions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lungdet.lesions import save_embedded
from lungdet.readers import read_deeplesion

from .lesion_embedder import BUNDLE, LesionEmbedder, embed_lesions
from .targets import prepare_file


@dataclass(frozen=True)
class EmbeddedTable:
    """What became of a table.

    Attributes:
        output: the file that was written.
        lesions: how many have a vector.
        patients: how many have such a lesion.
        problems: rows that are faulty, and lesions without a slice that can be read.
    """

    output: Path
    lesions: int
    patients: int
    problems: tuple[str, ...]

    def __str__(self) -> str:
        told = f"{self.output}: {self.lesions} lesions of {self.patients} patients"
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
        labels: ``DL_info.csv``.
        images_dir: its ``Images_png``.
        output: ``.npz`` to write.
        part: ``"train"``, ``"validation"`` or ``"test"`` of the official split; all if None.
        bundle: name or root of an embedding bundle.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.

    Raises:
        ValueError: the table, the folder, the bundle or the output cannot be used, or no lesion could be embedded.
        OSError: the output cannot be written; this is known before the work begins.
    """
    if not Path(images_dir).is_dir():
        raise ValueError(f"{images_dir}: no such folder of images; unpack the zips of Images_png there")
    target = prepare_file(output, [labels])
    table = read_deeplesion(labels, strict=False)
    rows = [row for row, lesion in enumerate(table.lesions) if part is None or lesion.split == part]
    problems = [str(problem) for problem in table.problems]
    if not rows:
        raise ValueError(f"{labels}: holds no lesions{f' of part {part}' if part else ''}; name another table or part")
    result = embed_lesions(table, images_dir, LesionEmbedder(bundle, device), rows=rows)
    problems += [f"{problem.key}: {problem.error}" for problem in result.problems]
    if not len(result.lesions):
        raise ValueError(f"{labels}: none of {len(rows)} lesions could be embedded; the first: {problems[0]}")
    save_embedded(result.lesions, target)
    return EmbeddedTable(target, len(result.lesions), len(set(result.lesions.patient.tolist())), tuple(problems))
