"""What a student wrote, made safe to read: Markdown, formulae, code, terminal text and pictures, as HTML in which nothing runs.

A sanitiser has the last word over everything that a student could have shaped: it keeps a list of plain elements and drops all else.
"""

import base64
import binascii
import functools
import io
import re
from collections.abc import Callable, Mapping

import nh3
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markupsafe import Markup, escape
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.dollarmath.index import math_inline_dollar
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_TEXT = (
    "a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre s span strong sub summary sup"
)
_TABLE = "table thead tbody tr th td caption"
_MATH = "math merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup"
_MATH += " mtable mtd mtext mtr munder munderover"
_TAGS = set(f"{_TEXT} u ul {_TABLE} {_MATH}".split())
_LOOKS = "accent accentunder columnalign depth display displaystyle fence form height linethickness lspace mathvariant maxsize minsize"
_LOOKS += " movablelimits rowspacing rspace scriptlevel separator stretchy symmetric voffset width"
_ATTRIBUTES = {tag: set(_LOOKS.split()) for tag in _MATH.split()} | {
    "a": {"href", "title"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_SIDES = {"left", "center", "right"}
_CLASSES = {"td": _SIDES, "th": _SIDES, "span": {"absent"}, "code": {"latex"}, "div": {"formula"}}
# What latex2mathml does not know, in words that it does; sizes of brackets are lost.
_REPHRASED = (
    (r"\\[bB]igg?[lrm]?(?![a-zA-Z])", ""),
    (r"\\(begin|end)\{aligned\}", r"\\\1{align*}"),
    (r"\\arg(?![a-zA-Z])", r"\\operatorname{arg}"),
)
_LONGEST = {"markdown": 30_000, "formula": 3_000, "coloured": 30_000}  # characters
_LINES = 1_000  # of code
_PIXELS, _BYTES = 25_000_000, 3_000_000  # of one picture


def markdown(text: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> Markup:
    """Returns a Markdown text as HTML: formulae as MathML, embedded PNG and JPEG pictures shown, no other address loaded or followed.

    Args:
        text: the source; past 30 000 characters it is cut, and says so.
        attachments: a cell's pictures, by name and media type.
    """
    text = _cut(_whole(text), _LONGEST["markdown"])
    pictures = {name: found for name, bundle in (attachments or {}).items() if (found := _attached(bundle))}
    return _rendered(text) if not pictures else _clean(_parser().render(text, {"pictures": pictures}))


def formula(latex: str, *, display: bool = False) -> Markup:
    """Returns a formula as MathML; the LaTeX source itself where it cannot be converted.

    Example:
        >>> formula("x^2")
        Markup('<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>')
        >>> formula(r"\\nosuchthing")
        Markup('<code class="latex">\\\\nosuchthing</code>')
    """
    return _clean(_formula(_whole(latex), display))


@functools.lru_cache(maxsize=256)  # a problem set's checks are the same for a whole class
def code(source: str) -> Markup:
    """Returns Python code in colours; past a thousand lines or 60 000 characters it is cut, past 30 000 it loses its colours."""
    whole = _whole(source)
    lines = whole[: 2 * _LONGEST["coloured"]].split("\n")[:_LINES]
    shown = "\n".join(lines)
    note = f"\n… {len(whole) - len(shown)} characters left out …" if len(shown) < len(whole) else ""
    if len(shown) > _LONGEST["coloured"]:
        return escape(shown + note)
    return Markup(highlight(shown, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))) + note


def terminal(text: str, *, lines: int = 120, characters: int = 12_000) -> Markup:
    """Returns what a program printed: colours kept, progress bars in their last state, long texts cut in the middle.

    Args:
        text: the text, with ANSI escape codes.
        lines: how many lines are shown at most.
        characters: how many characters are shown at most.
    """
    text = re.sub(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-Za-ln-z]", "", _whole(text[: 40 * characters]))
    kept = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    if len(kept) > lines:
        kept[lines // 2 : -lines // 2] = [f"… {len(kept) - lines} lines left out …"]
    text = "\n".join(kept)
    if len(text) > characters:
        text = f"{text[: characters // 2]}\n… {len(text) - characters} characters left out …\n{text[-characters // 2 :]}"
    shown, looks = [], ""
    for i, piece in enumerate(re.split(r"\x1b\[([0-9;]*)m", text)):
        if i % 2:
            looks = _looks(piece, looks)
        elif piece:
            shown.append(Markup('<span class="{}">{}</span>').format(looks, piece) if looks else escape(piece))
    return Markup("").join(shown)


def picture(data: str | bytes) -> str | None:
    """Returns a picture as an address that holds it; None if it is no PNG or JPEG, or too large to be shown.

    Args:
        data: the file's bytes, base64.
    """
    try:
        raw = base64.b64decode(re.sub(rb"\s", b"", data.encode("ascii") if isinstance(data, str) else data), validate=True)
        if len(raw) > _BYTES:
            return None
        with Image.open(io.BytesIO(raw), formats=("PNG", "JPEG")) as image:
            kind, pixels = image.format, image.width * image.height
    except (binascii.Error, UnicodeEncodeError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return f"data:image/{kind.lower()};base64,{base64.b64encode(raw).decode()}" if pixels <= _PIXELS else None


# ------------------------------------------------------------------------------------------------------------------ how


def _whole(text: str) -> str:
    """Text without halves of characters, which no file and no sanitiser can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}\n\n… {len(text) - longest} characters left out …"


def _clean(html: str) -> Markup:
    """The sanitiser: a list of plain elements and attributes, links to the web alone, embedded pictures alone."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "img" and name == "src":
            return picture(value.partition(",")[2]) if value.startswith("data:image/") else None
        if tag == "a" and name == "href":
            return value if re.match(r"(https?://|mailto:)", value, re.IGNORECASE) else None
        return value

    return Markup(
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=attribute,
            allowed_classes=_CLASSES,
            url_schemes={"http", "https", "mailto", "data"},
        )
    )


def _formula(latex: str, display: bool) -> str:
    """Unsafe: the converter escapes nothing, and a student can write addresses and styles in LaTeX."""
    known = latex
    for pattern, words in _REPHRASED:
        known = re.sub(pattern, words, known)
    try:
        found = convert(known, display="block" if display else "inline") if len(latex) <= _LONGEST["formula"] else "\\"
    except Exception:  # a converter that meets hostile text may fail in any way; the source is shown, so nothing is hidden
        found = "\\"
    return f'<code class="latex">{escape(latex)}</code>' if "\\" in found else found


def _attached(bundle: Mapping[str, str]) -> str | None:
    return next((found for kind, data in bundle.items() if kind in ("image/png", "image/jpeg") and (found := picture(data))), None)


@functools.lru_cache(maxsize=256)  # and so are its tasks
def _rendered(text: str) -> Markup:
    return _clean(_parser().render(text, {"pictures": {}}))


def _formula_first(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """The rule for ``$x$``, which asks whether a digit stands before it, and at the very beginning takes the last character of all for that."""

    def guarded(state: StateInline, silent: bool) -> bool:
        if state.pos:
            return rule(state, silent)
        text, state.src = state.src, f"{state.src}\n"
        try:
            return rule(state, silent)
        finally:
            state.src = text

    return guarded


@functools.cache
def _parser() -> MarkdownIt:
    def math(content: str, options: Mapping[str, bool]) -> str:
        return _formula(content, options["display_mode"])

    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 40}).enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_digits=False, double_inline=True, renderer=math)
    parser.inline.ruler.at("math_inline", _formula_first(math_inline_dollar(allow_digits=False, allow_double=True)))
    parser.use(amsmath_plugin, renderer=lambda content: _formula(content, display=True))
    parser.add_render_rule("image", _image)
    for cell in ("th_open", "td_open"):
        parser.add_render_rule(cell, _aligned)
    for raw in ("html_block", "html_inline"):
        parser.add_render_rule(raw, _with_formulae)
    return parser


def _image(self, tokens, i, options, env) -> str:
    address, words = str(tokens[i].attrs.get("src", "")), escape(tokens[i].content)
    if address.startswith("attachment:"):
        address = env["pictures"].get(address.removeprefix("attachment:"), "")
    if address.startswith("data:image/"):
        return f'<img src="{escape(address)}" alt="{words}">'
    return f'<span class="absent">[picture{": " if words else ""}{words}]</span>'


def _aligned(self, tokens, i, options, env) -> str:
    side = str(tokens[i].attrs.get("style", "")).removeprefix("text-align:")
    return f'<{tokens[i].tag} class="{side}">' if side in _SIDES else f"<{tokens[i].tag}>"


def _with_formulae(self, tokens, i, options, env) -> str:
    """HTML that stands in Markdown, with the formulae in its text, as Jupyter shows them."""
    return re.sub(r"(?<![\\$])\$([^\s$<>](?:[^$<>]*[^\s$<>])?)\$(?!\d)", lambda found: _formula(found[1], display=False), tokens[i].content)


_COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def _looks(codes: str, before: str) -> str:
    """The classes that a terminal's escape code asks for, after those before it."""
    found = set(before.split())
    for part in codes.split(";"):
        digit = int(part[:3] or 0)
        if digit == 0:
            found = set()
        elif digit == 1:
            found |= {"bold"}
        elif digit in (22, 39):
            found = {look for look in found if (look == "bold") == (digit == 39)}
        elif 30 <= digit <= 37 or 90 <= digit <= 97:
            found = {look for look in found if look == "bold"} | {f"ansi-{_COLOURS[digit % 10]}"}
    return " ".join(sorted(found))
