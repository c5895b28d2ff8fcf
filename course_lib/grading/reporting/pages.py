"""Pages that need nothing else and in which nothing runs: one HTML file with its own style, no script, no address of another machine.

Every value is escaped where it enters a template, and a policy that the page itself carries (Content-Security-Policy) forbids scripts,
frames, forms, fonts, and any picture or style that the page does not hold: what slips through the first door stands before the second.
"""

import base64
import functools
import hashlib
import re
from pathlib import Path

import jinja2
from markupsafe import Markup

_FOLDER = Path(__file__).parent / "templates"
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def render(template: str, **values: object) -> str:
    """Returns a page.

    Args:
        template: the file's name in ``templates``.
        values: what it shows; all but ``Markup`` is escaped. A name that a template knows and is not given is an error.

    Returns:
        The page; control characters and halves of characters, which no file can hold, are gone.
    """
    css = (_FOLDER / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    page = _templates().get_template(template).render(css=Markup(css), policy=policy, **values)
    return _CONTROLS.sub("�", page).encode("utf-8", "replace").decode("utf-8")


def number(value: float) -> str:
    """Returns marks as people write them: no needless zeros, and a true minus.

    Example:
        >>> number(3.0), number(2.25), number(-1.0), number(1 / 3)
        ('3', '2.25', '−1', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−")


def breakable(name: str) -> Markup:
    """Returns a name that may be broken after its underscores, on a narrow screen."""
    return Markup("_<wbr>").join(name.split("_"))


@functools.cache
def _templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters |= {"number": number, "breakable": breakable}
    return found
