"""Fold batch norms into the convolutions before them."""

from __future__ import annotations

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(network: nn.Module) -> int:
    """Fold each batch norm that follows a convolution, and nothing else does, into it; in place.

    In evaluation mode the norm is an affine map of each channel, so the answers stay the same but for rounding. The
    network keeps its structure, norms become identities, and it can no longer be trained as before.

    Args:
        network: in evaluation mode, and such that ``torch.fx`` can trace its ``forward``.

    Returns:
        How many norms were folded.

    Raises:
        ValueError: the network is in training mode.

    Example:
        >>> folded = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()).eval()
        >>> fold_norms(folded), folded[1]
        (1, Identity())
    """
    if network.training:
        raise ValueError("only a network in evaluation mode can be folded: call network.eval() first")
    names = norms_behind_convolutions(network)
    for before, behind in names:
        convolution, norm = network.get_submodule(before), network.get_submodule(behind)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):  # for the type checker
            network.set_submodule(before, fuse_conv_bn_eval(convolution, norm))
            network.set_submodule(behind, nn.Identity())
    return len(names)


def norms_behind_convolutions(network: nn.Module) -> list[tuple[str, str]]:
    """Return the names of each convolution and of the batch norm that alone uses what it gives."""
    pairs = []
    for node in fx.symbolic_trace(network).graph.nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) != 1:
            continue
        convolution, norm = str(before.target), str(node.target)
        is_norm = isinstance(network.get_submodule(norm), nn.BatchNorm2d)
        if is_norm and isinstance(network.get_submodule(convolution), nn.Conv2d):
            pairs.append((convolution, norm))
    return pairs
