"""Measuring nodules: volume and diameter against the truth of phantoms, and how well scans of one nodule agree.

    python benchmarks/nodules_measuring.py --patients 40

Every patient gets a nodule of 5 to 30 mm (log-uniform) at each of three places, alone, on the pleura and beside a
vessel, with a mark that is off by 8 % of the diameter and a size that is off by 12 %, about as a detector gives them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from lungdet.geometry.nodule_window import NoduleError
from lungdet.lesions import measure_nodule
from lungdet.phantoms import NoduleCut, make_nodule_cut
from lungdet.phantoms.nodule import NoduleKind, NoduleLocation
from lungdet.phantoms.scanner import Dose, Kernel

KINDS: tuple[NoduleKind, ...] = ("solid", "solid", "part_solid", "ground_glass")
LOCATIONS: tuple[NoduleLocation, ...] = ("isolated", "juxtapleural", "juxtavascular")
SIZES_MM, FAINT_FROM_MM, BESIDE_VESSEL_MM = (5.0, 30.0), 6.0, 22.0
SLICES_MM = (1.0, 2.5, 5.0)
PIXEL_MM = 0.7
MARK_OFF, SIZE_OFF = 0.08, 0.12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the settings of this part."""
    parser.add_argument("--patients", type=int, default=40, help="three nodules each")
    parser.add_argument("--slices", type=float, nargs="+", default=SLICES_MM, help="thickness and distance, mm")
    parser.add_argument("--scans", type=int, default=1, help="of every nodule; above 1 tells how well they agree")
    parser.add_argument("--mask", action="store_true", help="give the true lungs")
    parser.add_argument("--any-scanner", action="store_true", help="draw kernel and dose; else standard")


def main(options: argparse.Namespace) -> None:
    """Measure and print a table."""
    rows = []
    with Path(options.out).open("a", buffering=1) as stream:
        for row in measure(options):
            rows.append(row)
            stream.write(json.dumps({"benchmark": "nodules measuring", **row}) + "\n")
    print("| place | slices, mm | nodules | volume error, median | bias | 9 of 10 below | long axis error, mm | bias |"
          " 9 of 10 below | repeats, SD | density right | not measured | seconds |")  # fmt: skip
    print("|---" * 13 + "|")
    for place in LOCATIONS:
        for thick in options.slices:
            print(line([row for row in rows if row["place"] == place and row["slice_mm"] == thick], place, thick))


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure each nodule at each thickness, in each scan."""
    patients = 2 if options.quick else options.patients
    for number in range(patients):
        rng = np.random.default_rng([options.seed, number])
        for place in LOCATIONS:
            kind = KINDS[int(rng.integers(len(KINDS)))]
            size = float(np.exp(rng.uniform(*np.log(SIZES_MM))))
            size = min(size, BESIDE_VESSEL_MM) if place == "juxtavascular" else size
            kind = kind if size >= FAINT_FROM_MM else "solid"
            for thick in options.slices:
                for scan in range(options.scans):
                    kernel, dose = draw_scanner(rng) if options.any_scanner else ("standard", "standard")
                    try:
                        cut = make_nodule_cut(
                            options.seed + number, size, kind=kind, location=place, kernel=kernel, dose=dose,
                            spacing_mm=(PIXEL_MM, PIXEL_MM, thick), scan_seed=scan,
                        )  # fmt: skip
                    except ValueError:  # no place for it in this patient
                        continue
                    told = {"nodule": f"{number} {place}", "place": place, "kind": kind, "slice_mm": thick}
                    yield {**told, **compare(cut, rng, options.mask)}


def draw_scanner(rng: np.random.Generator) -> tuple[Kernel, Dose]:
    """Draw a kernel and a dose with noise."""
    kernels, doses = get_args(Kernel), [dose for dose in get_args(Dose) if dose != "none"]
    return kernels[int(rng.integers(len(kernels)))], doses[int(rng.integers(len(doses)))]


def compare(cut: NoduleCut, rng: np.random.Generator, mask: bool) -> dict[str, Any]:
    """Measure one nodule from a mark that is a little off."""
    mark = np.array(cut.nodule.center_lps_mm) + rng.normal(0, MARK_OFF, 3) * cut.nodule.diameter_mm
    size = cut.nodule.diameter_mm * float(np.exp(rng.normal(0, SIZE_OFF)))
    truth = {"diameter_mm": round(cut.nodule.diameter_mm, 2)}
    start = time.process_time()
    try:
        found = measure_nodule(cut.volume, (mark[0], mark[1], mark[2]), size, cut.lungs if mask else None)
    except NoduleError as error:
        return {**truth, "error": str(error)}
    return {
        **truth,
        "seconds": round(time.process_time() - start, 3),
        "volume_mm3": round(found.volume_mm3, 1),
        "volume_error": round(found.volume_mm3 / cut.volume_mm3 - 1, 4),
        "long_error_mm": round(found.long_mm - cut.long_axial_mm, 3),
        "density": found.density,
    }


def line(rows: Sequence[dict[str, Any]], place: str, thick: float) -> str:
    """One line of the table; nodules that could not be measured count as an error without bounds."""
    if not rows:
        return f"| {place} | {thick:g} | 0 |" + " |" * 10
    volume = np.array([row.get("volume_error", np.inf) for row in rows])
    long = np.array([row.get("long_error_mm", np.inf) for row in rows])
    cells = [place, f"{thick:g}", str(len(rows))]
    cells += [f"{np.median(abs(volume)):.1%}", f"{np.median(volume):+.1%}", f"{highest(volume):.1%}"]
    cells += [f"{np.median(abs(long)):.2f}", f"{np.median(long):+.2f}", f"{highest(long):.2f}"]
    cells += [repeats(rows), f"{np.mean([row.get('density') == row['kind'] for row in rows]):.0%}"]
    cells += [str(sum("error" in row for row in rows)), f"{np.mean([row.get('seconds', 0.0) for row in rows]):.2f}"]
    return "| " + " | ".join(cells) + " |"


def highest(errors: Any) -> float:
    """What nine of ten errors stay below."""
    return float(np.quantile(abs(errors), 0.9, method="higher"))


def repeats(rows: Sequence[dict[str, Any]]) -> str:
    """Standard deviation of the volumes of one nodule as a part of it: the median over nodules."""
    volumes: dict[str, list[float]] = {}
    for row in rows:
        if "volume_mm3" in row:
            volumes.setdefault(row["nodule"], []).append(row["volume_mm3"])
    spreads = [float(np.std(np.log(each), ddof=1)) for each in volumes.values() if len(each) > 1]
    return f"{np.median(spreads):.1%}" if spreads else "-"


if __name__ == "__main__":
    taken = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    taken.add_argument("--out", type=Path, default=Path("nodules_results.jsonl"), help="results are added to it")
    taken.add_argument("--seed", type=int, default=700_000, help="of the patients")
    taken.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    add_arguments(taken)
    main(taken.parse_args())
