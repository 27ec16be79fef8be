"""What the scores of a scan say, by scans whose faults are known."""

from collections.abc import Callable

import numpy as np
import pytest

from lungdet.lesions import ScoreScale, judge_slices
from lungdet.records import ModelInfo, ScanScore, SeriesInfo

SCALE = ScoreScale(0.1, 0.5, 0.42, 0.72, (0.15, 0.47), (0.0, 1.0), (0.0010, 0.00125, 0.0015), 0.04)
BODY_MM, STEP_MM = 800.0, 4.0


def scan(top: float, bottom: float, noise: float = 0.01, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Heights in mm from the head to the feet, and raw scores that bend and scatter as those of a network do."""
    u = np.arange(top, bottom, STEP_MM / BODY_MM)
    bent = u + 0.02 * np.sin(3 * np.pi * u)
    return 300 - BODY_MM * u, ((bent + np.random.default_rng(seed).normal(0, noise, len(u))) - 0.5) / 0.1


def judge(z_mm: np.ndarray, raw: np.ndarray, **more: object) -> ScanScore:
    return judge_slices(z_mm, raw, SCALE, series=SeriesInfo("made"), model=ModelInfo("m", "1", ""), **more)


def kinds(answer: ScanScore) -> list[str]:
    return [flag.kind for flag in answer.flags]


def test_a_line_by_hand():
    answer = judge(np.array([0.0, -40.0, -80.0, -120.0]), np.array([-4.0, -3.0, -2.0, -1.0]))
    assert answer.score == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert answer.region == ("chest",) * 4
    assert answer.line.rate_per_mm == pytest.approx(0.0025)
    assert answer.line.at(-40.0) == pytest.approx(0.2)
    assert (answer.line.tau, answer.line.r2, answer.line.scatter_mm) == pytest.approx((1.0, 1.0, 0.0))
    (part,) = answer.covered
    assert (part.region, part.top_mm, part.bottom_mm, part.extent_mm, part.slices) == ("chest", 20.0, -140.0, 160.0, 4)
    assert answer.lungs_mm == (-20.0, -140.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ends", [(0.02, 0.98), (0.1, 0.5), (0.1, 0.3), (0.05, 0.75)])
def test_sound_scans_have_no_flags(ends: tuple[float, float], seed: int):
    answer = judge(*scan(*ends, seed=seed))
    assert not answer.flags
    assert answer.line.tau > 0.85


def test_parts_of_the_body_are_named_with_their_extents():
    answer = judge(*scan(0.05, 0.95))
    truth = {"chest": (0.05, 0.42), "abdomen": (0.42, 0.72), "pelvis": (0.72, 0.95)}
    assert [part.region for part in answer.covered] == list(truth)
    for part in answer.covered:
        top, bottom = truth[part.region]
        assert part.top_mm == pytest.approx(300 - BODY_MM * top, abs=25)
        assert part.bottom_mm == pytest.approx(300 - BODY_MM * bottom, abs=25)
    assert answer.lungs_mm == pytest.approx((180.0, -76.0), abs=25)


def test_the_order_in_which_slices_come_does_not_matter():
    z_mm, raw = scan(0.1, 0.6)
    down, up = judge(z_mm, raw), judge(z_mm[::-1], raw[::-1])
    assert (down.z_mm, down.score, down.line, down.covered) == (up.z_mm, up.score, up.line, up.covered)
    assert down.slice_index == up.slice_index[::-1]


def test_a_shift_of_the_table_changes_nothing():
    z_mm, raw = scan(0.1, 0.6)
    here, there = judge(z_mm, raw), judge(z_mm + 1000.0, raw)
    assert here.line.tau == there.line.tau
    assert here.line.at(0.0) == pytest.approx(there.line.at(1000.0))
    assert [part.extent_mm for part in here.covered] == pytest.approx([part.extent_mm for part in there.covered])


def upside_down(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    return z_mm, raw[::-1]


def slices_missing(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    return np.delete(z_mm, slice(40, 50)), np.delete(raw, slice(40, 50))


def slices_lost_and_renumbered(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    return z_mm[:-18], np.delete(raw, slice(40, 58))


def two_of_elsewhere(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    raw[[20, 50]] = 4.0
    return z_mm, raw


def the_end_of_elsewhere(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    raw[-12:] = 4.0
    return z_mm, raw


def a_part_backwards(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    raw[30:60] = raw[30:60][::-1].copy()
    return z_mm, raw


def mixed_up(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    return z_mm, np.random.default_rng(0).permutation(raw)


def thin_slices_called_thick(z_mm: np.ndarray, raw: np.ndarray) -> tuple:
    return 4 * z_mm, raw


@pytest.mark.parametrize(
    ("fault", "kind", "rows"),
    [
        (upside_down, "upside_down", ()),
        (slices_missing, "gap", (39, 40)),
        (slices_lost_and_renumbered, "gap", (39, 40)),
        (two_of_elsewhere, "foreign", (20, 50)),
        (the_end_of_elsewhere, "foreign", tuple(range(68, 80))),
        (a_part_backwards, "reversed", tuple(range(30, 60))),
        (mixed_up, "no_order", ()),
        (thin_slices_called_thick, "spacing", ()),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_fault_has_its_flag(fault: Callable[..., tuple], kind: str, rows: tuple[int, ...]):
    answer = judge(*fault(*scan(0.1, 0.4999)))
    (flag,) = answer.flags
    assert flag.kind == kind
    assert len(flag.rows) == pytest.approx(len(rows), abs=10 if kind == "reversed" else 0)
    assert all(np.abs(np.array(rows) - row).min() <= 2 for row in flag.rows) if rows else flag.rows == ()


def test_slices_that_are_mixed_up_have_no_extents():
    z_mm, raw = scan(0.02, 0.98)
    order = np.random.default_rng(0).permutation(len(raw))
    answer = judge(z_mm, raw[order])
    assert kinds(answer) == ["no_order"]
    assert (answer.covered, answer.lungs_mm, answer.holds_lungs) == ((), None, True)
    airless = judge(z_mm, raw[order], lung_cm2=np.zeros(len(raw)))
    assert kinds(airless) == ["no_order", "no_lungs"]
    assert not airless.holds_lungs


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("run", [(10, 40), (60, 100), (70, 110)])
def test_what_runs_backwards_moves_no_end(run: tuple[int, int], seed: int):
    z_mm, raw = scan(0.05, 0.95, seed=seed)
    sound = judge(z_mm, raw)
    raw[slice(*run)] = raw[slice(*run)][::-1].copy()
    answer = judge(z_mm, raw)
    assert kinds(answer) == ["reversed"]
    assert answer.lungs_mm == pytest.approx(sound.lungs_mm, abs=4 * STEP_MM)
    for part, before in zip(answer.covered, sound.covered, strict=True):
        assert (part.top_mm, part.bottom_mm) == pytest.approx((before.top_mm, before.bottom_mm), abs=4 * STEP_MM)


@pytest.mark.parametrize("missing", [14, 20, 26])
def test_what_is_missing_is_measured(missing: int):
    z_mm, raw = scan(0.1, 0.7, noise=0.005)
    answer = judge(z_mm[:-missing], np.delete(raw, slice(50, 50 + missing)))
    (flag,) = [flag for flag in answer.flags if flag.kind == "gap"]
    told = float(flag.message.split()[1])
    assert told == pytest.approx(missing * STEP_MM, rel=0.3)


def test_an_error_over_some_slices_is_no_gap():
    z_mm, raw = scan(0.05, 0.5)
    raw[10:24] += 1.5  # 120 mm of the body, over 56 mm
    answer = judge(z_mm, raw)
    assert set(kinds(answer)) <= {"foreign"}


def test_no_lungs():
    assert kinds(judge(*scan(0.8, 1.0))) == ["no_lungs"]
    z_mm, raw = scan(0.1, 0.5)
    airless = judge(z_mm, raw, lung_cm2=np.full(len(raw), 5.0))
    assert kinds(airless) == ["no_lungs"]
    assert "as much air" in airless.flags[0].message
    assert airless.lungs_mm is None


def test_all_air_is_told_and_nothing_else_is_said():
    z_mm, raw = scan(0.1, 0.5)
    answer = judge(z_mm, raw, body_cm2=np.zeros(len(raw)))
    assert kinds(answer) == ["empty", "no_lungs"]
    assert set(answer.score) == {None}
    assert set(answer.region) == {""}
    assert answer.line is None
    assert answer.covered == ()


def test_slices_without_a_body_do_not_count():
    z_mm, raw = scan(0.1, 0.5)
    body = np.full(len(raw), 500.0)
    body[:7], raw[:7] = 0.0, 77.0
    answer = judge(z_mm, raw, body_cm2=body)
    assert kinds(answer) == ["empty"]
    assert answer.flags[0].rows == tuple(range(7))
    assert answer.line.tau > 0.9


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_slices_have_a_place_and_no_line(count: int):
    z_mm, raw = scan(0.2, 0.4)
    answer = judge(z_mm[:count], raw[:count])
    assert kinds(answer) == ["few_slices"]
    assert [part.region for part in answer.covered] == ["chest"]
    assert answer.line is None


def test_what_is_not_of_the_trunk_is_outside():
    z_mm, _ = scan(0.1, 0.3)
    answer = judge(z_mm, np.linspace(-9.0, -7.0, len(z_mm)))  # heights of -0.4 to -0.2: a head
    assert kinds(answer) == ["outside", "no_lungs"]
    assert set(answer.region) == {""}
    assert answer.covered == ()


@pytest.mark.parametrize(
    ("z_mm", "raw", "more", "words"),
    [
        ([1.0, 2.0], [0.0, np.nan], {}, "raw must be numbers, got nan for 1 of 2 slices"),
        ([1.0, np.inf], [0.0, 1.0], {}, "z_mm must be numbers"),
        ([1.0, 2.0], [0.0], {}, "raw has 1 numbers for 2 slices"),
        ([], [], {}, "one or more"),
        ([1.0, 1.0], [0.0, 1.0], {}, "rise or fall"),
        ([1.0, 3.0, 2.0], [0.0, 1.0, 2.0], {}, "rise or fall"),
        ([1.0, 2.0], [0.0, 1.0], {"body_cm2": [1.0, np.nan]}, "body_cm2 must be numbers"),
    ],
)
def test_bad_numbers_are_refused(z_mm: list, raw: list, more: dict, words: str):
    with pytest.raises(ValueError, match=words):
        judge(np.array(z_mm), np.array(raw), **more)
