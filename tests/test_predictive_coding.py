"""A run of samples: what is said of it is enough, is counted rightly, and adapts to what changes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.classical import predictive_coding
from course_lib.classical.golomb_rice import code_length, ideal_code_length, zigzag
from course_lib.classical.predictive_coding import BLOCKS, ORDER, decode, encode, predictors, unused_bits

NOTHING = torch.zeros(ORDER, dtype=torch.int64)


def resonance(T: int, seed: int = 0, scale: float = 300.0) -> torch.Tensor:
    """Noise through one resonance, in whole numbers."""
    eps = scale * torch.randn(T, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = [0.0, 0.0]
    for e in eps.tolist():
        x.append(1.7 * x[-1] - 0.9 * x[-2] + e)
    return torch.tensor(x[2:]).round().long()


samples = st.one_of(
    st.lists(st.integers(-32768, 32767), min_size=1, max_size=600),
    st.builds(lambda T, level: [level] * T, st.integers(1, 600), st.integers(-32768, 32767)),
    st.builds(lambda T, period: [32767 if t % period * 2 < period else -32768 for t in range(T)], st.integers(1, 600), st.integers(1, 90)),
    st.builds(lambda values, bits: [v << bits for v in values], st.lists(st.integers(-8, 7), min_size=1, max_size=300), st.integers(0, 12)),
)


@settings(max_examples=25)
@given(samples, st.lists(st.integers(-32768, 32767), min_size=ORDER, max_size=ORDER))
def test_every_run_comes_back(x, past):
    x, past = torch.tensor(x), torch.tensor(past)
    code = encode(x, past).to_bytes()
    back, used = decode(code + b"what follows", len(x), past)
    assert torch.equal(back, x)
    assert used == len(code)


@pytest.mark.parametrize("T", [511, 512, 513, 2049, 6000])
def test_the_parts_are_counted_as_they_are_written(T):
    code = encode(resonance(T), NOTHING)
    written = len(code.to_bytes())
    lists = 3 + 3 + 2 * 3 + 2  # sizes, three parameters, and the bytes that the planes do not fill
    assert 0 <= written - sum(code.bits().values()) / 8 <= lists
    assert code.bits()["residual"] == code.bits_of_pieces().sum()
    u, k = code.spoken()
    by_piece = [code_length(piece, parameter).item() for piece, parameter in zip(u.split(code.piece), k, strict=True)]
    assert sum(by_piece) == code.bits()["residual"]


def test_the_predictor_is_found_and_its_order_with_it():
    orders, q = predictors(resonance(512 * 40), 512)
    assert 2 <= orders.median() <= 3
    a = q[1:-1, :2].double().mean(0) / 2**7
    torch.testing.assert_close(a, torch.tensor([-1.7, 0.9]).double(), rtol=0, atol=0.03)  # 38 blocks of 512 with a window
    assert (q[torch.arange(ORDER) >= orders[:, None]] == 0).all()
    assert predictors(torch.zeros(1000, dtype=torch.int64), 512)[0].tolist() == [0, 0]


def test_the_code_is_near_the_ideal_of_the_driving_noise():
    """Gaussian noise of known spread drives the signal: no code can beat its entropy, and this one comes near."""
    scale, T = 300.0, 50_000
    bits = sum(encode(resonance(T, scale=scale), NOTHING).bits().values()) / T
    entropy = 0.5 * torch.log2(torch.tensor(2 * torch.pi * torch.e * scale**2)).item()
    assert entropy < bits < entropy + 0.25


def test_long_blocks_for_what_stays_and_short_ones_for_what_changes():
    assert encode(resonance(1 << 15), NOTHING).block == max(BLOCKS)
    parts = [resonance(512, seed) * (-1) ** (torch.arange(512) * (seed % 2)) for seed in range(32)]  # low and high in turns
    assert encode(torch.cat(parts), NOTHING).block == min(BLOCKS)


def test_a_loud_moment_does_not_spoil_the_quiet():
    x = torch.randint(-2, 3, (8192,), generator=torch.Generator().manual_seed(0))
    quiet = sum(encode(x, NOTHING).bits().values())
    x[4000:4032] *= 3000
    assert sum(encode(x, NOTHING).bits().values()) < quiet + 32 * 32


def test_silence_says_almost_nothing():
    assert len(encode(torch.zeros(1 << 16, dtype=torch.int64), NOTHING).to_bytes()) < 80
    assert not encode(torch.zeros(100, dtype=torch.int64), NOTHING).parameters.any()


def test_bits_that_are_never_used_are_left_out():
    x = resonance(3000, scale=20.0)
    assert unused_bits(x << 8) == 8
    assert unused_bits(torch.zeros(5, dtype=torch.int64)) == 0
    assert unused_bits(torch.tensor([-4, 8])) == 2
    eight = encode(x << 8, NOTHING)
    assert eight.unused == 8
    assert len(eight.to_bytes()) == len(encode(x, NOTHING).to_bytes())


def test_the_past_is_used():
    x = resonance(600)
    known = encode(x[300:], x[300 - ORDER : 300])
    assert known.bits()["residual"] < encode(x[300:], NOTHING).bits()["residual"]
    assert torch.equal(decode(known.to_bytes(), 300, x[300 - ORDER : 300])[0], x[300:])


def test_the_rice_code_of_each_piece_is_near_its_ideal():
    code = encode(resonance(1 << 14), NOTHING)
    pieces = code.residual.view(-1, code.piece)
    excess = code.bits_of_pieces().sum() / ideal_code_length(pieces).sum()
    assert 0.97 < excess < 1.06
    assert (code_length(zigzag(pieces), code.parameters - 1) == code.bits_of_pieces()).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda code: b"", "three bytes of sizes"),
        (lambda code: b"\x10" + code[1:], "no such sizes are written"),
        (lambda code: code[:1] + b"\x40" + code[2:], "no such sizes are written"),
        (lambda code: code[:2] + b"\x0f" + code[3:], "no such sizes are written"),
        (lambda code: code[:3] + b"\x21" + code[4:], "a list begins with a Rice parameter"),
        (lambda code: code[:3], "a list begins with a Rice parameter"),
        (lambda code: code[:3] + b"\x06" + code[4:], "there are none beyond 32"),
        (lambda code: code[:40], "numbers"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        decode(change(encode(resonance(2000), NOTHING).to_bytes()), 2000, NOTHING)


def test_numbers_that_no_encoder_writes_are_refused():
    code = encode(resonance(2000), NOTHING)
    for wrong, message in [
        ({"coefficients": code.coefficients * 2**26}, "a coefficient that no predictor has"),
        ({"parameters": code.parameters + 40}, "a Rice parameter of"),
        ({"residual": code.residual * 200}, "beyond ±2"),
    ]:
        broken = predictive_coding.PredictiveCode(**(vars(code) | wrong))
        sides, (u, k) = broken.side_information(), code.spoken()
        if "residual" in wrong:
            u = zigzag(broken.residual)
        lists = b"".join(predictive_coding._with_parameter(side) for side in sides)
        text = code.to_bytes()[:3] + lists + predictive_coding.rice.pack(u, k, code.piece).numpy().tobytes()
        with pytest.raises(ValueError, match=message):
            decode(text, 2000, NOTHING)
