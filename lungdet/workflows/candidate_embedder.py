"""What a nodule classifier makes of the candidates of a scan."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from monai.utils import convert_to_tensor
from torch import Tensor

from lungdet.records import ModelInfo

from .bundle import BundleError
from .opened_bundle import OpenedBundle

CLASSIFIER = "nodule_classifier"


class CandidateEmbedder:
    """Describe cubes by the vectors and the answers of a frozen classifier; its bundle is opened on first use.

    Args:
        bundle: name of a shipped nodule classifier, or the root of another; only one that you trust: its settings name
            code to run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        weights_sha256: of the only weights that will do: vectors of others mean something else; empty for any.
    """

    def __init__(
        self, bundle: str | Path = CLASSIFIER, device: str | torch.device | None = None, weights_sha256: str = ""
    ) -> None:
        self.bundle, self.device = bundle, None if device is None else str(device)
        self.weights_sha256 = weights_sha256

    @property
    def model(self) -> ModelInfo:
        """Which classifier it is, with its weights.

        Raises:
            BundleError: its bundle cannot be used, or its weights are absent or not those that are wanted.
        """
        model: ModelInfo = self._opened[1]
        return model

    @torch.no_grad()
    def __call__(self, cubes: Tensor) -> Tensor:
        """Describe cubes.

        Args:
            cubes: ``(K, 48, 48, 48)`` in HU.

        Returns:
            ``(K, F)`` float32 on the CPU: the vector of each, then the logits of all answers.

        Raises:
            BundleError: see :attr:`model`.
        """
        opened, _, network, scale, inferer = self._opened
        if not len(cubes):
            return torch.zeros(0, network.embed_channels + network.heads[-1].out_features)
        scaled = [convert_to_tensor(scale({"image": cube[None]})["image"], track_meta=False) for cube in cubes]
        batch = torch.stack(scaled).to(opened.device)
        vectors = inferer(batch, network.embed)
        return torch.cat([vectors, network.answer(vectors)], dim=1).float().cpu()

    @cached_property
    def _opened(self) -> tuple[OpenedBundle, ModelInfo, Any, Any, Any]:
        opened, network, model = _open(self.bundle, self.device)
        if self.weights_sha256 and model.weights_sha256 != self.weights_sha256:
            other = f"{self.weights_sha256[:12]} are wanted, these are {model.weights_sha256[:12]}"
            remedy = "name the classifier that the scan risk was trained with, or train that again"
            raise BundleError(f"{opened.root}: a classifier of other weights: {other}; {remedy}")
        return opened, model, network, opened.take("scale_cubes"), opened.take("inferer")


def classifier_network(bundle: str | Path = CLASSIFIER) -> Any:
    """Return a classifier with the weights of its bundle, on the CPU, to be trained further.

    Args:
        bundle: see :class:`CandidateEmbedder`.

    Raises:
        BundleError: the bundle cannot be used, or its weights are absent.
    """
    return _open(bundle, "cpu")[1]


def _open(bundle: str | Path, device: str | None) -> tuple[OpenedBundle, Any, ModelInfo]:
    opened = OpenedBundle(bundle, device, None)
    network = opened.network()
    if not hasattr(network, "embed") or not hasattr(network, "answer"):
        what = f"its {type(network).__name__} says nothing of nodules"
        raise BundleError(f"{opened.root}: this bundle is no nodule classifier: {what}; name another")
    return opened, network, opened.load_weights(network)
