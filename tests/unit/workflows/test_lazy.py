"""Names of the room are there without torch until one is needed."""

import subprocess
import sys

import pytest

from lungdet import workflows


def test_every_public_name_is_there():
    for name in workflows.__all__:
        assert callable(getattr(workflows, name)), name
    with pytest.raises(AttributeError, match="nonsense"):
        workflows.nonsense  # noqa: B018


def test_finding_a_bundle_needs_no_torch():
    code = "import sys, lungdet.workflows as w; w.bundle_root('nodule_detector'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
