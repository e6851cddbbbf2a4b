"""What a release costs a forecast: Japan's prefectures thinned to 1, 3, 10, 30 and 100 cases a week.

    python benchmarks/privacy_utility/run.py [--sizes 1 3 10 30 100] [--learned network] [--origins 26]

Weekly cases of hand, foot and mouth disease and of influenza in 47 prefectures, 2013 to 2019, are thinned case by case
(binomial, one seed) until each prefecture has so many a week on average; the nation is their sum. Each size is released
in every way below and handed to the same forecasts as whoever has the release would: a gap is filled by the rule of
`salus.privacy.utility`. Scored against the exact thinned counts: weighted interval score from the release, over that
from exact counts. The forecasts are the certificate's own ("no change") and, on hand, foot and mouth disease, one that
learns (fitted once, before 2018). Ways: Salus' suppression, plain and rounded to 5, and its differential privacy; and
what others do: small counts left out and nothing else (a minimum cell of 10, as Cumulus has it), counts to 7 left out
and the rest rounded to 5 (OpenSAFELY), and Gaussian noise under zero-concentrated differential privacy of about the
same promise (OpenDP).

Persons are not in these data, so the bound of counts a person and year takes nothing away here; on records it does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import opendp.prelude as dp
import polars as pl

import circumstances
import referees
from salus.evaluation import scores
from salus.evaluation.backtest import backtest, origins
from salus.privacy import certificate, noise, rounding, suppression, utility
from salus.privacy import policy as policies
from salus.privacy.policy import Policy
from salus.surveillance.series import Series, read_series

HERE = Path(__file__).parent
FILE = "sentinel_japan/sentinel_counts.parquet"
CLAIM = "what each way of releasing costs a forecast, by size of the place: next to nothing from 100 cases a week on"
DISEASES = {"hfmd": "Hand, foot and mouth disease", "influenza": "Influenza"}
FIRST, LAST = dt.date(2013, 1, 7), dt.date(2019, 12, 23)
TESTED = dt.date(2018, 1, 1)
HORIZONS = (1, 4)
SEED = 20
SUPPRESSION, NOISE = policies.load(), policies.load("differential_privacy")
DELTA = 1e-5


def cases(disease: str) -> tuple[list[str], list[dt.date], np.ndarray]:
    """Prefectures, weeks, and cases by prefecture and week; a missing week is taken as its neighbours."""
    table = pl.read_parquet(referees.DATA / FILE).filter(
        (pl.col("disease") == disease)
        & (pl.col("location_level") == "prefecture")
        & pl.col("date").is_between(FIRST, LAST)
    )
    wide = table.pivot(on="location", index="date", values="value").sort("date")
    places = sorted(c for c in wide.columns if c != "date")
    filled = wide.select(places).with_columns(pl.all().interpolate().fill_null(strategy="backward").fill_null(0))
    return places, wide["date"].to_list(), filled.to_numpy().T.round().astype(np.int64)


def thinned(counts: np.ndarray, mean: float, seed: int) -> np.ndarray:
    """So many of the cases of each prefecture that it has `mean` a week; all where it has fewer."""
    rng = np.random.default_rng(seed)
    share = np.minimum(1.0, mean / counts.mean(axis=1, keepdims=True).clip(1e-9))
    return rng.binomial(counts, share)


def minimum_cell(tables: np.ndarray) -> np.ndarray:
    """Counts under 10 left out, nothing else."""
    return np.where((tables > 0) & (tables < 10), np.nan, tables)


def opensafely(tables: np.ndarray) -> np.ndarray:
    """Counts to 7 left out, the rest rounded to 5."""
    return np.where((tables > 0) & (tables <= 7), np.nan, 5.0 * np.rint(tables / 5))


def suppressed(tables: np.ndarray) -> np.ndarray:
    """Salus' default policy."""
    rule = SUPPRESSION
    hidden = suppression.suppress(_tree(tables), tables, rule.minimum_cell, rule.minimum_interval, rule.zeros)
    return np.where(hidden, np.nan, tables)


def noised(tables: np.ndarray) -> np.ndarray:
    """Salus' differential privacy: two levels share epsilon, then counts add up."""
    drawn = noise.laplace(tables, NOISE.epsilon / 2, NOISE.contributions_per_person_year)
    return noise.consistent(_tree(tables), drawn).astype(float)


