import pytest
import torch

from lungdet.networks.blocks import Conv3dMixer, ConvLSTMMixer, IdentityMixer


def test_streaming_is_exact_where_nothing_looks_ahead() -> None:
    torch.manual_seed(0)
    mixer, features = ConvLSTMMixer(4, 3, bidirectional=False), torch.rand(1, 6, 4, 5, 5)
    assert mixer.look_ahead_slabs == 0
    first, state = mixer.stream(features[:, :4], 4, None)
    second, _ = mixer.stream(features[:, 4:], 2, state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), mixer(features))


def test_streaming_with_the_rest_in_sight_is_exact() -> None:
    torch.manual_seed(0)
    mixer, features = ConvLSTMMixer(4, 3), torch.rand(2, 6, 4, 5, 5)
    assert mixer.look_ahead_slabs is None
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


@pytest.mark.parametrize(
    "mixer", [IdentityMixer(4), ConvLSTMMixer(4, 3), ConvLSTMMixer(4, 3, bidirectional=False), Conv3dMixer(4, 3)]
)
def test_channels_are_as_told(mixer: torch.nn.Module) -> None:
    assert mixer(torch.rand(1, 2, mixer.in_channels, 3, 3)).shape == (1, 2, mixer.out_channels, 3, 3)


def conv3d(**options: object) -> Conv3dMixer:
    """Return a mixer whose norms shift, so that zeros beyond the ends differ from what the first layer makes there."""
    torch.manual_seed(0)
    mixer = Conv3dMixer(4, 3, **options).eval()
    for name, parameter in mixer.named_parameters():
        if "norm.bias" in name:
            torch.nn.init.normal_(parameter)
    return mixer


@pytest.mark.parametrize("norm", ["batch", ("group", {"num_groups": 3})])
@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 9, 20])
@pytest.mark.parametrize("length", [1, 2, 9])
def test_3d_convolutions_stream_exactly(length: int, chunk: int, norm: object) -> None:
    mixer, features = conv3d(norm=norm), torch.rand(2, length, 4, 5, 6)
    pieces, state = [], None
    for start in range(0, length, chunk):
        keep = min(chunk, length - start)
        seen = features[:, start : start + keep + mixer.look_ahead_slabs]
        piece, state = mixer.stream(seen, keep, state)
        pieces.append(piece)
    torch.testing.assert_close(torch.cat(pieces, dim=1), mixer(features), atol=1e-6, rtol=1e-6)


def test_less_look_ahead_than_asked_for_is_not_exact() -> None:
    mixer, features = conv3d(), torch.rand(1, 6, 4, 5, 5)
    assert not torch.allclose(mixer.stream(features[:, :3], 2, None)[0], mixer(features)[:, :2], atol=1e-3)


def test_3d_convolutions_see_two_slabs_to_either_side() -> None:
    mixer, features = conv3d(), torch.rand(1, 9, 4, 5, 5)
    other = features.clone()
    other[:, 4] = 0
    changed = (mixer(other) != mixer(features)).any(dim=(0, 2, 3, 4))
    assert changed.tolist() == [False, False, True, True, True, True, True, False, False]


def test_3d_convolutions_keep_channels_last_in_bfloat16() -> None:
    features = torch.rand(2, 3, 5, 6, 4).movedim(-1, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv3d()(features).movedim(2, -1).is_contiguous()
