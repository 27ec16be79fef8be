"""The weights that ship score unseen torsos as their model card says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.engines import labelled_scan
from lungdet.lesions import ScoreScale
from lungdet.lesions.robust_line import rank_correlation
from lungdet.phantoms import make_torso
from lungdet.records import BODY_REGIONS
from lungdet.workflows.bundle import bundle_root, load_weights, open_bundle

SEEDS = range(950_000, 950_003)


@pytest.fixture(scope="module")
def opened():
    parser = open_bundle(bundle_root("body_part_regressor"))
    network = parser.get_parsed_content("network")
    digest = load_weights(network, parser.get_parsed_content("checkpoint"), "cpu")
    scale = ScoreScale.load(parser.get_parsed_content("score_file"), weights_sha256=digest)
    scorer = parser.get_parsed_content("inferer")
    return lambda volume: scorer(network.eval(), volume), scale


def test_unseen_torsos_are_scored_in_order_and_in_place(opened):
    score, scale = opened
    right, errors = [], []
    for seed in SEEDS:
        phantom = make_torso(seed, spacing_mm=(3.5, 3.5, 12.0))
        scan = labelled_scan(phantom, score(phantom.volume))
        heights = scale.heights(scan.raw)
        assert rank_correlation(-scan.z_mm, heights) > 0.98
        right += [scale.region(height) == part for height, part in zip(heights, scan.region, strict=True)]
        errors.append(np.abs(heights - scan.u))
    assert np.mean(right) > 0.93
    assert np.median(np.concatenate(errors)) < 0.03


def test_weights_and_scale_belong_together_and_are_small(opened):
    _, scale = opened
    root = bundle_root("body_part_regressor")
    weights = root / "models" / "model.pt"
    assert weights.stat().st_size < 5_000_000
    state = torch.load(weights, weights_only=True)
    assert all(torch.isfinite(value).all() for value in state.values())
    assert 0 < scale.chest_abdomen < scale.abdomen_pelvis < 1
    assert len(BODY_REGIONS) == 3
    metadata = json.loads(Path(root / "configs" / "metadata.json").read_text())
    assert metadata["eval_metrics"]
