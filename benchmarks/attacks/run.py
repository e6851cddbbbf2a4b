"""What attacks find in releases of simulated records, under each policy of Salus and under plainer ways of others.

    python benchmarks/attacks/run.py [--rows 1000000] [--years 3] [--seed 1]

A simulated province goes across the wall once and is released under each policy, each time on a copy of the wall.
Beside them, from the same exact counts: a plain minimum cell with nothing left out to protect it, counts to 7 left out
and the rest rounded to 5 (OpenSAFELY's rule), and the counts as they are. On each release:

- subtraction: a sum of which one count is missing gives it; again, until nothing new comes;
- linear programming: the interval of each count left out, by everything shown at once (`salus.privacy.bounds`);
- linkage: the fewest persons in a count that is shown or comes back, and their risk (1/k, prosecutor);
- membership: whether the counts tell that a person is in them (`salus.privacy.membership`).

And on rows, which never leave: classes of persons and trajectories, of the records and of the extract for use inside.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import polars as pl

import circumstances
from salus.privacy import attack, bounds, certificate, deidentify, extract, membership, rounding
from salus.privacy import policy as policies
from salus.privacy import release as releases
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.sources.linelist import open_linelist
from salus.sources.simulate import simulate
from salus.surveillance import syndromes
from salus.tables import door
from salus.tables.contracts import PLACES

HERE = Path(__file__).parent
CLAIM = "no count left out comes back, by subtraction or by linear programming, from any release of Salus"
KEY = Key(bytes(range(32)))
KEYS = ["location", "disease", "date"]
DEFAULT = policies.load()
SALUS = {
    "suppression": DEFAULT,
    "suppression, rounded to 5": replace(DEFAULT, round_to=5),
    "suppression, with age groups": replace(DEFAULT, breakdowns=("age_group",), breakdown_level="prefecture"),
    "differential privacy": policies.load("differential_privacy"),
}
PLAIN = {
    "minimum cell of 11 alone": Policy(minimum_cell=11),
    "to 7 left out, rounded to 5": Policy(minimum_cell=8, round_to=5),
    "counts as they are": Policy(minimum_cell=5, minimum_interval=5),
}


def plain(exact: pl.DataFrame, name: str) -> pl.DataFrame:
    """A release as others make it."""
    rule = PLAIN[name]
    if name == "counts as they are":
        return exact
    small = (pl.col("value") > 0) & (pl.col("value") < rule.minimum_cell)
    return rounding.shown(exact.with_columns(value=pl.when(~small).then("value")), rule)


def subtracted(shown: pl.DataFrame) -> pl.DataFrame:
    """Counts left out that come back where a sum misses one: keys and ``found``; of counts that are exact."""
    places = shown["location"].unique(maintain_order=True).to_list()
    above = dict(shown.select("location", "parent").unique().iter_rows())
    row = {p: n for n, p in enumerate(places)}
    sums = [(row[p], [row[c] for c in places if above[c] == p]) for p in places if p in set(above.values())]
    wide = shown.pivot(on="location", index=["disease", "date"], values="value").sort("disease", "date")
    values = wide.select(places).cast(pl.Float64).to_numpy().copy()
    gone = np.isnan(values)
    while True:
        before = np.isnan(values).sum()
        for whole, parts in sums:
            cells = [whole, *parts]
            signs = np.array([1.0] + [-1.0] * len(parts))
            lone = np.isnan(values[:, cells]).sum(axis=1) == 1
            which = np.isnan(values[lone][:, cells]).argmax(axis=1)
            rest = np.nansum(values[lone][:, cells] * signs, axis=1)
            values[np.flatnonzero(lone), np.array(cells)[which]] = -rest * signs[which]
        if np.isnan(values).sum() == before:
            break
    back = gone & ~np.isnan(values)
    at, place = np.nonzero(back)
    keys = wide.select("disease", "date")[at]
    return keys.with_columns(location=pl.Series(places, dtype=pl.String).gather(place), found=pl.Series(values[back]))


def attacked(shown: pl.DataFrame, broken: pl.DataFrame | None, exact: pl.DataFrame, rule: Policy) -> dict[str, Any]:
    """What every attack finds in one release."""
    told = asdict(membership.infer(shown, exact, rule.round_to))
    if rule.noisy:
        told["knows_all_others"] = math.tanh(rule.epsilon / 2)
        return {"counts": shown.height, "left_out": 0, "membership": told}
    true = exact.select(*KEYS, n="value")
    positive = shown.filter(pl.col("value") > 0).join(true, on=KEYS)
    back = subtracted(shown) if rule.round_to == 1 else None
    found = bounds.intervals(shown, broken, rule)
    width = (found["high"] - found["low"]).to_numpy()
    came_back = found.filter((pl.col("low") == pl.col("high")) & (pl.col("low") > 0))["low"].to_numpy()
    exactly = np.concatenate([positive["n"].to_numpy(), came_back]) if rule.round_to == 1 else came_back
    smallest = min(int(n.min()) for n in (positive["n"].to_numpy(), came_back) if n.size)
    return {
        "counts": shown.height + (0 if broken is None else broken.height),
        "left_out": found.height,
        "by_subtraction": None if back is None else back.height,
        "by_linear_programming": int((width == 0).sum()),
        "within_ten": int((width < 11).sum()),
        "narrowest": float(width.min()) if width.size and np.isfinite(width.min()) else None,
        "small_counts_known": int((exactly < 11).sum()),
        "smallest_class": smallest,
        "highest_risk": 1.0 / smallest,
        "membership": told,
    }


def main() -> None:
    """Simulate, release, attack, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--years", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    options = parser.parse_args()
    load = circumstances.load()
    with tempfile.TemporaryDirectory(prefix="salus-attacks-") as folder:
        data, root = Path(folder) / "data", Path(folder) / "wall"
        simulate(str(data), options.rows, options.years, options.seed)
        lines = data / "line_list_simulated"
        places = door.read(data / "places.csv", PLACES)
        taken = deidentify.ingest(open_linelist([lines], simulated=True), root, KEY)
        made: dict[str, Any] = {}
        exact = pl.DataFrame()
        for name, rule in SALUS.items():
            wall = Path(folder) / name.replace(" ", "_")
            shutil.copytree(root, wall)
            days = (taken.first, taken.last - dt.timedelta(days=7 * rule.weeks_held_back))
            report = releases.release(wall, syndromes.definitions(), places, rule, key=KEY, weeks=days)
            shown, true = pl.read_parquet(report.series), pl.read_parquet(report.exact)
            broken = None if report.breakdowns is None else pl.read_parquet(report.breakdowns)
            made[name] = attacked(shown, broken, true, rule)
            if name == "suppression":
                exact = true
                own = attack.attack(wall, places, key=KEY)
                rows = extract.extract(wall, syndromes.definitions(), places, key=KEY)
            shutil.rmtree(wall)
            print(name, made[name], flush=True)
        for name, rule in PLAIN.items():
            made[name] = attacked(plain(exact, name), None, exact, rule)
            print(name, made[name], flush=True)
        digest = [certificate.hash_of(f) for f in sorted(lines.glob("*.parquet"))]
    used = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "claim": CLAIM,
        "command": f"python benchmarks/attacks/run.py --rows {options.rows} --years {options.years:g}",
        "code": circumstances.code(),
        "machine": circumstances.machine(),
        "simulated": True,
        "rows": options.rows,
        "data_hash": digest,
        "releases": made,
        "salus": list(SALUS),
        "records": {"linkage": own.linkage, "trajectories": own.trajectories},
        "extract": {k: v for k, v in rows.as_dict().items() if k not in ("id", "simulated")},
        "cpu_seconds": round(used.ru_utime + used.ru_stime),
        "load": [load, circumstances.load()],
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
