"""A training list, a MONAI pipeline and one step of training, on two small synthetic scans.

The list is what ``lungdet datalist`` writes: images beside boxes in LPS mm. Put your own in its place.
"""

import tempfile
from pathlib import Path

import torch
from monai.data import Dataset
from monai.data.utils import no_collation
from monai.transforms import Compose, Orientationd, Spacingd
from monai.utils import set_determinism

from lungdet.detection import DetectionCriterion
from lungdet.engines import prepare_detection_batch
from lungdet.networks.nets import NoduleDetector
from lungdet.phantoms import make_chest, write_dicom_series
from lungdet.transforms import BoxToVoxeld, LoadCTd, RandCropAroundBoxesd, ScaleHUd


def write_scans(folder: Path) -> list[dict]:
    """Write two scans as DICOM, and list them with the boxes of their nodules in LPS mm."""
    entries = []
    for seed in (21, 22):
        chest = make_chest(seed, spacing_mm=(3.0, 3.0, 3.0), shape=(96, 96, 64))
        write_dicom_series(chest.volume, folder / str(seed), seed=seed)
        boxes = torch.tensor([nodule.box_lps_mm for nodule in chest.nodules]).reshape(-1, 6)
        entries.append({"image": str(folder / str(seed)), "box": boxes})
    return entries


def main() -> None:
    """Take one step and print the loss before and after."""
    set_determinism(seed=0)
    pipeline = Compose(
        [
            LoadCTd("image"),
            Orientationd("image", axcodes="RAS", labels=None),
            Spacingd("image", pixdim=(2.0, 2.0, 2.0)),
            ScaleHUd("image", window="detection"),
            BoxToVoxeld("box", ref_image_key="image"),  # after all that moves the image
            RandCropAroundBoxesd("image", "box", spatial_size=(64, 64, 32), num_samples=2, clip=False),
        ]
    )
    with tempfile.TemporaryDirectory() as folder:
        scans = Dataset(write_scans(Path(folder)), pipeline)
        images, boxes = prepare_detection_batch(no_collation([scans[0], scans[1]]))
    network, criterion = NoduleDetector(), DetectionCriterion()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        loss = criterion(network(images), boxes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"{len(images)} patches, {sum(map(len, boxes))} boxes; loss {losses[0]:.2f} -> {losses[-1]:.2f}")


if __name__ == "__main__":
    main()
