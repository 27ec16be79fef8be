"""One labelled picture of a training list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .identities import Identity


@dataclass(frozen=True)
class PictureEntry:
    """A picture, its labels, and what it must not share with another part.

    Attributes:
        image: path, relative to the folder of the images, with ``/``.
        labels: classes, rising; of a list with one label for each picture, exactly one.
        patient: whose it is; the image's own path where nobody knows.
        study: Study Instance UID, where there is one.
        content: hash of the pixels, where they were looked at.
        part: part that the data set itself puts it in; empty where it does not say.

    Raises:
        ValueError: the image or the patient has no name, or labels repeat or do not rise.
    """

    image: str
    labels: tuple[int, ...]
    patient: str
    study: str = ""
    content: str = ""
    part: str = ""

    def __post_init__(self) -> None:
        if not self.image or not self.patient:
            raise ValueError(f"an entry needs an image and a patient, got {self.image!r} and {self.patient!r}")
        if list(self.labels) != sorted(set(self.labels)) or any(label < 0 for label in self.labels):
            raise ValueError(f"{self.image}: labels must rise from 0 or more, got {self.labels}")

    @property
    def identities(self) -> list[Identity]:
        """What must stay in one part; names of patients that differ in case or blanks are one patient's.

        Example:
            >>> PictureEntry("a.png", (0,), "Case 7 ").identities
            [('patient', 'case 7'), ('image', 'a.png')]
        """
        known = [("study", self.study), ("content", self.content)]
        named = [("patient", self.patient.strip().casefold()), ("image", self.image)]
        return named + [(kind, name) for kind, name in known if name]

    def to_json(self, multi_label: bool) -> dict[str, Any]:
        """Write it as a dictionary: ``label`` is one number, or a list where pictures may have several labels.

        Example:
            >>> PictureEntry("a.png", (3,), "7").to_json(multi_label=False)
            {'image': 'a.png', 'label': 3, 'patient': '7'}
        """
        known = {name: value for name, value in (("study", self.study), ("content", self.content)) if value}
        label = list(self.labels) if multi_label else self.labels[0]
        return {"image": self.image, "label": label, "patient": self.patient, **known}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> PictureEntry:
        """Read what :meth:`to_json` wrote."""
        label = item["label"]
        labels = tuple(label) if isinstance(label, list) else (label,)
        return cls(item["image"], labels, item["patient"], item.get("study", ""), item.get("content", ""))
