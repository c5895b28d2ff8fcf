"""A player holds the very samples it was given; a real browser decodes them, at their own loudness, and plays them from the keyboard."""

import base64
import io
import math
import re
import wave
from contextlib import ExitStack

import nbformat
import numpy as np
import pytest
import torch
from browser import DESKTOP, PHONE, chromium, served, watched_page, wider_than_screen
from lab_in_browser import jupyterlab, notebook_in_lab

from course_lib.widgets import players

RATE = 8000
PLAYING = "() => Array.from(document.querySelectorAll('audio')).map(audio => !audio.paused && audio.currentTime > 0)"
HEAD = """<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'><link rel=icon href=data:,>
<style>body { font-family: sans-serif; color-scheme: light dark }</style>"""
DECODED = """async audio => {
    const bytes = await (await fetch(audio.src)).arrayBuffer();
    const context = new OfflineAudioContext(1, 1, %d);
    const sound = await context.decodeAudioData(bytes);
    return {channels: sound.numberOfChannels, rate: sound.sampleRate, seconds: sound.duration, samples: Array.from(sound.getChannelData(0))};
}"""


def tone(amplitude: float, *, rate_hz: int = RATE, seconds: float = 0.5) -> torch.Tensor:
    t = torch.arange(round(seconds * rate_hz), dtype=torch.float64) / rate_hz
    return amplitude * torch.sin(2 * math.pi * 440 * t)


def inside(html: str) -> list[np.ndarray]:
    """The 16-bit samples of every sound of a row."""
    found = []
    for data in re.findall(r'src="data:audio/wav;base64,([^"]+)"', html):
        with wave.open(io.BytesIO(base64.b64decode(data))) as file:
            found.append(np.frombuffer(file.readframes(file.getnframes()), "<i2"))
    return found


def test_sixteen_bit_recordings_come_back_to_the_bit():
    pcm = torch.randint(-(2**15), 2**15, (1001,), generator=torch.Generator().manual_seed(0))
    pcm[:2] = torch.tensor([-(2**15), 2**15 - 1])
    (samples,) = inside(players.row({"all of them": pcm.double() / 2**15}, rate_hz=RATE).data)
    np.testing.assert_array_equal(samples, pcm.numpy())


def test_what_lies_between_is_rounded_and_one_is_the_largest_number():
    (samples,) = inside(players.row({"x": np.array([0.4, 0.6, -0.4, -0.6, 32768, -32768]) / 32768}, rate_hz=RATE).data)
    assert samples.tolist() == [0, 1, 0, -1, 32767, -32768]


def test_loudness_is_left_as_it_is():
    quiet, loud = inside(players.row({"quiet": tone(0.01), "loud": tone(0.8)}, rate_hz=RATE).data)
    assert abs(quiet).max() == pytest.approx(0.01 * 32768, abs=1)
    assert abs(loud).max() == pytest.approx(0.8 * 32768, abs=1)
    (silence,) = inside(players.row({"silence": torch.zeros(5)}, rate_hz=RATE).data)
    assert not silence.any()


def test_sounds_are_lettered_and_their_names_are_text():
    html = players.row({'a <b> & "c"': tone(0.1), "d": tone(0.1), "e": tone(0.1)}, rate_hz=RATE).data
    assert re.findall(r"<b>(\w)</b> · ([^<]+)</div>", html) == [("A", "a &lt;b&gt; &amp; &quot;c&quot;"), ("B", "d"), ("C", "e")]
    assert 'aria-label="A: a &lt;b&gt; &amp; &quot;c&quot;"' in html
    alone = players.row({"the only one": tone(0.1)}, rate_hz=RATE).data
    assert ">the only one</div>" in alone
    assert 'aria-label="the only one"' in alone


def test_the_page_carries_little_more_than_the_sounds():
    html = players.row({"x": torch.zeros(16_000), "y": torch.zeros(16_000)}, rate_hz=16_000).data
    assert len(html) - 2 * 4 * math.ceil((44 + 2 * 16_000) / 3) < 1500


@pytest.mark.parametrize(
    ("sounds", "message"),
    [
        ({"voice": [0.0, -1.5]}, "'voice' must lie from −1 to 1, its largest sample is 1.5: divide the sounds of a row by the same number"),
        ({"voice": [0.0, math.nan]}, "'voice' must be finite, sample 1 is nan"),
        ({"voice": torch.zeros(2, 8)}, r"'voice' must be samples \(T,\), at least one, got shape \(2, 8\)"),
        ({"voice": torch.zeros(0)}, r"'voice' must be samples \(T,\), at least one, got shape \(0,\)"),
        ({}, "sounds must be 1 to 26, for letters to be enough, got 0"),
        ({str(n): [0.0] for n in range(27)}, "got 27"),
    ],
)
def test_a_mistake_is_named(sounds, message):
    with pytest.raises(ValueError, match=message):
        players.row(sounds, rate_hz=RATE)


