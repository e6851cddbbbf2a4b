"""Anonymisation packages on the same million rows: ``python peers.py PACKAGE SOURCE WALL CORES``; prints JSON.

Each makes, or measures, 11-anonymity over district, week, age and sex. Information loss: share of rows taken out, and
rows in a class of those that stay (discernibility), beside what stands in one class of Salus's counts.
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
SECONDS = 120
COLUMNS = ["district", "week", "age", "sex"]


def rows(source: Path) -> pd.DataFrame:
    """District, week number, age in years, sex and diagnosis of each visit."""
    raw = pl.read_parquet(f"{source}/line_list_simulated/*.parquet")
    age = (pl.col("visit_date") - pl.col("birth_date")).dt.total_days() // 365
    week = (pl.col("visit_date") - pl.col("visit_date").min()).dt.total_days() // 7
    return raw.select("district", week.alias("week"), age.alias("age"), "sex", "code").to_pandas()


def loss(table: pd.DataFrame, before: int) -> dict[str, Any]:
    """Rows taken out, and the mean size of the class of a row that stays."""
    sizes = table.groupby(COLUMNS, observed=True).size()
    return {
        "rows_taken_out": round(1 - len(table) / before, 4),
        "classes": len(sizes),
        "mean_class_of_a_row": round(float((sizes**2).sum() / sizes.sum()), 1) if len(sizes) else None,
        "smallest_class": int(sizes.min()) if len(sizes) else None,
    }


def anjana(table: pd.DataFrame) -> dict[str, Any]:
    """Full-domain generalisation with suppression of up to half of the rows."""
    from anjana.anonymity import k_anonymity
    from anjana.anonymity.utils import generate_intervals

    ages, weeks = table["age"], table["week"]
    table = table.assign(age=ages.astype(str), week=weeks.astype(str))
    hierarchy = {
        "district": {0: table["district"].to_numpy(), 1: table["district"].str[:5].to_numpy()},
        "age": {0: table["age"].to_numpy()}
        | {k: generate_intervals(ages.to_numpy(), 0, 130, width) for k, width in enumerate((5, 15, 65), 1)},
        "week": {0: table["week"].to_numpy()}
        | {k: generate_intervals(weeks.to_numpy(), 0, 1040, width) for k, width in enumerate((4, 13, 52), 1)},
        "sex": {0: table["sex"].to_numpy(), 1: ["*"] * len(table)},
    }
    made = k_anonymity(table, [], COLUMNS, K, 50, hierarchy)
    return loss(made, len(table))


def anonypyx(table: pd.DataFrame) -> dict[str, Any]:
    """Mondrian: classes cut at medians."""
    import anonypyx as package

    table = table.assign(district=table["district"].astype("category"), sex=table["sex"].astype("category"))
    table["code"] = table["code"].astype("category")
    maker = package.Anonymiser(table, k=K, algorithm="Mondrian", feature_columns=COLUMNS, sensitive_column="code")
    made = pd.DataFrame(maker.anonymise())
    sizes = made.groupby([c for c in made.columns if c not in ("code", "count")], observed=True)["count"].sum()
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
    name, source = sys.argv[1], Path(sys.argv[2])
    table = rows(source)
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
