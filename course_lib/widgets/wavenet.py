"""Knobs of lecture 11: how far a stack of convolutions hears, and what it is to say.

Taught in: 11_wavenet
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
from IPython.display import HTML, Image
from matplotlib.figure import FigureBase
from numpy.typing import ArrayLike

from course_lib.plotting import wavenet as plots
from course_lib.widgets import knobs, players


def receptive_field(*, most: int = 6, twin: Sequence[tuple[int, int]]) -> ipywidgets.Widget | Image:
    """Shows which samples an output hears while layers are added.

    Knobs: the number of layers, and by how much the dilation grows from layer to layer: 1 for none, 2 for WaveNet's.

    Args:
        most: layers at most.
        twin: (layers, growth) that the static twin shows.

    Returns:
        The widget, or its static twin.
    """

    def draw(figure: FigureBase, layers: int, growth: int) -> None:
        plots.dilations([growth**layer for layer in range(layers)], shown=2**most, ax=figure.subplots())

    growths = ipywidgets.ToggleButtons(options=[("× 1", 1), ("× 2", 2)], value=2, description="dilation grows")
    return knobs.explore(
        draw,
        {"layers": knobs.whole_slider("layers", 3, 1, most), "growth": growths},
        twin=[{"layers": layers, "growth": growth} for layers, growth in twin],
        figsize=(9.0, 2.8),
    )


def speak(
    say: Callable[[str, str, float], ArrayLike],
    voices: Sequence[str],
    *,
    letters: str,
    rate_hz: int,
    twin: Sequence[tuple[str, str, float]],
) -> ipywidgets.Widget | HTML:
    """Lets a model say what is typed.

    Knobs: the voice, what to say, the temperature; whatever is turned, the sound is made anew.

    Args:
        say: (voice, letters, temperature) → samples, ``(T,)``, from −1 to 1.
        voices: to choose from.
        letters: that it can say; others that are typed are passed over.
        rate_hz: samples a second.
        twin: (voice, letters, temperature) of the sounds that the static twin plays; the first is where the knobs begin.

    Returns:
        The widget, or its static twin.
    """
    if os.environ.get("COURSE_WIDGETS") == "static":
        return players.row({f"{voice}: {text}, temperature {heat}": say(voice, text, heat) for voice, text, heat in twin}, rate_hz=rate_hz)
    first_voice, first_text, first_heat = twin[0]
    voice = ipywidgets.Dropdown(options=list(voices), value=first_voice, description="voice")
    typed = ipywidgets.Text(value=first_text, description=f"say ({letters})", style={"description_width": "9em"}, continuous_update=False)
    heat = knobs.slider("temperature", first_heat, 0.3, 1.2, 0.1)
    heat.continuous_update = False
    sound = ipywidgets.HTML()

    def speak_again(_change: Any = None) -> None:
        digits = "".join(letter for letter in typed.value if letter in "0123456789")
        sound.value = (
            players.row({f"{voice.value}: {digits}": say(voice.value, digits, heat.value)}, rate_hz=rate_hz).data if digits else ""
        )

    for knob in (voice, typed, heat):
        knob.observe(speak_again, names="value")
    speak_again()
    return ipywidgets.VBox([voice, typed, heat, sound])
