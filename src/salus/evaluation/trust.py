"""Trust labels: how far the forecast of each place and horizon can be believed, from its own as-of backtest."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from scipy.stats import binom

from salus.evaluation import scores, status
from salus.surveillance.levels import LevelScheme
from salus.tables.contracts import TRUST

FEWEST_ORIGINS = 20
"""Past forecasts needed for a label; with fewer it is 'unknown'."""
HIGH, MODERATE = 0.8, 0.95
"""WIS over persistence's: at most this for the labels 'high' and 'moderate'; from 1 on the forecast is withheld."""
SURE = 0.95
"""Confidence with which a coverage that is not 95 % is told from chance; then the label is not 'high'."""

_TASK = ["reference_date", "location", "horizon", "target_end_date"]


def covered(origins: int, band: float = 0.95, sure: float = SURE) -> tuple[int, int]:
    """How many truths may lie inside a band that is as wide as it says, going by chance.

    The two-sided limits of the binomial distribution: fewer or more would come about in at most 2.5 % of cases each,
    were the band right. With few forecasts even all of them inside say nothing against it.

    Parameters
    ----------
    origins : int
        Forecasts that were scored.
    band : float
        Share that the band claims to hold.
    sure : float
        Confidence of the limits.

    Returns
    -------
    fewest, most : int
        Both are still allowed.

    Examples
    --------
    >>> covered(20), covered(52), covered(100)
    ((17, 20), (46, 52), (90, 99))
    """
    fewest, most = binom.interval(sure, origins, band)
    return int(fewest), int(most)


def label(
    forecasts: pl.DataFrame,
    persistence: pl.DataFrame,
    truth: pl.DataFrame,
    known: pl.DataFrame,
    scheme: LevelScheme | None,
    places: Sequence[str],
    horizons: Sequence[int],
    model: str,
) -> pl.DataFrame:
    """A trust label for each place and horizon.

    Parameters
    ----------
    forecasts : polars.DataFrame
        Past as-of forecasts of one model, `forecasts` contract.
    persistence : polars.DataFrame
        Past forecasts of persistence for the same tasks.
    truth : polars.DataFrame
        What happened as far as it is known on the reference date, `series` contract.
    known : polars.DataFrame
        Last value of each place as it was known on each past reference date, from
        :func:`salus.evaluation.status.last_known`.
    scheme : LevelScheme or None
        Epidemic levels for status accuracy; without, those columns are null.
    places : sequence of str
        Places to label.
    horizons : sequence of int
        Horizons to label.
    model : str
        Name of the model, which is shown wherever it is not withheld.

    Returns
    -------
    polars.DataFrame
        `trust` contract, a row a place and horizon. ``withheld`` where the forecast did not beat persistence: there
        persistence is shown.
    """
    asked = pl.DataFrame({"location": list(places)}, schema={"location": pl.String}).join(
        pl.DataFrame({"horizon": list(horizons)}, schema={"horizon": pl.Int64}), how="cross"
    )
    forecasts, persistence = _scorable(forecasts, truth), _scorable(persistence, truth)
    table = asked
    if forecasts.height and persistence.height:
        table = asked.join(
            _measure(forecasts, persistence, truth, known, scheme), on=["location", "horizon"], how="left"
        )
    missing = [c for c in TRUST.names if c not in table.columns and c not in ("label", "shown", "reason")]
    table = table.with_columns(pl.lit(None, dtype=TRUST[c].dtype).alias(c) for c in missing)
    table = table.with_columns(pl.col("origins").fill_null(0))
    few, lost = pl.col("origins") < FEWEST_ORIGINS, pl.col("skill").is_null() | (pl.col("skill") >= 1)
    table = table.with_columns(
        pl.when(few)
        .then(pl.lit("unknown"))
        .when(lost)
        .then(pl.lit("withheld"))
        .when((pl.col("skill") <= HIGH) & _as_wide_as_said(table))
        .then(pl.lit("high"))
        .when(pl.col("skill") <= MODERATE)
        .then(pl.lit("moderate"))
        .otherwise(pl.lit("low"))
        .alias("label")
    )
    gain = ((1 - pl.col("skill")) * 100).round(0).cast(pl.Int64).cast(pl.String)
    loss = ((pl.col("skill") - 1) * 100).round(0).cast(pl.Int64).cast(pl.String)
    inside = (pl.col("coverage95") * 100).round(0).cast(pl.Int64).cast(pl.String)
    count = pl.col("origins").cast(pl.String)
    reason = (
        pl.when(few)
        .then(pl.format("only {} past forecasts could be scored; {} are needed", count, pl.lit(str(FEWEST_ORIGINS))))
        .when(lost & pl.col("skill").is_null())
        .then(pl.lit("assuming no change had no error at all in the past, so nothing can beat it"))
        .when(lost & (loss == "0"))
        .then(
            pl.format("over {} past forecasts it did no better than assuming no change, which is shown instead", count)
        )
        .when(lost)
        .then(
            pl.format(
                "over {} past forecasts it was {} % worse than assuming no change, which is shown instead", count, loss
            )
        )
        .otherwise(
            pl.format(
                "over {} past forecasts it was {} % better than assuming no change; "
                "its 95 % band held {} % of what happened",
                count,
                gain,
                inside,
            )
        )
    )
    shown = pl.when(pl.col("label") == "withheld").then(pl.lit("persistence")).otherwise(pl.lit(model))
    return TRUST.check(table.with_columns(shown.alias("shown"), reason.alias("reason")), "trust labels")


