"""Write the evaluation scans once, as the bundle's own preprocessing makes them."""

from __future__ import annotations

import argparse

import detector_results
from detector_scans import fill_cache, read_scan


def main(options: argparse.Namespace) -> None:
    made = fill_cache(options.cache, options.scans, options.slices_mm, options.config_overrides, options.processes)
    rows = []
    for slice_mm in options.slices_mm:
        scans = [read_scan(options.cache, seed, slice_mm) for seed in options.scans]
        kinds: dict[str, int] = {}
        for scan in scans:
            for kind in scan.strata.get("kind", ()):
                kinds[kind] = kinds.get(kind, 0) + 1
        rows.append(
            {
                "slice mm": slice_mm,
                "scans": len(scans),
                "shape": " x ".join(map(str, scans[0].image.shape[1:])),
                "nodules": sum(len(scan.box) for scan in scans),
                "ignored": sum(len(scan.ignore_box) for scan in scans),
                **kinds,
            }
        )
    settings = {"seeds": list(options.scans), "slices_mm": options.slices_mm, "cache": made}
    detector_results.append(options.out, "cache", settings, {"scans": rows})
    print(detector_results.markdown(rows))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slices-mm", type=float, nargs="+", default=[1.4, 2.5, 5.0])
