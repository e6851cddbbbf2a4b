import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.reports import numbers
from salus.reports.numbers import Scale


@given(st.floats(0, 1e6), st.floats(0.01, 1e6))
def test_rounding_never_carries_an_observed_value_over_a_threshold(value, cut):
    cut = round(cut, 3)
    value = round(value, 5)
    shown = float(Scale(whole=False).observed(value, (cut,)).replace(",", ""))
    assert (shown >= cut) == (value >= cut)


@given(st.floats(0, 1e9), st.floats(0, 1e6))
def test_a_forecast_is_shown_within_five_percent_of_itself(value, width):
    shown = float(Scale(whole=False).forecast(value, width).replace(",", ""))
    assert shown == pytest.approx(value, rel=0.0501, abs=0.0051)


@given(st.integers(0, 10**7))
def test_observed_counts_are_shown_in_full(value):
    assert int(Scale(whole=True).observed(float(value)).replace(",", "")) == value


def test_forecasts_keep_the_digits_that_their_range_supports():
    counts = Scale(whole=True)
    assert [counts.forecast(15580), counts.forecast(15580, 1300), counts.forecast(15580, 20), counts.forecast(3.4)] == [
        "16,000", "15,600", "15,580", "3",
    ]  # fmt: skip
    assert [Scale(whole=False).forecast(v) for v in (0.004, 0.17, 6.21, 12.4, 124.0)] == [
        "0",
        "0.17",
        "6.2",
        "12",
        "120",
    ]
    assert Scale(whole=False, small=True).forecast(0.00432) == "0.0043"


@given(st.floats(0, 1))
def test_a_chance_is_never_called_impossible_or_certain(p):
    assert numbers.percent(p) not in ("0", "100")
    part, of = numbers.odds(p)
    assert 0 < part < of
    assert abs(part / of - p) <= 0.051


@given(st.floats(0, 1e8), st.booleans())
def test_an_axis_holds_its_values_and_has_few_ticks(highest, whole):
    top, step = numbers.nice_top(highest, whole)
    assert top >= highest * (1 - 1e-6) or highest < 1e-9
    assert 1 <= round(top / step) <= 6
    assert not whole or step == int(step)


def test_counts_and_rates_are_told_apart():
    assert Scale.of([1, 2, None, 3]).whole
    assert not Scale.of([1, 2.5]).whole
    assert Scale.of([0.01, 0.02]).small
    assert not Scale.of([]).whole
