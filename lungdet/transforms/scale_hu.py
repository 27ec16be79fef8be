"""From HU to a window, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils.enums import TransformBackends
from torch import Tensor

from lungdet.geometry.hounsfield import check_window, scale_hu, unscale_hu, window_by_name

from .conversion import as_finished_image, as_image, plain, with_meta_of


class ScaleHU(InvertibleTransform):
    """Scale a window of CT numbers to ``[0, 1]``, float32.

    The inverse brings values inside the window back; what was cut off stays at the window's ends. **Beware of**
    ``Invertd``: it runs the inverse of all steps on whatever it is given, so a mask or a map of probabilities would be
    "scaled back" to HU, too. Build the transform with ``invert=False`` where such maps are brought back.

    Args:
        low_hu: becomes 0.
        high_hu: becomes 1.
        window: a window by name instead of ``low_hu`` and ``high_hu``: ``"lung"`` (centre -600, width 1600),
            ``"mediastinum"`` (50, 350), ``"bone"`` (400, 1800), ``"detection"`` (-1000 to 400), which is the default.
        clip: cut what lies outside the window.
        invert: leave a trace for the inverse; if ``False``, the inverse changes nothing.

    Raises:
        ValueError: the window does not rise, its name is unknown, or both a name and numbers are given.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        low_hu: float | None = None,
        high_hu: float | None = None,
        *,
        window: str | None = None,
        clip: bool = True,
        invert: bool = True,
    ) -> None:
        if (low_hu is None) != (high_hu is None) or (low_hu is not None and window is not None):
            raise ValueError(
                f"give low_hu and high_hu, or window: low_hu={low_hu}, high_hu={high_hu}, window={window!r}"
            )
        if low_hu is None or high_hu is None:
            low_hu, high_hu = window_by_name(window or "detection")
        check_window(low_hu, high_hu)
        self.low_hu, self.high_hu, self.clip, self.invert = float(low_hu), float(high_hu), clip, invert

    @classmethod
    def preset(cls, window: str, *, clip: bool = True, invert: bool = True) -> ScaleHU:
        """Make the transform for a named window: ``ScaleHU.preset("lung")``."""
        return cls(window=window, clip=clip, invert=invert)

    def __call__(self, image: Any) -> Tensor:
        """Scale ``(C, X, Y, Z)`` in HU, of any integer or float type; metadata is kept."""
        image_hu = as_finished_image(image)
        out = with_meta_of(scale_hu(plain(image_hu), self.low_hu, self.high_hu, self.clip), image_hu)
        return self.push_transform(out) if self.invert else out

    def inverse(self, data: Any) -> Tensor:
        """Bring a scaled image back to HU."""
        scaled = as_image(data)
        if not self.invert:
            return scaled
        out = with_meta_of(unscale_hu(plain(scaled), self.low_hu, self.high_hu), scaled)
        self.pop_transform(out)
        return out


class ScaleHUd(MapTransform, InvertibleTransform):
    """Dictionary form of :class:`ScaleHU`.

    Args:
        keys: keys of the images.
        low_hu: see :class:`ScaleHU`.
        high_hu: see :class:`ScaleHU`.
        window: see :class:`ScaleHU`.
        clip: see :class:`ScaleHU`.
        invert: see :class:`ScaleHU`.
        allow_missing_keys: do not complain about keys that are not there.
    """

    backend = ScaleHU.backend

    def __init__(
        self,
        keys: KeysCollection,
        low_hu: float | None = None,
        high_hu: float | None = None,
        *,
        window: str | None = None,
        clip: bool = True,
        invert: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.scale = ScaleHU(low_hu, high_hu, window=window, clip=clip, invert=invert)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale every image in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.scale(item[key])
        return item

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Bring every image back to HU in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.scale.inverse(item[key])
        return item
