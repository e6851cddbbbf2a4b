"""What a release costs a plain forecast: nothing where nothing is left out, more in small places, never told finely."""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from helpers_wall import MONDAY

from salus.privacy import certificate, page_words, policy, signatures, utility, verification
from salus.privacy import release as releases
from salus.privacy.policy import Policy
from salus.privacy.utility import Cost

RULE = Policy()


def table(counts):
    """Counts by place and week as rows."""
    rows = [
        (f"P{p}", "Flu", MONDAY + dt.timedelta(days=7 * w), None if np.isnan(v) else float(v))
        for p, line in enumerate(counts)
        for w, v in enumerate(line)
    ]
    schema = {"location": pl.String, "disease": pl.String, "date": pl.Date, "value": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def seasons():
    rng = np.random.default_rng(3)
    wave = np.exp(np.sin(np.arange(130) * 2 * np.pi / 52))
    return np.array([rng.poisson(mean * wave / wave.mean()) for mean in (0.5, 2, 6, 20, 60, 300)], dtype=float)


def test_an_exact_release_costs_nothing(seasons):
    found = utility.costs(table(seasons), table(seasons), RULE)
    assert [c.band for c in found] == list(utility.NAMES)
    assert all(c.ratio == 1.0 for c in found)
    assert set(utility.stated(found).values()) == {"none"}


def test_small_counts_left_out_cost_small_places(seasons):
    shown = np.where((seasons > 0) & (seasons < 11), np.nan, seasons)
    found = {c.band: c for c in utility.costs(table(seasons), table(shown), RULE)}
    assert found["3_to_10"].ratio > 1.2
    assert found["over_100"].ratio == 1.0
    assert found["3_to_10"].left_out == int(np.isnan(shown[2]).sum())


def test_a_score_by_hand():
    flat = np.full((1, 41), 9.0)
    flat[0, 40] = 12.0
    found = utility.costs(table(flat), table(flat), RULE)[0]
    # all quantiles are 9: only forecasts of the last week miss, by 3, and a pinball loss of 3 is 3/2 on average
    origins = {h: range(26 + h, 41 - h, 2) for h in utility.HORIZONS}
    missed = sum(o + h == 40 for h, all_ in origins.items() for o in all_)
    assert missed
    assert found.wis_exact == pytest.approx(3.0 * missed / sum(map(len, origins.values())))


def test_order_of_rows_says_nothing(seasons):
    shown = np.where((seasons > 0) & (seasons < 11), np.nan, seasons)
    straight = utility.costs(table(seasons), table(shown), RULE)
    mixed = utility.costs(
        table(seasons).sample(fraction=1, shuffle=True, seed=1),
        table(shown).sample(fraction=1, shuffle=True, seed=2),
        RULE,
    )
    assert mixed == straight


def test_it_is_told_in_whole_per_cent_and_only_of_many():
    said = utility.stated(
        [Cost("1_to_3", 5, 100, 1.0, 1.1234), Cost("3_to_10", 5, 99, 1.0, 1.5), Cost("over_100", 1, 0, 4, 4)]
    )
    assert list(said.values()) == ["+12 %", "too few", "none"]
    assert utility.stated([Cost("1_to_3", 5, 500, None, None)]) == {"forecast_cost_1_to_3": "too few"}


def test_every_band_has_words():
    for language in ("en", "zh"):
        assert set(utility.CLAIMS) <= set(page_words.CLAIMS[language])


@pytest.fixture
def year(wall, places, definitions):
    """A wall with forty weeks of visits."""
    rng = np.random.default_rng(5)
    rows = [
        {
            "person_id": f"p{n}",
            "district": str(rng.choice(["A1", "A2", "A3", "B1", "B2", "B3"], p=[0.5, 0.2, 0.1, 0.1, 0.06, 0.04])),
            "visit_date": MONDAY + dt.timedelta(days=int(rng.integers(0, 280))),
        }
        for n in range(1500)
    ]
    return wall(rows)


def test_the_certificate_states_it_and_whoever_has_the_records_checks_it(year, places, definitions, key):
    made = releases.release(year, definitions, places, Policy(weeks_held_back=0), key=key)
    content = json.loads((made.folder / certificate.NAME).read_text())
    stated = {c["claim"]: c for c in content["claims"] if c["claim"].startswith("forecast_cost_")}
    assert any(c["value"].endswith("%") for c in stated.values())
    assert {c["needs"] for c in stated.values()} == {"key and records"}
    inside = json.loads((made.exact.parent / "inside.json").read_text())["forecast_cost"]
    assert {f"forecast_cost_{c['band']}" for c in inside} == set(stated)
    public = {"public_key": signatures.public_key(key), "definitions": definitions, "places": places}
    away = {f.claim: f for f in verification.verify(made.folder, **public)}
    here = {f.claim: f for f in verification.verify(made.folder, root=year, key=key, **public)}
    for claim in stated:
        assert away[claim].found is None
        assert here[claim].holds
    for name in certificate.PAGES.values():
        assert stated[next(iter(stated))]["value"] in (made.folder / name).read_text() or "too few" in str(stated)


def test_under_differential_privacy_it_stays_inside(year, places, definitions, key):
    rule = policy.load("differential_privacy")
    span = (MONDAY, MONDAY + dt.timedelta(days=279))
    made = releases.release(year, definitions, places, rule, key=key, weeks=span)
    assert "forecast_cost" not in (made.folder / certificate.NAME).read_text()
    assert json.loads((made.exact.parent / "inside.json").read_text())["forecast_cost"]
