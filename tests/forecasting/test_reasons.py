"""Reasons: shares that add up, and the right one named where the truth is known."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from salus.forecasting import pooled, reasons, trees
from salus.forecasting.answer import new_model
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)


def panel(roots: np.ndarray) -> Panel:
    """A panel of simulated fourth roots."""
    starts = tuple(WEEK.shift(dt.date(2014, 1, 6), k) for k in range(roots.shape[1]))
    names = tuple(f"P{i:02d}" for i in range(roots.shape[0]))
    values = np.clip(roots, 0.1, None) ** 4
    return Panel("x", "per_sentinel", WEEK, WEEK.end(starts[-1]), starts, names, values, np.full(len(names), np.nan))


def walk(own: float, shared: float, seed: int = 1, places: int = 12, weeks: int = 300) -> np.ndarray:
    """Roots whose change follows their own last one, or that of all places together, with noise."""
    rng = np.random.default_rng(seed)
    u, change = np.full((places, weeks), 3.0), np.zeros((places, weeks))
    nation = np.zeros(weeks)
    for t in range(1, weeks):
        nation[t] = 0.85 * nation[t - 1] + rng.normal(0, 0.08)
        noise = rng.normal(0, 0.03 if own else 0.1, places)
        change[:, t] = own * change[:, t - 1] + shared * nation[t - 1] + noise - 0.02 * (u[:, t - 1] - 3)
        u[:, t] = u[:, t - 1] + change[:, t]
    return u


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(trees, "TREES", 40)
    monkeypatch.setattr(pooled, "ROWS", 8_000)


def explained(known: Panel, name: str = "network") -> pl.DataFrame:
    model = new_model(name)
    model.fit(known)
    found = model.explain(known, [1])
    assert found is not None
    return found


def test_a_course_of_its_own_is_the_first_reason_and_points_where_it_goes():
    roots = walk(own=0.8, shared=0)
    found = explained(panel(roots))
    step = dict(zip(panel(roots).locations, roots[:, -1] - roots[:, -2], strict=True))
    moving = [place for place, change in step.items() if abs(change) > 0.05]
    assert len(moving) >= 4
    for place in moving:
        top = found.filter(pl.col("location") == place).sort(pl.col("share").abs(), descending=True)
        assert top["kind"][0] == "course", place
        assert np.sign(top["share"][0]) == np.sign(step[place]), place


def test_what_all_places_do_is_the_first_reason_where_it_alone_drives_them():
    """Noise of a place drowns its own course; what all do together is seen through it."""
    roots = walk(own=0, shared=1.0)
    together = np.abs(np.diff(roots, axis=1).mean(axis=0))
    week = 260 + int(together[260:].argmax())  # a week in which they did something
    shares = explained(panel(roots[:, : week + 2])).group_by("kind").agg(pl.col("share").abs().mean())
    found = dict(shares.iter_rows())
    assert found["nation"] + found["neighbours"] > 1.5 * found["course"]
    assert max(found, key=lambda kind: found[kind]) in ("nation", "neighbours")


def test_shares_add_up_to_the_forecast_and_each_feature_has_a_kind():
    known = panel(walk(own=0.5, shared=0.3, weeks=120))
    model = new_model("pooled")
    model.fit(known)
    both = model.explain(known, [1, 3])
    for h in (1, 3):
        alone = model.explain(known, [h])
        assert both.filter(pl.col("horizon") == h).equals(alone)
        total = alone.group_by("location", maintain_order=True).agg(pl.col("share").sum())["share"].to_numpy()
        value = model.predict(known, [h])[:, 0, 11]
        size = np.quantile(known.values, 0.95, axis=1)
        change = (value / size) ** 0.25 - (known.values[:, -1] / size) ** 0.25
        offset = change - total  # what a typical case is expected to do: the same for all places
        assert offset == pytest.approx(np.full(len(offset), offset[0]), abs=1e-6)


def test_a_feature_without_a_kind_is_an_error_and_a_model_that_learns_nothing_gives_no_reasons():
    with pytest.raises(ValueError, match="belongs to no kind"):
        reasons.kind("temperature")
    assert new_model("persistence").explain(panel(walk(0.5, 0)), [1]) is None
