"""Spark beside DuckDB: the same numbers step by step, the same reading of Parquet, and nothing lost to kill -9."""

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_golden import KEY, RAW, TODAY, at_random, every_step, golden

from salus.data import duck, engines, spark
from salus.errors import InputError
from salus.privacy import counts, deidentify, ledger, log, zones
from salus.privacy.policy import Policy
from salus.sources.linelist import open_linelist
from salus.sources.records import FIELDS

pytestmark = pytest.mark.slow


SMALL = {
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""Little data, so compiling costs more than it saves."""


@pytest.fixture(scope="module", autouse=True)
def session(tmp_path_factory):
    """One session of a small Spark for all tests."""
    begun = spark.begin("local[1]", tmp_path_factory.mktemp("spark"), "800MB", SMALL)
    yield begun
    begun.stop()


def test_every_step_gives_the_same_numbers(tmp_path):
    with duck.duck_engine(tmp_path / "duck", []) as here:
        wanted = [every_step(here, rows) for rows in (golden(), pl.DataFrame(schema=RAW))]
    with engines.open_engine("local[1]", tmp_path, []) as cluster:
        found = [every_step(cluster, rows) for rows in (golden(), pl.DataFrame(schema=RAW))]
    for one, other in zip(found, wanted, strict=True):
        assert [name for name, table in one.items() if not table.equals(other[name])] == []


def written(path, seed):
    """A Parquet line list; those of two seeds share visits."""
    rows = at_random(np.random.default_rng(seed), 400).drop("file", "fault", "left_out", "age", "reported")
    rows.rename({"person": "person_id", "date": "visit_date", "code": "icd10"}).write_parquet(path)
    return path


def records(report):
    """All rows of a report's part, sorted."""
    return pl.concat([pl.read_parquet(f, glob=False) for f in engines.files_of(report.part)]).sort(pl.all())


def test_what_one_engine_wrote_the_other_counts(tmp_path, places, definitions):
    """Two ingests, by one engine or by both, in a folder whose name has signs that mean something to engines."""
    odd = tmp_path / "卫健委 {a}[1]%20+#"
    odd.mkdir()
    files = [written(odd / f"visits é+%20 {seed}.parquet", seed) for seed in (7, 8)]
    taken = {}
    for wall, by in (("here", ("duckdb", "duckdb")), ("both", ("local[1]", "duckdb"))):
        reports = [
            deidentify.ingest(open_linelist([file]), odd / wall, KEY, engine=engine, today=TODAY)
            for file, engine in zip(files, by, strict=True)
        ]
        taken[wall] = reports
    assert taken["both"][0].part.is_dir()
    for one, other in zip(taken["here"], taken["both"], strict=True):
        assert records(one).equals(records(other))
        assert one.lines()[:2] == other.lines()[:2]
    counted = [
        counts.count([r.part for r in taken[wall]], definitions, places, Policy(), spill=odd / wall, engine=engine)
        for wall, engine in (("here", "duckdb"), ("both", "duckdb"), ("both", "local[1]"))
    ]
    assert counted[0].cells.equals(counted[1].cells)
    assert counted[0].cells.equals(counted[2].cells)
    assert counted[0].beyond_bound == counted[2].beyond_bound


ZONE = "Asia/Shanghai"
TIMES = pl.Series(["2024-01-04T17:30:00", None, "1969-12-31T23:59:59.999999", "2024-01-05T00:00:00"])
TIMES = TIMES.str.to_datetime(time_unit="us").to_arrow()
TEXTS = ["\u3000患者 1\u2003", None, "\tf", "Ｍ"]
HELD = {
    "text": pa.array(TEXTS),
    "large": pa.array(TEXTS, pa.large_string()),
    "words": pa.array(["F", None, " 男 ", "F"]).dictionary_encode(),
    "codes": pa.array(["J10.1;B08.4 ，;", None, "", "J10\u2028"]),
    "systems": pa.array(["ICD-10-CM", None, "Snomed CT", "x"]),
    "u8": pa.array([1, None, 255, 0], pa.uint8()),
    "u32": pa.array([1, None, 2**32 - 1, 0], pa.uint32()),
    "u64": pa.array([1, None, 2**64 - 1, 0], pa.uint64()),
    "i64": pa.array([1, None, -(2**63), 2**40], pa.int64()),
    "nothing": pa.nulls(4),
    "date": TIMES.cast(pa.date32(), safe=False),
    "ms": TIMES.cast(pa.timestamp("ms"), safe=False),
    "us": TIMES,
    "ns": TIMES.cast(pa.timestamp("ns")),
    "us_zoned": TIMES.cast(pa.timestamp("us", "UTC")),
    "ns_zoned": TIMES.cast(pa.timestamp("ns", "UTC")),
    "A.b `c`": pa.array(["case", "counts", "in", "names"]),
    "v.B `c`": pa.array(["v1", "v2", "v3", None]),
}
MAPPINGS = [
    {"person": "text", "date": "date", "district": "words", "code": "codes", "sex": "words", "code_system": "systems"},
    {"person": "u64", "date": "us", "district": "u8", "code": "u32", "birth_date": "ns", "age": "u64"},
    {"person": "i64", "date": "us_zoned", "district": "large", "code": "i64", "birth_date": "ns_zoned", "age": "i64"},
    {"person": "A.b `c`", "encounter": "v.B `c`", "date": "ms", "district": "nothing", "code": "text", "age": "u8"},
    {"person": "u32", "encounter": "u8", "date": "nothing", "district": "u64", "code": "nothing", "reported": "us"},
]


def test_parquet_of_others_is_read_alike(tmp_path, monkeypatch):
    """Times with and without a zone, in units down to nanoseconds, unsigned numbers, INT96, blanks of any script."""
    monkeypatch.setattr(duck, "zone", lambda: ZONE)
    pq.write_table(pa.table(HELD), tmp_path / "held.parquet")
    old = pa.table({"who": ["p1", "p2", "p3", "p4"], "day": TIMES.cast(pa.timestamp("ns")), "where": TEXTS})
    pq.write_table(old, tmp_path / "old.parquet", use_deprecated_int96_timestamps=True)
    assert pq.read_metadata(tmp_path / "old.parquet").schema.column(1).physical_type == "INT96"
    sources = [open_linelist([tmp_path / "held.parquet"], mapping=mapping) for mapping in MAPPINGS]
    named = {"person": "who", "date": "day", "district": "where", "code": "who"}
    sources.append(open_linelist([tmp_path / "old.parquet"], mapping=named))
    with duckdb.connect() as connection, spark.spark_engine("local[1]", tmp_path) as cluster:
        connection.execute(f"SET TimeZone = '{ZONE}'")
        here = duck.DuckSteps(connection)
        days = []
        for source in sources:
            columns = source.columns()
            assert columns is not None, source.mapping
            found = cluster.answer(source.rows(cluster.columns(source.files, columns, source.opened)))
            wanted = here.answer(here.query(source.select(connection), FIELDS))
            wanted = wanted.with_columns(pl.col("file").str.split("/").list.last())
            assert found.sort(pl.all()).equals(wanted.sort(pl.all())), source.mapping
            days.append(found["date"].drop_nulls().max())
    assert days == [dt.date(2024, 1, 5)] * 4 + [None, dt.date(2024, 1, 5)]


@pytest.mark.parametrize("engine", ["duckdb", "local[1]"])
def test_text_that_is_none_is_refused(tmp_path, engine):
    names = pa.array([b"p1", b"p\xff2"], pa.binary()).view(pa.string())
    day = pa.array([dt.date(2024, 1, 4)] * 2)
    bad = pa.table({"person_id": names, "visit_date": day, "district": ["A1"] * 2, "icd10": ["J10.1"] * 2})
    pq.write_table(bad, tmp_path / "bad.parquet")
    with pytest.raises(InputError, match=r"bad.parquet can't be read to its end"):
        deidentify.ingest(open_linelist([tmp_path / "bad.parquet"]), tmp_path / "wall", KEY, engine=engine, today=TODAY)
    assert not list((tmp_path / "wall" / "record").glob("*.parquet"))


def images(patch, root, folder):
    """Copies of a wall before each change that an ingest makes to the disk: what kill -9 at that moment would leave.

    Of moments that differ in nothing but working folders, which the next ingest removes unread, one is taken without
    and one with records in them.
    """
    taken, seen, busy = [], set(), False

    def look():
        nonlocal busy
        busy = True
        now = frozenset((f, f.stat().st_size) for f in root.rglob("*") if ".work-" not in str(f))
        kind = now, any(root.glob("vault/.work-*/all.parquet"))
        if kind not in seen:
            taken.append(shutil.copytree(root, folder / str(len(taken))))
        seen.add(kind)
        busy = False

    def wrap(name, real):
        def call(*args, **kwargs):
            if busy or (name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR)):
                return real(*args, **kwargs)
            look()
            if name != "write":
                return real(*args, **kwargs)
            half = len(args[1]) // 2
            real(args[0], bytes(args[1][:half]))
            look()
            return half + real(args[0], bytes(args[1][half:]))

        return call

    for name in ("open", "write", "fsync", "replace", "mkdir", "unlink"):
        patch.setattr(os, name, wrap(name, getattr(os, name)))
    return taken


