"""Walk a whole scan along z with bounded memory."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import convert_to_tensor
from torch import Tensor
from torch.nn import functional

from lungdet.networks import NoduleDetector
from lungdet.networks.blocks import cat_steps, to_channels_last


class SlabStreamInferer(Inferer):
    """Run a :class:`~lungdet.networks.NoduleDetector` over a scan of any length, slab by slab along z.

    The 2D features are made once for each slab; the forward state of the mixer is carried along exactly; the backward
    direction starts ``look_ahead`` slabs further on. What is alive at any time is ``chunk + look_ahead`` slabs of
    features and the output, so memory does not grow with the number of slices beyond the input and the output.

    With a look-ahead that covers the rest of the scan, or a mixer that looks ahead only so far (conv3d) or not at all,
    the answer is that of ``network(inputs)`` up to rounding. Otherwise it depends on how long the backward direction
    has learned to remember: in one trained network no score moved by more than 0.002 with 16 slabs (32 slices), 0.02
    with 8 and 0.2 with none; check your own. Sizes need not be multiples: X and Y are padded with ``pad_value``, along
    z the last slice is repeated, and the answer is cropped to the cells that hold a voxel of the input.

    A second look sees the scan as it is and no padding: candidates are cells of the cropped answer, and beyond the
    border its cubes repeat the edge, as they do in training. So it does not depend on how far a scan was padded; but
    within half a cube of a padded side, it differs from that of ``network(padded)``, whose cubes see the padding.

    Args:
        chunk: slabs answered at once.
        look_ahead: slabs that the backward direction of a ConvLSTM sees beyond them. Other mixers see as many as they
            need, and their answer is that of the whole scan.
        precision: ``"float32"``, or ``"bfloat16"`` under autocast (about twice as fast on a CPU), or ``"float16"`` on
            CUDA alone.
        channels_last: turn the network's weights to ``channels_last`` once, which is faster on a CPU.
        pad_value: value of the padding, in the network's intensities.

    Raises:
        ValueError: a number is out of range, or the precision unknown.
    """

    def __init__(
        self,
        chunk: int = 16,
        look_ahead: int = 16,
        precision: str = "float32",
        channels_last: bool = True,
        pad_value: float = 0.0,
    ) -> None:
        super().__init__()
        if chunk < 1 or look_ahead < 0:
            raise ValueError(f"chunk must be at least 1 and look_ahead at least 0, got {chunk} and {look_ahead}")
        if precision not in ("float32", "bfloat16", "float16"):
            raise ValueError(f"precision must be float32, bfloat16 or float16, got {precision!r}")
        self.chunk, self.look_ahead, self.precision = chunk, look_ahead, precision
        self.channels_last, self.pad_value = channels_last, pad_value

    @torch.no_grad()
    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Answer for a whole scan.

        Args:
            inputs: ``(B, C, X, Y, Z)`` scaled to [0, 1], of any size; a MetaTensor is stripped.
            network: a ``NoduleDetector`` in evaluation mode, perhaps wrapped in ``DistributedDataParallel``.
            args: not used.
            kwargs: not used.

        Returns:
            ``(B, 7, ceil(X/4), ceil(Y/4), ceil(Z/2))``, float32, on the device of ``inputs``; for the sequence head see
            ``NoduleDetector``.

        Raises:
            TypeError: the network cannot be run in pieces.
            ValueError: the shape is wrong, or float16 is asked of a CPU.
        """
        network = self._ready(network)
        image: Tensor = convert_to_tensor(inputs, track_meta=False)
        if image.ndim != 5 or image.shape[1] != network.in_channels or image.numel() == 0:
            raise ValueError(f"inputs must be (B, {network.in_channels}, X, Y, Z), got {tuple(image.shape)}")
        cells = [-(-n // stride) for n, stride in zip(image.shape[2:], network.stride_xyz, strict=True)]
        outputs = image.new_empty((len(image), network.out_channels, *cells), dtype=torch.float32)
        with self._autocast(_device_of(network)):
            self._stream(image, network, outputs)
            return outputs if network.second_look is None else network.look_again(image, outputs, inplace=True)

    def _stream(self, image: Tensor, network: NoduleDetector, outputs: Tensor) -> None:
        """Fill ``outputs`` chunk by chunk; features that a look-ahead has made are kept for the next chunk."""
        enough = network.mixer.look_ahead_slabs
        look_ahead = self.look_ahead if enough is None else enough
        total = outputs.shape[4]
        state, made = None, 0
        kept: list[Tensor] = []
        for start in range(0, total, self.chunk):
            stop = min(start + self.chunk, total)
            until = min(stop + look_ahead, total)
            if until > made:
                kept.append(network.features_2d(*self._piece(image, network, made, until)))
                made = until
            features = cat_steps(kept)
            mixed, state = network.mixer.stream(features, stop - start, state)
            answer = network.answer(mixed)[:, :, : outputs.shape[2], : outputs.shape[3]]
            outputs[..., start:stop] = answer.to(outputs)
            kept = [features[:, stop - start :].clone()]  # a view would keep the answered slabs alive

    def _piece(self, image: Tensor, network: NoduleDetector, start: int, stop: int) -> tuple[Tensor, int, int]:
        """Return the slices that slabs ``start`` to ``stop`` need, padded, on the network's device, and where they are.

        Slices are cut so that slabs keep their phase, and only the scan's own ends are ever replicated.
        """
        step, context = network.stride_xyz[2], network.context_slices
        first_slab = max(start - -(-context // step), 0)
        piece = image[..., first_slab * step : stop * step + context]
        pad_x, pad_y = (-n % multiple for n, multiple in zip(image.shape[2:4], network.multiple_xyz, strict=False))
        piece = piece.to(_device_of(network), torch.float32)
        padded = functional.pad(piece, (0, 0, 0, pad_y, 0, pad_x), value=self.pad_value)
        return padded, start - first_slab, stop - first_slab

    def _ready(self, network: Any) -> NoduleDetector:
        """Unwrap and check the network, and lay its weights out for speed."""
        network = getattr(network, "module", network)
        if not isinstance(network, NoduleDetector):
            raise TypeError(f"SlabStreamInferer runs a NoduleDetector in pieces, got {type(network).__name__}")
        if network.training:
            raise ValueError("the network is in training mode: call network.eval() first")
        if self.precision == "float16" and _device_of(network).type == "cpu":
            raise ValueError("float16 is for CUDA: use precision='bfloat16' or 'float32' on a CPU")
        return to_channels_last(network) if self.channels_last else network

    def _autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Return an autocast by hand: that of MONAI's evaluator is for CUDA alone."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(device_type=device.type, dtype=getattr(torch, self.precision))


def _device_of(network: NoduleDetector) -> torch.device:
    return next(network.parameters()).device
