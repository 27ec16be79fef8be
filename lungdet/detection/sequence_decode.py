"""What the sequence head answers to boxes and scores."""

from __future__ import annotations

import torch
from torch import Tensor

from .coder import BoxCoder
from .sequence_targets import SEQUENCE_CODER

BOX_CHANNELS = 7


def decode_sequence(
    outputs: Tensor, coder: BoxCoder | None = None, score_threshold: float = 0.05, top_k: int = 200
) -> tuple[Tensor, Tensor]:
    """Decode the answer of ``NoduleDetector(head="sequence")`` for one image: every step of every cell is a box.

    The sequence of one cell names a nodule once, but two cells may both name one that lies between them, so
    :func:`~lungdet.detection.nms` is still of use.

    Args:
        outputs: ``(7 * steps, gx, gy, gz)``, or the same with a leading 1.
        coder: how boxes are tied to cells; that of the sequence head if None.
        score_threshold: boxes below it are dropped.
        top_k: how many to keep at most, by score.

    Returns:
        Boxes ``(N, 6)`` in the edge frame of the network's input, in voxels, not clipped to the image, and scores
        ``(N,)`` in [0, 1], by falling score; both float32.

    Raises:
        ValueError: the shape is not as above.
    """
    outputs = outputs[0] if outputs.ndim == 5 and len(outputs) == 1 else outputs
    answers = split_steps(outputs).float()
    scores = torch.sigmoid(answers[..., 0]).flatten()
    index = (scores >= score_threshold).nonzero().flatten()
    index = index[torch.argsort(scores[index], descending=True, stable=True)][:top_k]
    *cells, _ = torch.unravel_index(index, answers.shape[:4])
    described = answers.flatten(0, 3)[index]
    boxes = (coder or SEQUENCE_CODER).decode(torch.stack(cells, dim=1), described[:, 1:4], described[:, 4:])
    return boxes, scores[index]


def split_steps(outputs: Tensor) -> Tensor:
    """Turn ``(7 * steps, gx, gy, gz)`` into ``(gx, gy, gz, steps, 7)``.

    Raises:
        ValueError: the shape is not as above.
    """
    if outputs.ndim != 4 or outputs.shape[0] % BOX_CHANNELS or outputs.shape[0] == 0:
        raise ValueError(f"outputs must be (7 * steps, gx, gy, gz) of one image, got {tuple(outputs.shape)}")
    return outputs.unflatten(0, (-1, BOX_CHANNELS)).permute(2, 3, 4, 0, 1)
