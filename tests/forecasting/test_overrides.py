"""A person's word against a model's: both kept, nothing lost, nonsense refused."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.data import durable
from salus.errors import InputError, NameNotFoundError, OutputError
from salus.forecasting.overrides import MODEL, add, applied, read, replaced, rows, widened
from salus.tables.contracts import FORECASTS, LEVELS

DAY = dt.date(2024, 1, 7)
WHO = {"name": "Dr Ito", "reason": "a school reported 40 cases by telephone"}
THREE = {0.025: 10.0, 0.5: 40.0, 0.975: 160.0}


def forecasts(day: dt.date = DAY, model: str = "m") -> pl.DataFrame:
    """Two places, two horizons; quantile k of place i at horizon h is (i + 1) * h * (k + 1)."""
    found = [
        (model, day, "flu", "cases", p, h, day + dt.timedelta(weeks=h), "quantile", f"{t:g}", (i + 1.0) * h * (k + 1))
        for i, p in enumerate(("North", "South"))
        for h in (1, 2)
        for k, t in enumerate(LEVELS)
    ]
    return FORECASTS.check(pl.DataFrame(found, schema=FORECASTS.names, orient="row"))


def log_of(folder: Path) -> Path:
    return folder / "f.overrides.jsonl"


def test_what_a_person_says_and_what_the_model_said_are_both_kept(tmp_path: Path) -> None:
    log, table = log_of(tmp_path), forecasts()
    said = add(log, table, "South", 2, **WHO, quantiles=THREE)
    assert table.equals(forecasts())
    assert [said] == read(log)
    assert said.original == tuple(4.0 * (k + 1) for k in range(23))
    assert (said.quantiles[1], said.quantiles[11], said.quantiles[21]) == (10, 40, 160)
    assert (said.name, said.reason, said.what) == (WHO["name"], WHO["reason"], "replaced")
    assert said.line().endswith("South, horizon 2 (2024-01-21) replaced, median 48 -> 40: " + WHO["reason"])


def test_lines_are_only_added_and_the_latest_counts(tmp_path: Path) -> None:
    log, table = log_of(tmp_path), forecasts()
    add(log, table, "South", 2, **WHO, quantiles=THREE)
    first = log.read_bytes()
    add(log, table, "South", 2, name="Dr Abe", reason="less sure", widen=1.5)
    add(log, table, "North", 1, **WHO, widen=2)
    assert log.read_bytes().startswith(first)
    found = read(log)
    assert [o.number for o in found] == [1, 2, 3]
    assert found[1].quantiles[11] == 40, "the earlier word is widened, not the model's"
    assert found[1].original == found[0].original
    shown = rows(found).filter(location="South")
    assert shown["value"].to_list() == list(found[1].quantiles)
    assert shown.height == 23


def test_shown_forecasts_have_the_persons_rows_under_a_name_of_their_own(tmp_path: Path) -> None:
    log, table = log_of(tmp_path), forecasts()
    add(log, table, "South", 2, **WHO, quantiles=THREE)
    found = FORECASTS.check(applied(table, read(log)))
    assert found.height == table.height
    marked = found.filter(model=MODEL)
    assert marked.select("location", "horizon").unique().rows() == [("South", 2)]
    assert found.filter(model="m").height == 3 * 23
    other_day = forecasts(DAY + dt.timedelta(weeks=1))
    assert applied(other_day, read(log)).equals(other_day)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(0, 1e5), min_size=23, max_size=23).map(sorted),
    st.floats(1.01, 10),
    st.lists(st.tuples(st.sampled_from(LEVELS), st.floats(0, 1e5)), min_size=3, max_size=23),
)
def test_no_override_crosses_or_falls_below_zero(
    values: list[float], factor: float, named: list[tuple[float, float]]
) -> None:
    wide = widened(np.array(values), factor)
    assert wide[11] == pytest.approx(values[11])
    levels = sorted({x for x, _ in named} | {0.01, 0.5, 0.99})
    height = sorted(y for _, y in named) + [1e6] * 3
    chosen = dict(zip(levels, height, strict=False))
    told = replaced(chosen)
    assert all(told[LEVELS.index(x)] == y for x, y in chosen.items())
    for q in (wide, told):
        assert (np.diff(q) >= 0).all()
        assert q.min() >= 0


def test_a_widened_forecast_is_as_much_wider_as_asked_on_the_root_scale() -> None:
    q = np.linspace(2, 4, 23) ** 4
    np.testing.assert_allclose(widened(q, 1.5) ** 0.25 - 3, 1.5 * (q**0.25 - 3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "  "}, "needs a name of 1 to 2000 letters"),
        ({"reason": ""}, "needs a reason of 1 to 2000 letters"),
        ({"reason": "x" * 2001}, "needs a reason of 1 to 2000 letters, and 2001 were given"),
        ({"widen": 0.5, "quantiles": None}, "can't be widened by 0.5: a factor over 1 and up to 10"),
        ({"widen": float("nan"), "quantiles": None}, "can't be widened by nan"),
        ({"widen": 2.0}, "either how to widen the forecast or which quantiles"),
        ({"quantiles": None}, "either how to widen the forecast or which quantiles"),
        ({"quantiles": {0.025: 50.0, 0.5: 40.0, 0.975: 90.0}}, "quantiles cross: 50 at 0.025 is more than 40 at 0.5"),
        ({"quantiles": {0.5: 40.0, 0.975: 90.0}}, "tell no distribution. Give 0.5, one below and one above"),
        ({"quantiles": {0.025: 1.0, 0.1: 2.0, 0.975: 9.0}}, "tell no distribution"),
        ({"quantiles": {0.03: 1.0, 0.5: 2.0, 0.975: 9.0}}, "there is no quantile level 0.03"),
        ({"quantiles": {0.025: -1.0, 0.5: 2.0, 0.975: 9.0}}, "a quantile is -1. Give numbers from 0"),
        ({"quantiles": {0.025: 1.0, 0.5: float("nan"), 0.975: 9.0}}, "a quantile is nan"),
        ({"horizon": 9}, "South has no forecast at horizon 9; it has 1, 2"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_and_writes_nothing(tmp_path: Path, change: dict[str, object], message: str) -> None:
    options: dict[str, object] = {"location": "South", "horizon": 2, **WHO, "quantiles": THREE} | change
    with pytest.raises(InputError) as caught:
        add(log_of(tmp_path), forecasts(), **options)  # type: ignore[arg-type]  # wrong on purpose
    assert message in str(caught.value)
    assert not log_of(tmp_path).exists()


def test_a_wrong_place_suggests_the_near_one_and_many_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NameNotFoundError, match="Did you mean 'South'"):
        add(log_of(tmp_path), forecasts(), "Soth", 1, **WHO, widen=2)
    many = pl.concat([forecasts(), forecasts(DAY + dt.timedelta(weeks=1))])
    with pytest.raises(InputError, match="of 2 days, 2024-01-07 to 2024-01-14"):
        add(log_of(tmp_path), many, "South", 1, **WHO, widen=2)
    both = pl.concat([forecasts(), forecasts(model="n")])
    with pytest.raises(InputError, match="of several models"):
        add(log_of(tmp_path), both, "South", 1, **WHO, widen=2)


def three(folder: Path) -> Path:
    for horizon in (1, 2, 1):
        add(log_of(folder), forecasts(), "North", horizon, **WHO, widen=2)
    return log_of(folder)


@pytest.mark.parametrize("fault", ["a value", "a name", "a line out", "lines swapped", "no JSON", "a key more"])
def test_what_somebody_changed_is_noticed_and_nothing_is_added_to_it(tmp_path: Path, fault: str) -> None:
    log = three(tmp_path)
    lines = log.read_text(encoding="utf-8").splitlines()
    if fault == "a value":
        lines[1] = lines[1].replace('"quantiles": [', '"quantiles": [0.5, ').replace(", 0.5, 0.5", ", 0.5")
    elif fault == "a name":
        lines[1] = lines[1].replace("Dr Ito", "Dr Eto")
    elif fault == "a line out":
        del lines[1]
    elif fault == "lines swapped":
        lines[1], lines[2] = lines[2], lines[1]
    elif fault == "no JSON":
        lines[1] = lines[1][:40]
    else:
        lines[1] = json.dumps(json.loads(lines[1]) | {"more": 1})
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = log.read_bytes()
    with pytest.raises(InputError, match=r"line 2 of .* is not as Salus wrote it"):
        read(log)
    with pytest.raises(InputError, match=r"line 2 of .* is not as Salus wrote it"):
        add(log, forecasts(), "North", 1, **WHO, widen=2)
    assert log.read_bytes() == before


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = three(tmp_path)
    before = log.read_bytes()

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(OutputError, match="the disk is full"):
        add(log, forecasts(), "North", 1, **WHO, widen=2)
    assert log.read_bytes() == before


def test_two_at_once_lose_no_line(tmp_path: Path) -> None:
    forecasts().write_parquet(tmp_path / "f.parquet")
    code = (
        "import sys, polars as pl\n"
        "from salus.forecasting.overrides import add\n"
        "for k in range(5):\n"
        "    add(sys.argv[2], pl.read_parquet(sys.argv[1]), 'North', 1, name=sys.argv[3], reason='r', widen=1.1)\n"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "f.parquet"), str(log_of(tmp_path))]
    children = [subprocess.Popen([*run, name]) for name in ("A", "B")]
    assert [child.wait(timeout=60) for child in children] == [0, 0]
    found = read(log_of(tmp_path))
    assert sorted(o.name for o in found) == ["A"] * 5 + ["B"] * 5


def test_a_file_that_is_not_there_or_none_of_overrides_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .* makes it with the first one"):
        read(log_of(tmp_path))
    log_of(tmp_path).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="Check that it is a file of overrides"):
        read(log_of(tmp_path))
