import pytest
import torch

from lungdet.inferers import AutocastInferer


class Spy(torch.nn.Module):
    """Remember the precision that a linear layer really ran in."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 4)

    def forward(self, inputs):
        outputs = self.layer(inputs)
        self.seen = outputs.dtype
        return outputs


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_precision_is_real_on_the_cpu_and_outputs_are_float32(dtype: str):
    spy = Spy()
    outputs = AutocastInferer(dtype)(torch.ones(2, 4), spy)
    assert spy.seen is getattr(torch, dtype)
    assert outputs.dtype is torch.float32


def test_gradients_flow_through():
    spy = Spy()
    AutocastInferer()(torch.ones(2, 4), spy).sum().backward()
    assert spy.layer.weight.grad is not None
    assert torch.isfinite(spy.layer.weight.grad).all()


def test_float16_on_a_cpu_is_refused():
    with pytest.raises(ValueError, match="bfloat16"):
        AutocastInferer("float16")(torch.ones(1, 4), Spy())


def test_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="int8"):
        AutocastInferer("int8")
