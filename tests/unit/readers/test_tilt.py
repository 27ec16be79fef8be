"""Tilted and sheared series whose truth is known everywhere: a field that is linear in the patient's coordinates."""

import numpy as np
import pytest

from lungdet.readers import SeriesError, read_ct

GRADIENT = np.array([11.0, -17.0, 7.0])  # HU per mm along L, P, S


def field_hu(points_lps_mm: np.ndarray) -> np.ndarray:
    return points_lps_mm @ GRADIENT


def sample(positions: np.ndarray, orientation: list[float], rows: int = 24, columns: int = 20) -> np.ndarray:
    """Stored values ``(N, rows, columns)`` of slices at ``positions`` with spacing 0.7 (rows) and 0.6 (columns)."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    i, j = np.arange(columns), np.arange(rows)
    within = 0.6 * i[None, :, None] * row + 0.7 * j[:, None, None] * column  # (rows, columns, 3)
    return np.rint(field_hu(positions[:, None, None] + within) + 1024).astype(np.int16)


def tilted(ct_files, degrees: float, step=(0.0, 0.0, 3.0), number: int = 8):
    angle = np.radians(degrees)
    orientation = [1.0, 0.0, 0.0, 0.0, float(np.cos(angle)), float(-np.sin(angle))]
    positions = np.array([-10.0, -20.0, 5.0]) + np.arange(number)[:, None] * np.array(step)
    return ct_files.series(
        sample(positions, orientation),
        ImageOrientationPatient=[round(cosine, 7) for cosine in orientation],
        change=lambda place: {"position": positions[place].tolist()},
    )


def check_against_field(volume, fill_hu: float = -1000.0):
    """Every voxel but the filled ones and the border next to them must show the field at its own place."""
    index = np.stack(np.meshgrid(*map(np.arange, volume.array.shape), indexing="ij"), axis=-1)
    truth = field_hu(index @ volume.affine_lps[:3, :3].T + volume.affine_lps[:3, 3])
    filled = volume.array == fill_hu
    inside = ~filled
    for axis in (0, 1):
        inside[(slice(None),) * axis + (slice(1, None),)] &= ~filled[(slice(None),) * axis + (slice(None, -1),)]
        inside[(slice(None),) * axis + (slice(None, -1),)] &= ~filled[(slice(None),) * axis + (slice(1, None),)]
    inside[[0, -1]] = inside[:, [0, -1]] = False
    assert inside.sum() > 0.5 * 24 * 20 * volume.array.shape[2]
    assert np.abs(volume.array - truth)[inside].max() <= 1.01  # rounded once as stored values and once as HU


@pytest.mark.parametrize("degrees", [18.5, -18.5, 3.0])
def test_a_tilted_series_is_refused_or_straightened(ct_files, degrees: float):
    folder = tilted(ct_files, degrees)
    with pytest.raises(SeriesError, match=rf"gantry is tilted by \{degrees:+.1f} degrees: .* at steps of 3.00 mm"):
        read_ct(folder)
    volume = read_ct(folder, on_tilt="resample")
    check_against_field(volume)
    columns = volume.affine_lps[:3, :3]
    np.testing.assert_allclose(
        columns.T @ columns, np.diag([0.36, 0.49, (3 * np.cos(np.radians(degrees))) ** 2]), atol=1e-6
    )
    assert volume.array.dtype == np.int16
    assert set(volume.info.slice_uids) == {""}
    assert "straightened: the gantry is tilted" in volume.info.steps[0]


def test_a_series_swivelled_to_both_sides(ct_files):
    folder = tilted(ct_files, 0.0, step=(-0.5, 0.8, 3.0))
    with pytest.raises(
        SeriesError, match=r"tilted by -14.9 degrees and the slices are sheared along their rows by -9.5 degrees"
    ):
        read_ct(folder)
    check_against_field(read_ct(folder, on_tilt="resample"))


def test_a_shear_along_the_rows_is_no_tilt_of_the_gantry(ct_files):
    with pytest.raises(SeriesError, match=r"1.2.3.4.5: the slices are sheared along their rows by \+9.5 degrees: "):
        read_ct(tilted(ct_files, 0.0, step=(0.5, 0.0, 3.0)))


def test_one_slice_shifted_sideways(ct_files):
    orientation = [1.0, 0, 0, 0, 1, 0]
    positions = np.arange(6)[:, None] * np.array([0, 0, 2.0])
    positions[2, 0] = 1.5
    folder = ct_files.series(
        sample(positions, orientation), change=lambda place: {"position": positions[place].tolist()}
    )
    with pytest.raises(SeriesError, match=r"_2.dcm lies 1.50 mm beside the straight line"):
        read_ct(folder)
    check_against_field(read_ct(folder, on_tilt="resample"))


def test_a_tilted_series_with_a_hole(ct_files):
    folder = tilted(ct_files, 10.0)
    next(folder.glob("*_4.dcm")).unlink()
    with pytest.raises(SeriesError, match="1 slice is missing"):
        read_ct(folder, on_tilt="resample")
    volume = read_ct(folder, on_tilt="resample", on_gap="interpolate")
    assert volume.array.shape[2] == 8
    untouched = read_ct(tilted(ct_files, 10.0), on_tilt="resample")
    np.testing.assert_allclose(volume.affine_lps, untouched.affine_lps, atol=1e-9)


def test_what_lies_outside_of_a_straightened_slice(ct_files):
    folder = tilted(ct_files, 18.5)
    assert (read_ct(folder, on_tilt="resample", padding_hu=-1234).array == -1234).any()
    assert (read_ct(folder, on_tilt="resample", padding_hu=None).array == -1000).any()


def test_a_straightened_volume_obeys_the_budget(ct_files):
    with pytest.raises(SeriesError, match="more than max_bytes"):
        read_ct(tilted(ct_files, 18.5), on_tilt="resample", max_bytes=8 * 24 * 20 * 2)


def test_rounded_positions_are_no_tilt(ct_files):
    """The shift is kept in the affine, exactly, and nothing is interpolated."""
    folder = tilted(ct_files, 0.0, step=(0.01, 0.0, 3.0))
    volume = read_ct(folder)
    np.testing.assert_allclose(volume.affine_lps[:3, 2], [0.01, 0, 3.0], atol=1e-9)
    assert volume.info.steps == ("its values run from -9 to 538: are they HU?",)