def gaussian(tables: np.ndarray) -> np.ndarray:
    """The same with Gaussian noise; zero-concentrated, for epsilon at a chance of 1e-5 of an exception."""
    dp.enable_features("contrib")
    rho = (np.sqrt(np.log(1 / DELTA) + NOISE.epsilon) - np.sqrt(np.log(1 / DELTA))) ** 2 / 2  # a half for each level
    sensitive = float(np.sqrt(NOISE.contributions_per_person_year))
    domain, metric = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    noisy = dp.m.make_gaussian(domain, metric, scale=sensitive / float(np.sqrt(2 * rho)))
    drawn = np.array([noisy(row.tolist()) for row in tables.astype(np.int64)])
    return noise.consistent(_tree(tables), drawn).astype(float)


WAYS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Policy]] = {
    "exact": (lambda tables: tables.astype(float), SUPPRESSION),
    "suppression": (suppressed, SUPPRESSION),
    "suppression_rounded_to_5": (lambda tables: rounding.rounded(suppressed(tables), 5), SUPPRESSION),
    "differential_privacy": (noised, NOISE),
    "minimum_cell_alone": (minimum_cell, Policy(minimum_cell=10)),
    "opensafely": (opensafely, Policy(minimum_cell=8)),
    "gaussian_zcdp": (gaussian, NOISE),
}


def _tree(tables: np.ndarray) -> suppression.Tree:
    return suppression.tree([-1] + [0] * (tables.shape[1] - 1))


def series(places: list[str], weeks: list[dt.date], values: np.ndarray) -> pl.DataFrame:
    """Counts as a series, shape (N, W) of values."""
    return pl.DataFrame(
        {
            "location": np.repeat(places, len(weeks)),
            "disease": "thinned",
            "signal": "cases",
            "date": weeks * len(places),
            "value": values.ravel(),
        },
        schema_overrides={"date": pl.Date},
    )


def by_plain(exact: pl.DataFrame, released: pl.DataFrame, rule: Policy) -> float:
    """Score of the certificate's own forecast, in persons."""
    found = utility.costs(exact, released, rule)
    number = sum(c.series for c in found)
    return sum((c.wis_released or 0.0) * c.series for c in found) / number


def by_model(name: str, held: Series, truth: pl.DataFrame, most: int) -> float:
    """Score of a registered model, fitted once before 2018, in persons."""
    days = origins(held, TESTED, LAST)
    days = days[:: max(1, len(days) // most)]
    table = backtest(held, days, HORIZONS, name, train_before=TESTED)
    return float(scores.score(table, truth)["wis"].to_numpy().mean())


def measured(disease: str, size: float, models: list[str], most: int) -> dict[str, Any]:
    """Every way at one size: what is left out, and what it costs each forecast."""
    places, weeks, counts = cases(DISEASES[disease])
    small = thinned(counts, size, SEED)
    tables = np.vstack([small.sum(axis=0), small]).T.astype(np.int64)
    truth = series(places, weeks, small.astype(float))
    found: dict[str, Any] = {}
    for way, (release, rule) in WAYS.items():
        shown = release(tables)[:, 1:].T
        released = series(places, weeks, shown)
        filled = series(places, weeks, utility.filled(shown, rule))
        wis = {}
        for model in models:
            if model == "plain":
                wis[model] = by_plain(truth, released, rule)
            else:
                wis[model] = by_model(model, read_series(filled), truth, most)
        found[way] = {"left_out": float(np.isnan(shown).mean()), "wis": wis}
    for way in found.values():
        way["cost"] = {m: way["wis"][m] / found["exact"]["wis"][m] - 1 for m in models}
    return found


def main() -> None:
    """Run every disease and size, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 3, 10, 30, 100])
    parser.add_argument("--learned", nargs="*", default=["network"], help="models beside the plain one, on HFMD")
    parser.add_argument("--origins", type=int, default=26, help="days to forecast from, of each model but plain")
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    options = parser.parse_args()
    load = circumstances.load()
    result: dict[str, Any] = {
        "claim": CLAIM,
        "command": "python benchmarks/privacy_utility/run.py",
        "code": circumstances.code(),
        "machine": circumstances.machine(),
        "data_hash": certificate.hash_of(referees.DATA / FILE),
        "epsilon": NOISE.epsilon,
        "contributions_per_person_year": NOISE.contributions_per_person_year,
        "diseases": {},
    }
    for disease in DISEASES:
        at = result["diseases"].setdefault(disease, {})
        for size in options.sizes:
            models = ["plain", *(options.learned if disease == "hfmd" else [])]
            at[f"{size:g}"] = measured(disease, size, models, options.origins)
            print(disease, size, {w: f["cost"] for w, f in at[f"{size:g}"].items()}, flush=True)
    used = resource.getrusage(resource.RUSAGE_SELF)
    result |= {"cpu_seconds": round(used.ru_utime + used.ru_stime), "load": [load, circumstances.load()]}
    result["threads"] = os.environ.get("OMP_NUM_THREADS")
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
