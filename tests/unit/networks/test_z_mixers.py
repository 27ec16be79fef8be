import pytest
import torch

from lungdet.networks.blocks import ConvLSTMMixer, IdentityMixer


def test_streaming_is_exact_where_nothing_looks_ahead() -> None:
    torch.manual_seed(0)
    mixer, features = ConvLSTMMixer(4, 3, bidirectional=False), torch.rand(1, 6, 4, 5, 5)
    assert not mixer.looks_ahead
    first, state = mixer.stream(features[:, :4], 4, None)
    second, _ = mixer.stream(features[:, 4:], 2, state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), mixer(features))


def test_streaming_with_the_rest_in_sight_is_exact() -> None:
    torch.manual_seed(0)
    mixer, features = ConvLSTMMixer(4, 3), torch.rand(2, 6, 4, 5, 5)
    assert mixer.looks_ahead
    first, state = mixer.stream(features, 2, None)
    second, _ = mixer.stream(features[:, 2:], 4, state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), mixer(features))


def test_streaming_blind_is_not_exact() -> None:
    torch.manual_seed(0)
    mixer, features = ConvLSTMMixer(4, 3), torch.rand(1, 6, 4, 5, 5)
    assert not torch.allclose(mixer.stream(features[:, :2], 2, None)[0], mixer(features)[:, :2])


def test_no_mixing_gives_the_kept_slabs_back() -> None:
    mixer, features = IdentityMixer(4), torch.rand(1, 6, 4, 5, 5)
    torch.testing.assert_close(mixer(features), features)
    assert mixer.stream(features, 2, None)[0].shape == (1, 2, 4, 5, 5)


@pytest.mark.parametrize("mixer", [IdentityMixer(4), ConvLSTMMixer(4, 3), ConvLSTMMixer(4, 3, bidirectional=False)])
def test_channels_are_as_told(mixer: torch.nn.Module) -> None:
    assert mixer(torch.rand(1, 2, mixer.in_channels, 3, 3)).shape == (1, 2, mixer.out_channels, 3, 3)
