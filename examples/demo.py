"""From a chest CT in DICOM to a report by MONAI's bundle command, and from a folder of pictures to where each belongs.

Without ``--ct`` a synthetic chest is written as a DICOM series first, so nothing has to be downloaded::

    python examples/demo.py --output out/demo
    python examples/demo.py --output out/demo --ct /path/to/a/dicom/folder
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from route_radiographs import label_and_route

from lungdet.phantoms import make_chest, write_dicom_series, write_truth
from lungdet.reports import read_json, report_to_text
from lungdet.workflows import bundle_root

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


def run_bundle(ct: Path, output: Path) -> None:
    """Run the detector's bundle as MONAI's users do."""
    print("2. the bundle, by python -m monai.bundle run: half a minute or so, longer for a large CT", flush=True)
    root = bundle_root("nodule_detector")
    configs = [str(root / "configs" / name) for name in ("common.yaml", "inference.yaml")]
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", str(configs)]
    command += ["--bundle_root", str(root), "--ct", str(ct), "--output_dir", str(output)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{run.stdout}{run.stderr}\nthe bundle failed; the reason is in the last lines above")


def main() -> None:
    """Run the demo and say where the report and the page are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, help="a DICOM folder; a synthetic chest if not given")
    parser.add_argument("--output", type=Path, default=Path("out/demo"), help="folder for the results")
    options = parser.parse_args()
    start, began = time.perf_counter(), time.time()
    ct = options.ct or write_synthetic_ct(options.output)
    if not ct.exists():
        parser.error(f"{ct} does not exist")
    reports = options.output / "report"
    run_bundle(ct, reports)
    print("3. what was found; the marks may include false ones", flush=True)
    pages = []
    for findings in sorted(reports.glob("*/findings.json")):
        if findings.stat().st_mtime < began:
            continue  # of an earlier run
        print(report_to_text(read_json(findings)))
        pages.append(f"Open the report: {findings.with_name('report.html').resolve()}")
    print("4. radiographs and other pictures: what they show, and where they belong: some seconds", flush=True)
    pages.append(f"Open the page:   {label_and_route(options.output / 'radiographs').resolve()}")
    print("", *pages, sep="\n")
    print(f"{time.perf_counter() - start:.0f} s. A research tool: not for clinical use.")


if __name__ == "__main__":
    main()
