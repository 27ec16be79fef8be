"""Which model looked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelInfo:
    """Which model looked: bundle name and version, and the SHA-256 of its weights."""

    name: str
    version: str
    weights_sha256: str
