"""Nowcast, peak, a person's word and a place without history: a sentence each, in both languages."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from test_report_snapshots import same_as_before

from salus.reports import sections
from salus.reports.asides import NOTHING, Aside, Nowcast, Override, Peak, asides
from salus.tables.contracts import LEVELS, MILESTONES, NOWCASTS

LAST = dt.date(2023, 7, 16)


def week(number: int) -> dt.date:
    return LAST + dt.timedelta(weeks=number)


def milestones(chances: dict[int, float]) -> pl.DataFrame:
    """Chance of the peak in weeks counted from the last known one; its size between 4 and 8."""
    head = ("pooled", LAST, "HFMD", "per_sentinel", "Tokyo", "2023")
    rows: list[tuple[Any, ...]] = [(*head, "peak", "pmf", str(week(k)), p) for k, p in chances.items()]
    rows += [(*head, "peak size", "quantile", f"{t:g}", 4 + 4 * t) for t in LEVELS]
    names = ["model", "reference_date", "disease", "signal", "location", "season", "target", "output_type",
             "output_type_id", "value"]  # fmt: skip
    schema = {name: MILESTONES[name].dtype for name in names}
    return MILESTONES.check(pl.DataFrame(rows, schema=schema, orient="row").select(MILESTONES.names))


def peak(chances: dict[int, float]) -> Peak:
    found = asides(LAST, milestones=milestones(chances))["Tokyo"].peak
    assert found is not None
    return found


def test_the_peak_is_read_from_the_chances_of_the_weeks() -> None:
    ahead = peak({-1: 0.05, 0: 0.1, 1: 0.3, 2: 0.35, 3: 0.15, 4: 0.05})
    assert ahead.passed == pytest.approx(0.15)
    assert (ahead.first, ahead.end, ahead.last) == (week(0), week(2), week(3))
    assert (ahead.lower95, ahead.size, ahead.upper95) == (4.1, 6.0, 7.9)
    behind = peak({-3: 0.2, -2: 0.6, 1: 0.2})
    assert behind.passed == pytest.approx(0.8)
    assert behind.end == week(-2)


def test_the_last_nowcast_of_a_place_counts_and_places_without_anything_are_left_out() -> None:
    rows = [("Tokyo", week(k), 5.0 + k, 5.0, 6.0, 7.0 + k, 8.0, 9.0) for k in (-1, 0)]
    names = ["location", "target_end_date", "value", "lower95", "lower50", "median", "upper50", "upper95"]
    found = asides(LAST, pl.DataFrame(rows, schema={n: NOWCASTS[n].dtype for n in names}, orient="row"))
    assert found == {"Tokyo": Aside(Nowcast(LAST, 5.0, 7.0, 5.0, 9.0))}
    assert asides(LAST) == {}
    assert asides(LAST, borrowed=["Nara"])["Nara"].borrowed


CASES = {
    "no history": Aside(borrowed=True),
    "widened": Aside(overrides=(Override("Dr Ito", "two schools closed.", "1.5", (week(1), week(2))),)),
    "replaced": Aside(overrides=(Override("Dr Abe", "laboratory offline", None, (week(1),)),)),
    "nowcast": Aside(nowcast=Nowcast(LAST, 6.21, 9.4, 7.2, 12.6)),
    "nowcast of another week": Aside(nowcast=Nowcast(week(-1), 6.21, 9.4, 7.2, 12.6)),
    "peak ahead": Aside(peak=Peak(0.1, week(3), week(2), week(6), 9.0, 6.9, 15.2)),
    "peak open": Aside(peak=Peak(0.45, week(1), week(-1), week(4), 7.1, 6.3, 12.0)),
    "peak passed": Aside(peak=Peak(0.93, week(-2), week(-2), week(0), 6.4, 6.4, 7.0)),
    "nothing": NOTHING,
}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_sentence(make: Any, lang: str) -> None:
    bulletin = make({"Tokyo": [4.4, 5.1, 6.21], "Osaka": [2.4, 2.9]})
    voice = bulletin.voice(lang)
    view = next(v for v in bulletin.views if v.location == "Tokyo")
    lines = []
    for name, aside in CASES.items():
        said = voice.asides(replace(view, aside=aside))
        assert len(said) == (0 if name in ("nothing", "nowcast of another week") else 1)
        lines += [f"# {name}", *said]
    same_as_before(f"asides.{lang}.txt", "\n".join(lines).replace("\u00a0", "~") + "\n")


def test_they_stand_in_the_section_of_the_place(make: Any) -> None:
    bulletin = make({"Tokyo": [4.4, 5.1, 6.21], "Osaka": [2.4, 2.9]})
    view = replace(next(v for v in bulletin.views if v.location == "Tokyo"), aside=CASES["peak ahead"])
    part = sections.section(bulletin.voice("en"), view, 1, (480.0, 270.0))
    assert any("peak lies ahead" in sentence for sentence in part["support"])
