"""What transforms share that draw training items in cached patients of the phantoms."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Randomizable
from monai.transforms.traits import MultiSampleTrait
from monai.utils.enums import MetaKeys, SpaceKeys, TransformBackends
from numpy.typing import NDArray

from lungdet.geometry.frames import lps_to_ras
from lungdet.phantoms import Background


class BackgroundDraws(Randomizable, MapTransform, MultiSampleTrait):
    """Draw items in a background: one seed a call, and from it a stream for each patient.

    Args:
        keys: key of the background, see :class:`MakeBackgroundd`.
        num_samples: items a call.
        image_key: key for the image.
        allow_missing_keys: do not complain about a background that is not there.

    Raises:
        ValueError: there is more than one key, or no item to draw.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, keys: KeysCollection, num_samples: int, image_key: Hashable, allow_missing_keys: bool) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        if len(self.keys) != 1:
            raise ValueError(f"wanted one key of a background, got {self.keys}")
        if num_samples < 1:
            raise ValueError(f"num_samples must be positive, got {num_samples}")
        self.num_samples, self.image_key = num_samples, image_key
        self.draw_seed = 0

    def randomize(self, data: Any = None) -> None:
        """Draw the seed of the next items."""
        self.draw_seed = int(self.R.randint(2**32, dtype=np.uint64))

    def __call__(self, data: Mapping[Hashable, Any]) -> list[dict[Hashable, Any]]:
        """Return ``num_samples`` items, without the background."""
        rest = dict(data)
        backgrounds: list[Background] = [rest.pop(key) for key in self.key_iterator(dict(data))]
        self.randomize()
        return [
            rest | item
            for background in backgrounds
            for item in self.items(background, np.random.default_rng([background.seed, self.draw_seed]))
        ]

    def items(self, background: Background, rng: np.random.Generator) -> Iterator[dict[Hashable, Any]]:
        """Draw ``num_samples`` items in one patient."""
        raise NotImplementedError

    def image(
        self, background: Background, hu: NDArray[np.float32], turned_lps: NDArray[np.float64], **told: Any
    ) -> MetaTensor:
        """Turn a scan as ``Orientationd(axcodes="RAS")`` would.

        Args:
            background: of the patient.
            hu: ``(X, Y, Z)`` as drawn, its first two axes to the left and to the back.
            turned_lps: affine of the turned scan, see :func:`turned`.
            told: more metadata.

        Returns:
            ``(1, X, Y, Z)`` float32, affine in RAS.
        """
        affine_ras = torch.as_tensor(lps_to_ras(turned_lps))
        meta = {
            MetaKeys.ORIGINAL_AFFINE: affine_ras.clone(),
            MetaKeys.SPACE: SpaceKeys.RAS,
            "filename_or_obj": f"phantom-{background.seed}-{self.draw_seed}",
            **told,
        }
        voxels = torch.from_numpy(np.ascontiguousarray(hu[::-1, ::-1], dtype=np.float32))
        return MetaTensor(voxels[None], affine=affine_ras, meta=meta)


def turned(affine_lps: Any, shape: Sequence[int]) -> Any:
    """Affine of an image after its first two axes were reversed, so that they run to the right and to the front."""
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    turn[:2, 3] = np.array(shape[:2]) - 1
    return affine_lps @ turn
