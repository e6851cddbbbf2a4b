"""The parts of the benchmark, each in a process of its own: ``python parts.py PART SOURCE WALL CORES``; prints JSON."""

# ruff: noqa: S608 (a statement is made of this file's own text and of paths that the caller chose)

from __future__ import annotations

import dataclasses
import glob
import importlib
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl

STEPS: list[dict[str, Any]] = []
_LOADED = (
    "salus.sources.fhir",
    "salus.sources.linelist",
    "salus.privacy.steps.counting",
    "salus.privacy.verification",
    "ibis.backends.sql.compilers",  # else it is loaded with the first question
)


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def timed(owner: Any, name: str, label: str) -> None:
    """Measure every call of a function."""
    plain: Callable[..., Any] = getattr(owner, name)

    def measured(*arguments: Any, **named: Any) -> Any:
        begun, before = time.perf_counter(), spent()
        answer = plain(*arguments, **named)
        STEPS.append(
            {
                "step": label,
                "wall_s": round(time.perf_counter() - begun, 2),
                "cpu_s": round(spent() - before, 2),
                "peak_rss_mb": peak_mb(),
            }
        )
        return answer

    setattr(owner, name, measured)


def merged() -> list[dict[str, Any]]:
    """Calls of the same step as one."""
    found: dict[str, dict[str, Any]] = {}
    for step in STEPS:
        one = found.setdefault(step["step"], {"step": step["step"], "wall_s": 0.0, "cpu_s": 0.0, "peak_rss_mb": 0})
        for key in ("wall_s", "cpu_s"):
            one[key] = round(one[key] + step[key], 2)
        one["peak_rss_mb"] = max(one["peak_rss_mb"], step["peak_rss_mb"])
    return list(found.values())


def _key() -> Any:
    from salus.privacy.keys import Key

    return Key(bytes(range(32)))


def _ingest(source: Any, root: Path, cores: int) -> int:
    from salus.data import provenance
    from salus.data.duck import DuckSteps
    from salus.privacy import deidentify

    shutil.rmtree(root, ignore_errors=True)
    timed(provenance, "hash_file", "hash the files")
    written = {
        "stage.parquet": "parse, scrub, judge, visit surrogates",
        "all.parquet": "join surrogates, write records",
        "aside.parquet": "quarantine",
    }
    plain_write, plain_keep = DuckSteps.write, DuckSteps.keep
    calls = iter(["person surrogates (HMAC of distinct ids)"])

    def write(self: Any, step: Any, path: Path, compression: str = "zstd", *, single: bool = False) -> None:
        _as(written.get(path.name, path.name), plain_write, self, step, path, compression, single=single)

    def keep(self: Any, step: Any) -> Any:
        return _as(next(calls, "rows that came twice"), plain_keep, self, step)

    DuckSteps.write, DuckSteps.keep = write, keep  # type: ignore[method-assign] # to measure them
    report = deidentify.ingest(source, root, _key(), threads=cores)
    return int(report.rows)


