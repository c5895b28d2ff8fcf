"""A real browser for tests: pages watched for errors and for every request that would leave this machine."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from conftest import needs_program
from playwright.sync_api import Browser, Page, Route, sync_playwright

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
THIS_MACHINE = ("127.0.0.1", "localhost")


@dataclass
class Watch:
    """What went wrong while a page was open."""

    console_errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """Everything, one line each."""
        return [*self.console_errors, *self.failed_requests, *self.outside_requests]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts the system's Chromium; the calling test is skipped by name where there is none."""
    needs_program("chromium")
    with sync_playwright() as playwright:
        # No sandbox: CI is root in a container, where Chromium has none, and the tests open our own pages alone.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser: Browser, *, viewport: dict[str, int] = DESKTOP, dark: bool = False) -> Iterator[tuple[Page, Watch]]:
    """Opens a page that cannot reach another machine, and what it did is recorded."""
    phone = viewport["width"] < 600
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light", has_touch=phone, is_mobile=phone)
    page, watch = context.new_page(), Watch()
    page.on("console", lambda message: message.type == "error" and watch.console_errors.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: watch.console_errors.append(f"script: {error}"))
    page.on("requestfailed", lambda request: watch.failed_requests.append(f"failed: {request.url}"))
    page.on("response", lambda response: response.status >= 400 and watch.failed_requests.append(f"{response.status}: {response.url}"))

    def only_this_machine(route: Route) -> None:
        if urlsplit(route.request.url).hostname in THIS_MACHINE:
            route.continue_()
        else:
            watch.outside_requests.append(f"outside: {route.request.url}")
            route.abort()

    context.route(lambda url: urlsplit(url).scheme in ("http", "https"), only_this_machine)
    yield page, watch
    context.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on this machine and yields its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def wider_than_screen(page: Page) -> int:
    """Returns by how many pixels the page can be moved sideways; 0 is right.

    A phone shows a page that is too wide at a smaller scale, and ``innerWidth`` grows with it: the screen is what the document was given.
    """
    return page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth")
