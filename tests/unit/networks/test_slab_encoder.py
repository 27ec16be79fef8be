import pytest
import torch

from lungdet.networks.blocks import ResidualBlock2D, SlabEncoder


def test_features_come_at_a_quarter_of_the_size() -> None:
    encoder = SlabEncoder(8, (4, 8, 8, 8), 6, "batch")
    assert encoder(torch.rand(3, 8, 32, 48)).shape == (3, 6, 8, 12)


def test_context_reaches_further_than_the_fine_branch() -> None:
    torch.manual_seed(0)
    encoder = SlabEncoder(1, (4, 8, 8, 8), 6, "batch").eval().double()
    image = torch.zeros(1, 1, 256, 16, dtype=torch.float64)
    base = encoder(image)
    image[..., 128, 8] = 1.0
    reached = (encoder(image) - base).abs().amax(dim=(0, 1, 3)).nonzero().flatten()
    assert reached.max() - reached.min() >= 20  # cells of four pixels


def test_every_width_is_asked_for() -> None:
    with pytest.raises(ValueError, match="strides 2, 4, 8 and 16"):
        SlabEncoder(8, (4, 8, 8), 6, "batch")


def test_a_residual_block_keeps_the_shape() -> None:
    block = ResidualBlock2D(8, ("group", {"num_groups": 4}))
    assert block(torch.rand(2, 8, 5, 7)).shape == (2, 8, 5, 7)
