"""Show what the shipped detector marks on a real chest CT: a page of documentation with a sheet of pictures.

The page is made when the documentation is built, since no patient's picture is part of this project::

    python examples/real_ct_marks.py --ct /path/to/a/dicom/folder --output docs/_generated
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from lungdet.readers import read_ct
from lungdet.records import DetectionReport
from lungdet.reports import read_json
from lungdet.reports.case_sheet import Case, cut_around, draw_cases
from lungdet.workflows import detect

ABSENT = "These pages were built where no real CT was at hand, so there is nothing to show.\n"
MARKS = 8  # on the sheet, in two columns


def find(ct: Path) -> DetectionReport:
    """Run the shipped detector and read back what it wrote."""
    folder = Path(tempfile.mkdtemp())
    try:
        detect(ct, folder, max_pictures=0)
        return read_json(next(folder.glob("*/findings.json")))
    finally:
        shutil.rmtree(folder)


def draw_sheet(ct: Path, report: DetectionReport) -> bytes:
    """Draw the highest marks in three planes, PNG bytes."""
    volume = read_ct(ct, choose="thinnest")
    cases = []
    for number, finding in enumerate(report.findings[:MARKS], start=1):
        piece, box = cut_around(volume, finding.box_voxel)
        caption = f"{number}: score {finding.score:.2f}, {finding.diameter_mm:.1f} mm, slice {finding.center_slice}"
        cases.append(Case(piece, box, (caption,)))
    half = -(-len(cases) // 2)
    return draw_cases({f"marks 1 to {half}": cases[:half], f"marks {half + 1} to {len(cases)}": cases[half:]})


def describe(report: DetectionReport) -> str:
    """Say in Markdown what was found."""
    lines = ["| mark | score | diameter mm | slice |", "|---|---|---|---|"]
    for number, finding in enumerate(report.findings, start=1):
        lines.append(f"| {number} | {finding.score:.2f} | {finding.diameter_mm:.1f} | {finding.center_slice} |")
    return f"{len(report.findings)} marks:\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Write ``real_ct.md``, and ``real_ct.png`` if there is a CT."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ct", type=Path, help="a DICOM folder; without one, or if it is not there, the page says so")
    parser.add_argument("--output", type=Path, default=Path("docs/_generated"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    text = ABSENT
    if options.ct and options.ct.exists():
        report = find(options.ct)
        (options.output / "real_ct.png").write_bytes(draw_sheet(options.ct, report))
        text = f"![The highest marks](/_generated/real_ct.png)\n\n{describe(report)}"
    (options.output / "real_ct.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
