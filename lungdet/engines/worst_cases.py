"""The nodules that were missed worst and the false marks with the highest scores, kept while scans go by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lungdet.records import CTVolume
from lungdet.reports.case_sheet import Case, cut_around

from .scored_scan import Array, ScoredScan

Rank = tuple[float, float, str, int]  # the lowest is the worst


@dataclass
class WorstCases:
    """A few cases of either sort, each with a small piece of its scan.

    Args:
        limit: how many of either sort to keep.
        threshold: a nodule counts as missed if no mark on it scores as much.

    Attributes:
        missed: nodules by falling misery: those without any mark first, of these the largest first.
        false: marks on nothing, by falling score.
    """

    limit: int
    threshold: float
    missed: list[tuple[Rank, Case]] = field(default_factory=list)
    false: list[tuple[Rank, Case]] = field(default_factory=list)

    def add(self, scan: ScoredScan, volume: CTVolume) -> None:
        """Look at one scan; ``volume`` is the network's image in HU."""
        sizes, best = scan.diameters_mm(scan.truth).tolist(), scan.best_scores().tolist()
        for place, (score, size) in enumerate(zip(best, sizes, strict=True)):
            rank = (score, -size, scan.name, place)
            if score < self.threshold and self._counts(self.missed, rank):
                what = " ".join([f"{size:.1f} mm", *(labels[place] for labels in scan.strata.values())])
                found = f"best mark {score:.2f}" if score >= 0 else "no mark"
                case = _case(scan, volume, scan.truth[place], f"missed: {what}, {found}")
                self.missed = _worst([*self.missed, (rank, case)], self.limit)
        for place in scan.is_false().nonzero()[0].tolist():
            score, size = float(scan.scores[place]), float(scan.diameters_mm(scan.boxes)[place])
            rank = (-score, 0.0, scan.name, place)
            if self._counts(self.false, rank):
                case = _case(scan, volume, scan.boxes[place], f"false: score {score:.2f}, {size:.1f} mm")
                self.false = _worst([*self.false, (rank, case)], self.limit)

    @classmethod
    def joined(cls, parts: Sequence[WorstCases]) -> WorstCases:
        """Join what several processes kept."""
        missed, false = ([entry for part in parts for entry in getattr(part, name)] for name in ("missed", "false"))
        limit = parts[0].limit
        return cls(limit, parts[0].threshold, _worst(missed, limit), _worst(false, limit))

    def columns(self) -> dict[str, list[Case]]:
        """Cases by heading, for :func:`lungdet.reports.case_sheet.draw_cases`."""
        return {
            f"Worst misses (no mark of {self.threshold:g} or more)": [case for _, case in self.missed],
            "Worst false positives": [case for _, case in self.false],
        }

    def _counts(self, kept: Sequence[tuple[Rank, Case]], rank: Rank) -> bool:
        return len(kept) < self.limit or (bool(kept) and rank < kept[-1][0])


def _worst(entries: Iterable[tuple[Rank, Case]], limit: int) -> list[tuple[Rank, Case]]:
    unrepeated = {rank: (rank, case) for rank, case in entries}
    return [unrepeated[rank] for rank in sorted(unrepeated)][:limit]


def _case(scan: ScoredScan, volume: CTVolume, box: Array, what: str) -> Case:
    x0, y0, z0, x1, y1, z1 = box.tolist()
    piece, place = cut_around(volume, (x0, y0, z0, x1, y1, z1))
    piece = replace(piece, array=np.rint(piece.array).astype(np.int16))  # half as much to send to other processes
    x, y, z = scan.center_lps_mm(box)
    return Case(piece, place, (what, f"{scan.name} at ({x:.0f}, {y:.0f}, {z:.0f}) mm LPS"))
