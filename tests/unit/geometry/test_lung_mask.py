"""Lungs of phantoms and of hand-made chests: sides, what belongs to them, what does not, and scans without any."""

import numpy as np
import pytest
from scipy import ndimage

from lungdet.geometry.lung_mask import LEFT, RIGHT, UNKNOWN, LungMask, lung_mask
from lungdet.phantoms import ChestPhantom, make_chest, make_torso
from lungdet.phantoms.lung_truth import chest_lungs, torso_lungs
from lungdet.phantoms.patient import Patient, draw_patient

SEED, STEP = 811, 2.8
SHAPE = (132, 107, 100)


@pytest.fixture(scope="module")
def patient() -> Patient:
    return draw_patient(SEED)


@pytest.fixture(scope="module")
def chest() -> ChestPhantom:
    return make_chest(SEED, spacing_mm=(STEP, STEP, STEP), shape=SHAPE, nodules=12)


@pytest.fixture(scope="module")
def truth(chest: ChestPhantom, patient: Patient) -> np.ndarray:
    return chest_lungs(patient, chest.volume)


@pytest.fixture(scope="module")
def found(chest: ChestPhantom) -> LungMask:
    return lung_mask(chest.volume.array, chest.volume.affine_lps)


def dice(labels: np.ndarray, truth: np.ndarray, side: int) -> float:
    first, second = labels == side, truth == side
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


def box_chest(shape: tuple[int, int, int] = (80, 60, 30)) -> np.ndarray:
    """Two lungs in a block of tissue, 4 x 4 x 8 mm."""
    hu = np.full(shape, -1000, dtype=np.int16)
    hu[5:75, 5:55] = 40
    hu[10:35, 10:50, 3:27] = -850
    hu[45:70, 10:50, 3:27] = -850
    return hu


BOX_AFFINE = np.diag([4.0, 4.0, 8.0, 1.0])


def test_both_lungs_of_an_unseen_chest(found: LungMask, truth: np.ndarray):
    assert found.found
    assert not found.notes
    assert min(dice(found.labels, truth, side) for side in (RIGHT, LEFT)) >= 0.97


def test_both_lungs_of_an_unseen_trunk_with_bowel_and_table():
    phantom = make_torso(901, spacing_mm=(2.8, 2.8, 5.0), size=150)
    labels = lung_mask(phantom.volume.array, phantom.volume.affine_lps).labels
    truth = torso_lungs(phantom.torso, phantom.volume)
    assert min(dice(labels, truth, side) for side in (RIGHT, LEFT)) >= 0.97


def test_the_windpipe_is_left_out_and_vessels_are_kept(
    found: LungMask, truth: np.ndarray, chest: ChestPhantom, patient: Patient
):
    windpipe = patient.mediastinum.windpipe
    middles = 0.5 * (windpipe.start + windpipe.end) + patient.offset_lps_mm
    at = np.rint((middles - chest.volume.affine_lps[:3, 3]) / STEP).astype(int)
    at = at[(at >= 0).all(axis=1) & (at < SHAPE).all(axis=1)]
    outside = at[truth[tuple(at.T)] == 0]
    assert len(outside) >= 3
    assert (found.labels[tuple(outside.T)] == 0).mean() >= 0.9
    deep = ndimage.binary_erosion(truth > 0, iterations=2) & (chest.volume.array > -100)
    assert deep.sum() > 200
    assert (found.labels[deep] > 0).mean() > 0.9


def test_nodules_on_the_pleura_are_kept(found: LungMask, chest: ChestPhantom):
    on_pleura = [nodule for nodule in chest.nodules if nodule.location == "juxtapleural" and nodule.diameter_mm > 6]
    assert on_pleura
    for nodule in on_pleura:
        at = np.rint((np.array(nodule.center_lps_mm) - chest.volume.affine_lps[:3, 3]) / STEP).astype(int)
        assert found.labels[tuple(at)] > 0, nodule


