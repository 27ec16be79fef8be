"""Train the bundle on a list by MONAI's command line, in a process of its own; or only fit its router file anew."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from router_answers import BUNDLE

from lungdet.engines import CalibrationFitter

CONFIGS = ("common.yaml", "train.yaml")
RECIPE = Path(__file__).with_name("router_unifesp.yaml")


def train(datalist: Path, images: Path, output: Path, threads: int, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Train, and return what it cost; the weights and the router file are in ``output`` then."""
    words = command(datalist, images, output, overrides)
    print(" ".join(words), flush=True)
    output.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (output / "log.txt").open("w") as log:
        done = subprocess.run(words, cwd=BUNDLE, env=environment, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"the training failed, see {output / 'log.txt'}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_minutes": spent / 60, "minutes": (time.perf_counter() - start) / 60, "threads": threads}


def command(datalist: Path, images: Path, output: Path, overrides: Mapping[str, Any]) -> list[str]:
    """What a user would type."""
    files = [*(f"configs/{name}" for name in CONFIGS), str(RECIPE)]
    settings = {**paths(datalist, images, output), **overrides}
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    return [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files), *words]


def paths(datalist: Path, images: Path, output: Path) -> dict[str, str]:
    """Settings that name files."""
    named = {"bundle_root": BUNDLE, "datalist": datalist, "dataset_dir": images, "output_dir": output}
    return {name: str(path.resolve()) for name, path in named.items()}


def refit(datalist: Path, images: Path, output: Path, overrides: Mapping[str, Any]) -> None:
    """Write the router file of weights that are there as the end of a training does."""
    parser = ConfigParser()
    parser.read_config([str(BUNDLE / "configs" / name) for name in CONFIGS] + [str(RECIPE)])
    parser.update({**paths(datalist, images, output), **overrides})
    handlers = parser.get_parsed_content("train#handlers")
    next(each for each in handlers if isinstance(each, CalibrationFitter)).fit()
