"""Files of candidates become one tensor a scan."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.datalists import DatalistError
from lungdet.datalists.scan_list import ScanList, ScanListEntry, read_scan_list, write_scan_list
from lungdet.engines import FlatCubes, PackCandidatesd, list_scans, prepare_picture_batch
from lungdet.records import ModelInfo, ScanCandidates, empty_scan
from lungdet.reports.candidate_file import write_candidates
from lungdet.transforms import LoadCandidatesd

DETECTOR = ModelInfo("a detector", "1.0", "ab" * 32)


def scan(name: str, scores: list[float]) -> ScanCandidates:
    cubes = np.full((len(scores), 48, 48, 48), -300, np.int16)
    places, inside = np.zeros((len(scores), 3)), np.ones(len(scores), np.float32)
    return ScanCandidates(name, cubes, np.array(scores, np.float32), places, inside, DETECTOR)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    parts = {"a": "training", "b": "training", "c": "test", "d": "unlabelled"}
    for name in parts:
        write_candidates(
            tmp_path / f"{name}.npz", scan(name, [0.9, 0.5, 0.1]) if name != "b" else empty_scan("b", DETECTOR)
        )
    entries = tuple(
        ScanListEntry(name, f"{name}.npz", part, None if part == "unlabelled" else int(name == "a"), 3)
        for name, part in parts.items()
    )
    return write_scan_list(tmp_path, ScanList(entries, DETECTOR, 6, 0.02, {"e": "no slices"}))


def two_numbers(cubes: torch.Tensor) -> torch.Tensor:
    return torch.stack([cubes.mean(dim=(1, 2, 3)), cubes.amax(dim=(1, 2, 3))], dim=1)


def test_parts_of_a_list(listed: Path):
    items = list_scans(listed, "training")
    assert [(item["id"], item["label"].tolist()) for item in items] == [("a", [1.0]), ("b", [0.0])]
    assert "label" not in list_scans(listed, "unlabelled")[0]
    assert len(list_scans(listed, "all")) == 4
    assert not any("label" in item for item in list_scans(listed, "all", with_labels=False))
    with pytest.raises(DatalistError, match="no scan in validation"):
        list_scans(listed, "validation")
    with pytest.raises(ValueError, match="part must be"):
        list_scans(listed, "train")
    with pytest.raises(DatalistError, match=r"files are not there, such as .*none"):
        list_scans(listed, "test", listed.parent / "none")
    with pytest.raises(FileNotFoundError, match=r"none\.json: no such list of scans; lungdet candidates writes one"):
        list_scans(listed.parent / "none.json")


def test_another_detectors_list_is_told(listed: Path, caplog: pytest.LogCaptureFixture):
    detector = read_scan_list(listed).detector.weights_sha256
    with caplog.at_level("INFO"):
        assert list_scans(listed, "all", detector_sha256=detector) == list_scans(listed, "all")
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert detector in caplog.text
    list_scans(listed, "all", detector_sha256="cd" * 32)
    assert caplog.records[-1].levelname == "WARNING"
    assert "another detector" in caplog.text


def test_the_best_candidates_by_hand(listed: Path):
    load = LoadCandidatesd("candidates", top=2, least_score=0.3)
    pack = PackCandidatesd("candidates", two_numbers, features=2, room=3)
    item = pack(load(list_scans(listed, "training")[0]))
    logit = torch.tensor([0.9, 0.5]).logit()
    wanted = [[-300.0, -300.0, logit[0], 1], [-300.0, -300.0, logit[1], 1], [0, 0, 0, 0]]
    assert torch.allclose(item["candidates"], torch.tensor(wanted), atol=1e-5)
    assert "scores" not in item
    assert item["id"] == "a"


def test_scans_with_and_without_candidates_make_one_batch(listed: Path):
    load, pack = LoadCandidatesd("candidates"), PackCandidatesd("candidates", two_numbers, features=2)
    batch = [pack(load(item)) for item in list_scans(listed, "training")]
    packed, labels = prepare_picture_batch(batch, image_key="candidates")
    assert packed.shape == (2, 6, 4)
    assert packed[..., -1].sum(dim=1).tolist() == [3, 0]
    assert labels is not None
    assert labels.tolist() == [[1.0], [0.0]]


def test_scores_at_the_ends_have_a_logit():
    pack = PackCandidatesd("candidates", two_numbers, features=2)
    found = pack({"candidates": torch.zeros(2, 4, 4, 4), "scores": torch.tensor([1.0, 0.0])})["candidates"]
    assert torch.isfinite(found).all()


def test_another_number_of_features_is_refused():
    pack = PackCandidatesd("candidates", two_numbers, features=3)
    with pytest.raises(ValueError, match="set features"):
        pack({"candidates": torch.zeros(1, 4, 4, 4), "scores": torch.ones(1)})
    with pytest.raises(ValueError, match="K <= 1"):
        PackCandidatesd("candidates", two_numbers, features=2, room=1)(
            {"candidates": torch.zeros(2, 4, 4, 4), "scores": torch.ones(2)}
        )


def test_flat_cubes_are_scaled():
    flat = FlatCubes(-1000, 400)(torch.tensor([-2000.0, -1000, -300, 400, 3000]).reshape(5, 1, 1, 1))
    assert flat[:, 0].tolist() == pytest.approx([0, 0, 0.5, 1, 1])


def test_keys_of_scores_go_with_the_keys():
    with pytest.raises(ValueError, match="a key of scores for each"):
        LoadCandidatesd(["a", "b"], "scores")
