"""Where "no change" stands in for a model's forecast at some horizons only, and where levels rest on a short past."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import polars as pl
import pytest

from salus.reports import page, sections


def third_withheld(table: pl.DataFrame) -> pl.DataFrame:
    """Tokyo's third horizon is withheld: the value now, and nothing said of a rise."""
    third = (pl.col("horizon") == 3) & (pl.col("location") == "Tokyo")
    return table.with_columns(
        pl.when(third).then(pl.lit("withheld")).otherwise(pl.col("trust")).alias("trust"),
        pl.when(third).then(6.21).otherwise(pl.col("value")).alias("value"),
        pl.when(third).then(None).otherwise(pl.col("probability_higher")).alias("probability_higher"),
        pl.when(third).then(9.0).otherwise(pl.col("upper50")).alias("upper50"),
        pl.when(third).then(20.0).otherwise(pl.col("upper95")).alias("upper95"),
    )


@pytest.fixture
def mixed(make):
    return make(status_changes=third_withheld)


def place(bulletin, name):
    return next(v for v in bulletin.views if v.location == name)


@pytest.mark.parametrize(("lang", "meant"), [("en", "no turn of the epidemic"), ("zh", "并不表示疫情转向")])
def test_a_substitute_is_marked_in_cell_chart_alt_text_and_legend(mixed, lang, meant):
    voice, tokyo = mixed.voice(lang), place(mixed, "Tokyo")
    assert tokyo.mixed
    parts = sections.section(voice, tokyo, 1, (480.0, 270.0))
    for chart in (str(parts["fan"]), str(parts["season"])):
        assert chart.count('class="n95"') == chart.count('class="n50"') == chart.count('class="nomed"') == 1
        assert chart.count('class="b95"') == 2  # the fan before the substitute, and the bar after it
    assert meant in parts["fan_key"]
    alt = voice.fan_alt(tokyo)
    assert {"en": "2023-W31 no change assumed, 6.2", "zh": "2023-W31按保持不变为6.2"}[lang] in alt
    assert len(re.findall("no change assumed|按保持不变", alt)) == 1
    html = mixed.html(lang)
    table = html.split('<table class="all')[1].split("</table>")[0]
    assert re.findall(r'<span class="same">=</span> ([\d.]+)', table) == ["6.2"]
    assert meant in html.split("</table>")[1].split("</section>")[0]
    assert '<span class="same">=</span> 6.2' in page.html(voice, mixed.views, None, printed=True)


def test_a_bulletin_without_substitutes_has_no_marks(make):
    html = make().html()
    assert 'class="same"' not in html
    assert 'class="n95"' not in html
    assert "no turn of the epidemic" not in html


def test_the_small_chart_shows_the_substitute_apart(mixed):
    small = (
        mixed.html().split('id="s-place-tokyo"')[0].rsplit("<svg", 1)[-1] + mixed.html().split('id="s-place-tokyo"')[1]
    )
    assert 'class="n95"' in small.split("</svg>")[0]


SHORT = {
    "one": (
        {"seasons": ("2022/23",)},
        "The levels rest on one past season only (2022/23)",
        "水平只依据一个以往流行季（2022/23）",
    ),
    "none": ({}, "No past season is known of all places", "没有各地都有完整数据的以往流行季"),
    "pandemic": (
        {"seasons": ("2020/21", "2021/22"), "pandemic": ("2020/21", "2021/22")},
        "seasons of the COVID-19 pandemic (2020/21, 2021/22)",
        "新冠疫情期间的流行季（2020/21、2021/22）",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHORT)
def test_levels_on_a_short_past_are_said_under_the_first_sentence_and_at_the_levels(make, kind):
    facts, english, chinese = SHORT[kind]
    bulletin = make()
    bulletin = replace(bulletin, scheme=replace(bulletin.scheme, key="percentile", **facts))
    for lang, words in (("en", english), ("zh", chinese)):
        html = bulletin.html(lang)
        first, rest = html.split("</section>", 1)
        assert words in first.split("</h1>")[1]
        assert words in rest.split('<table class="all')[0]


def test_official_levels_and_those_of_several_seasons_need_no_care(make):
    bulletin = make()
    assert bulletin.voice().care == []
    several = replace(bulletin, scheme=replace(bulletin.scheme, key="percentile", seasons=("2018", "2019")))
    assert several.voice().care == []


def test_a_chance_counts_as_it_is_written(make):
    """65 % is never called open."""
    bulletin = make({"Tokyo": [5.1, 6.21]}, higher={"Tokyo": 0.648})
    assert bulletin.first_sentence().replace("\u00a0", " ").endswith("65 % likely to be higher in two weeks.")
    assert bulletin.views[0].outlook(2).start == dt.date(2023, 7, 24)
