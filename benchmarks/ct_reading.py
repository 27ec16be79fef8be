"""Read one CT series with lungdet, MONAI and SimpleITK, side by side, and print one table.

Each reader lives in a process of its own, has read a small series first, so that imports do not count, and takes its
turn in every round, so that a busy moment of the machine meets all of them. ``peak`` is the most memory that the first
reading of the whole series took above that.

    python benchmarks/ct_reading.py                    # 300 slices of 512 x 512
    python benchmarks/ct_reading.py --slices 60 --rounds 1
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

MIB = 1 << 20
SYNTAXES = {"uncompressed": "explicit", "JPEG-LS": "jpeg_ls"}


def lungdet_read_ct() -> Callable[[str], Any]:
    from lungdet.readers import read_ct

    return lambda folder: read_ct(folder).array.shape


def lungdet_load_ct() -> Callable[[str], Any]:
    from lungdet.transforms import LoadCT

    load = LoadCT()
    return lambda folder: load(folder).shape


def monai_itk_reader() -> Callable[[str], Any]:
    from monai.transforms import LoadImage

    load = LoadImage(reader="ITKReader", image_only=True)
    return lambda folder: load(folder).shape


def monai_pydicom_reader() -> Callable[[str], Any]:
    from monai.transforms import LoadImage

    load = LoadImage(reader="PydicomReader", image_only=True)
    return lambda folder: load(folder).shape


def simpleitk() -> Callable[[str], Any]:
    import SimpleITK

    def read(folder: str) -> Any:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
        return reader.Execute().GetSize()

    return read


READERS = {
    "lungdet read_ct": lungdet_read_ct,
    "lungdet LoadCT": lungdet_load_ct,
    "MONAI LoadImage(ITKReader)": monai_itk_reader,
    "MONAI LoadImage(PydicomReader)": monai_pydicom_reader,
    "SimpleITK ImageSeriesReader": simpleitk,
}


def write_series(folder: Path, slices: int, transfer_syntax: str) -> None:
    """Write a series that is about as hard to compress as a chest."""
    from lungdet.phantoms import write_dicom_series
    from lungdet.records import CTVolume, SeriesInfo

    x, y, z = np.ogrid[0:512, 0:512, 0:slices]
    noise = np.random.default_rng(0).normal(0, 12, (512, 512, slices)).astype(np.float32)
    body = np.where((x - 256) ** 2 + (y - 256) ** 2 < 200**2, 40.0, -1000.0).astype(np.float32)
    lungs = np.where((abs(x - 256) - 90) ** 2 + (y - 256) ** 2 < 70**2, -850.0, 0.0).astype(np.float32)
    wave = 60 * np.sin(x / 20) * np.sin(y / 25) * np.cos(z / 15)
    values = np.clip(body + lungs + wave.astype(np.float32) + noise, -1024, 3000).astype(np.int16)
    volume = CTVolume(values, np.diag([0.7, 0.7, 1.0, 1.0]), SeriesInfo(source="benchmark"))
    write_dicom_series(volume, folder, transfer_syntax=transfer_syntax)


def write_apart(folder: Path, slices: int, transfer_syntax: str) -> None:
    """Write in a process of its own: on Linux a process begins with the peak of the one that started it."""
    writer = multiprocessing.get_context("spawn").Process(target=write_series, args=(folder, slices, transfer_syntax))
    writer.start()
    writer.join()
    if writer.exitcode != 0:
        raise RuntimeError(f"could not write {folder}")


def peak_mib() -> float:
    """Most memory this process ever held, in MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def serve(name: str, small: str, pipe: Connection) -> None:
    """Read the folders that come through ``pipe``; answer with seconds and the growth of the peak in MiB."""
    read = READERS[name]()
    read(small)
    before = peak_mib()
    pipe.send(None)
    while folder := pipe.recv():
        start = time.perf_counter()
        read(folder)
        pipe.send((time.perf_counter() - start, peak_mib() - before))


def measure(small: str, folder: str, rounds: int) -> dict[str, tuple[float, float]]:
    """Return median seconds and peak MiB of every reader for one folder."""
    context = multiprocessing.get_context("spawn")
    pipes, workers = {}, []
    for name in READERS:
        pipes[name], other = context.Pipe()
        workers.append(context.Process(target=serve, args=(name, small, other), daemon=True))
        workers[-1].start()
        pipes[name].recv()  # one after the other: imports are over before the clock runs
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, pipe in pipes.items():
            pipe.send(folder)
            taken[name].append(pipe.recv())
    for pipe, worker in zip(pipes.values(), workers, strict=True):
        pipe.send("")
        worker.join()
    return {name: (statistics.median(s for s, _ in runs), runs[0][1]) for name, runs in taken.items()}


def print_table(results: dict[str, dict[str, tuple[float, float]]], slices: int, rounds: int) -> None:
    volume_mib = slices * 512 * 512 * 2 / MIB
    print(f"{slices} slices of 512 x 512, median of {rounds}; the volume itself takes {volume_mib:.0f} MiB as int16")
    print(f"{'':32}" + "".join(f"| {label + ' s':>15} {'ratio':>6} {'peak MiB':>9} " for label in results))
    for name in READERS:
        line = f"{name:32}"
        for by_reader in results.values():
            seconds, peak = by_reader[name]
            line += f"| {seconds:15.2f} {seconds / by_reader['lungdet read_ct'][0]:6.2f} {peak:9.0f} "
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for label, transfer_syntax in SYNTAXES.items():
            small, whole = Path(folder, f"small {label}"), Path(folder, f"whole {label}")
            write_apart(small, 3, transfer_syntax)
            write_apart(whole, arguments.slices, transfer_syntax)
            results[label] = measure(str(small), str(whole), arguments.rounds)
    print_table(results, arguments.slices, arguments.rounds)


if __name__ == "__main__":
    main()