def test_a_kill_at_every_step_of_an_ingest_by_spark(tmp_path):
    first, second = (open_linelist([written(tmp_path / f"{seed}.parquet", seed)]) for seed in (7, 8))
    base, root = tmp_path / "base", tmp_path / "wall"
    deidentify.ingest(first, base, KEY, today=TODAY)
    shutil.copytree(base, root)
    with pytest.MonkeyPatch.context() as patch:
        found = images(patch, root, tmp_path / "killed")
        undisturbed = deidentify.ingest(second, root, KEY, engine="local[1]", today=TODAY)
    found.append(root)
    # of another engine's ingest that was killed there may be a file where Spark writes a folder
    other = shutil.copytree(base, tmp_path / "other")
    shutil.copyfile(next(base.glob("record/*.parquet")), other / "record" / undisturbed.part.name)
    found.append(other)
    wanted, outcomes, by_spark = records(undisturbed), [], 0
    for moment, killed in enumerate(found):
        wall = zones.existing(killed)
        known = ledger.read(wall, KEY)
        for part, entry in zip(ledger.parts(wall, known), known.entries, strict=True):
            assert sum(pl.read_parquet(f).height for f in engines.files_of(part)) == entry.kept, moment
        # where records lie that are not on the list, Spark finishes the work, as it began it; elsewhere the quicker one
        left_over = len(known.entries) == 1 and (killed / "record" / undisturbed.part.name).exists()
        engine = "local[1]" if left_over and (by_spark == 0 or killed == other) else "duckdb"
        by_spark += engine != "duckdb"
        report = deidentify.ingest(second, killed, KEY, engine=engine, today=TODAY)
        outcomes.append(report.already)
        assert report.already == (len(known.entries) == 2), moment
        assert records(report).equals(wanted), moment
        assert report.lines()[1 if report.already else 0 :][:2] == undisturbed.lines()[:2], moment
        assert len(list(wall.path("record").glob("*.parquet"))) == 2, moment
        assert not list(wall.path("vault").glob(".work-*")) or report.already, moment
        assert log.verify(wall, KEY) == [], moment
        assert ledger.read(wall, KEY) == ledger.read(zones.existing(root), KEY), moment
    assert len(found) > 12
    assert by_spark == 2
    assert outcomes[:-1] == sorted(outcomes[:-1]), "once the records are there they stay"
    assert True in outcomes