def _as(label: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    holder = SimpleNamespace(call=function)
    timed(holder, "call", label)
    return holder.call(*arguments, **named)


def ingest(source: Path, root: Path, cores: int) -> dict[str, Any]:
    from salus.sources.linelist import open_linelist

    return {"rows": _ingest(open_linelist([source / "line_list_simulated"]), root, cores)}


def ingest_fhir(source: Path, root: Path, cores: int) -> dict[str, Any]:
    from salus.sources.fhir import open_fhir

    return {"rows": _ingest(open_fhir([source / "fhir_simulated"]), root, cores)}


def parse_fhir(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """DuckDB alone reads the same elements of the same files."""
    from salus.sources.fhir import open_fhir

    opened = open_fhir([source / "fhir_simulated"])
    connection = _connection(cores)
    rows = 0
    for name in opened.by_type:
        columns = [c[0] for c in connection.sql(f"SELECT * FROM ({opened._scan(name)}) LIMIT 0").description]
        wanted = ", ".join(f'count("{c}")' for c in columns)
        rows += connection.execute(f"SELECT count(*), {wanted} FROM ({opened._scan(name)})").fetchall()[0][0]
    return {"rows": rows, "bytes": sum(f.stat().st_size for f in opened.files)}


def release(source: Path, root: Path, cores: int) -> dict[str, Any]:
    from salus.privacy import bounds, certificate, counts, suppressed, suppression
    from salus.privacy import release as releases
    from salus.surveillance import syndromes
    from salus.tables import door
    from salus.tables.contracts import PLACES

    timed(counts, "count", "count")
    timed(suppression, "suppress", "suppress")
    timed(bounds, "intervals", "attack by linear programming")
    timed(certificate, "write", "certify and sign")
    timed(suppressed, "offer", "release, with suppression and attack")
    places = door.read(source / "places.csv", PLACES)
    made = releases.release(root, syndromes.definitions(), places, key=_key())
    (root / "made.txt").write_text(str(made.folder), encoding="utf-8")
    return {"rows": _rows(root), "counts_shown": made.shown, "counts_left_out": made.left_out}


def verify(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """As a stranger, from the release alone."""
    from salus.privacy import signatures, verification
    from salus.surveillance import syndromes

    findings = verification.verify(
        Path((root / "made.txt").read_text(encoding="utf-8")),
        public_key=signatures.public_key(_key()),
        definitions=syndromes.definitions(),
        places=None,
        root=None,
        key=None,
    )
    if any(f.fails for f in findings):
        raise SystemExit("the release does not verify")
    return {"rows": _rows(root), "statements": len(findings)}


def floor(source: Path, root: Path, cores: int) -> dict[str, Any]:
    connection = _connection(cores)
    files = f"read_parquet('{source}/line_list_simulated/*.parquet')"
    columns = [c[0] for c in connection.sql(f"SELECT * FROM {files} LIMIT 0").description]
    row = connection.execute(f"SELECT count(*), {', '.join(f'max({c})' for c in columns)} FROM {files}").fetchall()[0]
    return {"rows": row[0]}


def salus_count(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """Counting alone, of records that are inside."""
    from salus.privacy import counts, policy
    from salus.surveillance import syndromes
    from salus.tables import door
    from salus.tables.contracts import PLACES

    parts = sorted((root / "record").glob("*.parquet"))
    places = door.read(source / "places.csv", PLACES)
    rule = policy.load()
    found = counts.count(parts, syndromes.definitions(), places, rule, spill=root / "count")
    return {"rows": _rows(root), "cells": found.cells.height}


def salus_extract(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """The extract for use inside, k alone as the packages do; its input is kept for them."""
    from salus.privacy import extract, extract_rule
    from salus.surveillance import syndromes
    from salus.tables import door
    from salus.tables.contracts import PLACES

    places, kept = door.read(source / "places.csv", PLACES), []
    plain = extract.anonymised

    def keeping(visits: pl.DataFrame, *rest: Any) -> Any:
        kept.append(visits)
        return plain(visits, *rest)

    extract.anonymised = keeping
    rule = dataclasses.replace(extract_rule.load(), l_diversity=1, t_closeness=1.0)
    made = extract.extract(root, syndromes.definitions(), places, rule, key=_key())
    kept[0].write_parquet(root / "visits.parquet")
    table = pl.read_parquet(made.file)
    sizes = table.group_by("place", "period", "age_group", "sex").len()["len"]
    return {
        "rows": made.rows_seen,
        "persons_taken_out": round(1 - made.persons / made.persons_seen, 4),
        "rows_taken_out": round(1 - table.height / made.rows_seen, 4),
        "classes": sizes.len(),
        "mean_class_of_a_row": round(float((sizes**2).sum() / sizes.sum()), 1),
        "smallest_class": sizes.min(),
        "fewest_persons_of_one_history": made.k_anonymity,
        "coarseness": ", ".join(made.coarseness.values()),
    }


def duckdb_sql(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """The same cells straight from the line list, persons by their raw identifiers, without any protection."""
    connection = _connection(cores)
    connection.register("rules", _rules(connection, source))
    cells = connection.execute(f"""
SELECT count(*) FROM (SELECT f.district, syndrome, week, f.age, f.sex, count(*) AS persons FROM (
  SELECT person_id, syndrome, date_trunc('week', visit_date) AS week, min(struct_pack(d := visit_date,
    district := district, age := least(6, (year(visit_date) - year(birth_date)) // 15), sex := sex)) AS f
  FROM read_parquet('{source}/line_list_simulated/*.parquet') JOIN rules USING (code_system, code)
  GROUP BY person_id, syndrome, week) GROUP BY ALL)""").fetchall()[0][0]
    return {"rows": _raw_rows(source), "cells": cells}


def polars(source: Path, root: Path, cores: int) -> dict[str, Any]:
    """The same with Polars."""
    rules = pl.from_arrow(_rules(_connection(cores), source))
    rows = pl.scan_parquet(f"{source}/line_list_simulated/*.parquet").join(rules.lazy(), on=["code_system", "code"])
    age = ((pl.col("visit_date").dt.year() - pl.col("birth_date").dt.year()) // 15).clip(0, 6)
    first = rows.group_by("person_id", "syndrome", pl.col("visit_date").dt.truncate("1w").alias("week")).agg(
        pl.col("district", "sex").sort_by("visit_date").first(), age.sort_by("visit_date").first().alias("age")
    )
    cells = first.group_by("district", "syndrome", "week", "age", "sex").len().collect(engine="streaming")
    return {"rows": _raw_rows(source), "cells": cells.height}


def _rules(connection: duckdb.DuckDBPyConnection, source: Path) -> Any:
    from salus.privacy import policy
    from salus.surveillance import syndromes
    from salus.tables import codes

    files = f"{source}/line_list_simulated/*.parquet"
    seen = pl.from_arrow(
        connection.sql(f"SELECT DISTINCT code_system, code FROM read_parquet('{files}')").to_arrow_table()
    )
    wanted = syndromes.definitions().filter(pl.col("syndrome").is_in(list(policy.load().syndromes)))
    return codes.match(pl.DataFrame(seen), wanted).select("code_system", "code", "syndrome").to_arrow()


def _connection(cores: int) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads = {cores}")
    return connection


def _rows(root: Path) -> int:
    parts = glob.glob(f"{root}/record/*.parquet")
    return int(duckdb.execute(f"SELECT count(*) FROM read_parquet({parts})").fetchall()[0][0])


def _raw_rows(source: Path) -> int:
    files = f"{source}/line_list_simulated/*.parquet"
    return int(duckdb.execute(f"SELECT count(*) FROM read_parquet('{files}')").fetchall()[0][0])


PARTS = {
    p.__name__: p
    for p in (ingest, ingest_fhir, parse_fhir, release, verify, floor, salus_count, salus_extract, duckdb_sql, polars)
}


def main() -> None:
    """Run one part and say what it cost, imports left out."""
    name, source, root, cores = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    for module in _LOADED:
        importlib.import_module(module)
    begun, before = time.perf_counter(), spent()
    found = PARTS[name](source, root, cores)
    cost = {
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(spent() - before, 2),
        "peak_rss_mb": peak_mb(),
    }
    print(json.dumps(found | cost | {"steps": merged()}))


if __name__ == "__main__":
    main()
