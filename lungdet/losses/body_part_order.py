"""The loss by which a network learns where in the body a slice lies, from nothing but the order of slices."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class BodyPartOrderLoss(nn.Module):
    """Ask that the scores of equidistant slices rise, in equal steps (Yan, Lu, Summers, ISBI 2018, arXiv:1707.03891).

    The order: minus the log-sigmoid of every step from one slice to the next. The equal steps: the smooth L1 norm of
    every difference of two steps that follow each other. Each is averaged over its terms, so that the loss does not
    depend on the size of the batch, and both count alike, as published. It is computed in float32.

    The order alone would let scores grow without end, evenly; what ends it is how strongly weights decay.

    A third term, not published, uses what every scan tells without a label, how far apart its slices are: the smooth L1
    norm of what is left of the scores after their mean and the line of ``mm_per_unit`` are taken off. It is off by
    default; with it far fewer steps are needed.

    Args:
        order_weight: of the order.
        step_weight: of the equal steps.
        distance_weight: of the third term.
        mm_per_unit: how many mm towards the feet a multiplied score is to rise by 1 in, in the third term.
        gain: scores are multiplied by it first. The order asks for steps of several units, to which a last layer of a
            small learning rate grows slowly: with 10 it need grow to a tenth. As published it is 1.

    Attributes:
        latest_parts: the means of the last call, unweighted: ``order``, ``steps`` and, if it counts, ``distance``.

    Raises:
        ValueError: a weight is negative, both are 0, or the gain is not positive.

    Example:
        >>> loss = BodyPartOrderLoss()
        >>> round(float(loss(torch.tensor([[0.0, 1.0, 2.0]]))), 4)  # log(1 + 1/e), and no difference of steps
        0.3133
        >>> round(float(loss(torch.tensor([[0.0, 0.0, 1.0]]))), 4)  # (log(2) + 0.3133) / 2, and 1 ** 2 / 2
        1.0032
    """

    def __init__(
        self,
        order_weight: float = 1.0,
        step_weight: float = 1.0,
        gain: float = 1.0,
        distance_weight: float = 0.0,
        mm_per_unit: float = 25.0,
    ) -> None:
        super().__init__()
        if min(order_weight, step_weight) < 0 or not order_weight + step_weight > 0:
            raise ValueError(f"weights must not be negative, nor both 0, got {order_weight} and {step_weight}")
        if min(gain, mm_per_unit) <= 0 or distance_weight < 0:
            raise ValueError(
                "gain and mm_per_unit must be positive, distance_weight not negative, got "
                f"{gain}, {mm_per_unit} and {distance_weight}"
            )
        self.order_weight, self.step_weight, self.gain = order_weight, step_weight, gain
        self.distance_weight, self.mm_per_unit = distance_weight, mm_per_unit
        self.latest_parts: dict[str, Tensor] = {}

    def forward(self, scores: Tensor, positions_mm: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            scores: ``(B, M)`` of ``M`` >= 3 equidistant slices of each of ``B`` volumes, towards the feet.
            positions_mm: ``(B, M)`` where they lie, towards the feet, to check that they do, and for the
                third term; None trusts them.

        Returns:
            A scalar.

        Raises:
            ValueError: there are fewer than 3 slices, they are not in order, or the third term lacks their positions.
        """
        if scores.ndim != 2 or scores.shape[1] < 3:
            raise ValueError(f"scores must be (B, M) of 3 slices or more, got {tuple(scores.shape)}")
        if positions_mm is not None:
            _check_order(positions_mm, scores)
        elif self.distance_weight:
            raise ValueError("a distance_weight needs the positions of the slices")
        with torch.autocast(device_type=scores.device.type, enabled=False):
            steps = (self.gain * scores.float()).diff(dim=1)  # (B, M - 1)
            order = -functional.logsigmoid(steps).mean()
            changes = steps.diff(dim=1)  # (B, M - 2)
            equal = functional.smooth_l1_loss(changes, torch.zeros_like(changes))
            total = self.order_weight * order + self.step_weight * equal
            self.latest_parts = {"order": order.detach(), "steps": equal.detach()}
            if self.distance_weight and positions_mm is not None:
                distance = self._distance(self.gain * scores.float(), positions_mm.float())
                self.latest_parts["distance"] = distance.detach()
                total = total + self.distance_weight * distance
        return total

    def _distance(self, scores: Tensor, positions_mm: Tensor) -> Tensor:
        wanted = positions_mm / self.mm_per_unit
        centred = [each - each.mean(dim=1, keepdim=True) for each in (scores, wanted)]
        return functional.smooth_l1_loss(centred[0], centred[1])


def _check_order(positions_mm: Tensor, scores: Tensor) -> None:
    if positions_mm.shape != scores.shape:
        raise ValueError(f"positions_mm must be {tuple(scores.shape)}, got {tuple(positions_mm.shape)}")
    if not bool((positions_mm.diff(dim=1) > 0).all()):
        raise ValueError("slices must come in order towards the feet, each at a place of its own")
