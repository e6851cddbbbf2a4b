"""What changed since an earlier run: its words about the period that is now known, beside what came."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import polars as pl
import pytest

from salus.errors import InputError
from salus.reports import page, since_part
from salus.reports.since import since

RECORD = {
    "options": {
        "disease": "HFMD",
        "signal": "per_sentinel",
        "as_of": "2023-07-09",
        "model": "pooled",
        "levels": "auto",
    },
    "versions": {"salus": "0.1.0"},
}
NOW = {"options": RECORD["options"] | {"as_of": dt.date(2023, 7, 16)}, "versions": {"salus": "0.1.0"}}


def said_then(location, value, level, median, low, high, chances=(0.2, 0.5, 0.3)):
    """What a run of the week before had in its status table about one place."""
    known = {"location": location, "horizon": 0, "target_end_date": dt.date(2023, 7, 9), "value": value}
    ahead = {"location": location, "horizon": 1, "target_end_date": dt.date(2023, 7, 16), "value": median}
    ahead |= {"lower50": median - 0.2, "upper50": median + 0.2, "lower95": low, "upper95": high}
    ahead |= {f"probability_{k}": p for k, p in enumerate(chances)}
    rest = {"probability_higher": None, "note": None}
    name = ("low", "raised", "warning")[level]
    return [
        known | rest | {"level": level, "level_name": name, "shown": "observed", "trust": "observed"},
        ahead | rest | {"level": 1, "level_name": "raised", "shown": "pooled", "trust": "high"},
    ]


@pytest.fixture
def then():
    """Tokyo rose a level inside its range, Osaka was revised, Hokkaido ended under its range."""
    rows = [
        *said_then("Tokyo", 4.9, 1, 6.0, 4.0, 9.0, (0.1, 0.2, 0.7)),
        *said_then("Osaka", 2.2, 1, 2.4, 1.0, 4.0),
        *said_then("Hokkaido", 0.4, 0, 0.9, 0.6, 1.2),
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


@pytest.fixture
def bulletin(make, then):
    made = make({"Tokyo": [4.9, 6.21], "Osaka": [2.4, 2.9], "Hokkaido": [0.4, 0.37]})
    found = since(made.overview.all_places, made.scheme, made.meta, then, RECORD, NOW)
    return replace(made, since=found)


def of(bulletin, place):
    return next(c for c in bulletin.since.changes if c.view.location == place)


def test_each_place_is_compared_with_what_was_said_of_it(bulletin):
    tokyo, osaka, hokkaido = (of(bulletin, name) for name in ("Tokyo", "Osaka", "Hokkaido"))
    assert (tokyo.step, tokyo.outcome, tokyo.chance, tokyo.revised) == (1, "in95", 0.7, None)
    assert (osaka.step, osaka.outcome, osaka.revised) == (0, "in95", 2.4)
    assert (hokkaido.step, hokkaido.outcome, hokkaido.median) == (0, "below", 0.9)
    assert [c.view.location for c in bulletin.since.told] == ["Tokyo", "Osaka", "Hokkaido"]


def test_the_sum_is_said_in_both_languages(bulletin):
    assert [s.replace("\u00a0", " ") for s in since_part.said(bulletin.voice("en"), bulletin.since)] == [
        "Of 3 prefectures, 1 went to a higher level, 0 to a lower one, and 2 stayed.",
        "The run of that day had said what to expect by now in 3: in 2 of them what came lay inside the 95 % range "
        "given, in 0 inside the 50 % range.",
        "In 1 prefecture the figure known that day has been revised since.",
        "Model, kind of levels and version of Salus were the same: what moved came with the figures.",
    ]
    assert since_part.said(bulletin.voice("zh"), bulletin.since)[0] == (
        "3个都道府县中，1个升到更高水平，0个降到更低水平，2个不变。"
    )


def test_page_and_print_show_the_changes(bulletin):
    for html in (
        bulletin.html("en"),
        page.html(bulletin.voice("en"), bulletin.views, None, printed=True, since=bulletin.since),
    ):
        part = html.split('class="since-part"')[1].split("</section>")[0]
        assert "What changed since 9\u00a0Jul 2023" in part
        rows = [re.sub(r"<[^>]+>", " ", row) for row in part.split("<tr>")[2:]]
        assert [row.split()[0] for row in rows] == ["Tokyo", "Osaka", "Hokkaido"]
        assert "raised" in rows[0]
        assert "warning" in rows[0]
        assert "4.0–9.0" in rows[0]
        assert "2.2, now 2.4" in rows[1]
        assert "lower than given" in rows[2]
    assert 'class="since-part"' not in replace(bulletin, since=None).html("en")


def test_another_method_is_said(make, then):
    made = make({"Tokyo": [4.9, 6.21]})
    other = RECORD | {"versions": {"salus": "0.0.9"}}
    found = since(made.overview.all_places, made.scheme, made.meta, then, other, NOW)
    assert not found.same_method
    assert "part of what moved may come from that" in since_part.said(made.voice("en"), found)[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"disease": "Influenza"}, "of the disease 'Influenza', this one of 'HFMD'"),
        ({"as_of": "2023-07-16"}, "is of 2023-07-16, this one of 2023-07-16"),
    ],
    ids=["disease", "day"],
)
def test_runs_that_cannot_be_compared_are_refused(make, then, options, message):
    made = make()
    with pytest.raises(InputError, match=message):
        since(made.views, made.scheme, made.meta, then, {**RECORD, "options": RECORD["options"] | options}, NOW)


def test_a_run_of_other_places_is_refused(make, then):
    made = make()
    with pytest.raises(InputError, match="names none of the places"):
        since(made.views, made.scheme, made.meta, then.with_columns(location=pl.col("location") + " City"), RECORD, NOW)
