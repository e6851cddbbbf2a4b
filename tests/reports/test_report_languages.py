"""No English sentence is left in a Chinese bulletin, and no Chinese one in an English bulletin."""

from __future__ import annotations

import datetime as dt
import math
import re
from html.parser import HTMLParser

import polars as pl
import pytest

from salus.reports import page
from salus.reports.bulletin import Bulletin
from salus.workflows.run import run

MONDAY = dt.date(2019, 1, 7)
SPOKEN = {"aria-label", "title", "alt", "content"}
TITLES = (
    "Influenza and Other Respiratory Viruses",
    "last_year_drift",
    "width=device-width, initial-scale=1",
    "light dark",
)
"""Names and titles that stay as they are in every language, and words that are no text."""

ENGLISH = re.compile(r"[A-Za-z][A-Za-z'-]+(?:[ \u00a0]+[A-Za-z'-]+)+")
CHINESE = re.compile("[\u3400-\u9fff\uff01-\uff5e\u3001-\u3002]+")


class Spoken(HTMLParser):
    """All that a reader sees or hears: text, and the attributes that are read out; not what is marked as English."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.skip = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "small" and given.get("lang") == "en"):
            self.skip = tag
        self.said += [v for k, v in given.items() if k in SPOKEN and v]

    def handle_endtag(self, tag: str) -> None:
        self.skip = "" if tag == self.skip else self.skip

    def handle_data(self, data: str) -> None:
        if not self.skip:
            self.said.append(data)


def strange(bulletin: Bulletin, lang: str, names: tuple[str, ...]) -> list[str]:
    """Words of the other language in the page for screens and the one for print."""
    found = []
    for printed in (False, True):
        for text in Spoken(page.html(bulletin.voice(lang), bulletin.views, None, printed=printed)).said:
            plain = text
            for name in sorted((*TITLES, *names), key=len, reverse=True):
                plain = plain.replace(name, "")
            found += (ENGLISH if lang == "zh" else CHINESE).findall(plain)
    return sorted(set(found))


def table(places: list[str], weeks: int, disease: str, signal: str, **columns: object) -> pl.DataFrame:
    """Waves of a year, made up."""
    rows = [
        (place, disease, signal, MONDAY + dt.timedelta(weeks=k), float(round(40 + 38 * math.sin(k / 8.3 + n) + k % 5)))
        for n, place in enumerate(places)
        for k in range(weeks)
    ]
    frame = pl.DataFrame(rows, schema=["location", "disease", "signal", "date", "value"], orient="row")
    return frame.with_columns(pl.lit(v).alias(k) for k, v in columns.items())


HFMD = "Hand, foot and mouth disease"
OWN = ["North", "East", "South"]


def official() -> Bulletin:
    rows = table(["Tokyo", "Osaka", "Nara"], 200, HFMD, "per_sentinel", source="IDWR")
    return run(rows.with_columns(pl.col("value") / 12), model="last_year_drift").bulletin


def own_levels(levels: str, weeks: int = 330) -> Bulletin:
    return run(table(OWN, weeks, HFMD, "cases"), model="last_year_drift", levels=levels).bulletin


def hidden() -> Bulletin:
    rows = table(OWN, 260, HFMD, "cases").with_columns(left_out=pl.col("value") < 12)
    late = (pl.col("location") == "East") & (pl.col("date") > MONDAY + dt.timedelta(weeks=255))
    silent = (pl.col("location") == "South") & (pl.col("date") > MONDAY + dt.timedelta(weeks=200))
    value = pl.when(pl.col("left_out") | late | silent).then(None).otherwise(pl.col("value"))
    return run(rows.with_columns(value=value), model="last_year_drift").bulletin


def learned() -> Bulletin:
    rows = table(["01", "06", "US"], 120, "Influenza", "admissions", source="NHSN")
    beside = table(["01", "06", "US"], 120, "Influenza", "ili_percent", source="ILINet")
    return run(rows, model="last_year_drift", also=[beside]).bulletin


def few() -> Bulletin:
    rows = pl.concat([table(["North", "East"], 30, HFMD, "cases"), table(["South"], 2, HFMD, "cases")])
    return run(rows, model="persistence").bulletin


KINDS = {
    "official": (official, ("Tokyo", "Osaka", "Nara")),
    "percentile": (lambda: own_levels("percentile"), ()),
    "mem": (lambda: own_levels("mem"), ()),
    "hidden": (hidden, ()),
    "learned": (learned, ("United States", "Alabama", "California")),
    "few": (few, ()),
}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest) -> tuple[Bulletin, tuple[str, ...]]:
    build, names = KINDS[request.param]
    return build(), names


def test_a_chinese_bulletin_has_no_english_sentence(made: tuple[Bulletin, tuple[str, ...]]) -> None:
    bulletin, names = made
    assert strange(bulletin, "zh", names) == []


def test_an_english_bulletin_has_no_chinese_word(made: tuple[Bulletin, tuple[str, ...]]) -> None:
    bulletin, _ = made
    assert strange(bulletin, "en", ()) == []


def test_the_scan_sees_a_sentence_of_the_other_language(make) -> None:
    bulletin = make(source="Where the thresholds are from")
    assert "Where the thresholds are from" in strange(bulletin, "zh", ("Official levels",))
    assert strange(make(source="卫生部门"), "en", ()) == ["卫生部门"]


def test_the_tables_learned_from_are_named_with_rows_and_hash() -> None:
    bulletin = learned()
    english, chinese = bulletin.html("en"), bulletin.html("zh")
    history = bulletin.meta.histories[0]
    assert (history.rows, history.signals, history.source) == (360, ("ili_percent",), "ILINet")
    said = f"a table without a file: ILINet, ili_percent (360 rows, SHA-256 {history.sha256[:16]}...)"
    assert f"<dt>Also learned from</dt><dd>{said}</dd>" in english
    assert f"<dd>未存为文件的表格：ILINet，ili_percent（360行，SHA-256 {history.sha256[:16]}…）</dd>" in chinese
    assert "360 rows" in english.split("<dt>File</dt>")[1][:120]


def test_files_are_named_without_their_folders(tmp_path) -> None:
    folder = tmp_path / "private folder"
    folder.mkdir()
    rows, beside = folder / "admissions.parquet", folder / "ili.parquet"
    table(["A", "B"], 120, "Influenza", "admissions").write_parquet(rows)
    table(["A", "B"], 120, "Influenza", "ili_percent").write_parquet(beside)
    bulletin = run(rows, model="last_year_drift", also=[beside]).bulletin
    html = bulletin.html("en")
    assert "admissions.parquet (240 rows, SHA-256 " in html
    assert "ili.parquet: ili_percent (240 rows, SHA-256 " in html
    assert "private folder" not in html