@pytest.mark.parametrize("turn", ["feet first", "rows and columns backwards", "coronal"])
def test_sides_are_the_patients_however_the_axes_run(chest: ChestPhantom, found: LungMask, turn: str):
    hu, affine = chest.volume.array, chest.volume.affine_lps.copy()
    axes, flips = {"feet first": ((0, 1, 2), (2,)), "coronal": ((0, 2, 1), (1,))}.get(turn, ((0, 1, 2), (0, 1)))
    turned, labels = (np.flip(array.transpose(axes), flips) for array in (hu, found.labels))
    affine = affine[:, [*axes, 3]]
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (turned.shape[axis] - 1)
        affine[:3, axis] *= -1
    again = lung_mask(turned, affine).labels
    np.testing.assert_array_equal(again, labels)


def test_a_prone_patient(chest: ChestPhantom, truth: np.ndarray):
    hu = chest.volume.array.copy()
    table = hu[:, -12:].copy()
    hu[:, -12:], hu[:, :12] = -1000, np.flip(table, 1)  # the table is before the chest, the air behind
    labels = lung_mask(hu, chest.volume.affine_lps).labels
    assert min(dice(labels, truth, side) for side in (RIGHT, LEFT)) >= 0.97


@pytest.mark.parametrize(("part", "sides"), [(np.s_[66:], (LEFT,)), (np.s_[:66], (RIGHT,)), (np.s_[:, :, 55:], (1, 2))])
def test_a_cropped_scan(chest: ChestPhantom, truth: np.ndarray, part: object, sides: tuple[int, ...]):
    found = lung_mask(chest.volume.array[part], chest.volume.affine_lps)
    assert min(dice(found.labels, truth[part], side) for side in sides) >= 0.97
    assert len([note for note in found.notes if "one lung" in note]) == 2 - len(sides)


@pytest.mark.parametrize("side", [RIGHT, LEFT])
def test_one_lung_only(chest: ChestPhantom, truth: np.ndarray, side: int):
    hu = np.where(truth == 3 - side, np.int16(30), chest.volume.array)
    found = lung_mask(hu, chest.volume.affine_lps)
    assert dice(found.labels, truth, side) >= 0.97
    assert not (found.labels == 3 - side).any()
    assert "one lung" in found.notes[0]


def test_a_small_part_of_one_lung_has_no_known_side(chest: ChestPhantom):
    found = lung_mask(chest.volume.array[20:50, 35:70, 45:70], chest.volume.affine_lps)
    assert set(np.unique(found.labels)) <= {0, UNKNOWN}
    assert "cannot be told" in found.notes[0]


@pytest.mark.parametrize(("part", "side", "border"), [(np.s_[:44], RIGHT, "left"), (np.s_[88:], LEFT, "right")])
def test_part_of_one_lung_is_not_taken_for_two(chest: ChestPhantom, part: slice, side: int, border: str):
    found = lung_mask(chest.volume.array[part], chest.volume.affine_lps)
    assert set(np.unique(found.labels)) <= {0, side, UNKNOWN}
    assert "only one lung is seen" in found.notes[0]
    assert f"{border} border" in found.notes[1]


@pytest.mark.parametrize("columns", [32, 44])
def test_bronchi_at_the_border_are_no_middle_of_the_chest(columns: int):
    volume = make_chest(3, spacing_mm=(3.0, 3.0, 3.0), shape=(96, 96, 64)).volume
    found = lung_mask(volume.array[:columns], volume.affine_lps)
    assert set(np.unique(found.labels)) == {0, RIGHT}
    assert found.notes[0] == "only one lung is seen: the right one"
    assert "left borders cut the lungs" in found.notes[1]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (np.s_[:, :, 15:], "lower border cuts"),
        (np.s_[:, :, 20:], "lower border cuts"),
        (np.s_[:, :, :10], "upper border cuts"),
        (np.s_[:60], "left border cuts"),
        (np.s_[20:], "right border cuts"),
        (np.s_[:, 30:], "front border cuts"),
    ],
)
def test_a_border_that_cuts_the_lungs_is_named(part: object, said: str):
    found = lung_mask(box_chest()[part], BOX_AFFINE)
    assert set(np.unique(found.labels)) == {0, RIGHT, LEFT}
    assert found.notes == (f"the scan's {said} the lungs: volumes are of the part that is seen",)


