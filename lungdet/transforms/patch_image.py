"""One patch of an image, with the metadata that tells where it was."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import torch
from monai.data import MetaTensor
from torch import Tensor

from lungdet.geometry.patches import extract_patch

from .conversion import check_holds, plain, with_meta_of


def cut_patch(image: Tensor, origin: Sequence[int], patch_size: Sequence[int], pad_value: float | None) -> Tensor:
    """Cut one patch out of ``(C, X, Y, Z)``, see :func:`lungdet.geometry.patches.extract_patch`.

    The patch of a ``MetaTensor`` has the affine of its own first voxel, ``meta["patch_origin"]`` and
    ``meta["scan_size"]``. The list of applied transforms is the image's: cutting leaves no trace in it, so what was
    applied to the scan can be inverted once the patches are stitched.

    Raises:
        ValueError: the patch sticks out, and there is no ``pad_value``, or one that the image's type cannot hold.
    """
    if pad_value is not None and _sticks_out(image, origin, patch_size):
        check_holds(image.dtype, pad_value, "pad_value")
    patch = with_meta_of(extract_patch(plain(image), origin, patch_size, pad_value), image)
    if isinstance(patch, MetaTensor):
        patch.meta["affine"] = shifted_affine(patch.affine, origin)
        patch.meta["patch_origin"] = torch.tensor(tuple(origin))
        patch.meta["scan_size"] = torch.tensor(tuple(image.shape[1:]))
    return patch


def _sticks_out(image: Tensor, origin: Sequence[int], patch_size: Sequence[int]) -> bool:
    spans = zip(origin, patch_size, image.shape[1:], strict=False)
    return any(start < 0 or start + length > size for start, length, size in spans)


def shifted_affine(affine: Tensor, origin: Sequence[int]) -> Tensor:
    """Affine of what starts at voxel ``origin`` of an image with ``affine``, ``(D + 1, D + 1)``."""
    shifted = affine.clone()
    step = torch.zeros(len(affine) - 1, dtype=affine.dtype, device=affine.device)
    step[: len(origin)] = torch.as_tensor(origin).to(step)
    shifted[:-1, -1] = affine[:-1, -1] + affine[:-1, :-1] @ step
    return shifted


def pending_size(image: Tensor) -> tuple[int, ...]:
    """Spatial size of ``(C, X, Y, Z)``; with transforms still pending, the one it will have."""
    size = image.peek_pending_shape() if isinstance(image, MetaTensor) else image.shape[1:]
    return tuple(int(length) for length in size)


def common_size(images: Mapping[Hashable, Tensor]) -> tuple[int, ...]:
    """Spatial size that all images share.

    Raises:
        ValueError: there is no image, or they differ.
    """
    sizes = {key: pending_size(image) for key, image in images.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(f"images must be there and have one size, got {sizes}")
    return next(iter(sizes.values()))
