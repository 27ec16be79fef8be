"""Some scans of a training are shown without candidates, negative ones far more often, and attention learns of them."""

import pytest
import torch

from lungdet.networks.nets import ScanRisk
from lungdet.transforms import RandEmptyScand


def scan(label: float) -> dict[str, torch.Tensor]:
    return {"candidates": torch.ones(6, 3), "label": torch.tensor([label])}


@pytest.mark.parametrize(("label", "share"), [(0.0, 0.3), (1.0, 0.05)])
def test_shares_are_those_of_the_label(label: float, share: float):
    shown = RandEmptyScand("candidates", negative=0.3, positive=0.05).set_random_state(0)
    sums = [float(shown(scan(label))["candidates"].sum()) for _ in range(2000)]
    assert set(sums) == {0.0, 18.0}
    assert sums.count(0.0) / 2000 == pytest.approx(share, abs=0.025)


def test_a_scan_is_copied_or_left_alone():
    given = scan(0.0)
    assert RandEmptyScand("candidates", negative=1.0)(given)["candidates"].sum() == 0
    assert given["candidates"].sum() == 18
    kept = RandEmptyScand("candidates", negative=0.0, positive=0.0)(given)
    assert kept["candidates"] is given["candidates"]
    with pytest.raises(ValueError, match="shares must be"):
        RandEmptyScand("candidates", positive=1.5)
    with pytest.raises(KeyError):
        RandEmptyScand("candidates")({})


def train(negative: float, positive: float) -> tuple[float, float]:
    """Train attention where every scan has candidates; gives the rate of positives, and what an empty scan is told."""
    torch.manual_seed(0)
    packed = torch.randn(100, 4, 3)
    packed[..., -1] = 1
    truth = (packed[..., 0].amax(dim=1, keepdim=True) > 1.1).float()
    shown = RandEmptyScand("candidates", negative, positive).set_random_state(1)
    made = ScanRisk(1, "attention", hidden_channels=8, dropout=0.0).train()
    optimizer = torch.optim.Adam(made.parameters(), 0.03)
    for _ in range(80):
        items = [shown({"candidates": one, "label": label}) for one, label in zip(packed, truth, strict=True)]
        answers = made(torch.stack([item["candidates"] for item in items]))
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(answers, truth).backward()
        optimizer.step()
    return float(truth.mean()), made.eval()(torch.zeros(1, 4, 3)).sigmoid().item()


def test_attention_learns_what_an_empty_scan_means():
    rate, chance = train(0.3, 0.15)
    odds = rate / (1 - rate) * 0.15 / 0.3
    assert chance == pytest.approx(odds / (1 + odds), rel=0.4)
