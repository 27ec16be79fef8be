"""The shipped router on the pictures that are shipped, none of which it was trained on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.workflows import RadiographLabeller


@pytest.fixture(scope="module")
def labeller() -> RadiographLabeller:
    return RadiographLabeller()


@pytest.fixture(scope="module")
def pictures(repository: Path) -> list[Path]:
    return sorted((repository / "examples" / "pictures").glob("*.jpeg"))


def test_pictures_of_mednist_get_their_own_label_or_none(labeller: RadiographLabeller, pictures: list[Path]):
    wanted = [picture.name.partition("_")[0] for picture in pictures]
    assert set(wanted) == set(labeller.router.class_list.names)
    done = list(labeller(pictures))
    assert [labelled.decision.top[0][0] for labelled in done] == wanted
    assert sum(labelled.label == name for labelled, name in zip(done, wanted, strict=True)) >= 4


def test_the_same_picture_turned_over_in_dicom_gets_the_same(labeller: RadiographLabeller, pictures, tmp_path: Path):
    for picture in pictures:
        pixels = np.asarray(Image.open(picture), dtype=np.float32) / 255
        files = [
            write_radiograph_dicom(pixels, tmp_path / f"{photometric}.dcm", photometric=photometric)
            for photometric in ("MONOCHROME1", "MONOCHROME2")
        ]
        plain, one, two = labeller([picture, *files])
        assert one.decision.top[0][0] == two.decision.top[0][0] == plain.decision.top[0][0]
        assert one.probability == pytest.approx(two.probability, abs=0.02)
        assert one.probability == pytest.approx(plain.probability, abs=0.05)


def test_what_is_none_of_its_own_goes_to_a_person(labeller: RadiographLabeller, tmp_path: Path):
    files = [tmp_path / f"scene{seed}.png" for seed in range(8)]
    for seed, file in enumerate(files):
        Image.fromarray((make_radiograph(seed, "scene") * 255).astype(np.uint8)).save(file)
    assert {labelled.label for labelled in labeller(files)} == {"review"}
