"""Random patches for training: some around a box, some away from all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import LazyTransform, MapTransform, Randomizable, TraceableTransform
from monai.transforms.lazy.functional import apply_pending
from monai.transforms.traits import MultiSampleTrait
from monai.transforms.utils import create_translate
from monai.utils import ensure_tuple, ensure_tuple_rep
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.patch_sampling import origin_around, origin_away

from .box_crops import BoxCrop, Keep, box_rows, crop_rows
from .conversion import as_box_rows, as_image, plain, with_meta_of
from .patch_image import common_size, cut_patch, pending_size


class RandCropAroundBoxes(Randomizable, TraceableTransform, LazyTransform, MultiSampleTrait):
    """Cut random patches out of an image, some of them around a box.

    A positive patch holds a box that was drawn evenly among those with their centre in the image. A negative one is
    drawn evenly from the image until it touches no box; if none of ``tries`` is free, the one that touches least is
    taken. An image without boxes gives negative patches only.

    Patches inside the image are views of it, so its size does not matter for memory. An image smaller than the patch is
    padded evenly on both sides. Where transforms are pending on the image and ``lazy`` is set, the crop joins them, and
    only the patch is ever resampled.

    Args:
        spatial_size: voxels of a patch, one number for all spatial axes or one for each.
        num_samples: patches per image.
        pos_ratio: probability that a patch is positive.
        jitter: where the box may lie in a positive patch: 0 at its centre, 1 wherever it fits. A box that is larger
            than the patch is centred.
        pad_value: what voxels outside the image hold; needed for images smaller than the patch.
        tries: draws for a negative patch.
        lazy: let the crop wait, see above.

    Raises:
        ValueError: an argument is out of range.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        spatial_size: int | Sequence[int],
        num_samples: int = 1,
        pos_ratio: float = 0.5,
        jitter: float = 1.0,
        pad_value: float | None = None,
        tries: int = 32,
        lazy: bool = False,
    ) -> None:
        LazyTransform.__init__(self, lazy)
        if min(ensure_tuple(spatial_size)) < 1 or num_samples < 1 or tries < 1:
            raise ValueError(f"sizes and counts must be positive, got {spatial_size}, {num_samples} and {tries}")
        if not (0 <= pos_ratio <= 1 and 0 <= jitter <= 1):
            raise ValueError(f"pos_ratio and jitter must be in [0, 1], got {pos_ratio} and {jitter}")
        self.spatial_size, self.num_samples, self.pos_ratio = spatial_size, num_samples, pos_ratio
        self.jitter, self.pad_value, self.tries = jitter, pad_value, tries
        self.origins: list[tuple[int, ...]] = []

    def sizes(self, image_size: Sequence[int]) -> tuple[int, ...]:
        """Voxels of a patch along each axis of an image of that spatial size."""
        return tuple(ensure_tuple_rep(self.spatial_size, len(image_size)))

    def randomize(self, boxes: Tensor, image_size: Sequence[int]) -> None:  # type: ignore[override]
        """Draw the origins of the patches.

        Args:
            boxes: ``(N, 6)`` in the edge frame of the image.
            image_size: its spatial size.
        """
        rows, size, patch = boxes.detach().cpu().double().numpy(), np.array(image_size), self.sizes(image_size)
        centers = (rows[:, : len(size)] + rows[:, len(size) :]) / 2
        rows_inside = rows[((centers >= 0) & (centers < size)).all(axis=1)]
        self.origins = []
        for _ in range(self.num_samples):
            if self.R.random_sample() < self.pos_ratio and len(rows_inside):
                box = rows_inside[self.R.randint(len(rows_inside))]
                shift = self.R.uniform(-self.jitter, self.jitter, size=len(size))
                self.origins.append(origin_around(box, shift, image_size, patch))
            else:
                draws = self.R.random_sample((self.tries, len(size)))
                self.origins.append(origin_away(rows, draws, image_size, patch))

    def __call__(  # type: ignore[override]
        self, image: Any, boxes: Any, randomize: bool = True, lazy: bool | None = None
    ) -> list[Tensor]:
        """Cut patches.

        Args:
            image: ``(C, X, Y, Z)``.
            boxes: ``(N, 6)`` in its edge frame; with transforms pending, in that of the image to be.
            randomize: draw anew; otherwise the last ``origins`` are used again.
            lazy: overrides the ``lazy`` of the transform.

        Returns:
            ``(C, *spatial_size)`` each, with ``meta["patch_origin"]``; boxes are not cropped here, see ``origins``.
        """
        whole = as_image(image)
        size = pending_size(whole)
        if randomize:
            self.randomize(as_box_rows(boxes), size)
        return self.cut(whole, self.pad_value, self.lazy if lazy is None else lazy)

    def cut(self, image: Tensor, pad_value: float | None, lazy: bool) -> list[Tensor]:
        """Cut the patches at ``origins`` out of ``image``."""
        size = pending_size(image)
        patch = self.sizes(size)
        sticks_out = any(length < wanted for length, wanted in zip(size, patch, strict=True))
        if lazy and isinstance(image, MetaTensor) and not sticks_out:
            return [self._cut_later(image, origin, patch) for origin in self.origins]
        if isinstance(image, MetaTensor) and image.has_pending_operations:
            image = apply_pending(image.clone())[0]
        return [cut_patch(image, origin, patch, pad_value) for origin in self.origins]

    def _cut_later(self, image: MetaTensor, origin: Sequence[int], patch: Sequence[int]) -> Tensor:
        """Let the crop wait behind what is pending on the image; no data is touched."""
        out = with_meta_of(plain(image), image)
        out = self.push_transform(
            out, sp_size=patch, affine=create_translate(len(patch), list(origin)), lazy=True, extra_info={}
        )
        out.meta["patch_origin"] = torch.tensor(origin)
        return out


