"""The handler writes what the evaluator holds, for every item of a batch."""

import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator

from lungdet.engines import FindingsSaver, read_model_info, save_study, volume_of
from lungdet.geometry import frames
from lungdet.records import CTVolume, ModelInfo, SeriesInfo
from lungdet.reports import read_json
from lungdet.transforms.load_ct import to_meta_tensor

AFFINE_LPS = np.array([[0.5, 0, 0, -8.0], [0, 0.5, 0, -6.0], [0, 0, 2.0, 100.0], [0, 0, 0, 1]])


def item(name: str = "ct", dtype: torch.dtype = torch.float32) -> dict[str, MetaTensor | torch.Tensor]:
    array = np.random.default_rng(0).integers(-1000, 100, (32, 24, 10)).astype(np.int16)
    info = SeriesInfo(name, series_uid=f"1.2.{len(name)}", slice_uids=tuple("abcdefghij"), steps=("a", "b"))
    ct = to_meta_tensor(CTVolume(array, AFFINE_LPS, info), dtype)
    half = ct[:, ::2, ::2].clone()
    half.affine = ct.affine @ torch.diag(torch.tensor([2.0, 2.0, 1.0, 1.0], dtype=torch.float64))
    half.affine[:3, 3] = torch.tensor([7.75, 5.75, 100.0])  # the centre of the first four voxels
    return {"ct": ct, "image": half}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    checkpoint, metadata = tmp_path / "model.pt", tmp_path / "metadata.json"
    checkpoint.write_bytes(b"weights")
    metadata.write_text(json.dumps({"name": "net", "version": "1.2.3"}))
    return checkpoint, metadata


@pytest.mark.parametrize("dtype", [torch.float32, torch.int16])
def test_a_study_by_hand(tmp_path: Path, dtype: torch.dtype):
    found = {"pred_box": torch.tensor([[4.0, 3, 2, 8, 6, 5]]), "pred_score": torch.tensor([0.5])}
    report, page = save_study(item(dtype=dtype) | found, tmp_path, ModelInfo("net", "1", ""))
    assert report.findings[0].box_voxel == (8, 6, 2, 16, 12, 5)
    assert report.findings[0].box_lps_mm == (-4.25, -3.25, 103.0, -0.25, -0.25, 109.0)
    assert page.parent.parent == tmp_path
    assert read_json(page.parent / "findings.json") == report


def test_the_volume_comes_back(tmp_path: Path):
    volume = volume_of(item()["ct"])
    assert volume.array.shape == (32, 24, 10)
    np.testing.assert_array_equal(volume.affine_lps, AFFINE_LPS)
    assert volume.info.steps == ("a", "b")
    assert frames.spacing_of(volume.affine_lps).tolist() == [0.5, 0.5, 2.0]


def test_the_voxels_are_shared_in_the_order_in_which_they_were_read():
    array = np.zeros((10, 24, 32), np.int16).T  # as readers give it: a view of (Z, Y, X)
    ct = to_meta_tensor(CTVolume(array, AFFINE_LPS, SeriesInfo("ct")), None)
    assert np.shares_memory(volume_of(ct).array, array)


def test_the_model_is_described(files: tuple[Path, Path]):
    checkpoint, metadata = files
    digest = hashlib.sha256(b"weights").hexdigest()
    assert read_model_info(metadata, checkpoint) == ModelInfo("net", "1.2.3", digest)


def test_attached_to_an_evaluator(tmp_path: Path, files: tuple[Path, Path], caplog: pytest.LogCaptureFixture):
    """A batch of two, through collation, decollation and MONAI's post-processing."""
    checkpoint, metadata = files

    def decode(data: dict) -> dict:
        return data | {"pred_box": torch.tensor([[4.0, 3, 2, 8, 6, 5]]), "pred_score": torch.tensor([0.5])}

    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset([item("one"), item("three")]), batch_size=2),
        network=torch.nn.Conv3d(1, 1, 1),
        postprocessing=decode,
        val_handlers=[FindingsSaver(tmp_path / "out", checkpoint, metadata, max_pictures=0)],
    )
    with caplog.at_level(logging.INFO, logger="lungdet"):
        evaluator.run()
    expected, _ = save_study(decode(item("three")), tmp_path / "direct", read_model_info(metadata, checkpoint))
    folders = sorted((tmp_path / "out").iterdir())
    assert [folder.name.partition("-")[0] for folder in folders] == ["one", "three"]
    assert read_json(folders[1] / "findings.json") == expected
    assert [path.name for path in (folders[0] / "pictures").iterdir()] == ["overview.png"]
    assert "1 finding," in caplog.text


def test_an_output_that_cannot_be_is_known_before_the_work(tmp_path: Path, files: tuple[Path, Path]):
    checkpoint, metadata = files
    seen: list[object] = []
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset([item()])),
        network=torch.nn.Conv3d(1, 1, 1),
        postprocessing=seen.append,
        val_handlers=[FindingsSaver(checkpoint, checkpoint, metadata)],
    )
    with pytest.raises(OSError, match=r"model\.pt: results cannot be written there"):
        evaluator.run()
    assert seen == []
