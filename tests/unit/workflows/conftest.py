"""Small DICOM series, and a bundle that always answers with the same two boxes."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.phantoms import write_dicom_series
from lungdet.records import CTVolume, SeriesInfo

BOXES = [[6.0, 5.0, 2.0, 14.0, 11.0, 5.0], [20.0, 12.0, 6.0, 26.0, 20.0, 8.0]]
SCORES = [0.3, 0.8]

COMMON = f"""
imports:
- $import torch
bundle_root: .
checkpoint: $@bundle_root + '/models/model.pt'
device: cpu
min_score: 0.1
network: {{_target_: torch.nn.Conv3d, in_channels: 1, out_channels: 1, kernel_size: 1}}
inferer: {{_target_: monai.inferers.SimpleInferer}}
boxes: $torch.tensor({BOXES})
scores: $torch.tensor({SCORES})
keep: $@scores >= @min_score
found: "${{'pred_box': @boxes[@keep], 'pred_score': @scores[@keep]}}"
postprocessing: "$lambda item: item | @found"
"""

INFERENCE = """
output_dir: out
series: null
choose: thinnest
on_gap: error
on_tilt: error
preprocessing:
  _target_: monai.transforms.Compose
  transforms:
  - _target_: lungdet.transforms.LoadCTd
    keys: ct
    series: '@series'
    choose: '@choose'
    on_gap: '@on_gap'
    on_tilt: '@on_tilt'
  - {_target_: monai.transforms.CopyItemsd, keys: ct, names: image}
"""

WriteSeries = Callable[..., SeriesInfo]


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    root = tmp_path / "bundles" / "tiny"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "configs" / "metadata.json").write_text(json.dumps({"name": "tiny", "version": "9.9"}))
    (root / "configs" / "common.yaml").write_text(COMMON)
    (root / "configs" / "inference.yaml").write_text(INFERENCE)
    torch.save(torch.nn.Conv3d(1, 1, 1).state_dict(), root / "models" / "model.pt")
    return root


@pytest.fixture
def write_series(tmp_path: Path) -> WriteSeries:
    """Write a series of ``(32, 24, 10)`` voxels below ``tmp_path``."""

    def write(
        folder: str, *, seed: int = 0, study_uid: str = "", step_mm: float = 2.0, affine: np.ndarray | None = None
    ) -> SeriesInfo:
        array = np.random.default_rng(seed).integers(-1000, 100, (32, 24, 10)).astype(np.int16)
        lps = np.diag([1.0, 1.0, step_mm, 1.0]) if affine is None else affine
        volume = CTVolume(array, lps, SeriesInfo("made", study_uid=study_uid, description=f"Chest {step_mm:g}"))
        return write_dicom_series(volume, tmp_path / folder, seed=seed, thickness_mm=step_mm)

    return write
