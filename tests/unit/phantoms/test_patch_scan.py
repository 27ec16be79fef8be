"""Scanning of patches: noise as a whole scan has it, and thick slices brought back to a fine grid."""

import numpy as np
import pytest

from lungdet.phantoms.patch_scan import THICK_MM, PatchScanner, Protocol, draw_protocol
from lungdet.phantoms.scanner import Scanner, noise_gain

AXES = tuple((np.arange(n) - (n - 1) / 2) * 1.4 for n in (40, 36, 40))
INNER = slice(10, 30)


def scan(painted, protocol, seed=0, planes=INNER):
    return PatchScanner(np.random.default_rng(seed), AXES, planes, protocol).scan(painted.astype(np.float32))


@pytest.mark.parametrize("thickness_mm", [None, 1.5, 3.3, 5.0])
def test_a_constant_stays_and_a_ramp_stays(thickness_mm):
    protocol = Protocol("standard", "none", 1.0, thickness_mm, 0.8 * (thickness_mm or 1), 0.3)
    flat = np.full((40, 36, 40), -700.0)
    assert abs(scan(flat, protocol) - flat[INNER]).max() < 1e-3
    ramp = flat + np.arange(40)[:, None, None] * 14.0
    assert abs(scan(ramp, protocol) - ramp[INNER]).max() < 5.5  # edges of slabs fall between planes


def test_a_thick_slice_is_the_mean_of_what_it_holds():
    painted = np.zeros((40, 36, 40))
    painted[20] = 300.0  # one plane of 1.4 mm
    protocol = Protocol("standard", "none", 1.0, 4.2, 4.2, 0.0)
    scanned = scan(painted, protocol)[:, 18, 20]
    # slices at planes 10, 13, 16, 19, ...: the one about plane 19 holds planes 18 to 20
    assert scanned[9] == pytest.approx(100, abs=1)
    assert scanned[10] == pytest.approx(100 * 2 / 3, abs=1)
    assert scanned[[6, 12]] == pytest.approx(0, abs=1e-3)
    assert PatchScanner(np.random.default_rng(0), AXES, INNER, protocol).peak_hu(
        painted.astype(np.float32)
    ) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("kernel", ["soft", "standard", "lung"])
def test_the_noise_is_that_of_a_whole_scan(kernel):
    flat = np.full((40, 36, 40), -700.0, np.float32)
    patch = scan(flat, Protocol(kernel, "low")) + 700
    scanner = Scanner(np.random.default_rng(5), (1.4, 1.4), noise_gain(*AXES[:2]), kernel, "low", 1.4)
    whole = scanner.measure(flat[INNER], AXES[2][INNER]) + 700
    assert patch.std() == pytest.approx(whole.std(), rel=0.1)
    for axis in (1, 2):
        shifted = [np.mean(n * np.roll(n, 1, axis)) / n.var() for n in (patch, whole)]
        assert shifted[0] == pytest.approx(shifted[1], abs=0.1)
    assert abs(np.mean(patch[:-1] * patch[1:])) < 0.1 * patch.var()  # slices do not share noise


def test_noise_changes_with_the_draw_and_falls_with_thickness():
    flat = np.full((40, 36, 40), -700.0)
    thin, other = scan(flat, Protocol()), scan(flat, Protocol(), seed=1)
    assert not np.array_equal(thin, other)
    thick = scan(flat, Protocol("standard", "standard", 1.0, 5.0, 5.0, 0.0))
    assert thick.std() < 0.6 * thin.std()
    louder = scan(flat, Protocol("standard", "standard", 1.5))
    assert louder.std() == pytest.approx(1.5 * thin.std(), rel=0.02)


def test_protocols_cover_what_scanners_do():
    rng = np.random.default_rng(0)
    drawn = [draw_protocol(rng, 0.5) for _ in range(400)]
    assert {protocol.kernel for protocol in drawn} == {"soft", "standard", "lung"}
    assert {protocol.dose for protocol in drawn} == {"none", "standard", "low", "ultra_low"}
    thick = [protocol for protocol in drawn if protocol.thickness_mm is not None]
    assert 150 < len(thick) < 250
    for protocol in thick:
        assert THICK_MM[0] <= protocol.thickness_mm <= THICK_MM[1]
        assert 0.6 * protocol.thickness_mm <= protocol.step_mm <= protocol.thickness_mm
        assert protocol.margin_mm == protocol.step_mm + protocol.thickness_mm / 2
    assert all(draw_protocol(rng, 0.0).margin_mm == 0 for _ in range(20))
