import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from lungdet.datalists import IgnoredBox, LabelledBox, ScanEntry, datalist_content, write_datalist
from lungdet.engines import NoduleCubeCache, list_nodule_cubes
from lungdet.engines import nodule_cube_cache as module
from lungdet.geometry.cubes import cut_cube
from lungdet.geometry.frames import ras_to_lps
from lungdet.phantoms import write_dicom_series, write_nifti
from lungdet.readers import read_ct
from lungdet.records import CTVolume, SeriesInfo
from lungdet.transforms import LoadCube, LoadCubed

SIDE = 8
ROUNDED_HU = 0.501
AFFINE = np.array([[0.8, 0, 0, -10], [0, 0.8, 0, -10], [0, 0, 1.5, -20], [0, 0, 0, 1.0]])
MARKS = [[0.0, 1.0, -10.0], [4.0, 4.0, -6.0]]


def volume(seed: int = 0) -> CTVolume:
    hu = np.random.default_rng(seed).integers(-1000, 400, (30, 28, 20)).astype(np.int16)
    return CTVolume(hu, AFFINE, SeriesInfo("made"))


def items_of(path: Path, marks=MARKS) -> list[dict]:
    return [{"image": str(path), "center_lps_mm": torch.tensor(mark, dtype=torch.float64), "x": 1} for mark in marks]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    write_nifti(volume(), tmp_path / "ct" / "a.nii.gz")
    return tmp_path / "ct" / "a.nii.gz"


