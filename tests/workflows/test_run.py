"""The main job on made-up series: what is written, who is named, what is shown, and that nothing sees the future."""

from __future__ import annotations

import datetime as dt
import html
import json
import math
import re
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers_results import check_folder, days_ahead

from salus import registry
from salus.errors import InputError, OutputError, TooShortError
from salus.forecasting.model import Floats, Model
from salus.forecasting.persistence import Persistence
from salus.surveillance.panel import Panel
from salus.workflows.run import run

MONDAY = dt.date(2021, 1, 4)
TYPES = {"location": pl.String, "disease": pl.String, "signal": pl.String, "date": pl.Date, "value": pl.Float64}


class Sure(Model):
    """Knows the waves of this file: a model that beats persistence. Mute on 'Mute'."""

    name = "sure"
    title = title_zh = "Sure"

    def predict(self, panel: Panel, horizons: Sequence[int]) -> Floats:
        found = Persistence().predict(panel, horizons)
        last = panel.cadence.between(MONDAY, panel.starts[-1])
        for i, place in enumerate(panel.locations):
            for j, h in enumerate(horizons):
                found[i, j] = wave(last + h) * (0.8 + 0.4 * np.arange(1, 24) / 24)
            if place == "Mute":
                found[i] = np.nan
        return found


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    points = registry._found("model") | {"sure": EntryPoint("sure", f"{__name__}:Sure", "salus.models")}
    found = registry._found
    monkeypatch.setattr(registry, "_found", lambda kind: points if kind == "model" else found(kind))


def wave(k: int) -> float:
    return round(60 + 50 * math.sin(2 * math.pi * k / 26), 1)


def rows(places: Sequence[str] = ("A", "B"), weeks: int = 130, first: int = 0) -> pl.DataFrame:
    entries = [
        (p, "Influenza", "cases", MONDAY + dt.timedelta(weeks=k), wave(k) * (1 + 0.05 * math.sin(k * 1.7)))
        for p in places
        for k in range(first, weeks)
    ]
    return pl.DataFrame(entries, schema=TYPES, orient="row")


def written(folder: Path, table: pl.DataFrame, **options: object) -> Path:
    run(table, **options).write(folder, pdf=False)
    return folder


def test_a_folder_holds_all_that_is_promised(tmp_path: Path) -> None:
    found = run(rows(), model="sure")
    page = found.write(tmp_path / "out", ("zh", "en"), pdf=False)
    assert page == tmp_path / "out" / "bulletin.html"
    forecasts = check_folder(page.parent, "AB", more=["bulletin.en.html"])
    assert days_ahead(forecasts) == {1: [7], 2: [14], 3: [21], 4: [28]}
    assert set(forecasts["model"]) == {"sure"}
    assert set(found.trust["label"]) <= {"high", "moderate"}
    assert 'lang="zh' in page.read_text(encoding="utf-8")
    record = json.loads((page.parent / "run.json").read_text(encoding="utf-8"))
    assert record["options"]["disease"] == "Influenza"
    assert record["options"]["as_of"] == "2023-07-02"
    assert len(record["inputs"][0]["sha256"]) == 64


def test_horizons_other_than_the_usual(tmp_path: Path) -> None:
    forecasts = check_folder(
        written(tmp_path / "out", rows(), model="persistence", horizons=[2, 5]), "AB", horizons=[2, 5]
    )  # fmt: skip
    assert days_ahead(forecasts) == {2: [14], 5: [35]}
    for horizons in ([], [0, 1]):
        with pytest.raises(InputError, match="whole numbers from 1"):
            run(rows(), model="persistence", horizons=horizons)


def test_every_place_that_can_not_be_forecast_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    never = rows(["Never"]).with_columns(pl.lit(None, dtype=pl.Float64).alias("value"))
    silent, short, late = rows(["Silent"], 110), rows(["Short"], 130, 128), rows(["Late"], 127)
    found = run(pl.concat([rows(), never, silent, short, late]), model="sure", today=dt.date(2023, 7, 3))
    assert dict(note.split(": ") for note in found.notes) == {
        "Never": "no value was ever reported; not forecast",
        "Short": "only 2 values are known; 4 are needed; not forecast",
        "Silent": "silent for 20 weeks; not forecast",
    }
    found.write(tmp_path / "out", pdf=False)
    known = ["A", "B", "Late", "Short", "Silent"]
    forecasts = check_folder(tmp_path / "out", known, unusable=["Silent", "Short"])
    assert days_ahead(forecasts) == {1: [7], 2: [14], 3: [21], 4: [28]}
    page = (tmp_path / "out" / "bulletin.html").read_text(encoding="utf-8")
    for place in ("Never", "Short", "Silent"):
        assert place in page
    assert "silent for 20 weeks" in page
    late_now = found.status.filter(pl.col("location") == "Late", pl.col("horizon") == 0)
    assert late_now["note"].item() == "last report 3 weeks late"


