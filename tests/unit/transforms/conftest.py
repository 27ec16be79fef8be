"""A small scan with boxes, as a loader gives it."""

import pytest
import torch
from monai.data import MetaTensor

# Columns to the right, rows to the back, slices upwards: what an axial DICOM series gives, in RAS.
AFFINE = torch.tensor([[-0.7, 0, 0, 100], [0, -0.8, 0, 90], [0, 0, 2.5, -300], [0, 0, 0, 1]], dtype=torch.float64)


@pytest.fixture
def scan() -> MetaTensor:
    """HU, int16, ``(1, 20, 18, 14)``: a view of a ``(Z, Y, X)`` block, with its affine."""
    generator = torch.Generator().manual_seed(0)
    block = torch.randint(-1000, 1000, (14, 18, 20), dtype=torch.int16, generator=generator)
    return MetaTensor(block.permute(2, 1, 0)[None], affine=AFFINE.clone(), meta={"filename_or_obj": "scan"})


@pytest.fixture
def item(scan: MetaTensor) -> dict[str, object]:
    """The scan with two boxes in its edge frame, labels and scores, and something that nobody knows."""
    return {
        "image": scan,
        "box": torch.tensor([[2.0, 3, 4, 6, 7, 8], [11, 10, 8, 17, 16, 13]]),
        "label": torch.tensor([0, 1]),
        "score": torch.tensor([0.25, 0.75]),
        "patient": "unknown",
    }