class RandCropAroundBoxesd(Randomizable, MapTransform, LazyTransform, MultiSampleTrait):
    """Dictionary form of :class:`RandCropAroundBoxes`: a list of dictionaries, with the boxes that each patch holds.

    Args:
        keys: keys of the images, all of one size and cropped alike.
        box_key: key of the boxes, ``(N, 6)`` in the edge frame of the images; may be empty.
        spatial_size: see :class:`RandCropAroundBoxes`.
        label_keys: keys of what rides along with the boxes, ``(N, ...)`` each.
        num_samples: see :class:`RandCropAroundBoxes`.
        pos_ratio: see :class:`RandCropAroundBoxes`.
        jitter: see :class:`RandCropAroundBoxes`.
        pad_value: see :class:`RandCropAroundBoxes`; one for all images, or one for each.
        keep: which boxes go into a patch: ``"center"``, those with their centre in it, or ``"overlap"``, those of whose
            volume at least ``min_overlap`` is.
        min_overlap: part of a box's volume, in ``(0, 1]``.
        clip: cut boxes at the border of the patch.
        tries: see :class:`RandCropAroundBoxes`.
        allow_missing_keys: do not complain about images and labels that are not there.
        lazy: see :class:`RandCropAroundBoxes`.

    Raises:
        ValueError: an argument is out of range.
    """

    backend = RandCropAroundBoxes.backend

    def __init__(
        self,
        keys: KeysCollection,
        box_key: Hashable,
        spatial_size: int | Sequence[int],
        label_keys: KeysCollection = (),
        num_samples: int = 1,
        pos_ratio: float = 0.5,
        jitter: float = 1.0,
        pad_value: float | Sequence[float] | None = None,
        keep: Keep = "center",
        min_overlap: float = 0.5,
        clip: bool = True,
        tries: int = 32,
        allow_missing_keys: bool = False,
        lazy: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        LazyTransform.__init__(self, lazy)
        if keep == "owner":
            raise ValueError("keep='owner' is for grids: random patches own nothing")
        self.cropper = RandCropAroundBoxes(spatial_size, num_samples, pos_ratio, jitter, tries=tries)
        self.crop = BoxCrop(keep, min_overlap, clip)
        self.pad_values = ensure_tuple_rep(pad_value, len(self.keys))
        self.box_key, self.label_keys = box_key, ensure_tuple(label_keys)

    def set_random_state(
        self, seed: int | None = None, state: np.random.RandomState | None = None
    ) -> RandCropAroundBoxesd:
        """Seed the draws."""
        super().set_random_state(seed, state)
        self.cropper.set_random_state(seed, state)
        return self

    def randomize(self, boxes: Tensor, image_size: Sequence[int]) -> None:  # type: ignore[override]
        """Draw the origins of the patches, see :meth:`RandCropAroundBoxes.randomize`."""
        self.cropper.randomize(boxes, image_size)

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> list[dict[Hashable, Any]]:
        """Cut patches out of the images of ``data``, and give each its boxes.

        Raises:
            ValueError: the images differ in size, or labels and boxes in number.
        """
        images = {key: as_image(data[key]) for key in self.key_iterator(dict(data))}
        size = common_size(images)
        patch = self.cropper.sizes(size)
        rows = box_rows(data, self.box_key, self.label_keys, self.allow_missing_keys)
        self.randomize(rows.get(self.box_key, torch.empty(0, 2 * len(size))), size)
        items = [dict(data) for _ in self.cropper.origins]
        for key, pad_value in self.key_iterator(dict(data), self.pad_values):
            patches = self.cropper.cut(images[key], pad_value, bool(self.lazy if lazy is None else lazy))
            for item, cut in zip(items, patches, strict=True):
                item[key] = cut
        for item, origin in zip(items, self.cropper.origins, strict=True):
            item.update(crop_rows(rows, self.box_key, self.crop, origin, patch))
        return items