def _as_wide_as_said(table: pl.DataFrame) -> pl.Series:
    """Whether the truths inside the 95 % band are as many as chance allows."""
    found = []
    for origins, share in table.select("origins", "coverage95").iter_rows():
        fewest, most = covered(origins) if share is not None else (0, 0)
        found.append(share is not None and fewest <= round(share * origins) <= most)
    return pl.Series("as_wide_as_said", found, dtype=pl.Boolean)


def _scorable(forecasts: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Rows of the forecasts whose truth is known."""
    if forecasts.height == 0 or truth.drop_nulls("value").height == 0:
        return forecasts.clear()
    return forecasts.join(
        scores.known_truth(truth), on=["disease", "signal", "location", "target_end_date"], how="semi"
    )


def _measure(
    forecasts: pl.DataFrame,
    persistence: pl.DataFrame,
    truth: pl.DataFrame,
    known: pl.DataFrame,
    scheme: LevelScheme | None,
) -> pl.DataFrame:
    ours = scores.score(forecasts, truth)
    null = scores.score(persistence, truth)
    both = ours.join(null.select(*_TASK, pl.col("wis").alias("wis_null")), on=_TASK)
    by = ["location", "horizon"]
    total = pl.col("wis_null").sum()
    measured = both.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("origins"),
        pl.when(total > 0).then(pl.col("wis").sum() / total).alias("skill"),
        pl.col("inside50").mean().alias("coverage50"),
        pl.col("inside95").mean().alias("coverage95"),
    )
    if scheme is None:
        return measured
    now = ["disease", "signal", "location", "reference_date"]
    covered = forecasts.filter(pl.col("location").is_in(list(scheme.cuts))).join(known.drop_nulls(), on=now, how="semi")
    if covered.height == 0:
        return measured
    tasks = status.status_tasks(covered, truth, known, scheme.cuts)
    change, right = pl.col("came") != pl.col("before"), pl.col("called") == pl.col("came")
    called = tasks.group_by(by).agg(
        right.mean().alias("status_accuracy"),
        (~change).mean().alias("persistence_accuracy"),
        change.sum().cast(pl.Int64).alias("changes"),
        pl.when(change.any()).then(right.filter(change).mean()).alias("changes_called"),
    )
    return measured.join(called, on=by, how="left")
