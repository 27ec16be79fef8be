"""From a chest CT in DICOM to a report on its lungs and nodules, and from a folder of pictures to where each belongs.

Without ``--ct`` a synthetic chest is written as a DICOM series first, so nothing has to be downloaded::

    python examples/demo.py --output out/demo
    python examples/demo.py --output out/demo --ct /path/to/a/dicom/folder
"""

import argparse
import sys
import time
from pathlib import Path

from route_radiographs import label_and_route

from lungdet.phantoms import make_chest, write_dicom_series, write_truth
from lungdet.reports import report_to_text
from lungdet.workflows import analyze

SEED = 2026


def write_synthetic_ct(folder: Path) -> Path:
    """Write a synthetic chest CT as DICOM, as a scanner would, with its true nodules beside it."""
    print("1. a synthetic chest CT, written as DICOM: some seconds", flush=True)
    chest = make_chest(SEED, spacing_mm=(0.8, 0.8, 1.5), shape=(448, 448, 190))
    info = write_dicom_series(chest.volume, folder / "ct", seed=SEED)
    write_truth(
        chest.nodules,
        info.series_uid,
        folder / "truth.json",
        folder / "truth.csv",
        image="ct",
        ignored=chest.ignored,
        lookalikes=chest.lookalikes,
    )
    print(f"   {len(info.slice_uids)} slices in {folder / 'ct'}")
    print(f"   {len(chest.nodules)} nodules in {folder / 'truth.csv'}", flush=True)
    return folder / "ct"


def analyze_ct(ct: Path, output: Path) -> list[Path]:
    """Find nodules, measure them and say what they look like, as ``lungdet analyze`` does; the pages."""
    print("2. lungdet analyze: half a minute or so, longer for a large CT; marks may be false", flush=True)
    summary = analyze(ct, output, progress=False)
    for study in summary.failed:
        sys.exit(f"{study.source}: {study.error}")
    for report in summary.reports:
        print(report_to_text(report), flush=True)
    return [study.page for study in summary.studies if study.page is not None]


def main() -> None:
    """Run the demo and say where the report and the page are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, help="a DICOM folder; a synthetic chest if not given")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), help="folder for the results")
    options = parser.parse_args()
    start = time.perf_counter()
    ct = options.ct or write_synthetic_ct(options.output)
    if not ct.exists():
        parser.error(f"{ct} does not exist")
    pages = [f"Open the report: {page.resolve()}" for page in analyze_ct(ct, options.output / "report")]
    print("3. radiographs and other pictures: what they show, and where they belong: some seconds", flush=True)
    pages.append(f"Open the page:   {label_and_route(options.output / 'radiographs').resolve()}")
    print("", *pages, sep="\n")
    print(f"{time.perf_counter() - start:.0f} s. A research tool: not for clinical use.")


if __name__ == "__main__":
    main()
