"""Find and open MONAI bundles: settings in files, code in the package."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
CONFIG_FILES = ("common.yaml", "inference.yaml")


class BundleError(ValueError):
    """A bundle cannot be found, or lacks what it must have."""


def bundle_places() -> tuple[Path, ...]:
    """Folders that may hold shipped bundles: in the installed package, and beside it in a checkout."""
    return PACKAGE / "bundles", PACKAGE.parent / "bundles"


def bundle_names() -> list[str]:
    """Names of the shipped bundles."""
    folders = (folder for place in bundle_places() if place.is_dir() for folder in place.iterdir())
    return sorted({folder.name for folder in folders if (folder / "configs" / "metadata.json").is_file()})


def bundle_root(bundle: str | Path) -> Path:
    """Find a bundle.

    Args:
        bundle: name of a shipped one, or the folder of any other.

    Returns:
        Its root, which holds ``configs/`` and ``models/``.

    Raises:
        BundleError: there is none; the message lists those that exist.
    """
    name = str(bundle)
    if Path(name).name == name:
        for place in bundle_places():
            if (place / name / "configs" / "metadata.json").is_file():
                return place / name
    if (Path(bundle) / "configs" / "metadata.json").is_file():
        return Path(bundle).resolve()
    shipped = ", ".join(bundle_names()) or "none"
    raise BundleError(
        f"{name}: no such bundle (a folder with configs/metadata.json); shipped with this package: {shipped}"
    )


def open_bundle(root: Path, overrides: Mapping[str, Any] | None = None) -> Any:
    """Parse a bundle's ``common.yaml`` and ``inference.yaml``, as ``python -m monai.bundle run`` does.

    A bundle's settings name code to run: open only bundles that you trust. What is given here is another matter: MONAI
    takes ``$``, ``@``, ``%`` and ``#`` in a setting for a program, so that a folder named ``$x`` would run. Overrides
    and the root are therefore kept out of its language: a setting gets the very object that is given.

    Args:
        root: of the bundle.
        overrides: new values by id; values, not expressions. ``bundle_root`` is set to ``root``.

    Returns:
        A :class:`monai.bundle.ConfigParser`; take objects out with ``get_parsed_content``.

    Raises:
        BundleError: a file is missing, or an override has no counterpart in the bundle.
    """
    from monai.bundle import ConfigParser

    files = [root / "configs" / name for name in CONFIG_FILES]
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise BundleError(f"{root}: no {' and no '.join(missing)}; it cannot run inference")
    known: dict[str, Any] = ConfigParser.load_config_files([str(path) for path in files])
    unknown = sorted(set(overrides or {}) - set(known))
    if unknown:
        raise BundleError(f"{root}: {', '.join(unknown)}: no such setting; there are {', '.join(sorted(known))}")
    given = {**(overrides or {}), "bundle_root": str(root)}
    settings = {**known, **{name: f"$given_settings[{name!r}]" for name in given}}
    return ConfigParser(settings, globals={"given_settings": given})


def load_weights(network: Any, checkpoint: str | Path, device: Any) -> str:
    """Load weights into ``network``; nothing but tensors is unpickled.

    Args:
        network: a torch module.
        checkpoint: a state dictionary, or a dictionary that holds one as ``model``.
        device: where to load to.

    Returns:
        SHA-256 of the file.

    Raises:
        BundleError: the file is missing, is no checkpoint, or does not fit the network.
    """
    import torch

    path = Path(checkpoint)
    if not path.is_file():
        raise BundleError(f"{path}: no weights there; train them first (make train), or name another bundle")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        network.load_state_dict(content.get("model", content))
    except Exception as error:  # torch raises what it likes: RuntimeError, UnpicklingError, EOFError, AttributeError
        reason = " ".join(str(error).split())[:300]
        raise BundleError(f"{path}: these are no weights of {type(network).__name__}: {reason}") from error
    return hashlib.sha256(path.read_bytes()).hexdigest()
