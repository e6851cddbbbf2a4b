"""`salus explain change` on files with vintages, with an earlier file, and without either."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import polars as pl
import pytest

from salus.errors import InputError
from salus.tables.contracts import CHANGES
from salus.workflows.explain import change

MONDAY = dt.date(2022, 1, 3)
WEEKS = 60


def table(*, vintages: bool, revision: float = 0.0, weeks: int = WEEKS) -> pl.DataFrame:
    """Two places; with vintages each week is known on its last day, and one value of A revised a week later."""
    rows = []
    for p, place in enumerate(("Tokyo", "Osaka")):
        for k in range(weeks):
            start = MONDAY + dt.timedelta(weeks=k)
            value = round(60 + 40 * math.sin(k / 5 + p), 1)
            rows.append((place, "Influenza", "cases", start, value, start + dt.timedelta(days=6)))
            if place == "Tokyo" and k == weeks - 2 and revision:
                rows.append((place, "Influenza", "cases", start, value + revision, start + dt.timedelta(days=13)))
    names = ["location", "disease", "signal", "date", "value", "as_of"]
    made = pl.DataFrame(rows, schema=names, orient="row")
    return made if vintages else made.drop("as_of")


def test_revised_figures_are_told_apart_where_the_file_has_vintages() -> None:
    plain = change(table(vintages=True), model="last_year_drift")
    found = change(table(vintages=True, revision=25.0), model="last_year_drift")
    assert CHANGES.check(found.table).equals(found.table)
    before, after = (t.table.filter(pl.col("location") == "Tokyo")["revised_data"] for t in (plain, found))
    assert before.to_list() == [0.0] * before.len()
    assert (after.abs() > 0).any()
    assert found.table.filter(pl.col("location") == "Osaka")["new_data"].abs().max() > 0
    assert found.table["earlier_date"].unique().to_list() == [found.table["reference_date"][0] - dt.timedelta(days=7)]


def test_the_words_name_the_parts_in_both_languages(tmp_path: Path) -> None:
    found = change(table(vintages=True, revision=25.0), model="persistence", out=tmp_path / "change.json")
    english, chinese = found.words("en"), found.words("zh")
    assert english[0].startswith("Compared with the forecast of 19\u00a0Feb 2023, more is expected in ")
    (tokyo,) = [s for s in english if s.startswith("Tokyo")]
    assert "revised figures" in tokyo
    assert "the model fitted anew 0." in tokyo
    assert "revised figures 0," in next(s for s in english if s.startswith("Osaka"))
    assert any(s.startswith("东京都") and "修订数据占" in s for s in chinese)
    kept = json.loads((tmp_path / "change.json").read_text(encoding="utf-8"))
    assert kept["en"] == english
    assert len(kept["rows"]) == found.table.height


def test_an_earlier_file_tells_what_was_known_then(tmp_path: Path) -> None:
    later = table(vintages=True, revision=25.0).unique(["location", "date"], keep="last", maintain_order=True)
    told = change(
        later.drop("as_of"), earlier=table(vintages=False, weeks=WEEKS - 1), model="persistence", out=tmp_path / "c.csv"
    )
    revised = told.table.filter(pl.col("output_type_id") == "0.5", pl.col("location") == "Tokyo")["revised_data"]
    assert revised.to_list() == pytest.approx([25.0] * 4)
    assert pl.read_csv(tmp_path / "c.csv").columns == list(CHANGES.names)


def test_without_either_it_is_said_that_revisions_can_not_be_told() -> None:
    found = change(table(vintages=False), model="persistence")
    assert found.table["revised_data"].is_null().all()
    assert "revised figures can't be told from new ones" in found.words("en")[-1]
    assert "无法区分修订数据与新数据" in found.words("zh")[-1]


def test_a_later_day_as_the_earlier_one_is_refused() -> None:
    with pytest.raises(InputError, match="Give an earlier day"):
        change(table(vintages=False), since=dt.date(2023, 2, 26), model="persistence")
