"""A lesion that looks like another one."""

from __future__ import annotations

from dataclasses import dataclass

Numbers = tuple[float | None, ...]


@dataclass(frozen=True)
class SimilarLesion:
    """One answer of a search for lesions that look alike, or the lesion that was asked for.

    Attributes:
        place: 1 for the most similar; 0 for the lesion that was asked for.
        distance: Euclidean, of the embeddings; smaller is more alike.
        key: names the lesion in its list.
        patient: who; empty if not known.
        study: number of the study among those of the patient; 0 if not known.
        lesion_type: in words; ``unknown`` if nobody said.
        size_mm: long and short axis; None where not known.
        location: relative x, y, z; None where not known.
        image: path of the key slice, relative to the folder of the images; empty if there is none.
        same_type: as the lesion that was asked for; None if one of the types is not known.

    Raises:
        ValueError: place or distance is negative.
    """

    place: int
    distance: float
    key: str
    patient: str
    study: int
    lesion_type: str
    size_mm: Numbers
    location: Numbers
    image: str
    same_type: bool | None

    def __post_init__(self) -> None:
        if self.place < 0 or not self.distance >= 0:
            raise ValueError(f"{self.key}: place {self.place} and distance {self.distance} must be 0 or more")

    @property
    def size_text(self) -> str:
        """Long and short axis in words, to a tenth of a millimetre."""
        known = [f"{size:.1f}" for size in self.size_mm if size is not None]
        return " x ".join(known) + " mm" if known else "size unknown"
