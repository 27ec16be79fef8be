"""What ran where: the machine, the commit, clocks and memory. Linux only, as memory is read from ``/proc``."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timezone
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch
from detector_sources import ALL, ROOT, fingerprint

MIB = 1 << 20
T = TypeVar("T")


def describe_machine() -> dict[str, Any]:
    """Facts that a figure is worth nothing without."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(),
        "code": fingerprint(*ALL),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "monai", "numpy")},
    }


def cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit() -> str:
    """The commit checked out; ``+`` where files have changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("log", "-1", "--format=%h") or "unknown") + ("+" if changed else "")


def clock(device: torch.device | str) -> Callable[[], float]:
    """CPU seconds of this process; on a GPU seconds of the wall, when all work queued has been done."""
    if torch.device(device).type == "cpu":
        return time.process_time

    def wall() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return wall


def measured(job: Callable[[], T], device: torch.device | str = "cpu") -> tuple[T, float, float]:
    """Run ``job``: its result, seconds by :func:`clock`, and MiB of peak memory above what was held before.

    A process that has let go of much memory reuses it unseen, so figures to publish come from a fresh process.
    """
    now, is_cpu = clock(device), torch.device(device).type == "cpu"
    if is_cpu:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = memory_mib("VmRSS")
    else:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated() / MIB
    start = now()
    result = job()
    seconds = now() - start
    peak = memory_mib("VmHWM") if is_cpu else torch.cuda.max_memory_allocated() / MIB
    return result, seconds, peak - before


def memory_mib(field: str) -> float:
    """``VmRSS``, what this process holds, or ``VmHWM``, the most it held, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status tells no {field}")


def in_fresh_process(job: Callable[..., T], *arguments: Any) -> T:
    """Call a function of a module in a new process with one thread, whose memory holds nothing else."""
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        return pool.submit(job, *arguments).result()
