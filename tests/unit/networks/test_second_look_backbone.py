"""The detector's second look as a backbone: what it sees of a cube, and the weights that it takes."""

import pytest
import torch

from lungdet.networks.blocks import SecondLook, SecondLookBackbone


@pytest.fixture
def pair() -> tuple[SecondLookBackbone, SecondLook]:
    """A backbone and a second look of the same weights."""
    torch.manual_seed(0)
    look, backbone = SecondLook().eval(), SecondLookBackbone().eval()
    backbone.load_state_dict({name: value for name, value in look.state_dict().items() if "answer" not in name})
    return backbone, look


def test_it_answers_as_the_second_look_on_its_own_grid(pair):
    """On a field that is linear in mm, resampling is exact: voxel n of 24 lies at 7 + (n + 1/2) 34/24 - 1/2."""
    backbone, look = pair
    at = 7 + (torch.arange(24) + 0.5) * 34 / 24 - 0.5
    wide, near = torch.arange(48.0) / 48, at / 48
    cubes = (wide[:, None, None] + 0.5 * wide[:, None] + 0.25 * wide)[None, None]
    small = (near[:, None, None] + 0.5 * near[:, None] + 0.25 * near)[None, None]
    with torch.no_grad():
        expected = look.dense(look.features(small))
        assert torch.allclose(backbone(cubes), expected, atol=1e-5)


def test_it_sees_the_middle_34_mm_only(pair):
    backbone, _ = pair
    cubes = torch.rand(1, 1, 48, 48, 48)
    changed = cubes.clone()
    changed[:, :, :7], changed[:, :, :, 41:] = 0, 1
    with torch.no_grad():
        assert torch.equal(backbone(cubes), backbone(changed))
        changed[:, :, 7] = 0
        assert not torch.equal(backbone(cubes), backbone(changed))


def test_no_cubes_have_no_description():
    assert SecondLookBackbone().eval()(torch.empty(0, 1, 48, 48, 48)).shape == (0, 64)


@pytest.mark.parametrize("shape", [(1, 1, 24, 24, 24), (1, 48, 48, 48)])
def test_other_cubes_are_refused(shape):
    with pytest.raises(ValueError, match=r"cubes must be \(B, C, 48, 48, 48\), got"):
        SecondLookBackbone()(torch.zeros(shape))
