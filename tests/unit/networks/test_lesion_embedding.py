"""Shape, length and size of the embedding network."""

import pytest
import torch

from lungdet.networks.nets import LesionEmbedding


def test_vectors_have_length_one():
    network = LesionEmbedding(embed_channels=16, width=8).eval()
    vectors = network(torch.rand(3, 6, 48, 64))
    assert vectors.shape == (3, 16)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert vectors.dtype == torch.float32


def test_both_views_matter():
    network, crops = LesionEmbedding(embed_channels=16, width=8).eval(), torch.rand(1, 6, 64, 64)
    for channel in (3, 4):
        other = crops.clone()
        other[:, channel] = 1 - other[:, channel]
        assert not torch.allclose(network(crops), network(other), atol=1e-4)


def test_the_shipped_size_fits_five_megabytes_in_half_precision():
    assert 2 * sum(parameter.numel() for parameter in LesionEmbedding().parameters()) < 4_900_000


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"wanted \(B, 6, 32 or more"):
        LesionEmbedding(width=8)(torch.rand(1, 4, 64, 64))
    with pytest.raises(ValueError, match="out of range"):
        LesionEmbedding(width=0)
