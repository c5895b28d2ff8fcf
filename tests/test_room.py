"""The room: its direct sound, its first echoes by hand, its decay by Sabine's and Eyring's law, its convolution."""

import math

import pytest
import torch

from course_lib.signal.room import SPEED_OF_SOUND, energy_decay_db, impulse_responses, mix_in_room

ROOM = {"size_m": (5.0, 4.0, 3.0), "rate_hz": 16_000}
SOURCE, MICROPHONE = torch.tensor([[1.2, 2.7, 1.6]]), torch.tensor([[3.1, 1.1, 1.3]])


def arrival(response: torch.Tensor, rate_hz: int) -> tuple[float, float]:
    """Delay in seconds and loudness of a single pulse: its spectrum's phase slope and height at low frequencies."""
    spectrum = torch.fft.rfft(response)
    omega = 2 * math.pi / len(response) * rate_hz  # of the first line
    return -(spectrum[1] / spectrum[0]).angle().item() / omega, spectrum[0].abs().item()


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_direct_sound_comes_in_time_and_as_loud_as_it_should(rate_hz):
    distance = (SOURCE - MICROPHONE).norm().item()
    h = impulse_responses(SOURCE, MICROPHONE, size_m=ROOM["size_m"], reflection=0.0, rate_hz=rate_hz, length=rate_hz // 20)
    delay, loudness = arrival(h[0, 0], rate_hz)
    assert abs(delay - distance / SPEED_OF_SOUND) < 0.01 / rate_hz  # a hundredth of a sample
    assert abs(loudness * 4 * math.pi * distance - 1) < 1e-3


def test_twice_as_far_is_half_as_loud():
    near, far = torch.tensor([[2.0, 2.0, 1.5]]), torch.tensor([[3.0, 2.0, 1.5]])
    source = torch.tensor([[1.0, 2.0, 1.5]])
    h = impulse_responses(source, torch.cat([near, far]), reflection=0.0, length=800, **ROOM)
    torch.testing.assert_close(h[0, 0].sum() / h[1, 0].sum(), torch.tensor(2.0).double(), rtol=1e-3, atol=0)


def test_six_first_echoes_are_the_mirrored_sources():
    """Each wall's mirror image by hand; what one bounce adds is linear in β."""
    beta, n = 1e-5, 900
    h = (impulse_responses(SOURCE, MICROPHONE, reflection=beta, length=n, **ROOM)[0, 0]
         - impulse_responses(SOURCE, MICROPHONE, reflection=0.0, length=n, **ROOM)[0, 0]) / beta  # fmt: skip
    expected = torch.zeros(n, dtype=torch.float64)
    for axis, side in enumerate(ROOM["size_m"]):
        for wall in (0.0, side):
            image = SOURCE.double().clone()
            image[0, axis] = 2 * wall - image[0, axis]
            # in open air, in a room moved and enlarged so that the image is inside
            shift, big = torch.full((1, 3), 50.0).double(), (100.0, 100.0, 100.0)
            expected += impulse_responses(
                image + shift, MICROPHONE.double() + shift, size_m=big, reflection=0.0, rate_hz=16_000, length=n
            )[0, 0]  # fmt: skip
    torch.testing.assert_close(h, expected, rtol=0, atol=1e-4 * expected.abs().max().item())  # two bounces, divided by β


def test_source_and_microphone_may_change_places():
    """Reciprocity: the same path backwards."""
    there = impulse_responses(SOURCE, MICROPHONE, reflection=0.7, length=1500, **ROOM)
    back = impulse_responses(MICROPHONE, SOURCE, reflection=0.7, length=1500, **ROOM)
    torch.testing.assert_close(there, back)


@pytest.mark.parametrize("reflection", [0.6, 0.8])
def test_energy_decays_as_statistics_say(reflection):
    """Between Sabine's law and 1.5 times Eyring's: images of a box decay more slowly than the diffuse field that Eyring assumes."""
    L = torch.tensor(ROOM["size_m"])
    volume, surface = L.prod().item(), 2 * (L[0] * L[1] + L[0] * L[2] + L[1] * L[2]).item()
    eyring = 24 * math.log(10) / SPEED_OF_SOUND * volume / (-surface * math.log(reflection**2))
    h = impulse_responses(SOURCE, MICROPHONE, reflection=reflection, length=int(0.7 * eyring * 16_000), **ROOM)
    decay = energy_decay_db(h[0, 0])
    assert (decay.diff() <= 0).all()
    assert decay[0] == 0
    t5, t25 = ((decay < level).nonzero()[0].item() / 16_000 for level in (-5, -25))
    assert 0.8 * eyring < 3 * (t25 - t5) < 1.5 * eyring


def test_more_reflection_means_more_energy_and_a_longer_response_only_adds():
    h = [impulse_responses(SOURCE, MICROPHONE, reflection=b, length=1000, **ROOM) for b in (0.2, 0.5, 0.8)]
    energies = [one.square().sum() for one in h]
    assert energies == sorted(energies)
    longer = impulse_responses(SOURCE, MICROPHONE, reflection=0.8, length=1100, **ROOM)
    torch.testing.assert_close(longer[..., :950], h[2][..., :950])  # but for pulses cut at the end


def test_every_pair_has_its_own_response():
    sources, microphones = torch.cat([SOURCE, MICROPHONE + 0.5]), torch.cat([MICROPHONE, SOURCE + 0.4, MICROPHONE + 0.1])
    h = impulse_responses(sources, microphones, reflection=0.5, length=600, **ROOM)
    assert h.shape == (3, 2, 600)
    for m in range(3):
        for s in range(2):
            one = impulse_responses(sources[s : s + 1], microphones[m : m + 1], reflection=0.5, length=600, **ROOM)
            torch.testing.assert_close(h[m, s], one[0, 0])


def test_images_are_plain_convolutions():
    generator = torch.Generator().manual_seed(0)
    sounds, h = (torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in ((2, 50), (3, 2, 20)))
    images = mix_in_room(sounds, h)
    assert images.shape == (3, 2, 50)
    for m in range(3):
        for s in range(2):
            plain = torch.stack([sum(h[m, s, k] * sounds[s, t - k] for k in range(20) if t >= k) for t in range(50)])
            torch.testing.assert_close(images[m, s], plain)


@pytest.mark.usefixtures("own_messages")
@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: impulse_responses(SOURCE, MICROPHONE, reflection=1.0, length=10, **ROOM), "reflection must be at least 0 and less than 1"),
        (lambda: impulse_responses(SOURCE, MICROPHONE, reflection=0.5, length=0, **ROOM), "rate_hz and length must be at least 1"),
        (lambda: impulse_responses(SOURCE + 4, MICROPHONE, reflection=0.5, length=9, **ROOM), "sources must stand inside the room"),
        (lambda: impulse_responses(SOURCE, MICROPHONE - 2, reflection=0.5, length=9, **ROOM), "microphones must stand inside the room"),
        (lambda: impulse_responses(SOURCE, SOURCE, reflection=0.5, length=9, **ROOM), "must not share one place"),
        (lambda: mix_in_room(torch.zeros(3, 9), torch.zeros(1, 2, 4)), "one column a source: 3 sounds"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(ValueError, match=message):
        mistake()
