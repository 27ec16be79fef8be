"""Start a classifier of nodules from weights that know something already: its own, a pretraining's, the detector's."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch import Tensor, nn

from .picture_weights import read_weights

logger = logging.getLogger(__name__)
BACKBONE, DETECTOR = "backbone.", "second_look."  # prefixes of the features here, and in the detector's file


@dataclass(frozen=True)
class StartedFrom:
    """What became of a network's tensors and of a file's, by name.

    Attributes:
        taken: of the network, now as in the file.
        left: of the network, as they were: not in the file, or of another shape there.
        unused: of the file, for which the network has no place.
    """

    taken: tuple[str, ...]
    left: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """One line for a log."""
        parts = [f"{len(self.taken)} tensors taken, {len(self.left)} left as they were{_rooms(self.left)}"]
        return ", ".join([*parts, f"{len(self.unused)} of the file not used{_rooms(self.unused)}"])


def start_nodule_classifier(network: nn.Module, path: str | PathLike[str]) -> StartedFrom:
    """Copy what fits from a file of weights into a classifier, in place, and log what does not.

    Understood are files of the classifier's own names, whole or without heads, as its training and its pretraining
    write them, and the detector's, whose second look fits the backbone ``second_look``. The backbone must fit as a
    whole: half a backbone of other weights is none. Heads are taken where they fit.

    Args:
        network: a ``NoduleClassifier``, or what ``DistributedDataParallel`` wraps, changed in place.
        path: a file that ``torch.load(..., weights_only=True)`` can read; no code in it is run.

    Returns:
        What was taken and what was not.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no weights, or none for this backbone.

    Example:
        >>> import tempfile, torch
        >>> from lungdet.networks.blocks import SecondLook, SecondLookBackbone
        >>> network = nn.ModuleDict({"backbone": SecondLookBackbone(), "heads": nn.Linear(64, 33)})
        >>> with tempfile.NamedTemporaryFile() as file:
        ...     torch.save(nn.ModuleDict({"second_look": SecondLook()}).state_dict(), file.name)
        ...     print(start_nodule_classifier(network, file.name))
        38 tensors taken, 2 left as they were (heads), 2 of the file not used (second_look)
    """
    target = network.module if isinstance(network, nn.parallel.DistributedDataParallel) else network
    found, own = {_name(name): (name, each) for name, each in read_weights(path).items()}, target.state_dict()
    fitting = {name: found[name][1].to(own[name].dtype) for name in own if _fits(own[name], name, found)}
    wrong = [name for name in own if name.startswith(BACKBONE) and name not in fitting and not _counter(name)]
    if wrong:
        raise ValueError(_message(path, wrong, own, found))
    target.load_state_dict({**own, **fitting})
    unused = (name for key, (name, _) in found.items() if key not in fitting)
    report = StartedFrom(tuple(fitting), tuple(name for name in own if name not in fitting), tuple(unused))
    logger.info("%s: %s", Path(path), report)
    return report


def _name(name: str) -> str:
    """The name here of a tensor in a file.

    Example:
        >>> _name("second_look.dense.1.bias"), _name("second_look.answer.bias"), _name("heads.bias")
        ('backbone.dense.1.bias', 'second_look.answer.bias', 'heads.bias')
    """
    known = (f"{DETECTOR}features.", f"{DETECTOR}dense.")
    return BACKBONE + name.removeprefix(DETECTOR) if name.startswith(known) else name


def _fits(value: Tensor, name: str, found: dict[str, tuple[str, Tensor]]) -> bool:
    return name in found and found[name][1].shape == value.shape


def _counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")  # old files do not have these


def _message(
    path: str | PathLike[str], wrong: list[str], own: dict[str, Tensor], found: dict[str, tuple[str, Tensor]]
) -> str:
    there = tuple(found[wrong[0]][1].shape) if wrong[0] in found else "missing"
    detector = any(name.startswith(DETECTOR) for name, _ in found.values())
    remedy = "set backbone to second_look" if detector else "give weights of the same backbone and width"
    count = sum(name.startswith(BACKBONE) for name in own)
    return (
        f"{Path(path)}: weights of another network; {len(wrong)} of {count} tensors of the backbone do not fit, the "
        f"first is {wrong[0]}, wanted {tuple(own[wrong[0]].shape)}, got {there}; {remedy}"
    )


def _rooms(names: tuple[str, ...]) -> str:
    """The first parts of names, in brackets.

    Example:
        >>> _rooms(("heads.bias", "heads.weight", "encoder.1.bias")), _rooms(())
        (' (encoder, heads)', '')
    """
    rooms = sorted({name.split(".")[0] for name in names})
    return f" ({', '.join(rooms)})" if rooms else ""