def test_kill_nine_while_spark_writes(tmp_path):
    """A real command, killed in the midst of Spark's own write; Spark's processes go with it."""
    visits, root = written(tmp_path / "visits.parquet", 9), tmp_path / "wall"
    work = (
        "import json, sys; from pathlib import Path; from salus.data import spark\n"
        "from salus.privacy import deidentify; from salus.privacy.keys import Key\n"
        "from salus.sources.linelist import open_linelist\n"
        "spark.begin('local[1]', Path(sys.argv[3]), '800MB', json.loads(sys.argv[4]))\n"
        "deidentify.ingest(open_linelist([sys.argv[1]]), sys.argv[2], Key(bytes(range(32))), engine='local[1]')\n"
    )
    command = [sys.executable, "-c", work, visits, root, tmp_path, json.dumps(SMALL)]
    running = subprocess.Popen(command, start_new_session=True)
    while running.poll() is None and not list(root.glob("vault/.work-*/stage.parquet/_temporary")):
        time.sleep(0.005)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    report = deidentify.ingest(open_linelist([visits]), root, KEY, today=TODAY)
    assert not report.already
    assert records(report).height == report.kept
    wall = zones.existing(root)
    assert list(wall.path("record").glob("*.parquet")) == [report.part]
    assert log.verify(wall, KEY) == []
    for _ in range(200):
        if not alive(running.pid):
            break
        time.sleep(0.1)
    assert not alive(running.pid)


def alive(group):
    """Whether a process of a group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