def test_the_level_of_a_silent_place_is_not_counted_as_of_now() -> None:
    high = rows(["High"], 108).with_columns(pl.lit(500.0).alias("value"))
    found = run(pl.concat([rows(["A", "B", "C"]), high]), model="persistence")
    levels = dict(found.status.filter(pl.col("horizon") == 0).select("location", "level").iter_rows())
    overview = found.bulletin.overview
    assert sum(overview.counts) == 3
    assert overview.top == max(levels[p] for p in "ABC")
    assert next(v for v in found.bulletin.views if v.location == "High").level is None
    assert "High" not in found.alerts["location"].to_list()


def test_where_the_model_has_no_answer_persistence_is_shown_and_said() -> None:
    found = run(rows(["A", "Mute"]), model="sure")
    mute = found.trust.filter(pl.col("location") == "Mute")
    assert set(mute["label"]) == {"withheld"}
    assert set(mute["shown"]) == {"persistence"}
    assert "no answer" in mute["reason"][0]
    shown = found.forecasts.filter(pl.col("location") == "Mute", pl.col("output_type") == "quantile")
    own = run(rows(["A", "Mute"]), model="persistence").forecasts
    assert shown.equals(own.filter(pl.col("location") == "Mute", pl.col("output_type") == "quantile"))


def test_where_persistence_is_not_beaten_it_is_shown_in_place_of_the_model(tmp_path: Path) -> None:
    steps = rows().with_columns(pl.lit(1000.0).alias("value"))
    steps = steps.with_columns(
        pl.when(pl.col("date").dt.week() % 13 == 0).then(1001.0).otherwise("value").alias("value")
    )
    found = run(steps, model="sure")
    assert set(found.trust["label"]) == {"withheld"}
    assert set(found.forecasts["model"]) == {"persistence"}
    assert set(found.status.filter(pl.col("horizon") > 0)["shown"]) == {"persistence"}
    found.write(tmp_path / "out", pdf=False)
    check_folder(tmp_path / "out", "AB")


@pytest.mark.parametrize("weeks", [4, 5, 12, 23])
def test_a_short_history_has_unknown_trust_and_still_a_forecast(tmp_path: Path, weeks: int) -> None:
    found = run(rows(weeks=weeks), model="sure")
    found.write(tmp_path / "out", pdf=False)
    check_folder(tmp_path / "out", "AB")
    assert set(found.trust["label"]) == {"unknown"}
    assert set(found.trust["shown"]) == {"sure"}
    assert found.trust["origins"].max() == max(0, weeks - 4)


def test_counts_of_which_most_are_left_out_give_a_bulletin_that_says_so(tmp_path: Path) -> None:
    """As a wall releases them: small counts are gaps, and what is left are zeros."""
    table = rows("ABC").with_columns(
        value=pl.when((pl.int_range(pl.len()) * 7 % 11) < 6).then(0.0),
        left_out=(pl.int_range(pl.len()) * 7 % 11) >= 6,
    )
    for model in ("persistence", "combination"):
        found = run(table, model=model)
        found.write(tmp_path / model, pdf=False)
        assert found.forecasts.filter(pl.col("value") < 0).height == 0
        assert (tmp_path / model / "paths.parquet").exists() == (found.forecasts.height > 0)
    assert "no level" in (tmp_path / "persistence" / "bulletin.html").read_text(encoding="utf-8").casefold()


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(TooShortError, match=r"no place can be forecast.*only 3 values are known; 4 are needed"):
        run(rows(weeks=3), model="persistence")


