"""Start-up stays cheap: the package and the command line load nothing heavy."""

import os
import subprocess
import sys
import time

import pytest

HEAVY = ("torch", "monai", "itk", "ignite", "numpy", "pydicom")


def seconds(*command: str) -> float:
    """Best of five runs of a fresh interpreter: the machine may be busy, the code may not be slow."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, *command],
            check=True,
            capture_output=True,
            env={**os.environ, "COVERAGE_PROCESS_START": ""},
            timeout=600,
        )
        times.append(time.perf_counter() - start)
    return min(times)


def test_import_is_light():
    code = f"import sys, lungdet; assert not [name for name in {HEAVY} if name in sys.modules]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_lesions_load_no_statistics():
    code = "import sys, lungdet.lesions; assert 'scipy.stats' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


def test_import_takes_under_200_ms():
    assert seconds("-c", "import lungdet") - seconds("-c", "pass") < 0.2


def test_help_takes_under_500_ms():
    assert seconds("-m", "lungdet", "--help") < 0.5


@pytest.mark.parametrize(
    "command", ["detect", "series", "datalist", "evaluate", "phantom", "bundle", "label", "route", "score"]
)
def test_help_of_commands_loads_nothing_heavy(command: str):
    code = (
        "import sys\nfrom lungdet.cli import main\n"
        f"try:\n    main(['{command}', '--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        f"assert not [name for name in {HEAVY} if name in sys.modules], sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=600)
