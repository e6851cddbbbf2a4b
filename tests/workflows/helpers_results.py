"""What every folder that `salus run` writes must hold, whatever the data."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from salus.tables.contract import Contract
from salus.tables.contracts import ALERTS, FORECASTS, LEVELS, MILESTONES, NOWCASTS, STATUS, TRUST

FILES = {
    "bulletin.html", "forecasts.parquet", "status.csv", "trust.csv", "alerts.csv", "run.json", "paths.parquet",
    "milestones.csv",
}  # fmt: skip
TASK = ["location", "horizon"]


def check_folder(
    folder: Path,
    places: Collection[str],
    *,
    unusable: Collection[str] = (),
    horizons: Sequence[int] = (1, 2, 3, 4),
    more: Collection[str] = (),
) -> pl.DataFrame:
    """Check a folder of results from the files alone.

    Parameters
    ----------
    folder : Path
        As `salus run` wrote it.
    places : collection of str
        Places of which anything is known.
    unusable : collection of str
        Those among them that can't be forecast.
    horizons : sequence of int
        As asked for.
    more : collection of str
        Files beside the usual ones.

    Returns
    -------
    polars.DataFrame
        The forecasts.
    """
    names = {p.name for p in folder.iterdir()}
    assert names - {"nowcast.csv", "reasons.csv"} == FILES | set(more)  # where the source, and the model, can tell
    forecasts = FORECASTS.check(pl.read_parquet(folder / "forecasts.parquet"), "forecasts")
    status, trust, _ = (_csv(folder / f"{c.name}.csv", c) for c in (STATUS, TRUST, ALERTS))
    wanted = sorted((p, h) for p in set(places) - set(unusable) for h in horizons)
    _check_quantiles(forecasts, wanted)
    _check_levels(forecasts, status)
    _check_status(forecasts, status, trust, places)
    _check_around(folder, forecasts, wanted)
    assert sorted(trust.select(TASK).rows()) == wanted
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["inputs"]
    assert record["options"]["horizons"] == list(horizons)
    page = (folder / "bulletin.html").read_text(encoding="utf-8")
    assert record["run_id"] in page
    return forecasts


def _check_around(folder: Path, forecasts: pl.DataFrame, wanted: list[tuple[str, int]]) -> None:
    """Paths have the margins of the forecasts; answers about the season are distributions."""
    paths = FORECASTS.check(pl.read_parquet(folder / "paths.parquet"), "paths")
    found = paths.group_by(TASK).agg(pl.len(), pl.col("value").median().alias("middle")).sort(TASK)
    assert found.select(TASK).rows() == wanted
    assert found["len"].unique().to_list() == [200]
    medians = forecasts.filter(output_type_id="0.5", output_type="quantile").sort(TASK)["value"].to_numpy()
    np.testing.assert_allclose(found["middle"].to_numpy(), medians, rtol=0.05, atol=0.01 * medians.max())
    answers = _csv(folder / "milestones.csv", MILESTONES)
    assert set(answers["location"]) <= {place for place, _ in wanted}
    sums = answers.filter(pl.col("output_type") == "pmf").group_by("location", "target").agg(pl.col("value").sum())
    np.testing.assert_allclose(sums["value"].to_numpy(), 1, atol=1e-4)
    if (folder / "nowcast.csv").exists():
        revised = _csv(folder / "nowcast.csv", NOWCASTS)
        assert (revised["lower95"] <= revised["median"]).all()
        assert (revised["median"] <= revised["upper95"]).all()


def _csv(path: Path, contract: Contract) -> pl.DataFrame:
    types = {c.name: c.dtype for c in contract.columns}
    return contract.check(pl.read_csv(path, schema_overrides=types), path.name)


def _check_quantiles(forecasts: pl.DataFrame, wanted: list[tuple[str, int]]) -> None:
    quantiles = forecasts.filter(pl.col("output_type") == "quantile")
    tasks = quantiles.group_by(TASK).agg(
        pl.col("output_type_id").cast(pl.Float64).sort().alias("levels"),
        pl.col("value").sort_by(pl.col("output_type_id").cast(pl.Float64)).alias("values"),
        pl.col("model").n_unique().alias("models"),
    )
    assert sorted(tasks.select(TASK).rows()) == wanted
    assert tasks["models"].to_list() == [1] * len(wanted)
    np.testing.assert_allclose(np.array(tasks["levels"].to_list()), np.tile(LEVELS, (len(wanted), 1)))
    values = np.array(tasks["values"].to_list())
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (np.diff(values, axis=1) >= 0).all(), "quantiles cross"


def _check_levels(forecasts: pl.DataFrame, status: pl.DataFrame) -> None:
    """Level probabilities add up to 1 and are those of the status table; withheld places keep theirs."""
    pmf = forecasts.filter(pl.col("output_type") == "pmf")
    sums = pmf.group_by(TASK).agg(pl.col("value").sum())
    np.testing.assert_allclose(sums["value"], 1.0, atol=1e-9)
    assert pmf["value"].min() >= 0
    columns = [c for c in status.columns if c[12:].isdigit() and c.startswith("probability_")]
    ahead = status.filter(pl.col("horizon") > 0)
    shown = ahead.unpivot(columns, index=TASK, variable_name="k", value_name="told").drop_nulls("told")
    shown = shown.with_columns(pl.col("k").str.strip_prefix("probability_").alias("output_type_id"))
    both = shown.join(pmf, on=[*TASK, "output_type_id"], how="full", coalesce=True)
    assert both.height == shown.height == pmf.height
    np.testing.assert_allclose(both["told"], both["value"], atol=1e-6)
    levelled = ahead.drop_nulls("level")
    now = status.filter(pl.col("horizon") == 0).select("location", pl.col("level").alias("now"))
    held = levelled.filter(pl.col("trust") == "withheld").join(now, on="location")
    assert held["level"].to_list() == held["now"].to_list()
    told = pl.col("trust") != "withheld"
    named = levelled.filter(told).select(*TASK, pl.col("level").cast(pl.String).alias("output_type_id"))
    most = pmf.group_by(TASK).agg(pl.col("value").max().alias("most"))
    chosen = named.join(pmf, on=[*TASK, "output_type_id"]).join(most, on=TASK)
    assert chosen.height == named.height == most.height - held.height
    np.testing.assert_allclose(chosen["value"], chosen["most"], atol=1e-9)


def _check_status(forecasts: pl.DataFrame, status: pl.DataFrame, trust: pl.DataFrame, places: Collection[str]) -> None:
    now = status.filter(pl.col("horizon") == 0)
    assert now["location"].to_list() == sorted(places)
    assert set(now["shown"]) == set(now["trust"]) == {"observed"}
    median = forecasts.filter(pl.col("output_type") == "quantile", pl.col("output_type_id") == "0.5")
    ahead = status.filter(pl.col("horizon") > 0).join(median, on=TASK, how="full", coalesce=True)
    assert ahead.height == median.height
    np.testing.assert_allclose(ahead["value"], ahead["value_right"], rtol=1e-6, atol=1e-6)
    assert ahead["target_end_date"].equals(ahead["target_end_date_right"], check_names=False)
    assert ahead["shown"].equals(ahead["model"], check_names=False)
    assert ahead.filter(~pl.col("probability_higher").is_between(0, 1)).height == 0
    labels = ahead.join(trust, on=TASK)
    assert labels["trust"].equals(labels["label"], check_names=False)
    assert labels["shown"].equals(labels["shown_right"], check_names=False)
    assert labels.filter((pl.col("trust") == "withheld") & (pl.col("shown") != "persistence")).height == 0


def days_ahead(forecasts: pl.DataFrame) -> dict[int, list[int]]:
    """Days from the reference date to the end of each horizon's period; one for all places."""
    ends = forecasts.select(
        "horizon", (pl.col("target_end_date") - pl.col("reference_date")).dt.total_days().alias("days")
    ).unique()
    return {h: ends.filter(pl.col("horizon") == h)["days"].sort().to_list() for h in ends["horizon"].unique().sort()}


def day(text: str) -> dt.date:
    """A day as written."""
    return dt.date.fromisoformat(text)