def test_a_single_slice(chest: ChestPhantom, truth: np.ndarray):
    found = lung_mask(chest.volume.array[:, :, 50:51], chest.volume.affine_lps)
    assert min(dice(found.labels, truth[:, :, 50:51], side) for side in (RIGHT, LEFT)) >= 0.95


def test_lungs_that_touch_before_the_heart_are_cut_apart():
    hu = box_chest()
    hu[35:45, 10:16, 8:20] = -840  # 10 blocks wide, in the front
    labels = lung_mask(hu, BOX_AFFINE).labels
    assert (labels[10:35, 17:50, 4:26] == RIGHT).all()
    assert (labels[45:70, 17:50, 4:26] == LEFT).all()
    edges = np.flatnonzero(labels[:, 12, 14] == LEFT)
    assert 34 <= edges[0] <= 46


@pytest.mark.parametrize(("gas_hu", "end"), [(-990, 45), (-930, 36)])
def test_gas_in_the_belly_and_bags_are_no_lung(gas_hu: int, end: int):
    hu = box_chest((90, 60, 50))
    hu[hu == -850] += np.linspace(-60, 60, (hu == -850).sum(), dtype=hu.dtype)  # it is uneven, as gas is not
    hu[50:70, 15:45, 30:end] = gas_hu  # a stomach full of gas
    hu[78:88, 10:50] = -800  # a bag beside the patient
    labels = lung_mask(hu, BOX_AFFINE).labels
    assert not labels[:, :, 29:].any()
    assert not labels[76:].any()
    assert (labels[12:33, 12:48, 5:25] == RIGHT).all()


@pytest.mark.parametrize(
    "hu",
    [
        np.full((60, 60, 10), -1000, dtype=np.int16),
        np.full((60, 60, 10), np.nan, dtype=np.float32),
        np.full((60, 60, 10), 40, dtype=np.int16),
        np.full((1, 1, 1), 40, dtype=np.int16),
    ],
)
def test_no_lungs_here_is_an_answer(hu: np.ndarray):
    found = lung_mask(hu, np.diag([5.0, 5.0, 5.0, 1.0]))
    assert not found.found
    assert found.reason
    assert not found.lungs.any()
    assert found.labels.shape == hu.shape
    assert found.box() == tuple(slice(0, n) for n in hu.shape)


def test_a_pelvis_holds_no_lungs():
    phantom = make_torso(6, spacing_mm=(4.0, 4.0, 6.0), size=110)
    heights = phantom.volume.affine_lps[2, 3] + 6.0 * np.arange(phantom.volume.array.shape[2])
    pelvis = phantom.volume.array[:, :, heights < phantom.torso.landmarks_mm["iliac_crest"]]
    assert not lung_mask(pelvis, phantom.volume.affine_lps).found


def test_what_is_no_number_is_air():
    hu = box_chest().astype(np.float32)
    hu[:5], hu[:, :5] = np.nan, np.inf
    hu[:, :5] = -np.inf
    np.testing.assert_array_equal(lung_mask(hu, BOX_AFFINE).labels, lung_mask(box_chest(), BOX_AFFINE).labels)


def test_the_box_holds_both_lungs():
    found = lung_mask(box_chest(), BOX_AFFINE)
    assert found.box() == (slice(10, 70), slice(10, 50), slice(3, 27))
    assert found.box((2, 20, 1)) == (slice(8, 72), slice(0, 60), slice(2, 28))


def test_an_oblique_scan_says_so():
    angle = np.deg2rad(45)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert "degrees" in lung_mask(box_chest(), affine).reason


def test_what_is_no_scan_is_refused():
    with pytest.raises(ValueError, match=r"\(I, J, K\)"):
        lung_mask(np.zeros((5, 5)), np.eye(4))
    with pytest.raises(ValueError, match="voxels"):
        lung_mask(np.zeros((0, 5, 5)), np.eye(4))
