"""The site of the course's own lectures, as a browser on a desk and on a phone shows it: whole, quiet, and alone with this machine."""

import os
import subprocess
import sys

import pytest
from browser import DESKTOP, PHONE, chromium, served, watched_page, wider_than_screen
from conftest import ROOT

from course_lib import lab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]  # the first test runs every lecture that no other has run yet
LECTURES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PAGES = ["index", "measured", "search", *[f"notebooks/{name}" for name in LECTURES]]
SCREENS = {"phone": PHONE, "desktop": DESKTOP}
IMAGES = """() => Array.from(document.querySelectorAll('.bd-article img'))
    .map(image => ({alt: image.alt, drawn: image.complete && image.naturalWidth > 0, wide: image.clientWidth}))"""
FORMULAE = """() => Array.from(document.querySelectorAll('.bd-article .math'))
    .map(formula => { const shown = formula.querySelector('mjx-container')?.getBoundingClientRect(); return shown ? shown.width * shown.height : 0; })"""
FONTS = "() => Array.from(document.fonts).filter(font => font.status === 'error').map(font => font.family)"


@pytest.fixture(scope="module")
def site():
    """The site, made as ``make book`` makes it; lectures that have not changed since they last ran are taken as they are."""
    made = subprocess.run(
        [sys.executable, "-m", "book.build"],
        cwd=ROOT,
        env=os.environ | {"COURSE_OFFLINE": "1", "COURSE_SIZE": "quick"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return lab.build_folder() / "book" / "html"


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_quiet_whole_and_as_wide_as_the_screen(browser, address, name, screen):
    with watched_page(browser, viewport=SCREENS[screen]) as (page, watch):
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        formulae = page.evaluate(FORMULAE)
        if formulae:
            page.wait_for_function("() => window.MathJax?.startup?.promise?.then(() => true)")
            formulae = page.evaluate(FORMULAE)
        assert all(area > 0 for area in formulae)
        assert page.get_by_text("Math Processing Error").count() == 0
        assert page.locator("mjx-merror, mjx-utext[style*='color: red']").count() == 0
        assert page.evaluate(FONTS) == []
        images = page.evaluate(IMAGES)
        assert all(image["drawn"] and image["alt"] and image["wide"] > 100 for image in images), images
        assert wider_than_screen(page) <= 0
        assert watch.faults() == []


def test_every_lecture_has_its_formulae_figures_and_buttons(browser, address):
    with watched_page(browser) as (page, watch):
        for name in LECTURES[1:]:
            page.goto(f"{address}/notebooks/{name}.html", wait_until="networkidle")
            assert page.locator(".bd-article mjx-container[display=true]").count() >= 3
            assert page.locator(".bd-article .cell_output img").count() >= 3
            assert page.get_by_role("link", name="Open in Colab").get_attribute("href").endswith(f"/notebooks/{name}.ipynb")
            with page.expect_download() as download:
                page.get_by_role("link", name="Download the notebook").click()
            assert download.value.path().read_bytes() == (ROOT / "notebooks" / f"{name}.ipynb").read_bytes()
        assert [fault for fault in watch.faults() if "_downloads" not in fault] == []  # a download ends its request


def test_a_lecture_hands_out_its_problem_set_and_leads_to_the_next_lecture(browser, address):
    with watched_page(browser) as (page, _):
        page.goto(f"{address}/notebooks/01_maximum_likelihood.html")
        with page.expect_download() as download:
            page.locator(".bd-article").get_by_role("link", name="problem set 1").first.click()
        assert download.value.suggested_filename == "ps01_maximum_likelihood.ipynb"
        page.locator(".bd-article a[href*='02_gaussian_mixtures.html']").first.click()
        page.wait_for_url("**/02_gaussian_mixtures.html")


@pytest.mark.parametrize("word", ["entropy", "最尤推定"])
def test_search_finds_a_word_in_either_language(browser, address, word):
    with watched_page(browser) as (page, watch):
        page.goto(f"{address}/search.html?q={word}")
        page.locator("#search-results li a").first.wait_for(timeout=20_000)
        hit = page.locator("#search-results li").filter(has=page.locator("a[href*='01_maximum_likelihood']")).first
        hit.locator(".context").wait_for()
        assert word in hit.inner_text().lower()
        assert "System Settings" not in hit.inner_text()
        assert watch.faults() == []


def test_search_is_reached_from_the_keyboard(browser, address):
    with watched_page(browser) as (page, _):
        page.goto(f"{address}/index.html", wait_until="networkidle")
        page.keyboard.press("Control+K")
        page.keyboard.type("entropy")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search.html?q=entropy*")


def _fills_the_height(menu):
    box = menu.bounding_box()
    assert (box["y"], box["height"]) == (0, PHONE["height"])
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]


def test_menus_fill_a_phone_and_lead_to_a_lecture(browser, address):
    with watched_page(browser, viewport=PHONE) as (page, watch):
        page.goto(f"{address}/notebooks/01_maximum_likelihood.html", wait_until="networkidle")
        page.locator("button.secondary-toggle").first.tap()
        _fills_the_height(page.locator("dialog[open]"))
        page.keyboard.press("Escape")
        page.locator("button.primary-toggle").first.tap()
        _fills_the_height(page.locator("dialog[open]"))
        page.locator("dialog[open]").get_by_role("link", name="2 · Gaussian mixtures").tap()
        page.wait_for_url("**/02_gaussian_mixtures.html")
        assert watch.faults() == []


def test_figures_and_text_can_be_read_in_the_dark(browser, address):
    with watched_page(browser, dark=True) as (page, watch):
        page.goto(f"{address}/notebooks/01_maximum_likelihood.html", wait_until="networkidle")
        style = "element => [getComputedStyle(element).backgroundColor, getComputedStyle(element).color, getComputedStyle(element).filter]"
        ground, ink, _ = page.locator("body").evaluate(style)
        assert max(map(int, ground[4:-1].split(","))) < 60 < 180 < min(map(int, ink[4:-1].split(",")))
        for image in page.locator(".bd-article .cell_output img").all():
            assert image.evaluate(style)[::2] == ["rgb(255, 255, 255)", "none"]
        assert watch.faults() == []


def test_the_front_page_leads_to_every_lecture(browser, address):
    with watched_page(browser) as (page, _):
        page.goto(f"{address}/index.html")
        links = page.locator(".course-lectures a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert links == [f"notebooks/{name}.html" for name in LECTURES]
        page.locator(".course-map").get_by_role("link", name="Gaussian mixtures").click()
        page.wait_for_url("**/02_gaussian_mixtures.html")


def test_the_watch_sees_a_request_that_leaves_this_machine(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        "<link rel=icon href=data:,><img src='http://192.0.2.1/x.png'><script>console.error('here'); gone()</script>"
    )
    with served(tmp_path) as address, watched_page(browser) as (page, watch):
        page.goto(address, wait_until="networkidle")
        assert watch.outside_requests == ["outside: http://192.0.2.1/x.png"]
        assert [fault.partition(":")[0] for fault in watch.faults()].count("failed") == 1
        assert any("here" in fault for fault in watch.console_errors)
        assert any("gone is not defined" in fault for fault in watch.console_errors)


def test_a_page_that_is_too_wide_for_a_phone_is_seen(browser, tmp_path):
    (tmp_path / "index.html").write_text(
        "<meta name=viewport content='width=device-width, initial-scale=1'><p style='width: 660px'>wide</p>"
    )
    with served(tmp_path) as address, watched_page(browser, viewport=PHONE) as (page, _):
        page.goto(address)
        assert wider_than_screen(page) > 250
