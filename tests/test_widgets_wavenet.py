"""The knobs of lecture 11 move what they are tied to."""

import numpy as np
from IPython.display import HTML, Image

from course_lib.widgets import wavenet as knobs


def test_the_knobs_move_the_picture_and_the_twin_shows_it(monkeypatch):
    widget = knobs.receptive_field(twin=[(4, 1), (4, 2)])
    layers, growth, picture = widget.children
    before = picture.value
    layers.value = 5
    after = picture.value
    growth.value = 1
    assert len({before, after, picture.value}) == 3
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    assert isinstance(knobs.receptive_field(twin=[(4, 1), (4, 2)]), Image)


def test_what_is_typed_is_said(monkeypatch):
    asked = []

    def say(voice, digits, temperature):
        asked.append((voice, digits, temperature))
        return np.zeros(80)

    widget = knobs.speak(say, ["man", "child"], letters="0123456789", rate_hz=8000, twin=[("man", "31", 0.8), ("child", "4", 1.0)])
    voice, typed, heat, sound = widget.children
    assert "<audio" in sound.value
    voice.value = "child"
    typed.value = "2 and 7"
    heat.value = 0.5
    assert asked == [("man", "31", 0.8), ("child", "31", 0.8), ("child", "27", 0.8), ("child", "27", 0.5)]
    typed.value = "none"
    assert sound.value == ""
    monkeypatch.setenv("COURSE_WIDGETS", "static")
    assert isinstance(
        knobs.speak(say, ["man", "child"], letters="0123456789", rate_hz=8000, twin=[("man", "31", 0.8), ("child", "4", 1.0)]), HTML
    )
    assert asked[-2:] == [("man", "31", 0.8), ("child", "4", 1.0)]
