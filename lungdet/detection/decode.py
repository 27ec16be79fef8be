"""What a network answers to boxes and scores."""

from __future__ import annotations

import torch
from torch import Tensor

from lungdet.networks.blocks import peak_logits

from .coder import BoxCoder


def decode(
    outputs: Tensor,
    coder: BoxCoder | None = None,
    score_threshold: float = 0.05,
    top_k: int = 200,
    peak_cells: int = 3,
) -> tuple[Tensor, Tensor]:
    """Decode the output for one image: peaks of the heat-map, and the box that each describes.

    Args:
        outputs: ``(7, gx, gy, gz)``, or ``(1, 7, gx, gy, gz)``; see ``NoduleDetector``.
        coder: how boxes are tied to cells; that of ``NoduleDetector`` if None.
        score_threshold: peaks below it are dropped.
        top_k: how many peaks to keep at most, by score.
        peak_cells: odd side of the neighbourhood, in cells, in which a peak must be the greatest.

    Returns:
        Boxes ``(N, 6)`` in the edge frame of the network's input, in voxels, not clipped to the image, and scores
        ``(N,)`` in [0, 1], by falling score; both float32.

    Raises:
        ValueError: the shape is not as above.
    """
    outputs = outputs[0] if outputs.ndim == 5 and len(outputs) == 1 else outputs
    if outputs.ndim != 4 or outputs.shape[0] != 7:
        raise ValueError(
            f"outputs must be (7, gx, gy, gz) of one image, got {tuple(outputs.shape)}; decode_batch takes several"
        )
    coder = coder or BoxCoder()
    heat = outputs[0].float()
    index = find_peaks(heat, score_threshold, top_k, peak_cells)
    described = outputs.flatten(1)[1:, index].float().T  # (N, 6)
    boxes = coder.decode(torch.stack(torch.unravel_index(index, heat.shape), dim=1), described[:, :3], described[:, 3:])
    return boxes, torch.sigmoid(heat.flatten()[index])


def decode_batch(
    outputs: Tensor,
    coder: BoxCoder | None = None,
    score_threshold: float = 0.05,
    top_k: int = 200,
    peak_cells: int = 3,
) -> list[tuple[Tensor, Tensor]]:
    """Decode each image of ``(B, 7, gx, gy, gz)``; see :func:`decode`."""
    return [decode(output, coder, score_threshold, top_k, peak_cells) for output in outputs]


def find_peaks(logits: Tensor, score_threshold: float, top_k: int, peak_cells: int = 3) -> Tensor:
    """Find the local maxima of a heat-map.

    Args:
        logits: ``(gx, gy, gz)``.
        score_threshold: peaks whose sigmoid is below it are dropped.
        top_k: how many peaks to keep at most.
        peak_cells: odd side of the neighbourhood, in cells.

    Returns:
        Flat indices ``(N,)`` by falling logit; equal ones in the order of the grid.
    """
    peaks = peak_logits(logits[None], peak_cells)[0].flatten()
    index = (torch.isfinite(peaks) & (torch.sigmoid(peaks) >= score_threshold)).nonzero().flatten()
    order = torch.argsort(peaks[index], descending=True, stable=True)
    return index[order[:top_k]]
