"""A bundle opened on a device: what all that run a bundle's network in this process share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lungdet.engines.save_findings import read_model_info
from lungdet.records import ModelInfo

from .bundle import bundle_root, load_weights, open_bundle
from .devices import usable_device


class OpenedBundle:
    """The settings of a bundle, and its network on a device.

    Args:
        bundle: name of a shipped bundle, or the root of another; only one that you trust: its settings name code to
            run.
        device: ``"cpu"``, ``"cuda:0"``, ...; None leaves it to the bundle.
        overrides: new values of the bundle's settings, by id; see :func:`~lungdet.workflows.open_bundle`.

    Attributes:
        root: of the bundle.
        parser: of its settings, a :class:`monai.bundle.ConfigParser`.
        device: where the network runs.

    Raises:
        BundleError: the bundle cannot be found or opened.
        ValueError: there is no such device.
    """

    def __init__(self, bundle: str | Path, device: str | None, overrides: Mapping[str, Any] | None) -> None:
        self.root = bundle_root(bundle)
        given = {} if device is None else {"device": usable_device(device)}
        self.parser: Any = open_bundle(self.root, {**(overrides or {}), **given})
        self.device = torch.device(self.take("device"))

    def take(self, name: str) -> Any:
        """Return a setting, built."""
        return self.parser.get_parsed_content(name)

    def network(self) -> Any:
        """Return the network on the device, ready to answer; its weights are not loaded yet."""
        return self.take("network").to(self.device).eval()

    def load_weights(self, network: Any) -> ModelInfo:
        """Load the bundle's weights into its network, and tell which they are.

        Raises:
            BundleError: they cannot be loaded.
        """
        checkpoint = Path(self.take("checkpoint"))
        digest = load_weights(network, checkpoint, self.device)
        return read_model_info(self.root / "configs" / "metadata.json", checkpoint, digest)
