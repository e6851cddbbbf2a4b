"""Records of twenty million people, taken across a wall and assessed there: time, processor time, memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VISITS = """
SELECT 'P' || lpad(CAST(i AS VARCHAR), 9, '0') AS person_id, 'E' || i || '-' || k AS encounter_id,
  make_date(1945 + CAST(hash(i * 7 + {seed}) % 32 AS INT), 1 + CAST(hash(i * 7 + 1 + {seed}) % 12 AS INT), 1)
    AS birth_date,
  CASE WHEN hash(i * 7 + 2 + {seed}) % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
  'D' || lpad(CAST(hash(i * 7 + 3 + {seed}) % 20 AS VARCHAR), 2, '0') AS district,
  DATE '2023-01-02' + CAST(hash(i * 7 + 4 + k * 97 + {seed}) % 1000 AS INT) AS visit_date,
  [ 'I10', 'J06.9', 'A09', 'J45.9', 'E11.9', 'J44.1', 'F17.2', 'J10.1', 'J42', 'J43.9', 'S61.9', 'R05']
    [1 + CAST(hash(i * 7 + 5 + k * 89 + {seed}) % 12 AS INT)] AS icd10
FROM range({rows}) AS people(i), range(2) AS visits(k)
WHERE k = 0 OR hash(i * 7 + 6 + {seed}) % 2 = 0
"""
"""One or two visits of each person, all born 1945 to 1976; of people that do not exist."""

INGEST = """
import json, resource, sys, time
from pathlib import Path
from salus.privacy import deidentify
from salus.privacy.keys import Key
from salus.sources.linelist import open_linelist
start = time.perf_counter()
report = deidentify.ingest(open_linelist([Path(sys.argv[1])], simulated=True), sys.argv[2], Key(b"1" * 32))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "ingest_seconds": round(time.perf_counter() - start, 1),
    "ingest_cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
}))
"""
ASSESS = """
import json, resource, sys, time
from salus.copd.record_wall import assess_records
from salus.privacy.keys import Key
start = time.perf_counter()
found = assess_records(sys.argv[1], key=Key(b"1" * 32), why="benchmark")
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": round(time.perf_counter() - start, 1),
    "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    "peak_rss_mb": round(used.ru_maxrss / 1024),
    "persons": found.persons,
    "assessed": found.tally.scored,
    "assessed_mb": found.file.stat().st_size >> 20,
}))
"""


def make(path: Path, rows: int, seed: int) -> int:
    """The visits of so many persons, as Parquet; how many there are."""
    import duckdb

    visits = VISITS.format(rows=rows, seed=seed)
    duckdb.sql(f"COPY ({visits}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return int(duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0])  # noqa: S608 (own path)


def measured(folder: Path, rows: int, seed: int, child: Any) -> dict[str, Any]:
    """Visits made, taken across the wall, and everybody assessed; each in a process of its own."""
    source, wall = folder / "visits.parquet", folder / "wall"
    visits = make(source, rows, seed)
    found = {"visits": visits, **child(INGEST, str(source), str(wall))}
    return found | child(ASSESS, str(wall))
