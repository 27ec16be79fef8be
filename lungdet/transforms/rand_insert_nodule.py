"""Synthetic nodules in real scans: the known way to train where labels are few."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.frames import spacing_of
from lungdet.phantoms import Insertion, InsertionStyle, draw_insertion, map_lungs

from .conversion import as_box_rows, as_finished_image, image_affine, plain, with_meta_of


class RandInsertNoduled(RandomizableTransform, MapTransform):
    """Put synthetic nodules into a chest CT and add their boxes and labels.

    The lungs are found by their HU. A nodule is drawn as those of :func:`~lungdet.phantoms.make_chest` are: solid,
    part-solid or ground glass, free in the lung, on the pleura or on a vessel. It goes only where it is visible
    against what the image itself shows there, and away from the boxes that are known. It is drawn as thick as the
    slices are and blurred like an edge of the scan, and lies under the noise that is there. Nothing else is changed.

    Args:
        keys: key of the image, ``(1, X, Y, Z)`` HU with its affine: any spacing and orientation.
        box_key: key of the boxes, ``(N, 6)`` in the edge frame of the image; it need not be there.
        label_key: key of the labels, ``(N,)``; likewise, and boxes without labels then get ``label``. None keeps none.
        mask_key: key of a lung mask of the image's shape, if there is one; else the lungs are found anew each time.
        prob: probability that anything is put in.
        count: least and greatest number of nodules.
        diameter_mm: least and greatest diameter; sizes are log-normal as in phantoms.
        blur_mm: least and greatest sigma of the blur of its edge, in the plane of the slices.
        label: label of the new boxes, and of old ones that have none.
        allow_missing_keys: do not complain about an image that is not there.

    Raises:
        ValueError: an argument is out of range.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        keys: KeysCollection = "image",
        box_key: Hashable = "box",
        label_key: Hashable | None = "label",
        mask_key: Hashable | None = None,
        prob: float = 0.5,
        count: Sequence[int] = (1, 3),
        diameter_mm: Sequence[float] = (3.0, 30.0),
        blur_mm: Sequence[float] = (0.4, 0.8),
        label: int = 0,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        (least, most), (thin, wide), (sharp, soft) = count, diameter_mm, blur_mm
        if len(self.keys) != 1:
            raise ValueError(f"wanted one key of an image, got {self.keys}")
        if not 0 <= least <= most:
            raise ValueError(f"count must rise from 0 or more, got {count}")
        self.style = InsertionStyle((float(thin), float(wide)), (float(sharp), float(soft)))
        self.box_key, self.label_key, self.mask_key = box_key, label_key, mask_key
        self.count, self.label = (int(least), int(most)), label
        self.draw_seed, self.wanted = 0, 0

    def randomize(self, data: Any = None) -> None:
        """Draw whether, how many, and the seed of the rest."""
        super().randomize(None)
        self.wanted = int(self.R.randint(self.count[0], self.count[1] + 1)) if self._do_transform else 0
        self.draw_seed = int(self.R.randint(2**32, dtype=np.uint64))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Put nodules into the image of a copy of ``data``.

        Raises:
            ValueError: the image has several channels or no affine, or is not of its mask's shape; or there are not as
                many labels as boxes.
        """
        item = dict(data)
        self.randomize()
        for key in self.key_iterator(item):
            image = as_finished_image(item[key])
            boxes = as_box_rows(item.get(self.box_key, ()))
            labels = None if self.label_key is None else self._labels_of(item, len(boxes))
            found = self._draw(image, key, boxes, item.get(self.mask_key)) if self.wanted else []
            item[key] = _with_nodules(image, found) if found else image
            new = torch.as_tensor(np.array([one.box_edge for one in found]).reshape(-1, 6), dtype=boxes.dtype)
            item[self.box_key] = torch.cat([boxes, new.to(boxes.device)])
            if labels is not None:
                item[self.label_key] = torch.cat([labels, labels.new_full((len(found),), self.label)])
        return item

    def _draw(self, image: Tensor, key: Hashable, boxes: Tensor, mask: Any) -> list[Insertion]:
        if image.ndim != 4 or image.shape[0] != 1:
            raise ValueError(f"{key!r} must be (1, X, Y, Z), got {tuple(image.shape)}")
        affine = image_affine(image, key, in_patient=False).cpu().numpy()
        spacing = spacing_of(affine)
        hu = plain(image)[0].detach().cpu().numpy().astype(np.float32)
        slice_axis = int(np.argmax(np.abs(affine[2, :3]) / spacing))
        known = None if mask is None else np.asarray(plain(torch.as_tensor(mask)).cpu())[0]
        lungs = map_lungs(hu, spacing, slice_axis, known)
        style = InsertionStyle(self.style.diameter_mm, self.style.blur_mm, slice_axis)
        rng, taken = np.random.default_rng(self.draw_seed), boxes.detach().cpu().double().numpy()
        found: list[Insertion] = []
        for _ in range(self.wanted):
            one = draw_insertion(rng, hu, spacing, lungs, style, taken)
            if one is None:
                break
            hu[one.window] += one.added_hu
            taken = np.concatenate([taken, one.box_edge[None]])
            found.append(one)
        return found

    def _labels_of(self, item: Mapping[Hashable, Any], count: int) -> Tensor:
        """Labels of the boxes that are there, one for each."""
        if item.get(self.label_key) is None:
            return torch.full((count,), self.label)
        labels = torch.as_tensor(item[self.label_key])
        if labels.shape != (count,):
            raise ValueError(f"{self.label_key!r} must have one label for each of {count} boxes, got {labels.tolist()}")
        return labels if labels.numel() else labels.to(torch.int64)


def _with_nodules(image: Tensor, found: Sequence[Insertion]) -> Tensor:
    """Add nodules to a copy of the image, of the image's own type."""
    out = plain(image).clone()
    for one in found:
        added = torch.from_numpy(one.added_hu).to(out.device)
        out[(0, *one.window)] += added.to(out.dtype) if out.dtype.is_floating_point else added.round().to(out.dtype)
    return with_meta_of(out, image)