def test_nothing_after_the_day_is_looked_at(tmp_path: Path) -> None:
    """All results but the input's hash are those of a file that ends on the day, whatever stands after it."""
    day = MONDAY + dt.timedelta(weeks=100, days=6)
    whole = rows(["A", "B", "C"]).filter((pl.col("location") != "C") | (pl.col("date") > day))
    late = pl.col("date") > day
    poisoned = whole.with_columns(pl.when(late).then(1e6).otherwise(pl.col("value")).alias("value"))
    cut = run(whole.filter(~late), as_of=day, model="last_year_drift")
    assert cut.panel.locations == ("A", "B")
    for table in (whole, poisoned):
        found = run(table, as_of=day, model="last_year_drift")
        for name in ("forecasts", "status", "trust", "alerts"):
            assert getattr(found, name).equals(getattr(cut, name)), name
        assert found.scheme == cut.scheme
        assert found.bulletin.first_sentence() == cut.bulletin.first_sentence()


def test_months_and_days(tmp_path: Path) -> None:
    months = [dt.date(2012 + m // 12, m % 12 + 1, 1) for m in range(90)]
    table = pl.DataFrame(
        [("A", "Dengue", "cases", d, wave(i)) for i, d in enumerate(months)], schema=TYPES, orient="row"
    )
    found = run(table, model="persistence", as_of=dt.date(2019, 3, 15))
    assert found.panel.starts[-1] == dt.date(2019, 2, 1)
    assert [found.panel.target_end(h).isoformat() for h in (1, 2)] == ["2019-03-31", "2019-04-30"]
    assert found.trust["origins"].to_list() == [24, 23, 22, 21]
    whole = run(table, model="persistence", as_of=dt.date(2019, 2, 28))
    assert [found.panel.target_end(h) for h in (1, 2)] == [whole.panel.target_end(h) for h in (1, 2)]
    assert whole.trust["origins"].to_list() == [24, 23, 22, 21]
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=k) for k in range(150)]
    table = pl.DataFrame([("A", "Dengue", "cases", d, wave(i)) for i, d in enumerate(days)], schema=TYPES, orient="row")
    daily = run(table, model="persistence")
    daily.write(tmp_path / "out", pdf=False)
    check_folder(tmp_path / "out", "A")
    assert daily.trust["origins"].to_list() == [60, 59, 58, 57]


def test_frames_of_every_kind_give_the_same(tmp_path: Path) -> None:
    table = rows()
    file = tmp_path / "series.parquet"
    table.write_parquet(file)
    first = run(table, model="persistence")
    frames = (table.to_pandas(), table.to_arrow(), file, str(file))
    assert isinstance(frames[0], pd.DataFrame)
    for source in frames:
        assert run(source, model="persistence").forecasts.equals(first.forecasts)
    assert run(file, model="persistence").record["inputs"][0]["sha256"] != first.record["inputs"][0]["sha256"]


def test_own_places_give_names_and_foreign_ones_are_refused() -> None:
    own = pl.DataFrame({"location": ["A", "B", "Z"], "name": ["Alpha", "Beta", "Omega"], "name_zh": ["甲", "乙", "丙"]})
    found = run(rows(), model="persistence", places_table=own)
    assert [v.called("en") for v in found.bulletin.views] == ["Alpha", "Beta"]
    assert [v.called("zh") for v in found.bulletin.views] == ["甲", "乙"]
    with pytest.raises(InputError, match=r"none of the places given \(Z\) is of a place in the table \(A, B\)"):
        run(rows(), model="persistence", places_table=own.filter(pl.col("location") == "Z"))
    with pytest.raises(InputError, match=r"none of the shapes given \(Q\)"):
        run(rows(), model="persistence", shapes={"Q": {}})


def test_of_a_nation_under_two_labels_one_is_used_and_it_is_said() -> None:
    found = run(rows(["China", "Total", "Beijing", "Shanghai", "Tianjin"]), model="persistence")
    assert found.panel.locations == ("Beijing", "China", "Shanghai", "Tianjin")
    assert "'Total' is 'China' once more, counted in another way; only 'China' is used" in found.notes
    assert "'Total' is 'China' once more" in html.unescape(found.bulletin.html("en"))
    assert "“Total”与“China”是同一地区的两种统计，仅采用“China”" in found.bulletin.html("zh")
    overview = found.bulletin.overview
    assert overview.whole is not None
    assert overview.whole.location == "China"
    assert [v.location for v in overview.places] == ["Tianjin", "Shanghai", "Beijing"]
    names = {v.location: (v.called("en"), v.called("zh")) for v in found.bulletin.views}
    assert names["China"] == ("China", "中国")


