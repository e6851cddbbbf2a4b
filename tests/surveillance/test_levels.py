"""Levels: official, by past seasons; probabilities from quantiles."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from salus.errors import InputError, NameNotFoundError, TooShortError
from salus.surveillance.levels import LevelScheme, choose, level_probabilities, percentile_cuts
from salus.surveillance.thresholds import find_official, official, official_state
from salus.surveillance.weeks import Cadence
from salus.tables.contracts import LEVELS

TAUS = np.array(LEVELS)
ISO = Cadence("week", 0)


def seasonal(years: int, places: int = 3, *, seed: int = 0, sizes: tuple[float, ...] = (1.0,)) -> pl.DataFrame:
    """Weekly winter waves of changing time and size."""
    rng = np.random.default_rng(seed)
    days = ISO.grid(dt.date(2012, 7, 30), ISO.start(dt.date(2012 + years, 7, 20)))
    at = np.arange(len(days))
    frames = []
    for place in range(places):
        value = 0.3 + 0.1 * rng.random(len(days))
        for year in range(years + 1):
            size = 20 * sizes[year % len(sizes)] * (1 + 0.2 * rng.random())
            value += size * np.exp(-0.5 * ((at - 52.18 * year - 26 - rng.integers(-3, 4)) / 3) ** 2)
        frames.append(pl.DataFrame({"location": f"Ward {place}", "date": days, "value": value}))
    return pl.concat(frames)


def test_official_levels_of_japan() -> None:
    japan = pl.DataFrame({"location": ["Tokyo", "Osaka"], "date": [dt.date(2023, 7, 3)] * 2, "value": [6.2, 1.0]})
    hfmd = choose("hand foot and mouth disease", "per_sentinel", japan, ISO)
    assert (hfmd.key, hfmd.cuts["Tokyo"], hfmd.names) == ("official", (2.0, 5.0), ("low", "elevated", "warning"))
    assert hfmd.names[hfmd.level("Tokyo", 6.2)] == "warning"
    flu = choose("Influenza", "per_sentinel", japan, ISO)
    assert [flu.level("Osaka", v) for v in (0, 0.99, 1, 9.99, 10, 29.99, 30)] == [0, 0, 1, 1, 2, 2, 3]
    assert "Japan" in flu.title
    assert "日本" in flu.title_zh
    assert flu.citation.endswith("index.html")


def test_official_levels_are_not_lent_to_other_countries_or_signals() -> None:
    china = seasonal(6).with_columns(
        location=pl.col("location").replace({"Ward 0": "Hunan", "Ward 1": "Hubei", "Ward 2": "Henan"})
    )
    assert choose("Influenza", "per_sentinel", china, ISO).key == "mem"
    assert choose("Influenza", "admissions", seasonal(6), ISO).key == "mem"
    with pytest.raises(InputError, match=r"no official levels for Influenza, admissions.*Herpangina"):
        choose("Influenza", "admissions", seasonal(2), ISO, kind="official")


def test_every_official_entry_is_whole_and_cited() -> None:
    assert len(official()) == 11
    for entry in official():
        assert len(entry.names) == len(entry.names_zh) == len(entry.cuts) + 1
        assert list(entry.cuts) == sorted(entry.cuts)
        assert entry.warning_ends < entry.warning_starts == entry.cuts[-1]
        assert entry.url.startswith("https://")
    assert find_official("Erythema infection", "per_sentinel") is not None
    assert find_official("HFMD", "per_sentinel", "CN") is None


def test_warning_has_a_memory() -> None:
    values = np.array([9.0, 30, 12, np.nan, 10, 9.9, 29, 10, np.nan])
    flu = find_official("Influenza", "per_sentinel")
    assert flu is not None
    assert flu.state(values).tolist() == [0, 2, 2, 2, 2, 0, 1, 1, 0]
    assert official_state(np.array([np.nan, 1.0]), 5, 2).tolist() == [False, False]


def test_method_follows_the_history() -> None:
    assert choose("flu", "cases", seasonal(7), ISO).key == "mem"
    assert choose("flu", "cases", seasonal(3), ISO).key == "percentile"
    noise = seasonal(8).with_columns(value=pl.Series(np.random.default_rng(1).gamma(2, 2, seasonal(8).height)))
    assert choose("flu", "cases", noise, ISO).key == "percentile"
    assert choose("flu", "cases", noise, ISO, kind="mem").key == "mem"


def test_biennial_disease_gets_several_waves() -> None:
    scheme = choose("HFMD", "cases", seasonal(9, sizes=(1.0, 0.06)), ISO)
    assert scheme.key == "mem"
    assert "several waves" in scheme.citation
    assert scheme.level("Ward 0", 0.4) == 0
    assert scheme.level("Ward 0", 15.0) >= 1


@pytest.mark.parametrize("kind", ["mem", "percentile"])
def test_the_running_season_never_shapes_its_own_levels(kind: str) -> None:
    history = seasonal(7)
    last = history["date"].max()
    assert isinstance(last, dt.date)
    wild = pl.when(pl.col("date") > last - dt.timedelta(weeks=30)).then(pl.col("value") * 50).otherwise(pl.col("value"))
    scheme = choose("flu", "cases", history, ISO, kind=kind)
    assert choose("flu", "cases", history.with_columns(value=wild), ISO, kind=kind).cuts == scheme.cuts


def test_percentile_levels_are_not_poisoned_by_one_epidemic_year() -> None:
    usual = np.random.default_rng(0).gamma(2, 10, (6, 52))
    poisoned = usual.copy()
    poisoned[2] *= 100
    np.testing.assert_allclose(percentile_cuts(poisoned), percentile_cuts(usual), rtol=0.25)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=12, max_size=12), min_size=1, max_size=5), st.integers(1, 1000))
def test_percentile_cuts_ascend_over_zero_even_for_zero_heavy_series(rows: list[list[int]], factor: int) -> None:
    cuts = percentile_cuts(np.array(rows, dtype=float) * factor)
    assert cuts[0] > 0
    assert all(a < b for a, b in pairwise(cuts))


def test_places_with_too_little_past_are_served_and_named() -> None:
    young = seasonal(1, places=1).with_columns(
        location=pl.lit("New ward"), date=pl.col("date") + pl.duration(weeks=7 * 52)
    )
    scheme = choose("flu", "cases", pl.concat([seasonal(8, places=5), young]), ISO)
    assert scheme.key == "mem"
    assert set(scheme.notes) == {"New ward"}
    assert len(scheme.cuts["New ward"]) == len(scheme.names) - 1


def test_bad_questions_are_answered_in_words() -> None:
    scheme = choose("flu", "cases", seasonal(6), ISO)
    with pytest.raises(NameNotFoundError, match="Did you mean 'Ward 1'"):
        scheme.level("Ward1", 1.0)
    with pytest.raises(InputError, match="is unknown"):
        scheme.level("Ward 1", float("nan"))
    with pytest.raises(NameNotFoundError, match="kind of levels"):
        choose("flu", "cases", seasonal(2), ISO, kind="memm")
    with pytest.raises(TooShortError, match="no place has a known value"):
        choose("flu", "cases", seasonal(1).with_columns(value=pl.lit(None, dtype=pl.Float64)), ISO)
    with pytest.raises(TooShortError, match="three complete past seasons"):
        choose("flu", "cases", seasonal(2), ISO, kind="mem")


def test_probabilities_of_a_known_distribution() -> None:
    q = gamma.ppf(TAUS, 3, scale=2)
    cuts = np.array([2.0, 6.0, 12.0, 25.0])
    found = level_probabilities(cuts, TAUS, q)[0]
    np.testing.assert_allclose(found, np.diff(gamma.cdf([0, *cuts, np.inf], 3, scale=2)), atol=0.006)


def test_mass_on_a_cut_belongs_to_the_higher_level() -> None:
    half = np.array([0.0] * 12 + [float(k) for k in range(1, 12)])
    np.testing.assert_allclose(level_probabilities(np.array([1.0]), TAUS, half), [[0.55, 0.45]])
    np.testing.assert_allclose(level_probabilities(np.array([5.0]), TAUS, np.full(23, 5.0)), [[0.0, 1.0]])
    np.testing.assert_allclose(level_probabilities(np.array([5.0]), TAUS, np.full(23, 4.9)), [[1.0, 0.0]])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 20).map(lambda k: k / 2), min_size=23, max_size=23).map(sorted),
    st.lists(st.integers(1, 24).map(lambda k: k / 2), min_size=1, max_size=4, unique=True).map(sorted),
)
def test_probabilities_add_up_to_one_and_higher_forecasts_are_never_at_lower_levels(
    row: list[float], cuts: list[float]
) -> None:
    q, grid = np.array(row), np.array(cuts)
    low, high = level_probabilities(grid, TAUS, q)[0], level_probabilities(grid, TAUS, q + 1)[0]
    assert low.sum() == pytest.approx(1)
    assert (low >= 0).all()
    assert (np.cumsum(high) <= np.cumsum(low) + 1e-9).all()


@pytest.mark.parametrize("tiny", [5e-324, 1e-310, 1e-300, 1e-30])
def test_quantiles_a_hair_apart_give_probabilities_without_an_overflow(tiny: float) -> None:
    rows = [np.arange(23) * tiny, 1.0 + np.arange(23) * tiny, np.r_[np.full(21, 3.0), 3.0 + tiny, 3.0 + 2 * tiny]]
    rows += [np.r_[np.zeros(21), tiny, 2 * tiny], np.r_[tiny, 2 * tiny, np.full(21, 1e6)]]
    with np.errstate(all="raise", under="ignore"):
        found = level_probabilities(np.array([0.0, 1e-3, 2.0, 1e9, np.inf]), TAUS, np.array(rows))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0)


def test_scheme_takes_one_forecast_or_many() -> None:
    scheme = LevelScheme("official", "", "", ("low", "high"), ("低", "高"), {"Tokyo": (5.0,)}, "")
    q = np.linspace(1, 12, 23)
    assert scheme.probabilities("Tokyo", LEVELS, q).shape == (2,)
    assert scheme.probabilities("Tokyo", LEVELS, np.stack([q, q])).shape == (2, 2)
