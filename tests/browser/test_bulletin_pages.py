"""The bulletin in Chromium: light and dark, on a phone and on a desk; nothing fetched, nothing to scroll sideways."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from salus.surveillance import places
from salus.workflows.run import Run, run

CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
MONDAY = dt.date(2021, 1, 4)
WEEKS = 160
HFMD = "Hand, foot and mouth disease"


def rows(names: list[str], source: str, signal: str = "per_sentinel") -> pl.DataFrame:
    """Weekly waves; the last place is silent, the one before it three weeks late."""
    found = []
    for i, place in enumerate(names):
        cut = 20 if len(names) > 2 and i == len(names) - 1 else 3 if len(names) > 2 and i == len(names) - 2 else 0
        for k in range(WEEKS - cut):
            wave = 2.5 + 2.4 * math.sin(2 * math.pi * (k - 3 * i) / 52.18) + ((k * 7 + i * 5) % 10) / 20
            found.append((place, HFMD, signal, MONDAY + dt.timedelta(weeks=k), round(wave, 2), source))
    return pl.DataFrame(found, schema=["location", "disease", "signal", "date", "value", "source"], orient="row")


def _shapes(names: list[str]) -> dict[str, dict[str, object]]:
    corners = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    return {
        name: {"type": "Polygon", "coordinates": [[[130 + i % 3 + x, 33 + i // 3 + y] for x, y in corners]]}
        for i, name in enumerate(names)
    }


def _made(kind: str) -> Run:
    if kind == "single place":
        return run(rows(["Tokyo"], "Made-up figures"), model="last_year_drift")
    if kind == "47 places":
        japan = places.known("JP").filter(pl.col("location_level") == "prefecture")["location"].to_list()
        return run(rows(japan, "Made-up figures"), model="last_year_drift")
    own = ["North", "East", "South", "West", "Middle"]
    return run(
        rows(own, "Simulated province", "visits"), model="last_year_drift", shapes=_shapes(own), inside_only=True
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bulletins of every kind in both languages: ``KIND/bulletin.LANG.html``."""
    root = tmp_path_factory.mktemp("pages")
    for kind in KINDS:
        bulletin = _made(kind).bulletin
        for lang in ("en", "zh"):
            (root / f"{kind}.{lang}.html").write_text(bulletin.html(lang), encoding="utf-8")
    return root


KINDS = ("single place", "47 places", "simulated")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, never a downloaded one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False, args=SWITCHES)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page as one visitor meets it: what it asked for, and what the console said."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def visit(chromium: Browser, file: Path, scheme: str, width: int) -> Visit:
    height = 740 if width < 500 else 900
    context = chromium.new_context(
        color_scheme="dark" if scheme == "dark" else "light", viewport={"width": width, "height": height}
    )
    found = Visit(context.new_page())
    found.page.on("request", lambda r: None if r.url.startswith("data:") else found.asked.append(r.url))
    found.page.on("console", lambda m: found.complaints.append(m.text) if m.type in ("error", "warning") else None)
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.goto(file.as_uri())
    return found


def faults(seen: Visit) -> list[str]:
    """All that is wrong with a page that was visited."""
    page, found = seen.page, list(seen.complaints)
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    width = page.evaluate("document.documentElement.clientWidth")
    if wide > width:
        found.append(f"scrolls sideways: {wide} in {width}")
    found += [f"asks for {url}" for url in seen.asked if url != page.url]
    found += [
        f"{v['id']} ({v['impact']}): {v['help']}: {[n['target'] for n in v['nodes'][:3]]}"
        for v in Axe().run(page).response["violations"]
        if v["impact"] in ("serious", "critical")
    ]
    return found


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["single place", pytest.param("47 places", marks=pytest.mark.slow), "simulated"])
def test_a_bulletin_is_sound(chromium: Browser, folder: Path, kind: str, lang: str, scheme: str, width: int) -> None:
    seen = visit(chromium, folder / f"{kind}.{lang}.html", scheme, width)
    page = seen.page
    try:
        assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[lang]
        assert {"en": "HFMD", "zh": "手足口病"}[lang] in page.inner_text("h1")
        assert {"en": "Hand, foot and mouth disease", "zh": "手足口病"}[lang] in page.title()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(c => c < 128)")
        assert dark == (scheme == "dark")
        marked = {"en": "SIMULATED", "zh": "模拟"}[lang] in page.title()
        assert marked == (kind == "simulated")
        assert faults(seen) == []
    finally:
        page.context.close()


def test_the_checks_see_faults(chromium: Browser, folder: Path, tmp_path: Path) -> None:
    sound = (folder / "single place.en.html").read_text(encoding="utf-8")
    bad = "<p style='color:#bbb;background:#fff;width:2000px'>faint</p><img src='absent.png'><script>oops()</script>"
    file = tmp_path / "bad.html"
    file.write_text(sound.replace("<main id", bad + "<main id", 1), encoding="utf-8")
    seen = visit(chromium, file, "light", 360)
    try:
        told = "\n".join(faults(seen))
    finally:
        seen.page.context.close()
    for part in (
        "scrolls sideways",
        "asks for",
        "color-contrast",
        "image-alt",
        "oops is not defined",
        "ERR_FILE_NOT_FOUND",
    ):
        assert part in told


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_marks_of_a_simulated_bulletin_are_in_sight_at_once(chromium: Browser, folder: Path, lang: str) -> None:
    seen = visit(chromium, folder / f"simulated.{lang}.html", "light", 360)
    try:
        said = seen.page.inner_text("aside.marks")
        assert {"en": "SIMULATED", "zh": "模拟"}[lang] in said
        box = seen.page.locator("aside.marks").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 740
    finally:
        seen.page.context.close()


def test_every_link_of_the_page_leads_to_a_place_in_it(chromium: Browser, folder: Path) -> None:
    seen = visit(chromium, folder / "47 places.en.html", "light", 1440)
    try:
        lost = seen.page.evaluate(
            "[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
            ".filter(h => h.startsWith('#') && !document.getElementById(h.slice(1)))"
        )
        outside = seen.page.evaluate(
            "[...document.querySelectorAll('a[href]')].filter(a => !a.getAttribute('href').startsWith('#')).length"
        )
        assert (lost, outside) == ([], 0)
        twice = seen.page.evaluate(
            "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            " return ids.filter((id, i) => ids.indexOf(id) !== i); })()"
        )
        assert twice == []
        seen.page.click("table.all tbody tr:nth-child(3) th a")
        anchor = seen.page.evaluate("location.hash")
        assert seen.page.evaluate("document.querySelector(location.hash).getBoundingClientRect().top") < 900, anchor
    finally:
        seen.page.context.close()


def test_the_data_tables_open_without_a_script(chromium: Browser, folder: Path) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    try:
        page.goto((folder / "47 places.en.html").as_uri())
        tables = page.locator("details > div table.figures")
        assert tables.first.is_hidden()
        page.locator("details > summary").first.click()
        assert tables.first.is_visible()
        assert page.locator("script").count() == 0
    finally:
        context.close()
