"""Time and figures of FROC scoring on real predictions, beside a plain implementation that looks at mark after mark.

Run ``python benchmarks/froc.py FOLDER [--predictions NAME] [--bootstraps 1000]``, where FOLDER holds LUNA16's
``annotations.csv``, ``annotations_excluded.csv`` and ``seriesuids.csv`` and a file of predictions. One run, ours
and the plain one in turns; it prints a table and asserts nothing. The plain bootstrap is timed on a few draws, and
scaled up.

The plain implementation shares no code with lungdet, on purpose: the tests use it as a second opinion.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[float, float, float, float]  # x, y, z, and a diameter or a probability
Points = dict[str, list[Point]]
Event = tuple[float, bool]  # a score, and whether it found a nodule
RATES = (0.125, 0.25, 0.5, 1, 2, 4, 8)
PLAIN_DRAWS = 5


def read_points(path: Path) -> Points:
    points: Points = defaultdict(list)
    with path.open(newline="") as file:
        for uid, x, y, z, value in list(csv.reader(file))[1:]:
            points[uid].append((float(x), float(y), float(z), float(value)))
    return points


def is_on(mark: Point, finding: Point) -> bool:
    diameter = 10.0 if finding[3] < 0 else finding[3]
    return sum((a - b) ** 2 for a, b in zip(mark[:3], finding[:3], strict=True)) < (diameter / 2) ** 2


def plain_scan(
    marks: list[Point], nodules: list[Point], excluded: list[Point], most: int | None
) -> tuple[list[Event], dict[str, int]]:
    """Judge the marks of one scan one by one."""
    if most is not None and len(marks) > most:
        too_low = sorted((mark[3] for mark in marks), reverse=True)[most]
        marks = [mark for mark in marks if mark[3] > too_low]
    events, counts = [], {"marks": len(marks), "nodules": len(nodules), "double": 0, "excluded": 0, "missed": 0}
    for nodule in nodules:
        scores = [mark[3] for mark in marks if is_on(mark, nodule)]
        if scores:
            events.append((max(scores), True))
            counts["double"] += len(scores) - 1
        else:
            counts["missed"] += 1
    for mark in marks:
        if not any(is_on(mark, nodule) for nodule in nodules):
            if any(is_on(mark, other) for other in excluded):
                counts["excluded"] += 1
            else:
                events.append((mark[3], False))
    return events, counts


def plain_curve(events: Iterable[Event], scans: int, nodules: int) -> list[tuple[float, float]]:
    """Lower the threshold from score to score; each point is (false positives per scan, sensitivity)."""
    hits_at: dict[float, int] = defaultdict(int)
    false_at: dict[float, int] = defaultdict(int)
    for score, is_hit in events:
        (hits_at if is_hit else false_at)[score] += 1
    points, hits, false = [(0.0, 0.0)], 0, 0
    for score in sorted(hits_at.keys() | false_at.keys(), reverse=True):
        hits, false = hits + hits_at.get(score, 0), false + false_at.get(score, 0)
        points.append((false / scans, hits / nodules if nodules else math.nan))
    return points


def read_between(points: list[tuple[float, float]], rate: float) -> float:
    left = [point for point in points if point[0] <= rate][-1]
    right = next((point for point in points if point[0] > rate), None)
    if right is None:
        return left[1]
    return left[1] + (right[1] - left[1]) * (rate - left[0]) / (right[0] - left[0])


def read_nearest(points: list[tuple[float, float]], rate: float) -> float:
    """As the published code of the simplified CPM: only corners, the first of the nearest, and 0 if all are far."""
    steps = [(round((b[0] - a[0]) * 1e9), round((b[1] - a[1]) * 1e9)) for a, b in pairwise(points)]
    inner = [point for point, before, after in zip(points[1:], steps, steps[1:], strict=False) if before != after]
    first = [] if points[1] in inner[:1] else [points[1]]  # the first mark is kept, bend or not
    found, distance = 0.0, points[-1][0]
    for point in [points[0], *first, *inner, points[-1]]:
        if abs(point[0] - rate) < distance:
            found, distance = point[1], abs(point[0] - rate)
    return found


def plain_froc(
    marks: Points, nodules: Points, excluded: Points, scans: list[str], protocol: str = "luna16"
) -> tuple[dict[str, Any], list[list[Event]]]:
    """Score everything by ``"luna16"`` or ``"simplified"``."""
    official = protocol == "luna16"
    total: dict[str, Any] = defaultdict(int)
    by_scan = []
    for uid in scans:
        others = excluded.get(uid, []) if official else []
        events, counts = plain_scan(marks.get(uid, []), nodules.get(uid, []), others, 100 if official else None)
        by_scan.append(events)
        for name, count in counts.items():
            total[name] += count
    total["found"] = total["nodules"] - total["missed"]
    total["false"] = sum(not is_hit for events in by_scan for _, is_hit in events)
    points = plain_curve((event for events in by_scan for event in events), len(scans), total["nodules"])
    total["sensitivities"] = [(read_between if official else read_nearest)(points, rate) for rate in RATES]
    total["cpm"] = statistics.mean(total["sensitivities"])
    return dict(total), by_scan


def plain_bootstrap(by_scan: list[list[Event]], nodules: list[int], draws: int, seed: int = 0) -> list[float]:
    """CPM of resampled scans, one draw after the other."""
    generator, cpms = random.Random(seed), []
    for _ in range(draws):
        drawn = generator.choices(range(len(by_scan)), k=len(by_scan))
        events = [event for scan in drawn for event in by_scan[scan]]
        points = plain_curve(events, len(drawn), sum(nodules[scan] for scan in drawn))
        cpms.append(statistics.mean(read_between(points, rate) for rate in RATES))
    return cpms


def timed(job: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = job()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--predictions", default="deeplung_dpn26_predictions.csv")
    parser.add_argument("--bootstraps", type=int, default=1000)
    options = parser.parse_args()
    from lungdet.metrics import bootstrap_froc, find_protocol, froc
    from lungdet.workflows.evaluate import match_inputs
    from lungdet.workflows.score_files import read_score_inputs

    folder = options.folder
    names = ("annotations.csv", "annotations_excluded.csv", options.predictions)
    paths = [folder / name for name in names]
    read_s, inputs = timed(lambda: read_score_inputs(paths[0], paths[2], paths[1], folder / "seriesuids.csv"))
    plain_read_s, (nodules, excluded, marks) = timed(lambda: [read_points(path) for path in paths])
    scans = (folder / "seriesuids.csv").read_text().split()
    rows = [("read and check the files", read_s, plain_read_s)]
    print(f"{len(scans)} scans, {len(inputs.nodules)} nodules, {len(inputs.predictions)} marks\n")
    for name in ("luna16", "simplified"):
        rule = find_protocol(name)
        match_s, matches = timed(lambda rule=rule: match_inputs(inputs, rule))
        curve_s, result = timed(lambda rule=rule, matches=matches: froc(matches, protocol=rule))
        plain_s, (plain, by_scan) = timed(lambda name=name: plain_froc(marks, nodules, excluded, scans, name))
        rows.append((f"{name}: match and score", match_s + curve_s, plain_s))
        print(f"{name:<11} " + " ".join(f"{value:.4f}" for value in result.sensitivities) + f"  CPM {result.cpm:.7f}")
        print(
            f"{'plain':<11} "
            + " ".join(f"{value:.4f}" for value in plain["sensitivities"])
            + f"  CPM {plain['cpm']:.7f}"
        )
        print(
            f"{'counts':<11} TP {result.true_positives} FN {result.false_negatives} FP {result.false_positives}, "
            f"{result.marks} marks kept, {result.on_excluded} on excluded findings, {result.double_hits} double hits"
        )
        if name == "luna16":
            draws = options.bootstraps
            boot_s, bounds = timed(lambda m=matches, n=draws: bootstrap_froc(m, resamples=n))
            sizes = [len(nodules.get(uid, [])) for uid in scans]
            plain_boot_s, _ = timed(lambda by_scan=by_scan, sizes=sizes: plain_bootstrap(by_scan, sizes, PLAIN_DRAWS))
            rows.append((f"{draws} bootstraps (plain: scaled)", boot_s, plain_boot_s * draws / PLAIN_DRAWS))
            print(f"{'95 % CI':<11} CPM {bounds.cpm[0]:.4f} to {bounds.cpm[1]:.4f}")
        print()
    print(f"{'seconds':<34}{'lungdet':>10}{'plain':>10}{'ratio':>8}")
    for name, ours, other in rows:
        print(f"{name:<34}{ours:>10.2f}{other:>10.2f}{other / ours:>8.1f}")


if __name__ == "__main__":
    main()