@pytest.mark.parametrize(
    ("as_of", "today", "old", "told"),
    [
        (None, dt.date(2023, 7, 4), False, False),
        (None, dt.date(2023, 7, 30), True, True),
        (dt.date(2023, 7, 2), dt.date(2023, 7, 30), True, False),
    ],
)
def test_old_figures_are_said_to_be_old(as_of: dt.date | None, today: dt.date, old: bool, told: bool) -> None:
    found = run(rows(), model="persistence", as_of=as_of, today=today)
    page = found.bulletin.html("en").replace("\u00a0", " ")
    assert ("OLD FIGURES" in page) == ("four weeks before this bulletin was made (30 Jul 2023)" in page) == old
    assert ("旧数据" in found.bulletin.html("zh")) == old
    wanted = ("the newest figures end on 2023-07-02, 28 days before today; the bulletin is of that time. "
              "Give newer figures for one of today",)  # fmt: skip
    assert found.notes == (wanted if told else ())


def test_figures_without_vintages_may_have_been_revised_and_it_is_said() -> None:
    plain = run(rows(), model="persistence", as_of=dt.date(2023, 5, 7), today=dt.date(2023, 5, 9)).bulletin
    stamped = rows().with_columns((pl.col("date") + pl.duration(days=9)).alias("as_of"))
    known = run(stamped, model="persistence", as_of=dt.date(2023, 5, 9), today=dt.date(2023, 5, 9)).bulletin
    assert known.meta.vintages
    assert "As known on 9\u00a0May 2023" in known.html()
    assert "revised" not in known.html()
    assert "As known on" not in plain.html()
    assert "Figures up to 7\u00a0May 2023<br>Some may have been revised after that day" in plain.html()
    assert "部分数值此后可能已有修订" in plain.html("zh")


def test_without_a_model_no_model_is_said_to_have_been_tried() -> None:
    bulletin = run(rows(), model="persistence", today=dt.date(2023, 7, 3)).bulletin
    for lang, said, never in (
        ("en", "This bulletin was made without a forecast model.", ("withheld", "past tests", "good enough")),
        ("zh", "本通报未使用预测模型", ("以往的检验中，", "不给出该预测")),
    ):
        page = re.sub(r"<[^>]*>", " ", bulletin.html(lang).split("</style>")[1].split('<section class="about"')[0])
        assert said in page
        assert not [words for words in never if words in page]


@pytest.mark.parametrize("at", [0, 129])
def test_a_simulated_source_is_marked_wherever_it_stands(at: int) -> None:
    source = pl.Series("source", ["Real"] * at + ["SIMULATED province"] + ["Real"] * (259 - at))
    found = run(rows().with_columns(source), model="persistence")
    assert found.bulletin.meta.simulated
    assert "SIMULATED" in found.bulletin.html("en")
    assert not run(rows().with_columns(pl.lit("Real").alias("source")), model="persistence").bulletin.meta.simulated


def test_an_earlier_result_is_replaced_and_somebody_elses_folder_never(tmp_path: Path) -> None:
    found = run(rows(), model="persistence")
    found.write(tmp_path / "out", ("en", "zh"), pdf=False)
    found.write(tmp_path / "out", pdf=False)
    assert not (tmp_path / "out" / "bulletin.zh.html").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match="mine"):
        found.write(tmp_path / "mine", pdf=False)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_an_unknown_level_kind_and_model_are_refused() -> None:
    with pytest.raises(InputError, match=r"no kind of levels 'offical'.*'official'"):
        run(rows(), model="persistence", levels="offical")
    with pytest.raises(InputError, match=r"no model 'persistance'.*'persistence'"):
        run(rows(), model="persistance")


def test_model_names_take_hyphens_and_are_shown_as_registered() -> None:
    found = run(rows(), model="seasonal-naive")
    assert set(found.trust["shown"]) <= {"seasonal_naive", "persistence"}
    assert found.record["options"]["model"] == "seasonal_naive"
    assert found.bulletin.meta.models == ("seasonal_naive", "persistence")


def test_progress_names_the_stages_in_order() -> None:
    told: list[str] = []
    run(rows(), model="persistence", progress=lambda stage, done, of: told.append(stage))
    assert list(dict.fromkeys(told)) == ["reading", "backtesting", "forecasting", "writing"]
    assert told.count("backtesting") == 52
