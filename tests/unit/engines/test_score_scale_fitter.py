"""The scale of a score, fitted to torsos, and the scores of slices as a table."""

import csv
import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from torch import nn

from lungdet.engines import ScoreScaleFitter, SliceScoreSaver, labelled_scan, prepare_slice_batch
from lungdet.lesions import ScoreScale
from lungdet.phantoms import draw_torso, make_torso

SPACING_MM = (14.0, 14.0, 30.0)


def true_places(network, volume):
    """A scorer that knows the truth, but for zero and unit; with a weight of 0 it takes one body upside down."""
    seed = int(volume.info.source.split("-")[1])
    torso = draw_torso(seed)
    heights = torso.coordinate(volume.affine_lps[2, 3] + volume.affine_lps[2, 2] * np.arange(volume.array.shape[2]))
    return heights * 20 - 7 if float(network.weight) else heights * (1 if seed else -2)


@pytest.fixture
def network(tmp_path: Path) -> nn.Linear:
    network = nn.Linear(1, 1)
    nn.init.ones_(network.weight)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return network


def fitter(network: nn.Module, folder: Path) -> ScoreScaleFitter:
    return ScoreScaleFitter(network, folder / "model.pt", folder / "score.json", range(2), true_places, SPACING_MM)


def test_the_scale_undoes_zero_and_unit(network, tmp_path):
    scale = fitter(network, tmp_path).fit()
    assert scale.scale == pytest.approx(1 / 20)
    assert scale.offset == pytest.approx(7 / 20)
    digest = hashlib.sha256((tmp_path / "model.pt").read_bytes()).hexdigest()
    assert ScoreScale.load(tmp_path / "score.json", weights_sha256=digest) == scale
    assert 0.3 < scale.chest_abdomen < 0.45 < 0.55 < scale.abdomen_pelvis < 0.75
    assert 0.1 < scale.lungs[0] < scale.lungs[1] < 0.55


def test_it_fits_the_weights_of_the_file_at_the_end_of_a_training(network, tmp_path):
    nn.init.zeros_(network.weight)  # the training went on and got worse
    engine = Engine(lambda engine, batch: None)
    fitter(network, tmp_path).attach(engine)
    engine.run([0], max_epochs=1)
    assert (tmp_path / "score.json").is_file()


def test_a_score_of_no_order_gets_no_scale(tmp_path, caplog):
    network = nn.Linear(1, 1)
    nn.init.zeros_(network.weight)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    fitter(network, tmp_path)(Engine(lambda engine, batch: None))
    assert not (tmp_path / "score.json").exists()
    assert "is not written" in caplog.text


def test_foreign_weights_are_refused(tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "model.pt")
    with pytest.raises(ValueError, match="weights of another network"):
        fitter(nn.Linear(1, 1), tmp_path).fit()


def test_a_labelled_scan_holds_the_truth():
    phantom = make_torso(4, spacing_mm=SPACING_MM)
    scan = labelled_scan(phantom, np.arange(len(phantom.coordinates)))
    marks = phantom.torso.landmarks_mm
    lung = scan.z_mm[scan.holds_lung]
    assert marks["kidney_upper_pole"] <= lung.min() < marks["diaphragm_dome"] < marks["carina"] < lung.max()
    assert lung.max() <= marks["lung_apex"]
    assert set(scan.region) == {"chest", "abdomen", "pelvis"}


def state(raw: list[float]) -> SimpleNamespace:
    places = [float(10 * number) for number in range(len(raw))]
    said = {"pred": torch.tensor(raw), "label": torch.tensor(places)}
    return SimpleNamespace(state=SimpleNamespace(batch=[{"source": "scan"}], output=[said]))


@pytest.mark.parametrize("with_scale", [False, True])
def test_every_slice_gets_a_row(tmp_path, with_scale):
    (tmp_path / "model.pt").write_bytes(b"weights")
    if with_scale:
        digest = hashlib.sha256(b"weights").hexdigest()
        scale = ScoreScale(0.1, 0.2, 0.3, 0.6, (0.1, 0.3), (0.0, 1.0), (0.001, 0.0013, 0.002), 0.05, digest)
        scale.save(tmp_path / "score.json")
    saver = SliceScoreSaver(tmp_path / "out", tmp_path / "score.json", tmp_path / "model.pt")
    saver._start(Engine(lambda engine, batch: None))
    saver(state([0.0, 1.5, 5.0]))  # type: ignore[arg-type]
    saver._finish(Engine(lambda engine, batch: None))
    with (tmp_path / "out" / "slice_scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["raw"]) for row in rows] == [0.0, 1.5, 5.0]
    assert [row["position_mm"] for row in rows] == ["0.0", "10.0", "20.0"]
    assert [row["region"] for row in rows] == (["chest", "abdomen", "pelvis"] if with_scale else ["", "", ""])


def test_batches_stack_as_they_come_from_either_collation():
    item = {"image": torch.zeros(4, 1, 8, 8, dtype=torch.int16), "positions_mm": torch.arange(4)}
    images, positions = prepare_slice_batch([item, item])
    assert images.shape == (2, 4, 1, 8, 8)
    assert images.dtype == positions.dtype == torch.float32
    collated = {name: value[None] for name, value in item.items()}
    assert prepare_slice_batch(collated)[0].shape == (1, 4, 1, 8, 8)
