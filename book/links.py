"""Every link of the finished site leads somewhere, and nothing is loaded from another machine."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself when it opens the page, as opposed to where a reader may go.
LOADED = {("audio", "src"), ("embed", "src"), ("iframe", "src"), ("img", "src"), ("input", "src"), ("link", "href"), ("object", "data")}
LOADED |= {("script", "src"), ("source", "src"), ("track", "src"), ("video", "src"), ("video", "poster")}
NOT_FETCHED = {"alternate", "author", "canonical", "license", "next", "prev"}  # <link rel=…> that only states a relation
IN_STYLE = re.compile(r"url\(\s*['\"]?(?P<target>[^'\")]+)|@import\s+['\"](?P<imported>[^'\"]+)")


class _Page(HTMLParser):
    """The names that a page defines and the addresses it uses."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.used: list[tuple[str, bool]] = []  # (address, whether it is loaded)
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self._in_style = tag == "style"
        self.used += [(address, True) for address in in_style(given.get("style", ""))]
        for name, address in given.items():
            relation_only = tag == "link" and set(given.get("rel", "").split()) <= NOT_FETCHED
            if (tag, name) in LOADED or (tag, name) == ("a", "href"):
                self.used.append((address, (tag, name) in LOADED and not relation_only))
            elif name == "srcset":
                self.used += [(choice.split()[0], True) for choice in address.split(", ") if choice.strip()]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.used += [(address, True) for address in in_style(data)]

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def in_style(css: str) -> list[str]:
    """Returns the addresses that a style sheet loads."""
    return [found["target"] or found["imported"] for found in IN_STYLE.finditer(css)]


def faults(site: Path) -> list[str]:
    """Returns one line for each link that leads nowhere and each address that a page would fetch from the network; none is the goal.

    Args:
        site: the folder with the site's HTML.
    """
    site = site.resolve()
    pages = {path: _read(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}  # templates lie there
    found = []
    for path, page in pages.items():
        for address, loaded in page.used:
            if fault := _fault(address, loaded, path, site, pages):
                found.append(f"{path.relative_to(site)}: {fault}")
    for path in sorted(site.rglob("*.css")):
        found += [
            f"{path.relative_to(site)}: {fault}"
            for address in in_style(path.read_text(encoding="utf-8"))
            if (fault := _fault(address, True, path, site, pages))
        ]
    return list(dict.fromkeys(found))


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def _fault(address: str, loaded: bool, origin: Path, site: Path, pages: dict[Path, _Page]) -> str | None:
    parts = urlsplit(address)
    if parts.scheme in ("data", "javascript", "mailto", "blob") or not address:
        return None
    if parts.scheme or parts.netloc:
        return f"would load {address} from the network" if loaded else None
    target = (origin.parent / unquote(parts.path)).resolve() if parts.path else origin
    if not target.is_relative_to(site):
        return f"the link {address} leaves the site"
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return f"the link {address} leads nowhere"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return f"the link {address} names a place that its page does not have"
    return None
