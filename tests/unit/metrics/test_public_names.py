import subprocess
import sys

import pytest

from lungdet import metrics


def test_every_public_name_is_there() -> None:
    for name in metrics.__all__:
        assert getattr(metrics, name) is not None
        assert name in dir(metrics)
    with pytest.raises(AttributeError, match="nonsense"):
        metrics.nonsense  # noqa: B018


def test_scoring_needs_no_torch() -> None:
    code = "import sys; from lungdet.metrics import froc, bootstrap_froc; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)