def test_a_rate_of_nought_is_refused():
    with pytest.raises(ValueError, match="rate_hz must be at least 1, got 0"):
        players.row({"x": [0.0]}, rate_hz=0)


# ------------------------------------------------------------------------------------------------------------ in a browser


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def page_of(browser, tmp_path):
    """Opens a row of players as a page of its own, watched."""
    with ExitStack() as opened:

        def open_page(html: str, *, viewport=DESKTOP, dark=False):
            (tmp_path / "index.html").write_text(HEAD + html)
            address = opened.enter_context(served(tmp_path))
            page, watch = opened.enter_context(watched_page(browser, viewport=viewport, dark=dark))
            page.goto(address, wait_until="networkidle")
            return page, watch

        yield open_page


@pytest.mark.slow
@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050])
def test_a_browser_decodes_the_very_samples(page_of, rate_hz):
    sounds = {"quiet": tone(0.02, rate_hz=rate_hz), "loud": tone(1.0, rate_hz=rate_hz), "one sample": torch.tensor([0.5])}
    page, watch = page_of(players.row(sounds, rate_hz=rate_hz).data)
    for number, x in enumerate(sounds.values()):
        audio = page.locator("audio").nth(number)
        found = audio.evaluate(DECODED % rate_hz)
        assert (found["channels"], found["rate"]) == (1, rate_hz)
        assert found["seconds"] == pytest.approx(len(x) / rate_hz)
        # half a step of 16 bits; a browser may count 32767 steps to 1 above zero, and 1 itself is the step below
        np.testing.assert_allclose(found["samples"], x.numpy(), rtol=0, atol=1.6 / 32768)
        page.wait_for_function("n => document.querySelectorAll('audio')[n].readyState >= 1", arg=number)
        assert audio.evaluate("audio => audio.error") is None
        assert audio.evaluate("audio => audio.volume") == 1
        assert audio.evaluate("audio => audio.duration") == pytest.approx(len(x) / rate_hz, abs=1e-3)
    assert watch.faults() == []


@pytest.mark.slow
def test_players_are_played_from_the_keyboard_one_at_a_time(page_of):
    page, watch = page_of(players.row({"first": tone(0.1, seconds=5), "second": tone(0.1, seconds=5)}, rate_hz=RATE).data)
    page.get_by_label("A: first").focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"() => ({PLAYING})().join() === 'true,false'")
    page.get_by_label("B: second").focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"() => ({PLAYING})().join() === 'false,true'")
    page.keyboard.press("Space")
    page.wait_for_function(f"() => ({PLAYING})().join() === 'false,false'")
    assert watch.faults() == []


@pytest.mark.slow
@pytest.mark.parametrize(("viewport", "rows"), [(DESKTOP, 1), (PHONE, 3)])
def test_players_stand_side_by_side_or_below_each_other(page_of, viewport, rows):
    names = ["the recording", "what could not be predicted of it, a long name", "whisper"]
    page, _ = page_of(players.row({name: tone(0.1) for name in names}, rate_hz=RATE).data, viewport=viewport)
    boxes = [audio.bounding_box() for audio in page.locator("audio").all()]
    assert len({round(box["y"]) for box in boxes}) == rows
    assert all(box["width"] >= 200 and box["height"] >= 30 for box in boxes)
    assert wider_than_screen(page) <= 0


IN_A_CELL = """import torch
from course_lib.widgets import players

x = 0.25 * torch.sin(torch.arange(80_000) / 3)
players.row({"first": x, "second": x / 2}, rate_hz=16_000)"""


@pytest.mark.slow
def test_in_jupyterlab_a_cell_shows_players_that_play(browser, tmp_path):
    (tmp_path / "course").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IN_A_CELL)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "course" / "sounds.ipynb")
    with (
        jupyterlab(tmp_path / "jupyter", serve=tmp_path / "course") as lab,
        notebook_in_lab(browser, lab.address("sounds.ipynb")) as opened,
    ):
        opened.run_all(timeout_s=120)
        assert opened.errors() == []
        peaks = [max(audio.evaluate(DECODED % 16_000)["samples"]) for audio in opened.panel.locator("audio").all()]
        assert peaks == [pytest.approx(0.25, abs=1e-3), pytest.approx(0.125, abs=1e-3)]  # a sine's samples miss its top
        for label, expected in (("A: first", "true,false"), ("B: second", "false,true")):
            opened.panel.get_by_label(label).focus()
            opened.page.keyboard.press("Space")
            opened.page.wait_for_function(f"() => ({PLAYING})().join() === '{expected}'")
        assert opened.watch.faults() == []
