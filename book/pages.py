"""The pages that no one writes by hand: the front page with the map of pairs, and what the lectures measured."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STORY = (
    "A generative model is a probability distribution learned from data, "
    "and the deep ones are the classical ones whose linear map became a neural network."
)
PARTS = {
    0: "Probability and classical models",
    7: "Networks and sequences",
    11: "Deep generative models",
    25: "Language models",
    29: "Uses and limits",
}


INSTRUCTORS = ("term", "grading", "machines", "writing")


@dataclass(frozen=True)
class Pair:
    """A classical model, the deep ones that grew from it, and what changed; each model with the number of its lecture."""

    classical: Mapping[str, int]
    deep: Mapping[str, int]
    changed: str


PAIRS = (
    Pair({"Linear prediction": 3}, {"WaveNet": 11, "GPT": 27}, "linear predictor → causal network"),
    Pair({"PCA, probabilistic PCA": 5}, {"VAE": 12, "VQ-VAE": 13}, "linear decoder → network; exact posterior → learned encoder"),
    Pair({"ICA": 6}, {"Flows": 15, "Autoregressive and residual flows": 16}, "one invertible matrix → a stack of invertible networks"),
    Pair({"Gaussian mixtures": 2}, {"VAE, an infinite mixture": 12, "Diffusion, a deep chain": 21}, "finite mixture → continuous latents"),
    Pair({"Matched moments": 17}, {"GAN": 17, "Wasserstein GAN": 18}, "no likelihood asked for: fixed statistics → a learned critic"),
)


@dataclass(frozen=True)
class Lecture:
    """What the front page says of one lecture."""

    name: str
    title: str
    question: str
    seconds: Mapping[str, float]

    @property
    def number(self) -> int:
        """The number in its name."""
        return int(self.name[:2])

    @property
    def address(self) -> str:
        """Its page, seen from the front page."""
        return f"notebooks/{self.name}.html"


def front_page(lectures: Sequence[Lecture], problem_sets: Mapping[str, str], *, title: str, measured: bool) -> str:
    """Returns the front page in Markdown.

    Args:
        lectures: those that exist, in order.
        problem_sets: the title of each released problem set by its file, seen from the front page.
        title: the site's name.
        measured: whether there is a page of measured facts.
    """
    handed_out = [f"- [{name}](path:{file})" for file, name in problem_sets.items()]
    return "\n".join(
        [
            f'# {title}\n\n<p class="course-story">{STORY}</p>\n',
            "Every lecture derives its model in place, proves its code equal to the library's, and measures what it claims.",
            "Open one in Colab or on a laptop, run it from top to bottom, turn the knobs; then do its problem set.\n",
            f"## The map\n\n{_map(lectures)}\n",
            f"## Lectures\n\n{_lecture_list(lectures)}\n",
            *(
                ["## Problem sets\n", "Download one, open it in Jupyter, and its checks tell you at once what is wrong.\n", *handed_out, ""]
                * bool(problem_sets)
            ),
            _contents(lectures, measured),
        ]
    )


def measured_page(claims: Mapping[str, Sequence[Mapping[str, Any]]], lectures: Sequence[Lecture]) -> str:
    """Returns the page of measured facts in Markdown.

    Args:
        claims: by lecture, the records that ``lab.claim`` wrote.
        lectures: those that exist, in order; a lecture that claims nothing is left out.
    """
    lines = ["# What the lectures measured\n", "Nobody typed a number on this page: each was written by the lecture that measured it.\n"]
    for lecture in lectures:
        records = claims.get(lecture.name)
        if not records:
            continue
        lines += [f"## [{_plain(lecture.title)}](notebooks/{lecture.name}.ipynb)\n", f"{_circumstances(records)}\n"]
        lines += ["| fact | measured | holds |", "|---|--:|:-:|"]
        lines += [f"| {_plain(r['name'])} | {_plain(quantity(r['value'], r['unit']))} | {'✓' if r['holds'] else '✗'} |" for r in records]
        lines += [""]
    return "\n".join(lines)


def quantity(value: Any, unit: str) -> str:
    """Returns a measured value with its unit, numbers to four figures."""
    if isinstance(value, list):
        shown = ", ".join(quantity(item, "") for item in value)
    elif isinstance(value, float):
        shown = f"{value:.4g}".replace("-", "−")
    else:
        shown = str(value)
    return f"{shown} {unit}".strip()


def _map(lectures: Sequence[Lecture]) -> str:
    exist = {lecture.number: lecture for lecture in lectures}
    rows = [
        f'<div class="course-pair" role="listitem"><div class="course-models">{_models(pair.classical, exist)}</div>'
        f'<div class="course-changed"><span aria-hidden="true">→</span><small>{html.escape(pair.changed)}</small></div>'
        f'<div class="course-models">{_models(pair.deep, exist)}</div></div>'
        for pair in PAIRS
    ]
    head = '<div class="course-pair course-head" aria-hidden="true"><div>classical</div><div>what changed</div><div>deep</div></div>'
    legend = "" if _all_exist(exist) else "\n\nA model in grey has no lecture yet."
    return f'<div class="course-map" role="list">{head}{"".join(rows)}</div>{legend}'


def _all_exist(exist: Mapping[int, Lecture]) -> bool:
    return all(number in exist for pair in PAIRS for number in [*pair.classical.values(), *pair.deep.values()])


def _models(models: Mapping[str, int], exist: Mapping[int, Lecture]) -> str:
    return "".join(
        f'<a class="course-model" href="{exist[number].address}">{html.escape(name)}</a>'
        if number in exist
        else f'<span class="course-model course-absent" title="no lecture yet">{html.escape(name)}</span>'
        for name, number in models.items()
    )


def _lecture_list(lectures: Sequence[Lecture]) -> str:
    return '<ol class="course-lectures">' + "".join(_lecture_item(lecture) for lecture in lectures) + "</ol>"


def _lecture_item(lecture: Lecture) -> str:
    question = f'<span class="course-question">{html.escape(lecture.question)}</span>' if lecture.question else ""
    times = " · ".join(f"{_duration(seconds)} ({size_and_device})" for size_and_device, seconds in lecture.seconds.items())
    time = f'<span class="course-time">runs in {html.escape(times)}</span>' if times else ""
    return f'<li value="{lecture.number}"><a href="{lecture.address}">{html.escape(lecture.title)}</a>{question}{time}</li>'


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _contents(lectures: Sequence[Lecture], measured: bool) -> str:
    """The contents at the side, one heading a part."""
    lines = []
    for start, stop in zip(PARTS, [*list(PARTS)[1:], 100], strict=True):
        inside = [f"notebooks/{lecture.name}" for lecture in lectures if start <= lecture.number < stop]
        lines += [_toctree(PARTS[start], inside)] * bool(inside)
    lines += [_toctree("Results", ["measured"])] * measured
    return "\n".join([*lines, _toctree("For instructors", [f"instructors/{page}" for page in INSTRUCTORS])])


def _toctree(caption: str, pages: Sequence[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def _circumstances(records: Sequence[Mapping[str, Any]]) -> str:
    runs = dict.fromkeys(f"{r['size']} size, {r['device']}, seed {r['seed']}" for r in records)
    return "Measured in " + "; ".join(runs) + "."


def _plain(words: str) -> str:
    """Text that Markdown shows as it is, also inside a table."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>|$#" else letter for letter in str(words))
