"""Start a network for pictures from a file of weights, its own or one in the names of torchvision or MONAI."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lungdet.networks.nets.picture_classifier import PictureClassifier

WRAPPERS = ("state_dict", "model", "network")  # keys under which checkpoints keep the weights
CLASSIFIERS = ("fc.", "classifier.1.", "class_layers.out.", "_fc.")  # names of the last layer elsewhere
EFFICIENT_PARTS = {"stem": "_conv_stem", "stem_norm": "_bn0", "head": "_conv_head", "head_norm": "_bn1"}


def load_picture_weights(network: PictureClassifier, path: str | PathLike[str]) -> tuple[str, ...]:
    """Copy weights from a file into a network, in place.

    Taken are: what ``network.state_dict()`` gave; a training checkpoint that holds it as ``model``, ``network`` or
    ``state_dict``; and, for the features, the files of torchvision (DenseNet121, ResNet18 and 34, MobileNet V2), of
    MONAI (DenseNet121, ResNet without a bias in its shortcuts, EfficientNet) and of Melas-Kyriazi's EfficientNet.
    Weights of colour pictures fit a network of one channel: the first convolution's are summed over colours, which
    answers as if the grey picture stood in all three; such networks were mostly trained on *standardised* pictures.
    A last layer for another number of classes is left as it is.

    Args:
        network: changed in place.
        path: a file that ``torch.load(..., weights_only=True)`` can read; no code in it is run.

    Returns:
        Names of the parameters that were left as they are: none, or those of the last layer.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no weights, or weights of another network.
    """
    found = read_weights(path)
    own = network.state_dict()
    taken, left, wrong = dict[str, Tensor](), list[str](), list[str]()
    for name, value in own.items():
        other = next((found[alias] for alias in aliases(name) if alias in found), None)
        if other is not None and other.ndim == 4 and value.ndim == 4:
            other = as_many_inputs(other, value)
        if other is not None and other.shape == value.shape:
            taken[name] = other.to(value.dtype)
        elif name.startswith("classifier."):
            left.append(name)
        elif not (other is None and name.endswith("num_batches_tracked")):  # old files do not have these
            wrong.append(f"{name} {tuple(value.shape)}: {'missing' if other is None else tuple(other.shape)}")
    if wrong:
        raise ValueError(
            f"{Path(path)}: weights of another network; {len(wrong)} of {len(own)} tensors do not fit, the first is "
            f"{wrong[0]}; give weights of the same architecture"
        )
    network.load_state_dict({**own, **taken})
    return tuple(left)


def read_weights(path: str | PathLike[str]) -> dict[str, Tensor]:
    """Return the named tensors of a file; see :func:`load_picture_weights`."""
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{Path(path)}: not a file of weights that torch reads safely: {error}") from error
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not any(isinstance(each, Tensor) for each in content.values()):
        raise ValueError(f"{Path(path)}: holds no named tensors: save network.state_dict() by torch.save")
    return {str(name).removeprefix("module."): each for name, each in content.items() if isinstance(each, Tensor)}


def as_many_inputs(weight: Tensor, wanted: Tensor) -> Tensor:
    """Sum a convolution's weights over their input channels where the wanted ones have a single input channel."""
    alone = wanted.shape[1] == 1 and weight.shape[1] == 3 and weight.shape[0] == wanted.shape[0]
    return weight.sum(dim=1, keepdim=True) if alone else weight


def aliases(name: str) -> Iterator[str]:
    """Yield the names under which one of our parameters may stand in a file.

    Example:
        >>> list(aliases("classifier.bias"))[:3]
        ['classifier.bias', 'fc.bias', 'classifier.1.bias']
        >>> "_blocks.7._bn1.bias" in set(aliases("features.blocks.2.7._bn1.bias"))
        True
    """
    yield name
    if name.startswith("classifier."):
        yield from (prefix + name.removeprefix("classifier.") for prefix in CLASSIFIERS)
        return
    short = name.removeprefix("features.")
    yield short
    yield re.sub(r"(denselayer\d+)\.(norm|conv)(\d)\.", r"\1.layers.\2\3.", name)  # MONAI
    yield re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)\.", r"\1.\2.", name)  # torchvision's older files
    part, _, rest = short.partition(".")
    if part in EFFICIENT_PARTS:
        yield f"{EFFICIENT_PARTS[part]}.{rest}"
    if part == "blocks":
        yield f"_{short}"
        yield re.sub(r"^blocks\.\d+\.", "_blocks.", short)  # blocks counted through, without their stacks
