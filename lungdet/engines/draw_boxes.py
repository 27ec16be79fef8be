"""An axial slice with true and predicted boxes drawn in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

TRUE_RGB, FOUND_RGB = (0, 158, 115), (230, 159, 0)  # told apart by colour-blind readers, too


def best_slice(true_boxes: Tensor, found_boxes: Tensor, slices: int) -> int:
    """Choose the slice to show: through the largest true box, else the first found one, else the middle.

    Args:
        true_boxes: ``(N, 6)`` in the edge frame of the image.
        found_boxes: ``(M, 6)``, by falling score.
        slices: how many slices there are.

    Example:
        >>> best_slice(torch.tensor([[0.0, 0, 0, 2, 2, 2], [0, 0, 10, 9, 9, 19]]), torch.empty(0, 6), 30)
        14
        >>> best_slice(torch.empty(0, 6), torch.empty(0, 6), 30)
        15
    """
    if len(true_boxes):
        box = true_boxes[(true_boxes[:, 3:] - true_boxes[:, :3]).prod(dim=1).argmax()]
    elif len(found_boxes):
        box = found_boxes[0]
    else:
        return slices // 2
    return min(max(int((float(box[2]) + float(box[5])) / 2), 0), slices - 1)


def draw_slice(image: Tensor, index: int, true_boxes: Tensor, found_boxes: Tensor, zoom: int = 2) -> NDArray[np.uint8]:
    """Draw one axial slice as a radiologist sees it: the patient's right on the left, the front at the top.

    Args:
        image: ``(1, X, Y, Z)`` in [0, 1], with axes to the right, the front and the top (RAS).
        index: which slice along Z.
        true_boxes: ``(N, 6)`` in the edge frame of ``image``; those that the slice cuts are drawn green.
        found_boxes: ``(M, 6)`` likewise; drawn orange.
        zoom: pixels per voxel.

    Returns:
        ``(zoom * Y, zoom * X, 3)`` uint8.
    """
    plane = torch.as_tensor(image)[0, :, :, index].float().cpu().numpy()  # (X, Y)
    grey = (np.nan_to_num(plane).clip(0, 1) * 255 + 0.5).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(grey[::-1, ::-1].T))
    picture = picture.resize((zoom * picture.width, zoom * picture.height), Image.Resampling.BILINEAR).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for boxes, color in ((true_boxes, TRUE_RGB), (found_boxes, FOUND_RGB)):
        for i0, j0, k0, i1, j1, k1 in boxes.tolist():
            if k0 < index + 1 and k1 > index:
                right, bottom = picture.width - zoom * i0, picture.height - zoom * j0
                left, top = picture.width - zoom * i1, picture.height - zoom * j1
                draw.rectangle((left - 1, top - 1, max(right, left), max(bottom, top)), outline=color)
    return np.asarray(picture, dtype=np.uint8)
