"""Anonymisation packages on the rows of Salus's extract: ``python peers.py PACKAGE SOURCE WALL CORES``; prints JSON.

Each makes, or measures, 11-anonymity over district, week, age group and sex of the visits with a listed syndrome.
Information loss: share of rows taken out, and rows in the class of a row that stays (discernibility). They count rows;
where the rows of a person can be told, the fewest persons of one whole history are counted besides.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

K = 11
SECONDS = 90
COLUMNS = ["district", "week", "age_group", "sex"]
WIDE = {"0-4": "0-14", "5-14": "0-14", "15-24": "15-64", "25-44": "15-64", "45-64": "15-64"}


def rows(wall: Path) -> pd.DataFrame:
    """Person, district, week number, age group, sex and syndrome of each visit."""
    table = pl.read_parquet(wall / "visits.parquet")
    week = (pl.col("week") - pl.col("week").min()).dt.total_days() // 7
    return table.with_columns(week=week).to_pandas()


def loss(table: pd.DataFrame, before: int) -> dict[str, Any]:
    """Rows taken out, and the mean size of the class of a row that stays."""
    sizes = table.groupby(COLUMNS, observed=True).size()
    return {
        "rows_taken_out": round(1 - len(table) / before, 4),
        "classes": len(sizes),
        "mean_class_of_a_row": round(float((sizes**2).sum() / sizes.sum()), 1) if len(sizes) else None,
        "smallest_class": int(sizes.min()) if len(sizes) else None,
    }


def histories(table: pd.DataFrame) -> dict[str, Any]:
    """Persons of one whole history, counted as Salus counts them."""
    code = table.groupby(COLUMNS, observed=True).ngroup()
    history = code.groupby(table["person"]).agg(lambda c: tuple(sorted(set(c))))
    return {"fewest_persons_of_one_history": int(history.value_counts().min())}


def anjana(table: pd.DataFrame) -> dict[str, Any]:
    """Full-domain generalisation, with suppression of up to a tenth of the rows."""
    from anjana.anonymity import k_anonymity
    from anjana.anonymity.utils import generate_intervals

    weeks, ages = table["week"].to_numpy(), table["age_group"]
    table = table.assign(week=table["week"].astype(str))
    hidden = ["*"] * len(table)
    hierarchy = {
        "district": {0: table["district"].to_numpy(), 1: table["district"].str[:5].to_numpy(), 2: hidden},
        "age_group": {0: ages.to_numpy(), 1: ages.map(WIDE).fillna(ages).to_numpy(), 2: hidden},
        "week": {0: table["week"].to_numpy()}
        | {k: generate_intervals(weeks, 0, 1040, width) for k, width in enumerate((4, 13, 52), 1)}
        | {4: hidden},
        "sex": {0: table["sex"].to_numpy(), 1: hidden},
    }
    made = k_anonymity(table, [], COLUMNS, K, 10, hierarchy)
    return loss(made, len(table)) | histories(made)


def anonypyx(table: pd.DataFrame) -> dict[str, Any]:
    """Mondrian: classes cut at medians; it gives counts of classes, of which no person can be told."""
    import anonypyx as package

    table = table.drop(columns="person")
    for name in ("district", "age_group", "sex", "syndrome"):
        table[name] = table[name].astype("category")
    maker = package.Anonymiser(table, k=K, algorithm="Mondrian", feature_columns=COLUMNS, sensitive_column="syndrome")
    made = pd.DataFrame(maker.anonymise())
    sizes = made.groupby([c for c in made.columns if c not in ("syndrome", "count")], observed=True)["count"].sum()
    return {
        "rows_taken_out": round(1 - float(sizes.sum()) / len(table), 4),
        "classes": len(sizes),
        "mean_class_of_a_row": round(float((sizes**2).sum() / sizes.sum()), 1),
        "smallest_class": int(sizes.min()),
    }


def pycanon(table: pd.DataFrame) -> dict[str, Any]:
    """Measures k of the rows as they are."""
    from pycanon import anonymity

    return {"k": int(anonymity.k_anonymity(table, COLUMNS)), "only_measures": True}


def _late(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Run one package; over the time given it is stopped, and that is said."""
    name, wall = sys.argv[1], Path(sys.argv[3])
    table = rows(wall)
    signal.signal(signal.SIGPROF, _late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    begun, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    before = used.ru_utime + used.ru_stime
    try:
        found = {"anjana": anjana, "anonypyx": anonypyx, "pycanon": pycanon}[name](table)
    except TimeoutError:
        found = {"stopped_after_cpu_s": SECONDS}
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "rows": len(table),
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime - before, 2),
        "peak_rss_mb": round(used.ru_maxrss / 1024),
    }
    print(json.dumps(cost | found))


if __name__ == "__main__":
    main()
