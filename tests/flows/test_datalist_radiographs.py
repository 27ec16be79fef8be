"""From labelled DICOM to a training list by the command line, and from the list to batches."""

from pathlib import Path

import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.data.utils import no_collation
from monai.transforms import Compose

from lungdet import cli
from lungdet.engines import list_pictures, picture_classes, prepare_picture_batch
from lungdet.phantoms import make_radiograph, write_radiograph_dicom
from lungdet.transforms import FitPictured, LoadRadiographd, RadiographAugmentationd


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty radiographs of ten patients, MONOCHROME1 and 2, with a CSV that names them without their ending."""
    root = tmp_path_factory.mktemp("archive")
    rows = ["image,label"]
    for number in range(30):
        kind = ("chest", "hand", "knee")[number % 3]
        pixels = make_radiograph(number, kind, rows=48, columns=40)
        photometric = f"MONOCHROME{1 + number % 2}"
        write_radiograph_dicom(
            pixels,
            root / "dicom" / f"{number:02d}.dcm",
            photometric=photometric,
            patient=f"P{number // 3}",
            seed=number,
        )
        rows.append(f"{number:02d},{kind}")
    (root / "labels.csv").write_text("\n".join(rows) + "\n")
    return root


def test_from_dicom_to_batches(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    target = str(tmp_path / "list.json")
    source, images = str(archive / "labels.csv"), str(archive / "dicom")
    assert cli.main(["datalist", "radiographs", source, "--images", images, "-o", target]) == 0
    assert "patients" in capsys.readouterr().out
    parts = {part: list_pictures(target, part, images) for part in ("training", "validation", "test")}
    patients = [{item["patient"] for item in items} for items in parts.values()]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 10
    assert not any("P0" in patient for patient in set.union(*patients))
    classes, multi_label = picture_classes(target)
    assert (classes, multi_label) == (["chest", "hand", "knee"], False)
    steps = Compose([LoadRadiographd("image"), FitPictured("image", 32), RadiographAugmentationd("image")])
    steps.set_random_state(0)
    loader = DataLoader(Dataset(parts["training"], steps), batch_size=4, num_workers=0, collate_fn=no_collation)
    for batch in loader:
        pictures, labels = prepare_picture_batch(batch)
        assert pictures.shape[1:] == (1, 32, 32)
        assert 0 <= pictures.min() <= pictures.max() <= 1
        assert labels.dtype == torch.int64
