"""The cohort: a rule that is known, labels that follow it, and a folder that is whole or goes on."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lungdet import cli
from lungdet.phantoms import (
    PhantomNodule,
    cancer_probability,
    cohort_folder,
    draw_cohort_patient,
    make_chest,
    malignancy_level,
    write_cohort,
)
from lungdet.phantoms.patient import draw_patient
from lungdet.phantoms.placement import place_nodules
from lungdet.phantoms.risk_cohort import COUNT_SHARES, HALF_LEVEL, LEAK, CohortPatient
from lungdet.readers import read_ct

NODULE = PhantomNodule((0, 0, 0), (-5, -5, -5, 5, 5, 5), 10.0, "solid", "isolated", 850.0, 1.0)
GRID = {"spacing_mm": (8.0, 8.0, 8.0), "shape": (40, 36, 34)}


def _of_level(level: float) -> PhantomNodule:
    """A plain nodule of such a malignancy."""
    low, high = 1.0, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if malignancy_level(replace(NODULE, diameter_mm=middle)) < level else (low, middle)
    return replace(NODULE, diameter_mm=low)


def test_the_rule_by_hand():
    assert cancer_probability([]) == pytest.approx(LEAK)
    half = _of_level(HALF_LEVEL)
    assert cancer_probability([half]) == pytest.approx(1 - (1 - LEAK) * 0.5, abs=1e-6)
    assert cancer_probability([half, half]) == pytest.approx(1 - (1 - LEAK) * 0.25, abs=1e-6)


def test_more_nodules_are_never_less_risk_and_their_order_is_all_one():
    some = [replace(NODULE, diameter_mm=d) for d in (5.0, 12.0, 8.0)]
    risks = [cancer_probability(some[:n]) for n in range(4)]
    assert risks == sorted(risks)
    assert cancer_probability(some[::-1]) == pytest.approx(risks[-1])


def test_the_rule_parts_patients_by_what_their_nodules_are():
    """By nodules that are placed as a cohort's are; one patient has them all, which is faster."""
    patient, rng = draw_patient(9100), np.random.default_rng(0)
    pool = [placed.truth for _ in range(25) for placed in place_nodules(patient, rng, 4)]
    counts = rng.choice(len(COUNT_SHARES), 400, p=COUNT_SHARES)
    risks = np.array([cancer_probability([pool[n] for n in rng.integers(len(pool), size=count)]) for count in counts])
    aucs = [roc_auc_score(rng.random(400) < risks, risks) for _ in range(20)]
    assert np.mean(aucs) > 0.95
    assert 0.3 < risks.mean() < 0.5  # .37 and .34 of two such pools; the shipped weights' patients: .36 to .47


@pytest.mark.parametrize(
    ("seed", "types", "diameter_mm", "probability", "cancer"),
    [
        (9302, ("part_solid", "calcified", "solid", "part_solid"), 24.0362, 0.9993511, True),
        (9307, ("solid", "solid"), 5.6262, 0.0100191, False),
    ],
)
def test_patients_are_those_that_weights_were_trained_on(seed, types, diameter_mm, probability, cancer):
    """A change here is another cohort: the shipped weights and their benchmark would have to be made anew."""
    patient = draw_cohort_patient(seed)
    assert tuple(nodule.type for nodule in patient.nodules) == types
    assert max(nodule.diameter_mm for nodule in patient.nodules) == pytest.approx(diameter_mm, abs=1e-3)
    assert patient.probability == pytest.approx(probability, abs=1e-6)
    assert (patient.cancer, patient.name) == (cancer, f"{seed:06d}")


def test_a_patient_is_the_one_that_the_chest_shows():
    patient = draw_cohort_patient(9307)
    chest = make_chest(patient.seed, spacing_mm=(4.0, 4.0, 4.0), shape=(84, 72, 72), nodules=2)
    shown = {nodule.box_lps_mm for nodule in (*chest.nodules, *chest.ignored)}
    assert shown == {nodule.box_lps_mm for nodule in patient.nodules}
    assert patient.probability == pytest.approx(cancer_probability(patient.nodules))


def test_a_cohort_is_written_and_goes_on(tmp_path, capsys):
    arguments = ["phantom", str(tmp_path / "c"), "--kind", "cohort", "--patients", "2", "--seed", "9300"]
    arguments += ["--spacing", "8", "8", "8", "--size", "40", "36", "34"]
    assert cli.main(arguments) == 0
    assert "2 scans" in capsys.readouterr().out
    with (tmp_path / "c" / "labels.csv").open() as table:
        rows = list(csv.DictReader(table))
    truth = json.loads((tmp_path / "c" / "truth.json").read_text())
    assert [row["id"] for row in rows] == ["009300", "009301"] == list(truth["scans"])
    assert [int(row["cancer"]) for row in rows] == [scan["cancer"] for scan in truth["scans"].values()]
    assert read_ct(tmp_path / "c" / "009301").array.shape == (40, 36, 34)
    kept = (tmp_path / "c" / "009301" / "0001.dcm").stat().st_mtime_ns
    gone = tmp_path / "c" / "009300"
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    assert cli.main(arguments) == 0  # what was not finished is
    assert len(list(gone.glob("*.dcm"))) == 34
    assert (tmp_path / "c" / "009301" / "0001.dcm").stat().st_mtime_ns == kept
    assert not list((tmp_path / "c").glob(".*"))


@pytest.fixture
def drawn_at_once(monkeypatch):
    """Patients that need not be placed first, where only their folder is looked at."""
    monkeypatch.setattr(cohort_folder, "draw_cohort_patient", lambda seed: CohortPatient(seed, (NODULE,), 0.5, True))


@pytest.mark.usefixtures("drawn_at_once")
@pytest.mark.parametrize("stopped_at", ["truth.json", "labels.csv"])
def test_a_cohort_that_was_stopped_before_its_first_scan_goes_on(tmp_path, monkeypatch, stopped_at):
    replace_file = cohort_folder._replace

    def stop(path, text):
        if path.name == stopped_at:
            (path.parent / f".{path.name}.part").write_text("half")
            raise KeyboardInterrupt
        replace_file(path, text)

    (tmp_path / ".hidden").write_text("of the system")
    monkeypatch.setattr(cohort_folder, "_replace", stop)
    monkeypatch.setattr(cohort_folder, "_write_scan", lambda *scan: None)
    with pytest.raises(KeyboardInterrupt):
        write_cohort(tmp_path, 1, 9300, **GRID)
    monkeypatch.setattr(cohort_folder, "_replace", replace_file)
    write_cohort(tmp_path, 1, 9300, **GRID)
    assert {path.name for path in tmp_path.iterdir()} == {".hidden", "labels.csv", "truth.json"}


@pytest.mark.usefixtures("drawn_at_once")
def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ValueError, match="not with a cohort"):
        write_cohort(tmp_path, 1, **GRID)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
    (tmp_path / "note.txt").unlink()
    (tmp_path / "truth.json").write_text("{}")
    with pytest.raises(ValueError, match="another cohort"):
        write_cohort(tmp_path, 1, **GRID)


@pytest.mark.parametrize(("patients", "seed"), [(0, 0), (1, -1)])
def test_no_patients_and_negative_seeds_are_refused(tmp_path, patients, seed):
    with pytest.raises(ValueError, match=r"patients must be positive|seed must not be negative"):
        write_cohort(tmp_path / "c", patients, seed, **GRID)
    assert not (tmp_path / "c").exists()
