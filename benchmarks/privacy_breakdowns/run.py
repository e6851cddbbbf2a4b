"""What counts by age group and sex cost under differential privacy, and how good they are, on simulated records.

    python benchmarks/privacy_breakdowns/run.py [--rows 500000] [--years 2]

A simulated province goes across the wall once. Its counts are given noise under the policy that comes with Salus,
without breakdowns and with age group by sex down to each kind of place, at several shares of epsilon. Told is the mean
absolute error of weekly counts of places, of cells and of their sums by age group and by sex; and of a year's sums
from the counts as released and from the column `noisy`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import polars as pl

import circumstances
from salus.privacy import breakdowns, certificate, counts, deidentify, ledger, noised, zones
from salus.privacy import policy as policies
from salus.privacy.counts import Counts
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.sources.linelist import open_linelist
from salus.sources.simulate import simulate
from salus.surveillance import syndromes
from salus.tables import door
from salus.tables.contracts import PLACES

HERE = Path(__file__).parent
CLAIM = "with a quarter of epsilon for age group by sex, counts of places are off by about a third more"
KEY = Key(bytes(range(32)))
LEVELS = ("province", "prefecture", "district")
SHARES = (0.25, 0.5)
BASE = policies.load("differential_privacy")


def rules() -> list[Policy]:
    """The policy without breakdowns, and with them."""
    with_them = [
        Policy(
            kind=BASE.kind,
            syndromes=BASE.syndromes,
            breakdowns=("age_group", "sex"),
            breakdown_level=level,
            breakdown_share=share,
        )
        for level in reversed(LEVELS)
        for share in SHARES
    ]
    return [BASE, *with_them]


def years_sums(true: pl.DataFrame, broken: pl.DataFrame, places: pl.DataFrame) -> dict[str, Any]:
    """Error of a year's sums by sex, in the whole province: as released, and of the noisy counts."""
    both = broken.join(true.select(*breakdowns.KEYS, exact="value"), on=breakdowns.KEYS).join(places, on="location")
    year = (
        both.filter(location_level="province", dimension="sex")
        .group_by("disease", "category", pl.col("date").dt.iso_year())
        .agg(pl.col("value", "noisy", "exact").sum())
    )
    far = {c: float((year[c] - year["exact"]).abs().to_numpy().mean()) for c in ("value", "noisy")}
    rare = both.filter(location_level="province", dimension="sex").filter(
        pl.col("category").is_in(["other", "unknown"])
    )
    return {
        "mean": float(year["exact"].to_numpy().mean()),
        "released": far["value"],
        "noisy": far["noisy"],
        "rare_exact": float(rare["exact"].to_numpy().mean()),
        "rare_released": float(rare["value"].to_numpy().mean()),
        "rare_noisy": float(rare["noisy"].to_numpy().mean()),
    }


def measured(counted: Counts, rule: Policy) -> dict[str, Any]:
    """Errors under one policy; each person is in few counts, so none is left out by the bound here."""
    new = np.ones(counted.values.shape[:2], dtype=bool)
    table, broken = noised.with_noise(counted, new, rule)
    shown = table["value"].to_numpy().reshape(-1, counted.tree.size)
    error = np.abs(shown - counted.values.reshape(shown.shape))
    kind = counted.places["location_level"].to_numpy()
    found: dict[str, Any] = {
        "level": rule.breakdown_level,
        "share": rule.breakdown_share if rule.breakdowns else 0.0,
        "places": {level: float(error[:, kind == level].mean()) for level in LEVELS},
    }
    if broken is not None:
        true = breakdowns.exact(counted, rule, "exact")
        found["breakdowns"] = breakdowns.errors(true, broken, counted.places)
        found["years"] = years_sums(true, broken, counted.places)
    return found


def main() -> None:
    """Simulate, count, add noise, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--years", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    options = parser.parse_args()
    load = circumstances.load()
    with tempfile.TemporaryDirectory(prefix="salus-breakdowns-") as folder:
        data, root = Path(folder) / "data", Path(folder) / "wall"
        simulate(str(data), options.rows, options.years, options.seed)
        lines = data / "line_list_simulated"
        places = door.read(data / "places.csv", PLACES)
        taken = deidentify.ingest(open_linelist([lines], simulated=True), root, KEY)
        wall = zones.existing(root)
        parts = ledger.parts(wall, ledger.read(wall, KEY))
        made, sizes = [], {}
        for rule in rules():
            days = (taken.first, taken.last - dt.timedelta(days=7 * rule.weeks_held_back))
            spill = wall.path("count")
            counted = counts.count(parts, syndromes.definitions(), places, rule, weeks=days, spill=spill)
            kind = counted.places["location_level"].to_numpy()
            sizes = {level: float(counted.values[:, :, kind == level].mean()) for level in LEVELS}
            made.append(measured(counted, rule))
            print(made[-1], flush=True)
        digest = [certificate.hash_of(f) for f in sorted(lines.glob("*.parquet"))]
    used = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "claim": CLAIM,
        "command": f"python benchmarks/privacy_breakdowns/run.py --rows {options.rows} --years {options.years:g}",
        "code": circumstances.code(),
        "machine": circumstances.machine(),
        "simulated": True,
        "rows": options.rows,
        "data_hash": digest,
        "epsilon": BASE.epsilon,
        "contributions_per_person_year": BASE.contributions_per_person_year,
        "mean_weekly_count": sizes,
        "policies": made,
        "cpu_seconds": round(used.ru_utime + used.ru_stime),
        "load": [load, circumstances.load()],
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
