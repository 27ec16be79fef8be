"""What differs between the scanners, tables and postures of two hospitals, drawn for a stack of slices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable, Transform
from monai.utils.enums import TransformBackends
from torch import Tensor
from torch.nn import functional

AIR_HU = -1000.0


class SliceAugmentation(Randomizable, Transform):
    """Change a stack of axial slices as another scanner, patient or table would have.

    Size, aspect, turn, mirror image, blur, contrast and the field of view are drawn once for the stack, for they belong
    to the scan; where the body lies in the field is drawn for the stack and a little for each slice, for it is found in
    each slice for itself.

    Args:
        zoom: factors on the size, least and most.
        aspect: most by which rows and columns differ in it, as a share.
        shift_px: most by which the whole stack is moved.
        jitter_px: most by which each slice is moved beside that.
        turn_degrees: most of a turn.
        mirror_prob: of a left-right mirror image.
        warp_px: standard deviation of a slow bend of the whole stack's grid, drawn at 4 x 4 places.
        gain: most by which contrasts of tissue grow or shrink, as a share; air stays air.
        offset_hu: most by which tissue is shifted.
        gamma: most by which dense and thin tissue are moved against each other, as a share.
        blur_px: most of the sigma of a blur, drawn in half of the stacks.
        noise_hu: most of the standard deviation of the noise.
        crop_prob: of a field of view that cuts the body, round or square, at ``crop`` of the field.
        crop: least and most half-width of that field, as a share of the half-width of the slices.

    Raises:
        ValueError: a range does not rise, or a probability is none.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        zoom: Sequence[float] = (0.8, 1.25),
        aspect: float = 0.25,
        shift_px: float = 6.0,
        jitter_px: float = 1.5,
        turn_degrees: float = 6.0,
        mirror_prob: float = 0.5,
        warp_px: float = 2.0,
        gain: float = 0.2,
        offset_hu: float = 30.0,
        gamma: float = 0.15,
        blur_px: float = 0.8,
        noise_hu: float = 40.0,
        crop_prob: float = 0.3,
        crop: Sequence[float] = (0.55, 0.95),
    ) -> None:
        if not 0 < zoom[0] <= zoom[1] or not 0 < crop[0] <= crop[1]:
            raise ValueError(f"zoom and crop must rise from above 0 on, got {tuple(zoom)} and {tuple(crop)}")
        if not (0 <= mirror_prob <= 1 and 0 <= crop_prob <= 1):
            raise ValueError(f"probabilities are from 0 to 1, got {mirror_prob} and {crop_prob}")
        self.zoom, self.aspect, self.shift_px, self.jitter_px = tuple(zoom), aspect, shift_px, jitter_px
        self.warp_px, self.turn_degrees, self.mirror_prob = warp_px, turn_degrees, mirror_prob
        self.gain, self.offset_hu, self.gamma = gain, offset_hu, gamma
        self.blur_px, self.noise_hu, self.crop_prob, self.crop = blur_px, noise_hu, crop_prob, tuple(crop)

    def randomize(self, slices: int = 8, side: int = 128) -> None:
        """Draw everything for a stack of ``slices`` of ``side`` pixels."""
        draw = self.R.uniform
        size = draw(self.zoom[0], self.zoom[1])
        aspect = draw(-self.aspect, self.aspect) / 2
        angle = torch.deg2rad(torch.tensor(draw(-self.turn_degrees, self.turn_degrees)))
        mirror = -1.0 if draw() < self.mirror_prob else 1.0
        cos, sin = torch.cos(angle), torch.sin(angle)
        turn = torch.stack([torch.stack([cos * mirror, -sin]), torch.stack([sin * mirror, cos])])
        matrix = turn / torch.tensor([size * (1 + aspect), size * (1 - aspect)])[:, None]
        moves = draw(-self.shift_px, self.shift_px, (1, 2)) + draw(-self.jitter_px, self.jitter_px, (slices, 2))
        offset = torch.from_numpy(moves * 2 / side).to(matrix)
        self.theta = torch.cat([matrix.expand(slices, 2, 2), offset[..., None]], dim=2).float()
        bends = torch.from_numpy(self.R.normal(0.0, 2 * self.warp_px / side, (1, 2, 4, 4))).float()
        self.bend = functional.interpolate(bends, (side, side), mode="bicubic", align_corners=True)
        self.tone = (
            1 + draw(-self.gain, self.gain),
            draw(-self.offset_hu, self.offset_hu),
            draw(-self.gamma, self.gamma),
        )
        self.sigma = draw(0, self.blur_px) if draw() < 0.5 else 0.0
        self.noise = draw(0, self.noise_hu)
        self.noise_seed = int(self.R.randint(2**31))
        self.field = None if draw() >= self.crop_prob else (draw(self.crop[0], self.crop[1]), bool(draw() < 0.5))

    def __call__(self, stack: Tensor) -> Tensor:
        """Change ``stack``, ``(M, 1, rows, columns)`` HU; float32 comes out.

        Raises:
            ValueError: it is no such stack.
        """
        if stack.ndim != 4 or stack.shape[1] != 1 or stack.shape[2] != stack.shape[3]:
            raise ValueError(f"wanted a stack (M, 1, side, side), got {tuple(stack.shape)}")
        self.randomize(len(stack), stack.shape[-1])
        out = stack.to(torch.float32) - AIR_HU  # air is 0: what comes in from outside is air
        grid = functional.affine_grid(self.theta, list(out.shape), align_corners=False)
        grid = grid + self.bend.permute(0, 2, 3, 1)
        out = functional.grid_sample(out, grid, mode="bilinear", align_corners=False)
        return self._scanned(out).clamp_(min=0.0) + AIR_HU

    def _scanned(self, out: Tensor) -> Tensor:
        gain, offset, gamma = self.tone
        dense = (out / 1000).clamp(0, 1)
        out = out + dense * ((gain - 1) * (out - 1000) + offset + 200 * gamma * (1 - dense))
        if self.sigma > 0.2:
            out = _blurred(out, self.sigma)
        generator = torch.Generator().manual_seed(self.noise_seed)
        out = out + self.noise * torch.randn(out.shape, generator=generator)
        if self.field is not None:
            half, is_round = self.field
            axis = torch.linspace(-1, 1, out.shape[-1])
            reach = (
                (axis[:, None] ** 2 + axis**2).sqrt() if is_round else torch.maximum(axis.abs()[:, None], axis.abs())
            )
            out = torch.where(reach <= half, out, torch.zeros(()))
        return out


class SliceAugmentationd(Randomizable, MapTransform):
    """Dictionary form of :class:`SliceAugmentation`.

    Args:
        keys: keys of the stacks, each of which is drawn for by itself.
        allow_missing_keys: do not complain about keys that are not there.
        options: see :class:`SliceAugmentation`.
    """

    backend = SliceAugmentation.backend

    def __init__(self, keys: KeysCollection, allow_missing_keys: bool = False, **options: Any) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.change = SliceAugmentation(**options)

    def set_random_state(self, seed: int | None = None, state: Any = None) -> SliceAugmentationd:
        """Set the state of the draws."""
        super().set_random_state(seed, state)
        self.change.set_random_state(seed, state)
        return self

    def randomize(self, data: Any = None) -> None:
        """Nothing of its own is drawn: see :class:`SliceAugmentation`."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Change every stack in a copy of ``data``."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.change(item[key])
        return item


def _blurred(images: Tensor, sigma: float) -> Tensor:
    places = torch.arange(-2.0, 3.0)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    return functional.conv2d(
        functional.conv2d(images, kernel[None, None, None], padding=(0, 2)), kernel[None, None, :, None], padding=(2, 0)
    )
