"""Twenty million people assessed, from Parquet and from the records of a wall: time, processor time, memory.

    nice -n 5 python benchmarks/copd_scale/run.py [--rows 20000000] [--seed 1] [--keep DIR] [--part people|records]

DuckDB makes the people, a fortieth of some answers missing and 1 row in 750 to be refused: pounds for kilograms, ages
of 150, peak flow in L/s, never-smokers with cigarettes. The limit to compare with is reading and writing once the
columns that are read and the rows that are written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import store

HERE = Path(__file__).parent

PEOPLE = """
SELECT i AS person, age, sex, height_cm,
  CASE WHEN fault = 1 THEN weight_kg * 2.6 ELSE weight_kg END AS weight_kg, smk_status,
  CASE WHEN smk_status = 'never' AND fault <> 4 THEN NULL ELSE smk_years END AS smk_years,
  CASE WHEN smk_status = 'never' AND fault <> 4 THEN NULL ELSE smk_cpd END AS smk_cpd,
  cough, phlegm, wheeze, wheeze_rx, breathless, chest_pain, gen_health, asthma_ever, emphysema_ever,
  chronic_bronchitis_ever, diabetes, mineral, organic, exhaust, fumes,
  CASE WHEN fault = 3 THEN pef_lpm / 60 ELSE pef_lpm END AS pef_lpm
FROM (SELECT i, CASE WHEN fault = 2 THEN 150 ELSE 40 + CAST(floor(u[1] * 40) AS INT) END AS age, fault,
  CASE WHEN u[2] < .5 THEN 'male' ELSE 'female' END AS sex,
  round(155 + 25 * u[3], 1) AS height_cm, round(50 + 50 * u[4], 1) AS weight_kg,
  CASE WHEN u[5] < .5 THEN 'never' WHEN u[5] < .8 THEN 'former' ELSE 'current' END AS smk_status,
  CAST(floor(1 + 30 * u[6]) AS INT) AS smk_years, CAST(floor(1 + 30 * u[7]) AS INT) AS smk_cpd,
  (u[8] < .1)::INT AS cough, (u[9] < .1)::INT AS phlegm, (u[10] < .15)::INT AS wheeze,
  CASE WHEN u[10] < .15 THEN (u[11] < .3)::INT END AS wheeze_rx, (u[12] < .3)::INT AS breathless,
  (u[13] < .25)::INT AS chest_pain, CAST(floor(1 + 5 * u[14]) AS INT) AS gen_health, (u[15] < .13)::INT AS asthma_ever,
  (u[16] < .02)::INT AS emphysema_ever, (u[17] < .06)::INT AS chronic_bronchitis_ever, (u[18] < .15)::INT AS diabetes,
  CASE WHEN u[19] < .3 THEN floor(20 * u[6]) ELSE 0 END AS mineral, CASE WHEN u[20] < .2 THEN floor(20 * u[7]) ELSE 0
  END AS organic, CASE WHEN u[21] < .2 THEN floor(20 * u[8]) ELSE 0 END AS exhaust,
  CASE WHEN u[22] < .2 THEN floor(20 * u[9]) ELSE 0 END AS fumes,
  CASE WHEN u[23] < .3 THEN round(200 + 400 * u[24]) END AS pef_lpm
  FROM (SELECT i, [hash(i * 31 + k + 1000003 * {seed}) / 18446744073709551615.0 FOR k IN range(1, 26)] AS u,
    CASE WHEN i % 500 = 7 THEN 1 + (i // 500) % 4 ELSE 0 END AS fault FROM range({rows}) t(i)))"""
NAMES = {
    "cough": "cough_3mo",
    "phlegm": "phlegm_3mo",
    "wheeze": "wheeze_12mo",
    "breathless": "dyspnea_exertion",
    "mineral": "occ_mineral_dust_yrs",
    "organic": "occ_organic_dust_yrs",
    "exhaust": "occ_exhaust_yrs",
    "fumes": "occ_other_fumes_yrs",
}
SKIPPED = ("cough", "phlegm", "breathless", "gen_health", "asthma_ever", "smk_years", "height_cm")
"""Answers of which a fortieth is missing, each in a pattern of its own."""

ASSESS = """
import json, os, resource, sys, time
import salus.copd.people as people
start = time.perf_counter()
tally = people.assess_file(sys.argv[1], sys.argv[2], outcomes=("y_llngl",))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": round(time.perf_counter() - start, 1),
    "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    "peak_rss_mb": round(used.ru_maxrss / 1024),
    **tally.as_dict(),
}))
"""
COPY = """
import json, resource, sys, time
import pyarrow.parquet as pq
start = time.perf_counter()
for source, target in ((sys.argv[1], sys.argv[3] + ".in"), (sys.argv[2], sys.argv[3] + ".out")):
    file = pq.ParquetFile(source)
    with pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for batch in file.iter_batches(250_000):
            writer.write_batch(batch)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "limit_seconds": round(time.perf_counter() - start, 1),
    "limit_cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
}))
"""


def make(path: Path, rows: int, seed: int) -> None:
    """People that do not exist, as Parquet; the same for the same seed."""
    import duckdb

    listed = "*"
    skipped = ", ".join(
        f"CASE WHEN hash(person + {k}) % 40 <> 0 THEN {name} END AS {name}" for k, name in enumerate(SKIPPED)
    )
    inner = f"SELECT {listed} REPLACE ({skipped}) FROM ({PEOPLE.format(rows=rows, seed=seed)})"  # noqa: S608 (own text)
    renamed = ", ".join(f"{old} AS {new}" for old, new in NAMES.items())
    duckdb.sql(
        f"COPY (SELECT * RENAME ({renamed}) FROM ({inner})) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608
    )


def child(code: str, *arguments: str) -> dict[str, Any]:
    """What one measured process says of itself."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to leave people and result in")
    parser.add_argument("--part", choices=("people", "records"), help="one of the two; the other's figures stay")
    options = parser.parse_args()
    before = json.loads((HERE / "result.json").read_text(encoding="utf-8")) if options.part else {}
    with tempfile.TemporaryDirectory(prefix="salus-copd-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = before if options.part == "records" else from_parquet(folder, options.rows, options.seed)
        if options.part == "people":
            result["records"] = before["records"]
        else:
            load = round(os.getloadavg()[0], 2)
            result["records"] = store.measured(folder, options.rows, options.seed, child) | {"load_before": load}
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def from_parquet(folder: Path, rows: int, seed: int) -> dict[str, Any]:
    """People of a Parquet file, each with answers of their own."""
    people, out = folder / "people.parquet", folder / "assessed.parquet"
    make(people, rows, seed)
    load = os.getloadavg()[0]
    found = child(ASSESS, str(people), str(out))
    limit = child(COPY, str(people), str(out), str(folder / "copy"))
    sizes = {"people_mb": people.stat().st_size >> 20, "assessed_mb": out.stat().st_size >> 20}
    return {
        "claim": "20 million people assessed in under 60 s on two cores, in bounded memory",
        "command": f"python benchmarks/copd_scale/run.py --rows {rows} --seed {seed}",
        **found,
        **sizes,
        "cpu_microseconds_a_row": round(1e6 * found["cpu_seconds"] / rows, 2),
        "seconds_of_20_million_on_two_idle_cores": round(20e6 / rows * found["cpu_seconds"] / 2, 1),
        **limit,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "load_before": round(load, 2),
            "python": platform.python_version(),
        },
    }


if __name__ == "__main__":
    main()
