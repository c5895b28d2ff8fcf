"""Names are the same at all times; symbols hold for their hop, and are told with their neighbours."""

import pytest
import torch

from course_lib.generative.conditioning import GlobalCondition, LocalCondition


def test_a_name_is_its_row():
    layer = GlobalCondition(3, features=4)
    torch.testing.assert_close(layer(torch.tensor([2, 0]))[..., 0], layer.table.weight[[2, 0]])


def test_a_symbol_lasts_for_its_hop():
    layer = LocalCondition(5, features=4, hop=6)
    held = layer(torch.tensor([[0, 3, 1]])).unflatten(2, (3, 6))
    assert torch.equal(held, held[..., :1].expand(-1, -1, -1, 6))
    assert not torch.equal(held[:, :, 0], held[:, :, 1])


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_symbol_is_told_with_its_neighbours_on_both_sides(reach):
    layer = LocalCondition(5, features=4, hop=1, reach=reach)
    symbols = torch.zeros(1, 9, dtype=torch.int64)
    changed = symbols.clone()
    changed[0, 4] = 3
    moved = (layer(symbols) != layer(changed)).any(1)[0]
    assert moved.nonzero()[:, 0].tolist() == list(range(4 - reach, 5 + reach))


def test_refuses_no_time():
    with pytest.raises(ValueError, match="hop must be at least 1 sample, got 0"):
        LocalCondition(3, 4, hop=0)
