"""Input of which a part can't be used: it is named, and the rest is done; rows after the as-of day are poison."""

from __future__ import annotations

import csv
import datetime as dt
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from helpers_bad_input import FIRST, HEADER, SALUS, lines, salus

RUN = ("--model", "persistence", "--no-pdf")
SAME = ("status.csv", "trust.csv", "alerts.csv", "forecasts.parquet")
AS_OF = dt.date(2024, 6, 2)
"""Last day of a week in the middle of the table."""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALUS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def rows(name: str) -> list[dict[str, str]]:
    with Path(name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_places_that_cant_be_used_are_named_and_the_rest_is_done() -> None:
    """D is silent, E too short, F has no value at all; G ends one week early and is bridged."""
    table = HEADER + lines("ABC") + lines("D", weeks=15)
    table += "".join(f"E,Influenza,cases,{FIRST + dt.timedelta(weeks=k)},5\n" for k in (27, 28, 29))
    table += lines("F", value=lambda p, k: "") + lines("G", weeks=29)
    Path("cases.csv").write_text(table)
    said = salus("run", "cases.csv", *RUN, "--out", "out")
    assert said.status == 0
    *unused, old = said.err.splitlines()
    assert unused == [
        "Note: D: silent for 15 weeks; not forecast",
        "Note: E: only 3 values are known; 4 are needed; not forecast",
        "Note: F: no value was ever reported; not forecast",
    ]
    assert old.startswith(f"Note: the newest figures end on {FIRST + dt.timedelta(weeks=30, days=-1)}, ")
    ahead = {row["location"] for row in rows("out/status.csv") if row["horizon"] != "0"}
    assert ahead == {"A", "B", "C", "G"}
    assert {r["location"] for r in rows("out/trust.csv")} == ahead
    assert set(pl.read_parquet("out/forecasts.parquet")["location"]) == ahead
    notes = {row["location"]: row["note"] for row in rows("out/status.csv") if row["horizon"] == "0"}
    assert notes["D"] == "last report 15 weeks late"
    assert notes["G"] == "last report 1 week late"
    page = Path("out/bulletin.html").read_text(encoding="utf-8")
    for words in ("silent for 15 weeks", "only 3 values are known; 4 are needed", "no value was ever reported"):
        assert words in page
    said = salus("forecast", "cases.csv", "--model", "persistence", "--out", "next.parquet")
    assert said.status == 0
    assert said.err.count("; not forecast") == 3
    assert set(pl.read_parquet("next.parquet")["location"]) == ahead


def test_one_place_alone_is_enough() -> None:
    Path("cases.csv").write_text(HEADER + lines("A"))
    assert salus("run", "cases.csv", *RUN, "--out", "out").status == 0
    assert {row["location"] for row in rows("out/status.csv")} == {"A"}


def test_four_values_are_enough_and_nothing_is_made_up_of_them() -> None:
    Path("cases.csv").write_text(HEADER + lines("AB", weeks=4))
    assert salus("run", "cases.csv", *RUN, "--out", "out").status == 0
    assert {row["label"] for row in rows("out/trust.csv")} <= {"unknown", "withheld"}


def test_faulty_rows_of_another_disease_do_not_keep_out_the_one_asked_for() -> None:
    Path("cases.csv").write_text(HEADER + lines() + lines(disease="Measles", value=lambda p, k: -1))
    said = salus("run", "cases.csv", "--disease", "influenza", *RUN, "--out", "out")
    assert said.status == 0
    assert said.err.count("Note: the other diseases in cases.csv were not learned from: ") == 1


def vintages(weeks: int = 30) -> str:
    """Each value as first known nine days after its week's start, and revised a week later."""
    out = HEADER.replace("value", "value,as_of")
    for p, place in enumerate("ABC"):
        for k in range(weeks):
            start = FIRST + dt.timedelta(weeks=k)
            for late, part in ((9, 2), (16, 3)):
                known = start + dt.timedelta(days=late)
                out += f"{place},Influenza,cases,{start},{((k * 7 + p * 3) % 11 + p) * part},{known}\n"
    return out


def poison(table: str, column: int) -> str:
    """Every row after the as-of day changed, and a place that nobody knew of before."""
    head, *body = table.splitlines()
    bad = []
    for row in body:
        cells = row.split(",")
        if dt.date.fromisoformat(cells[column]) + dt.timedelta(days=6 if column == 3 else 0) > AS_OF:
            cells[4] = str(int(float(cells[4])) * 1000 + 777)
        bad.append(",".join(cells))
    more = [f"Z,{row.split(',', 1)[1]}" for row in bad[-6:]]
    return "\n".join([head, *bad, *more]) + "\n"


def cut(table: str, column: int) -> str:
    """Nothing after the as-of day."""
    head, *body = table.splitlines()
    days = 6 if column == 3 else 0
    kept = [r for r in body if dt.date.fromisoformat(r.split(",")[column]) + dt.timedelta(days=days) <= AS_OF]
    return "\n".join([head, *kept]) + "\n"


def shuffled(table: str, column: int) -> str:
    """The rows in another order, the places too."""
    head, *body = table.splitlines()
    random.Random(7).shuffle(body)  # noqa: S311 (an order, no secret)
    return "\n".join([head, *body]) + "\n"


def reversed_places(table: str, column: int) -> str:
    """The places from the last to the first, each in its own order."""
    head, *body = table.splitlines()
    return "\n".join([head, *sorted(body, key=lambda row: -ord(row[0]))]) + "\n"


@pytest.mark.parametrize("change", [poison, cut, shuffled, reversed_places])
@pytest.mark.parametrize(
    ("table", "column"),
    [(HEADER + lines() + lines("AB", disease="Measles"), 3), (vintages(), 5)],
    ids=["without", "with-as_of"],
)
@pytest.mark.parametrize(
    "model",
    ["persistence", *(pytest.param(name, marks=pytest.mark.slow) for name in ("combination", "pooled", "saaim"))],
)
def test_nothing_after_the_as_of_day_and_no_order_of_rows_changes_a_bit(
    model: str, table: str, column: int, change: Callable[[str, int], str]
) -> None:
    other = change(table, column)
    assert other != table
    results = []
    for name, content in (("one", table), ("two", other)):
        Path(f"{name}.csv").write_text(content)
        done = salus(
            "run",
            f"{name}.csv",
            "--disease",
            "influenza",
            "--as-of",
            str(AS_OF),
            "--model",
            model,
            "--no-pdf",
            "--out",
            name,
        )
        assert done.status == 0, done.err
        results.append({file: Path(name, file).read_bytes() for file in SAME})
    assert results[0] == results[1]


_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.stderr.write(done.stderr)
sys.exit(done.returncode)
"""


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["one,two", "x", "2024-13-45"])
def test_one_bad_row_among_ten_million_is_named_in_bounded_memory(fault: str) -> None:
    """Less than 90 seconds and 4 GB for a file of 10,000,000 rows with a fault in the middle."""
    days = [str(dt.date(1990, 1, 1) + dt.timedelta(weeks=k)) for k in range(1000)]
    with Path("cases.csv").open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for p in range(10_000):
            block = "".join(f"Place {p:05},Influenza,cases,{day},{k % 97}\n" for k, day in enumerate(days))
            if p == 5_000:
                row = f"Place {p:05},Influenza,cases,{days[500]},{500 % 97}\n"
                bad = row.replace(days[500], fault) if "-" in fault else row.replace(",15\n", f",{fault}\n")
                assert block.count(row) == 1
                assert bad != row
                block = block.replace(row, bad)
            out.write(block)
    arguments = [str(SALUS), "run", "cases.csv", *RUN, "--out", "out"]
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _MEASURE, *arguments], capture_output=True, text=True, timeout=600)
    seconds = time.monotonic() - start
    assert done.returncode == 2, done.stderr
    assert "cases.csv can't be used:" in done.stderr
    assert "row 5000501: " in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert not Path("out").exists()
    assert int(done.stdout) * 1024 < 4e9, f"{int(done.stdout) / 2**20:.2f} GB"
    assert seconds < 90, f"{seconds:.0f} seconds"