@pytest.fixture
def cache(tmp_path: Path) -> NoduleCubeCache:
    return NoduleCubeCache(tmp_path / "cubes", side=SIDE)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the CTs that were opened."""
    seen, read = [], module.read_ct
    monkeypatch.setattr(module, "read_ct", lambda path, **options: seen.append(str(path)) or read(path, **options))
    return seen


def test_cubes_are_those_of_the_scan_and_it_is_opened_once(scan: Path, cache: NoduleCubeCache, reads: list[str]):
    items = cache.prepare(items_of(scan))
    assert (len(reads), cache.opened, cache.problems) == (1, 1, [])
    for item, mark in zip(items, MARKS, strict=True):
        wanted = cut_cube(volume().array, AFFINE, mark, SIDE)
        found = LoadCubed("image")(item)
        assert found.keys() == {"image", "center_lps_mm", "x"}
        assert (found["image"].shape, found["image"].dtype) == ((1, SIDE, SIDE, SIDE), torch.float32)
        assert np.abs(found["image"].numpy() - wanted.hu).max() <= ROUNDED_HU
        assert np.allclose(ras_to_lps(found["image"].affine.numpy()), wanted.affine_lps)
        assert found["image"].meta["inside"] == pytest.approx(wanted.inside, abs=1e-6)
    assert [item["cube"] for item in items] == [0, 1]


def test_a_second_run_opens_nothing_and_gives_the_same(scan: Path, cache: NoduleCubeCache, reads: list[str]):
    first, again = cache.prepare(items_of(scan)), NoduleCubeCache(cache.folder, side=SIDE).prepare(items_of(scan))
    assert len(reads) == 1
    assert str(first) == str(again)
    assert sorted(path.suffix for path in cache.folder.iterdir()) == [".json", ".npy"]


@pytest.mark.parametrize("change", ["content", "marks", "side", "spacing", "damage", "manifest", "foreign"])
def test_what_has_changed_is_cut_again(scan: Path, cache: NoduleCubeCache, reads: list[str], change: str):
    (path,) = {item["image"] for item in cache.prepare(items_of(scan))}
    options, marks = {"side": SIDE}, MARKS
    if change == "content":
        write_nifti(volume(1), scan)
    elif change == "marks":
        marks = [[0.1, 1.0, -10.0], MARKS[1]]
    elif change == "side":
        options = {"side": SIDE + 2}
    elif change == "spacing":
        options = {"side": SIDE, "spacing_mm": 1.2}
    elif change == "damage":
        Path(path).write_bytes(Path(path).read_bytes()[:50])
    elif change == "foreign":
        Path(path).with_suffix(".json").write_text('["no manifest"]')
    else:
        Path(path).with_suffix(".json").unlink()
    other = NoduleCubeCache(cache.folder, **options)
    items = other.prepare(items_of(scan, marks))
    assert len(reads) == 2
    wanted = cut_cube(volume(change == "content").array, AFFINE, marks[0], **options)
    assert np.abs(LoadCubed("image")(items[0])["image"].numpy() - wanted.hu).max() <= ROUNDED_HU


def test_a_broken_ct_is_told_and_the_rest_goes_on(scan: Path, cache: NoduleCubeCache, tmp_path: Path, caplog):
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    missing = tmp_path / "gone.nii"
    items = cache.prepare([*items_of(tmp_path / "bad.nii.gz"), *items_of(missing), *items_of(scan)])
    assert [item["cube"] for item in items] == [0, 1]
    assert [problem.image for problem in cache.problems] == [str(tmp_path / "bad.nii.gz"), str(missing)]
    assert "gone.nii: no such CT; fetch it" in str(cache.problems[1])
    assert "no cube" in caplog.text


def test_a_full_disk_ends_the_run(tmp_path: Path, cache: NoduleCubeCache, reads: list[str], monkeypatch):
    """It ails the folder of the cubes, not one CT: the others would be read for nothing and taken for broken."""
    paths = [write_nifti(volume(n), tmp_path / f"{n}.nii") or tmp_path / f"{n}.nii" for n in range(2)]

    def full(folder, files):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "write_files", full)
    with pytest.raises(OSError, match="No space left on device"):
        cache.prepare([item for path in paths for item in items_of(path)])
    assert (reads, cache.problems) == ([str(paths[0])], [])


def test_a_mark_outside_is_told_each_time_without_opening(scan: Path, cache: NoduleCubeCache, reads: list[str]):
    for _ in range(2):
        items = cache.prepare(items_of(scan, [[500.0, 0, 0], MARKS[0]]))
        assert [item["cube"] for item in items] == [0]
        assert "lies outside the image" in str(cache.problems[0])
    assert len(reads) == 1
    assert cache.prepare(items_of(scan, [[500.0, 0, 0]])) == []


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, cache: NoduleCubeCache, reads, monkeypatch):
    paths = [write_nifti(volume(n), tmp_path / f"{n}.nii.gz") or tmp_path / f"{n}.nii.gz" for n in range(3)]
    items = [item for path in paths for item in items_of(path)]
    write = module.write_files

    def stop(folder, files):
        if len(reads) == 2:
            raise KeyboardInterrupt
        write(folder, files)

    monkeypatch.setattr(module, "write_files", stop)
    with pytest.raises(KeyboardInterrupt):
        cache.prepare(items)
    monkeypatch.setattr(module, "write_files", write)
    reads.clear()
    assert len(cache.prepare(items)) == 6
    assert reads == [str(paths[1]), str(paths[2])]


def test_dicom_folders_by_their_series(tmp_path: Path, cache: NoduleCubeCache):
    wanted = write_dicom_series(volume(), tmp_path / "study" / "a").series_uid
    write_dicom_series(CTVolume(volume(1).array, AFFINE, SeriesInfo("b", series_uid="1.2.9")), tmp_path / "study" / "b")
    items = [{**item, "series_uid": wanted} for item in items_of(tmp_path / "study")]
    found = LoadCubed("image")(cache.prepare(items)[0])["image"]
    assert np.abs(found.numpy() - cut_cube(volume().array, AFFINE, MARKS[0], SIDE).hu).max() <= ROUNDED_HU


def test_from_a_list_to_cubes(scan: Path, tmp_path: Path):
    def around(mark):
        return (*(at - 3 for at in mark), *(at + 3 for at in mark))

    lookalike = IgnoredBox(around(MARKS[1]), "non-nodule", {"kind": "non_nodule", "center_lps_mm": MARKS[1]})
    scans = [
        ScanEntry("ct/a.nii.gz", "p1", "lps_mm", (LabelledBox(around(MARKS[0])),), (lookalike,)),
        ScanEntry("ct/none.nii.gz", "p2", "lps_mm", (LabelledBox(around(MARKS[0])),)),
    ]
    write_datalist(tmp_path / "list.json", datalist_content("tiny", {"training": scans}))
    items = list_nodule_cubes(tmp_path / "list.json", side=SIDE)
    assert [item["nodule"].item() for item in items] == [1, 0]
    assert Path(items[0]["image"]).parent == tmp_path / "cubes"
    assert LoadCubed("image")(items[1])["image"].shape == (1, SIDE, SIDE, SIDE)
    assert list_nodule_cubes("") == []
    os.remove(scan)
    with pytest.raises(ValueError, match=r"none of 3 marks has a cube; first: .*no such CT"):
        list_nodule_cubes(tmp_path / "list.json", cache_dir=tmp_path / "other")


def test_a_ct_is_read_as_it_was_for_its_list(tmp_path: Path, reads: list[str]):
    uid = write_dicom_series(volume(), tmp_path / "ct").series_uid
    sorted((tmp_path / "ct").glob("*.dcm"))[10].unlink()  # at z = -5 mm, 5 mm above the mark
    box = (*(at - 3 for at in MARKS[0]), *(at + 3 for at in MARKS[0]))
    entry = ScanEntry("ct", "p1", "lps_mm", (LabelledBox(box),), series_uid=uid)
    path, cubes = tmp_path / "list.json", tmp_path / "cubes"
    for options in ({}, {"on_gap": "error"}):
        write_datalist(path, datalist_content("refused", {"training": [entry]}, options=options))
        with pytest.raises(ValueError, match="1 gap"):
            list_nodule_cubes(path, cache_dir=cubes, side=SIDE)
    write_datalist(path, datalist_content("allowed", {"training": [entry]}, options={"on_gap": "interpolate"}))
    found = [LoadCubed("image")(list_nodule_cubes(path, cache_dir=cubes, side=SIDE)[0])["image"] for _ in range(2)]
    wanted = read_ct(tmp_path / "ct", on_gap="interpolate")
    assert np.abs(found[0].numpy() - cut_cube(wanted.array, wanted.affine_lps, MARKS[0], SIDE).hu).max() <= ROUNDED_HU
    assert len(reads) == 3
    item = {"image": str(tmp_path / "ct"), "center_lps_mm": MARKS[0], "series_uid": uid}
    for reading, known in (({"on_gap": "interpolate"}, 1), ({}, 0), ({"on_tilt": "resample"}, 0)):
        assert len(NoduleCubeCache(cubes, SIDE, reading=reading).prepare([item])) == known
    assert len(reads) == 5


def test_a_file_that_holds_no_such_cube(tmp_path: Path, cache: NoduleCubeCache, scan: Path):
    path = cache.prepare(items_of(scan))[0]["image"]
    with pytest.raises(ValueError, match="wanted cube 2 of"):
        LoadCube()(path, 2)
    with pytest.raises(ValueError, match="give cache_dir"):
        NoduleCubeCache("")
    with pytest.raises(ValueError, match="on_gap must be"):
        NoduleCubeCache(cache.folder, reading={"on_gap": "guess"})
    manifest = json.loads(Path(path).with_suffix(".json").read_text())
    assert (manifest["format"], manifest["side"], manifest["cubes"]) == ("lungdet-cubes/1", SIDE, 2)
