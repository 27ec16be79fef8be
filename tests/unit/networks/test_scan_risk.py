"""One probability for a scan, from any number of candidates in any order."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import softplus

from lungdet.networks.nets import ScanRisk, pack_candidates
from lungdet.networks.nets.scan_risk import leaky_noisy_or

POOLINGS = ("noisy_or", "attention")


def network(pooling: str, seed: int = 0) -> ScanRisk:
    torch.manual_seed(seed)
    made = ScanRisk(5, pooling, hidden_channels=8).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return made


def scans(count: int, room: int, seed: int = 0) -> torch.Tensor:
    """``count`` scans with 0, 1, ... candidates."""
    random = torch.Generator().manual_seed(seed)
    rows = [torch.randn(n % (room + 1), 6, generator=random) for n in range(count)]
    return torch.stack([pack_candidates(row[:, :5], row[:, 5], room) for row in rows])


def test_a_hand_worked_noisy_or():
    """p = 0.5 and 0.8, leak 0.1: 1 - 0.9 * 0.5 * 0.2 = 0.91."""
    logits = torch.tensor([[0.0, math.log(4.0)]])
    leak = torch.tensor(math.log(1 / 9))
    assert leaky_noisy_or(logits, torch.ones(1, 2).bool(), leak).sigmoid().item() == pytest.approx(0.91, abs=1e-6)
    alone = leaky_noisy_or(logits, torch.tensor([[False, True]]), leak).sigmoid().item()
    assert alone == pytest.approx(1 - 0.9 * 0.2, abs=1e-6)


def test_an_empty_scan_gets_the_leak():
    leak = torch.tensor(-2.0)
    assert leaky_noisy_or(torch.zeros(1, 0), torch.zeros(1, 0).bool(), leak).item() == pytest.approx(-2.0, abs=1e-5)
    made = network("noisy_or")
    assert made(torch.zeros(1, 4, 7)).item() == pytest.approx(made.leak.item(), abs=1e-5)


def test_a_noisy_or_stays_finite_at_the_ends():
    ends = torch.tensor([[-80.0, -80.0], [80.0, 80.0]], requires_grad=True)
    leak = torch.tensor(-12.0, requires_grad=True)
    answers = leaky_noisy_or(ends, torch.ones(2, 2).bool(), leak)
    assert answers.tolist() == pytest.approx([-12.0, 160.0], abs=1e-2)
    answers.sum().backward()
    assert torch.isfinite(ends.grad).all()
    assert torch.isfinite(leak.grad)


@pytest.mark.parametrize("leak", [-30.0, -90.0, -105.0, -1000.0])
def test_a_noisy_or_of_next_to_nothing_still_learns(leak: float):
    """Odds so small add up: two of exp(leak), and a candidate of exp(leak - 1)."""
    logits = torch.tensor([[leak, leak - 1]], requires_grad=True)
    leaking = torch.tensor(leak, requires_grad=True)
    answer = leaky_noisy_or(logits, torch.ones(1, 2).bool(), leaking)
    assert answer.item() == pytest.approx(leak + math.log(2 + math.exp(-1)), abs=1e-4)
    answer.sum().backward()
    shares = torch.tensor([1, math.exp(-1)]) / (2 + math.exp(-1))
    assert torch.allclose(logits.grad, shares[None], atol=1e-4)
    assert leaking.grad.item() == pytest.approx(shares[0].item(), abs=1e-4)


def test_a_noisy_or_of_next_to_nothing_joins_on_to_the_other():
    """Against the formula in double precision, over both ways of computing it."""
    logits, leak = torch.linspace(-40, 5, 400), torch.tensor(-29.0)
    found = leaky_noisy_or(logits[:, None], torch.ones(400, 1).bool(), leak)
    wanted = torch.expm1(softplus(logits.double()) + softplus(leak.double())).log()
    assert torch.allclose(found.double(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_half_precision_around_it_changes_nothing(pooling: str):
    made, packed = network(pooling), scans(5, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answers, shares = made(packed), made.shares(packed)
    assert answers.dtype == shares.dtype == torch.float32
    assert torch.equal(answers, made(packed))
    assert torch.equal(shares, made.shares(packed))


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=5), st.floats(-6, 2))
@settings(max_examples=50, deadline=None)
def test_one_more_candidate_never_lowers_a_noisy_or(logits: list[float], leak: float):
    values = torch.tensor([logits], dtype=torch.float64)
    there = torch.ones_like(values).bool()
    fewer = leaky_noisy_or(values[:, :-1], there[:, :-1], torch.tensor(leak, dtype=torch.float64))
    assert leaky_noisy_or(values, there, torch.tensor(leak, dtype=torch.float64)) >= fewer


@pytest.mark.parametrize("pooling", POOLINGS)
def test_order_and_empty_places_change_nothing(pooling: str):
    made, packed = network(pooling), scans(5, 4)
    shuffled = packed[:, torch.tensor([2, 0, 3, 1])]
    assert torch.allclose(made(packed), made(shuffled), atol=1e-5)
    wider = torch.cat([packed, torch.zeros(5, 3, 7)], dim=1)
    assert torch.allclose(made(packed), made(wider), atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_empty_places_hold_does_not_matter(pooling: str):
    made, packed = network(pooling), scans(5, 4)
    spoilt = packed.clone()
    spoilt[..., :-1][packed[..., -1] == 0] = float("nan")
    assert torch.equal(made(packed), made(spoilt))
    assert torch.equal(made.shares(packed), made.shares(spoilt))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_scans_without_candidates_are_answered_alone_and_among_others(pooling: str):
    made = network(pooling)
    empty = made(torch.zeros(2, 0, 7))
    assert torch.isfinite(empty).all()
    assert torch.allclose(empty[:1], made(scans(5, 4))[:1], atol=1e-6)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_shares_tell_who_counts(pooling: str):
    made, packed = network(pooling), scans(5, 4)
    shares = made.shares(packed)
    assert (shares[packed[..., -1] == 0] == 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()
    if pooling == "attention":
        assert shares.sum(dim=1).tolist() == pytest.approx([0, 1, 1, 1, 1], abs=1e-5)
    else:
        clean = 1 - (1 - made.leak.sigmoid()) * (1 - shares).prod(dim=1)
        assert torch.allclose(clean, made(packed)[:, 0].sigmoid(), atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_it_learns_which_candidate_is_bad(pooling: str):
    torch.manual_seed(1)
    packed = scans(200, 4, seed=3)
    truth = ((packed[..., 0] > 0.8) & (packed[..., -1] > 0)).any(dim=1).float()[:, None]
    made = ScanRisk(5, pooling, hidden_channels=16, dropout=0.0).train()
    optimizer = torch.optim.Adam(made.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(made(packed), truth).backward()
        optimizer.step()
    right = ((made.eval()(packed) > 0) == (truth > 0.5)).float().mean()
    assert right > 0.93


def test_a_batch_with_a_single_candidate_can_be_trained_on():
    made = ScanRisk(5).train()
    made(scans(2, 4)).sum().backward()
    made(torch.zeros(2, 4, 7)).sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in made.parameters() if parameter.grad is not None)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="pooling must be"):
        ScanRisk(5, "mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="prior=0"):
        ScanRisk(5, prior=0)
    with pytest.raises(ValueError, match=r"\(B, K, 7\)"):
        ScanRisk(5)(torch.zeros(2, 4, 6))
    with pytest.raises(ValueError, match="K <= 1"):
        pack_candidates(torch.zeros(2, 3), torch.zeros(2), 1)
