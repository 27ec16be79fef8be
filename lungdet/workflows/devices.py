"""Where a network runs."""

from __future__ import annotations

import torch


def usable_device(name: str | torch.device) -> torch.device:
    """Return a device on which this machine can compute.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...

    Raises:
        ValueError: there is no such device here; the message lists those that there are.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # a name alone says nothing of a driver, and "meta" computes nothing
    except Exception as error:  # RuntimeError, AssertionError, NotImplementedError, by what is missing
        there = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        raise ValueError(f"device {str(name)!r} cannot be used here; there are: {', '.join(there)}") from error
    return device
