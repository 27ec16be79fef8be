"""Cubes of a real XML file: on a CT that has nothing but what the readers drew, filled in by Pillow, not by lungdet."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import label

from lungdet.datalists import build_lidc, datalist_content, write_datalist
from lungdet.engines import list_nodule_cubes
from lungdet.geometry.frames import world_to_voxel
from lungdet.phantoms import write_nifti
from lungdet.records import CTVolume, SeriesInfo
from lungdet.transforms import LoadCubed

PIXEL_MM, STEP_MM = 0.7, 2.5
LUNG_HU, DRAWN_HU, HALF_HU = -850, 50, -400


@pytest.fixture(scope="module")
def drawn(real_data: Path) -> tuple[str, CTVolume]:
    """Series UID, and the union of what four readers outlined."""
    root = ET.parse(real_data / "lidc" / "xml" / "185" / "088.xml").getroot()  # noqa: S314
    regions = [
        (
            float(roi.findtext("{*}imageZposition")),
            [(int(e[0].text), int(e[1].text)) for e in roi.iterfind("{*}edgeMap")],
        )
        for roi in root.iter()
        if roi.tag.endswith("}roi") and roi.findtext("{*}inclusion") == "TRUE"
    ]
    low, high = min(z for z, _ in regions) - 30, max(z for z, _ in regions) + 30
    block = np.full((round((high - low) / STEP_MM) + 1, 512, 512), LUNG_HU, dtype=np.int16)
    for z, points in regions:
        if len(points) > 2:
            plane = Image.new("1", (512, 512))
            pen = ImageDraw.Draw(plane)
            pen.polygon(points, fill=1)
            pen.line([*points, points[0]], fill=0)  # an outline runs just outside of the nodule
            block[round((z - low) / STEP_MM)][np.asarray(plane)] = DRAWN_HU
    affine = np.array([[PIXEL_MM, 0, 0, -180], [0, PIXEL_MM, 0, -170], [0, 0, STEP_MM, low], [0, 0, 0, 1.0]])
    return root.findtext(".//{*}SeriesInstanceUid"), CTVolume(block.transpose(2, 1, 0), affine, SeriesInfo("drawn"))


@pytest.fixture(scope="module")
def datalist(drawn: tuple[str, CTVolume], real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lidc")
    uid, volume = drawn
    write_nifti(volume, folder / f"{uid}.nii")
    built = build_lidc([real_data / "lidc" / "xml" / "185" / "088.xml"], folder)
    assert built.problems == ()
    write_datalist(folder / "list.json", datalist_content("real", {"training": built.entries}))
    return folder / "list.json"


def test_every_nodule_is_in_the_middle_of_its_cube_with_its_own_volume(datalist: Path, drawn: tuple[str, CTVolume]):
    volume = drawn[1]
    pieces, _ = label(volume.array > HALF_HU)
    items = [item for item in list_nodule_cubes(datalist, few_readers="nodule") if item["nodule"] == 1]
    assert len(items) == 10
    for item in items:
        hu = LoadCubed("image")(item)["image"].numpy()[0]
        assert hu[23:25, 23:25, 23:25].mean() > HALF_HU
        found, _ = label(hu > HALF_HU)
        voxel = world_to_voxel(item["center_lps_mm"].numpy()[None], volume.affine_lps)[0].round().astype(int)
        wanted_mm3 = np.count_nonzero(pieces == pieces[tuple(voxel)]) * PIXEL_MM**2 * STEP_MM
        assert np.count_nonzero(found == found[23, 23, 23]) == pytest.approx(wanted_mm3, rel=0.05, abs=12)


def test_lookalikes_lie_where_nobody_drew_a_nodule(datalist: Path):
    cubes = [
        LoadCubed("image")(item)["image"].numpy()[0] for item in list_nodule_cubes(datalist) if item["nodule"] == 0
    ]
    assert len(cubes) >= 5
    assert all((cube[22:26, 22:26, 22:26] < HALF_HU).all() for cube in cubes)
