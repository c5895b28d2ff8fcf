"""The planar layer: invertible whatever its parameters, and inverted where no formula is."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.generative.planar import Planar


def layer_with(w: list[float], u: list[float], b: float) -> Planar:
    layer = Planar(len(w)).double()
    layer.load_state_dict({"w": torch.tensor(w).double(), "u": torch.tensor(u).double(), "b": torch.tensor(b).double()})
    return layer


def test_in_numbers():
    """w = (1, 0), û = (0, 2): the plane slides along its second axis by 2 tanh of the first; no volume changes."""
    u_parallel = torch.tensor(torch.e - 1).log().item()  # softplus of it is 1, so that ŵᵀû = 0
    layer = layer_with([1.0, 0.0], [u_parallel, 2.0], 0.0)
    x = torch.tensor([[0.5, 1.0], [-3.0, 0.0]], dtype=torch.float64)
    z, log_det = layer.encode(x)
    torch.testing.assert_close(z, x + torch.stack([torch.zeros(2).double(), 2 * torch.tanh(x[:, 0])], 1), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(log_det, torch.zeros(2).double(), atol=1e-6, rtol=0)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.1, 1.0, 4.0]))
def test_it_can_always_be_undone(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    w, u, b = scale * torch.randn(2, generator=generator), scale * torch.randn(2, generator=generator), torch.randn(1, generator=generator)
    layer = layer_with(w.tolist(), u.tolist(), b.item())
    x = 3 * torch.randn(20, 2, dtype=torch.float64, generator=generator)
    z, log_det = layer.encode(x)
    assert log_det.isfinite().all()
    back, log_det_back = layer.decode(z)
    # where the map is nearly flat, rounding of z moves x far
    allowed = 1e-13 * (-log_det.min()).exp().item() * (1 + z.abs().max().item())
    torch.testing.assert_close(back, x, rtol=0, atol=max(allowed, 1e-9))
    torch.testing.assert_close(log_det_back, -layer.encode(back)[1])


def test_without_the_condition_on_u_it_would_fold():
    """wᵀu = −4: x + u tanh(wᵀx) turns back; x + û tanh(wᵀx) does not."""
    layer = layer_with([2.0], [-2.0], 0.0)
    x = torch.linspace(-2, 2, 401, dtype=torch.float64)[:, None]
    folded = x - 2 * torch.tanh(2 * x)
    assert (folded.diff(dim=0) < 0).any()
    assert (layer.encode(x)[0].diff(dim=0) > 0).all()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="D must be at least 1 and scale above 0, got 0"):
        Planar(0)
