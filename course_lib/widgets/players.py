"""Sounds to listen to, side by side, exactly as loud as they are.

Plain HTML with the sound inside it: it plays in JupyterLab, in Colab and on a page without any server, and needs no network.

Taught in: 03_linear_prediction, 04_speech_coding_and_synthesis, 06_ica, 08_convolutional_networks, 11_wavenet, 15_flows
"""

import base64
import io
import string
import wave
from collections.abc import Mapping
from html import escape

import numpy as np
from IPython.display import HTML
from numpy.typing import ArrayLike

ROW = "display:flex;flex-wrap:wrap;gap:0.6em 1.2em;margin:0.5em 0"
SOUND = "flex:0 1 290px;min-width:0;display:flex;flex-direction:column;justify-content:flex-end"
NAME = "margin:0 0 0.25em 0.4em;font-size:0.95em;line-height:1.3;overflow-wrap:anywhere"
# One at a time: who compares must not hear two.
ALONE = "for (const other of this.closest('.course-sounds').querySelectorAll('audio')) if (other !== this) other.pause()"


def row(sounds: Mapping[str, ArrayLike], *, rate_hz: int) -> HTML:
    """Shows one player a sound, lettered A, B, C …; starting one stops the others.

    Nothing is normalised: a sound half as large is heard half as large. Samples are rounded to 16 bits, 1 being the largest of them.

    Args:
        sounds: name → samples, ``(T,)``, from −1 to 1; NumPy arrays or CPU tensors, one to 26 of them.
        rate_hz: samples a second, of all.

    Returns:
        The players; the last expression of a cell, so that they are shown.

    Raises:
        ValueError: if there are no sounds or more than 26, the rate is less than 1, or a sound is not ``(T,)``, is empty, is not
            finite, or goes beyond −1 to 1.

    Example:
        >>> import torch
        >>> tone = 0.1 * torch.sin(2 * torch.pi * 440 / 8000 * torch.arange(8000))
        >>> row({"a tone": tone, "twice as large": 2 * tone}, rate_hz=8000)
        <IPython.core.display.HTML object>
    """
    if not 1 <= len(sounds) <= 26:
        raise ValueError(f"sounds must be 1 to 26, for letters to be enough, got {len(sounds)}")
    if rate_hz < 1:
        raise ValueError(f"rate_hz must be at least 1, got {rate_hz}")
    letters = [""] if len(sounds) == 1 else string.ascii_uppercase
    parts = [_player(letter, name, samples, rate_hz) for letter, (name, samples) in zip(letters, sounds.items(), strict=False)]
    return HTML(f'<div class="course-sounds" style="{ROW}">{"".join(parts)}</div>')


def _wav(samples: ArrayLike, rate_hz: int, name: str) -> bytes:
    """The sound as a file of one channel with 16 bits a sample; ``name`` is what an error message calls it."""
    x = np.asarray(samples, dtype=np.float64)
    if x.ndim != 1 or len(x) == 0:
        raise ValueError(f"{name!r} must be samples (T,), at least one, got shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name!r} must be finite, sample {int((~np.isfinite(x)).argmax())} is {x[~np.isfinite(x)][0]}")
    peak = float(np.abs(x).max())
    if peak > 1:
        raise ValueError(
            f"{name!r} must lie from −1 to 1, its largest sample is {peak:.10g}: divide the sounds of a row by the same number"
        )
    pcm = np.minimum(np.rint(x * 32768), 32767).astype("<i2")  # 16 bits reach from −32768 to 32767
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())
    return buffer.getvalue()


def _player(letter: str, name: str, samples: ArrayLike, rate_hz: int) -> str:
    """One sound: its name above its player."""
    data = base64.b64encode(_wav(samples, rate_hz, name)).decode()
    shown = f"<b>{letter}</b> · {escape(name)}" if letter else escape(name)
    spoken = escape(f"{letter}: {name}" if letter else name, quote=True)
    return (
        f'<div style="{SOUND}"><div style="{NAME}">{shown}</div>'
        f'<audio controls preload="metadata" aria-label="{spoken}" onplay="{ALONE}" style="width:100%;height:2.6em" '
        f'src="data:audio/wav;base64,{data}"></audio></div>'
    )
