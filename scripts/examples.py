"""Make the simulated series in docs/examples: python scripts/examples.py.

The weekly visits for hand, foot and mouth disease of nine districts of a province that does not exist, and the
districts themselves. The README, the tutorials and the pictures use them.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import polars as pl

from salus.sources.simulate import simulate

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
PARENTS = ("SIM01", "SIM02")
LAST_WEEK = dt.date(2026, 5, 18)
ENCOUNTERS, SEED = 300_000, 3


def main() -> None:
    """Simulate, count by week, write."""
    with tempfile.TemporaryDirectory() as folder:
        world = simulate(Path(folder) / "province", ENCOUNTERS, seed=SEED)
        places = world.places.filter(pl.col("parent").is_in(PARENTS)).drop("parent", "location_level")
        counts = world.incidence().filter(pl.col("syndrome") == "hfmd", pl.col("location").is_in(places["location"]))
    series = (
        counts.with_columns(pl.col("date").dt.truncate("1w"))
        .group_by("location", "date")
        .agg(pl.col("listed").sum().alias("value"))
        .filter(pl.col("date") <= LAST_WEEK)
        .with_columns(pl.lit("HFMD").alias("disease"), pl.lit("cases").alias("signal"))
        .with_columns(pl.lit("simulated").alias("source"))
        .select("location", "disease", "signal", "date", "value", "source")
        .sort("location", "date")
    )
    EXAMPLES.mkdir(exist_ok=True)
    series.write_csv(EXAMPLES / "hfmd.csv")
    places.with_columns(pl.col("population").cast(pl.Int64)).write_csv(EXAMPLES / "places.csv")


if __name__ == "__main__":
    main()
