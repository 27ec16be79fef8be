"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return ROOT


def _real_data_folder() -> Path:
    return Path(os.environ.get("LUNGDET_REAL_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real test data; absent, tests that need it are skipped, and fail where ``CI=true``.

    ``LUNGDET_REAL_DATA=none`` says on purpose that there is none, so that they are skipped in CI as well.
    """
    folder = _real_data_folder()
    if (folder / "SOURCES.md").is_file():
        return folder
    message = f"no real test data in {folder}: set LUNGDET_REAL_DATA to the folder that holds SOURCES.md"
    if os.environ.get("CI") == "true" and folder.name != "none":
        pytest.fail(message)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that real data was absent: a skip alone is easily overlooked."""
    if not (_real_data_folder() / "SOURCES.md").is_file():
        terminalreporter.section("REAL DATA ABSENT", sep="!", red=True, bold=True)
        terminalreporter.line(f"nothing in tests/real ran: {_real_data_folder()} holds no SOURCES.md")
