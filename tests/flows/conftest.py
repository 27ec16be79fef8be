"""How the flows start MONAI's own command on the shipped bundle, small enough for a test."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from lungdet.workflows import bundle_root

TINY = {
    "scan_shape": "[80,80,64]",
    "spacing_mm": "[3.5,3.5,3.5]",
    "patch_size": "[48,48,16]",
    "precision": "float32",
    "network_def#second_look": "true",
    "train_seeds": "$range(4)",
    "val_seeds": "$range(50,52)",
    "val_interval": "1",
    "log_interval": "1",
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def bundle_command(configs: Sequence[str], processes: int = 1, **overrides: str) -> list[str]:
    root = bundle_root("nodule_detector")
    files = [name if os.path.isabs(name) else str(root / "configs" / name) for name in ("common.yaml", *configs)]
    start = [sys.executable, "-W", "ignore"]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [*start, "-m", "monai.bundle", "run", "--config_file", str(files)]
    for name, value in {"bundle_root": str(root), **TINY, **overrides}.items():
        command += [f"--{name}", value]
    return command


@pytest.fixture(scope="session")
def start_bundle():
    """Start a bundle's run in a process of its own."""

    def start(*configs: str, processes: int = 1, **overrides: str) -> subprocess.Popen[str]:
        command = bundle_command(configs, processes, **overrides)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)

    return start


@pytest.fixture(scope="session")
def run_bundle(start_bundle):
    """Run the bundle by MONAI's command, and return what it printed."""

    def run(*configs: str, processes: int = 1, **overrides: str) -> str:
        process = start_bundle(*configs, processes=processes, **overrides)
        log, _ = process.communicate(timeout=600)
        assert process.returncode == 0, log
        return log

    return run
