"""Case records that can't be used: one clear message, exit status 2, the wall as it was but for a line in its log."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers_bad_input import SALUS, compare_with_snapshot, executable, refused, salus, tree, typed

from salus.privacy import keys, ledger, log, zones

HEADER = "person_id,visit_date,district,icd10\n"
ROW = "p1,2024-01-01,A1,J10\n"
GOOD = HEADER + ROW * 20
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1990", "address": [{"district": "A1"}]}
VISIT = {
    "resourceType": "Encounter",
    "id": "e1",
    "status": "finished",
    "class": {"code": "AMB"},
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2024-01-03"},
}
DIAGNOSIS = {
    "resourceType": "Condition",
    "id": "c1",
    "encounter": {"reference": "Encounter/e1"},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J10"}]},
}

Make = Callable[[Path], object]


def text(content: str, encoding: str = "utf-8") -> Make:
    return lambda path: path.write_bytes(content.encode(encoding))


def data(content: bytes) -> Make:
    return lambda path: path.write_bytes(content)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("visits.csv", GOOD)


def _gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb") as out:
        out.write(HEADER.encode())
        for _ in range(100):
            out.write(ROW.encode() * 50_000)


def _one_endless_line(path: Path) -> None:
    """The first 65 MB of a line that goes on and on."""
    with path.open("wb") as out:
        out.write(GOOD.encode() + b"p2,2024-01-01,")
        for _ in range(65):
            out.write(b"x" * 10**6)


def _packed_endless_line(path: Path) -> None:
    with gzip.open(path, "wb") as out:
        out.write(GOOD.encode() + b"p2,2024-01-01,")
        out.write(random.Random(1).randbytes(4 * 10**6).hex().encode())  # noqa: S311 (any letters, no secret)


def _parquet_bomb(path: Path) -> None:
    """Few bytes that say they hold 12 million rows."""
    same = pa.array([0], pa.int32()).take(pa.array([0] * 10**6))
    names = HEADER.strip().split(",")
    block = pa.table({name: pa.DictionaryArray.from_arrays(same, pa.array([name])) for name in names})
    with pq.ParquetWriter(path, block.schema, compression="zstd") as out:
        for _ in range(12):
            out.write_table(block)


def _cut_parquet(path: Path) -> None:
    pl.read_csv(GOOD.encode()).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-30])


def _fhir(*, patient: str = "", diagnosis: str = "", leave: str = "") -> Make:
    def make(path: Path) -> None:
        path.mkdir()
        for name, resource, more in (("P", PATIENT, patient), ("E", VISIT, ""), ("C", DIAGNOSIS, diagnosis)):
            if name != leave:
                (path / f"{name}.ndjson").write_text(json.dumps(resource) + "\n" + more)

    return make


@dataclass(frozen=True)
class Case:
    """One thing that is wrong: the file, what makes it, what the message must hold, options, and what it may log."""

    name: str
    file: str
    make: Make | None
    said: tuple[str, ...]
    options: tuple[str, ...] = ("--format", "linelist")
    logged: bool = False


FHIR = ("--format", "fhir")
OMOP = ("--format", "omop")
_BYTES = random.Random(1).randbytes(5000)  # noqa: S311 (any bytes, no secret)

CASES = [
    Case("missing file", "visits.csv", None, ("there is no file", "Check the name")),
    Case("empty folder", "visits", lambda p: p.mkdir(), ("holds no file that ends in .csv", "Name the files")),
    Case("empty file", "visits.csv", data(b""), ("is empty", "Give a file with a header")),
    Case("header only", "visits.csv", text(HEADER), ("there is no row", "No record was added"), logged=True),
    Case("binary file named csv", "visits.csv", data(_BYTES), ("not a text file", "Export it")),
    Case("zip named csv", "visits.csv", _zip, ("is a zip archive", "Unpack it")),
    Case("text named gz", "visits.csv.gz", text(GOOD), ("damaged gzip", "whole copy")),
    Case("cut gzip file", "visits.csv.gz", data(gzip.compress(GOOD.encode())[:-9]), ("damaged gzip", "whole copy")),
    Case("gzip bomb", "visits.csv.gz", _gzip_bomb, ("looks like a zip bomb", "unpack it yourself")),
    Case("Parquet bomb", "visits.parquet", _parquet_bomb, ("looks like a zip bomb", "in several files")),
    Case("text named parquet", "visits.parquet", text(GOOD), ("not a readable Parquet file", "whole copy")),
    Case("cut Parquet file", "visits.parquet", _cut_parquet, ("not a readable Parquet file", "whole copy")),
    Case("endless line", "visits.csv", _one_endless_line, ("line 22 is longer than 2 MB", "Correct that line")),
    Case("endless line, packed", "visits.csv.gz", _packed_endless_line, ("line 22 is longer than 2 MB", "Correct")),
    Case(
        "open quotation mark",
        "visits.csv",
        text(GOOD + 'p2,2024-01-01,"A1,J10\n' + ROW * 9),
        ("line 22 opens a quotation mark that is never closed", "Correct that line"),
    ),
    Case(
        "open quotation mark in a large file",
        "visits.csv",
        text(GOOD + 'p2,2024-01-01,"A1,J10\n' + ROW * 200_000),
        ("line 22 opens a quotation mark that is not closed within 2 MB", "Correct that line"),
    ),
    Case(
        "encoding that may be several",
        "visits.csv",
        text(HEADER + "p,2024-01-01,Łąka,J10\n", "cp1250"),
        ("can't be told with certainty", "--encoding"),
    ),
    Case(
        "another encoding than was named",
        "visits.csv",
        text(GOOD + "p,2024-01-01,ÿÿ,J10\n", "cp1252"),
        ("is not text in gb18030", "line 22 can't be read", "--encoding"),
        ("--format", "linelist", "--encoding", "gb18030"),
    ),
    Case(
        "no such encoding",
        "visits.csv",
        text(GOOD),
        ("there is no encoding 'klingon'", "Give one such as utf-8"),
        ("--format", "linelist", "--encoding", "klingon"),
    ),
    Case("packed file in another encoding", "visits.csv.gz",
         data(gzip.compress(GOOD.replace("A1", "区").encode("gbk"))), ("is packed and is not UTF-8", "--encoding")),
    Case("no column of persons", "visits.csv", text(GOOD.replace("person_id", "who")),
         ("has no column for 'person'", "--column person=COLUMN")),
    Case("no column of districts", "visits.csv", text(GOOD.replace("district", "town")),
         ("has no column for 'district'", "--column district=COLUMN")),
    Case("a column that is not there", "visits.csv", text(GOOD), ("has no column 'whom' for 'person'", "Its columns:"),
         ("--format", "linelist", "--column", "person=whom")),
    Case("a field that is none", "visits.csv", text(GOOD), ("'phone' is no field", "Fields: person"),
         ("--format", "linelist", "--column", "phone=person_id")),
    Case("one name for two columns", "visits.csv", text(GOOD.replace("icd10", "district")),
         ("two columns called 'district'", "Give each column")),
    Case("not one usable row", "visits.csv", text(GOOD.replace("J10", "flu")),
         ("no row of", "unreadable diagnosis code: 20", "No record was added; the log says that it was tried"),
         logged=True),
    Case("NDJSON that is no FHIR", "visits.ndjson", text('{"a": 1}\n'), ("no FHIR resource", "bulk export"), FHIR),
    Case("FHIR without conditions", "fhir", _fhir(leave="C"), ("there is no file of Condition", "export"), FHIR),
    Case("FHIR with an endless line", "fhir", _fhir(diagnosis='{"note": "' + "x" * 40_000_000),
         ("C.ndjson has a line that is longer than 16 MB", "No record was added"), FHIR, logged=True),
    Case("OMOP without visits", "omop", lambda p: (p.mkdir(), (p / "person.csv").write_text("person_id\n1\n")),
         ("there is no OMOP table 'visit_occurrence'", "Give a file for each"), OMOP),
]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a key and a wall that holds one good ingest."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SALUS_KEY", raising=False)
    keys.create(Path("office.key"))
    Path("first.csv").write_text(GOOD)
    assert ingest("first.csv", "--format", "linelist").status == 0
    return tmp_path


def arguments(file: str, *options: str, root: str = "wall", key: str = "office.key") -> list[str]:
    return ["records", "ingest", file, *options, "--root", root, "--key-file", key]


def ingest(file: str, *options: str, **more: str):
    return salus(*arguments(file, *options, **more))


def kept(folder: Path) -> dict[str, object]:
    """All that is there but the log, which lists every act."""
    return {path: state for path, state in tree(folder).items() if not Path(path).name.startswith("log.")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_can_not_be_used_is_refused_and_the_wall_is_as_it_was(place: Path, case: Case) -> None:
    if case.make is not None:
        case.make(Path(case.file))
    acts = len(log.read(zones.existing("wall"), keys.load(Path("office.key"))))
    before, whole = kept(place), tree(place)
    said = refused(ingest(case.file, *case.options), *case.said)
    assert kept(place) == before
    assert (tree(place) != whole) == case.logged
    entries = log.read(zones.existing("wall"), keys.load(Path("office.key")))
    assert len(entries) - acts == 2 * case.logged, "begun and refused"
    assert log.verify(zones.existing("wall"), keys.load(Path("office.key"))) == []
    compare_with_snapshot(f"records: {case.name}", f"{typed(arguments(case.file, *case.options))}\n{said}")


def test_an_endless_line_takes_no_more_memory_than_a_short_one(place: Path) -> None:
    """The line is 300 MB; the whole process stays far below that."""
    with Path("long.csv").open("wb") as out:
        out.write(GOOD.encode() + b"p2,2024-01-01,")
        for _ in range(300):
            out.write(b"x" * 10**6)
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, done.returncode); print(done.stderr)"
    )
    sizes = []
    for file in ("first.csv", "long.csv"):
        done = subprocess.run(
            [SALUS.with_name("python"), "-c", code, SALUS, *arguments(file, "--format", "linelist")],
            capture_output=True,
            text=True,
            check=True,
        )
        sizes.append([int(x) for x in done.stdout.splitlines()[0].split()])
    assert [status for _, status in sizes] == [0, 2]
    assert sizes[1][0] < sizes[0][0] + 60, sizes


def test_the_encoding_can_be_named(place: Path) -> None:
    Path("visits.csv").write_bytes(GOOD.replace("A1", "甲某").encode("gb18030"))
    assert ingest("visits.csv", "--format", "linelist").status == 2
    head = "location,name,parent,location_level\n"
    Path("places.csv").write_text(head + "甲某,甲某,P,district\n乙某,乙某,P,district\nP,P,,province\n")
    known = ("--encoding", "gb18030", "--places", "places.csv")
    said = ingest("visits.csv", "--format", "linelist", *known)
    assert said.status == 0, said.err
    part = sorted(Path("wall/record").glob("*.parquet"))[-1]
    assert pl.read_parquet(part)["district"].unique().to_list() == ["甲某"]
    Path("visits.csv.gz").write_bytes(gzip.compress(GOOD.replace("A1", "乙某").encode("gb18030")))
    assert ingest("visits.csv.gz", "--format", "linelist", *known).status == 0
    wrong = ingest("visits.csv", *FHIR, "--encoding", "gb18030")
    assert wrong.status == 2
    assert "FHIR resources are UTF-8" in wrong.err


def test_lines_that_are_no_rows_are_told_in_every_encoding(place: Path) -> None:
    Path("visits.csv").write_bytes(
        (HEADER + "p1,2024-01-01,北京市,J10\np2\np3,a,b,c,d,e\np4,2024-01-01,A1,J10\n").encode("gb18030")
    )
    said = ingest("visits.csv", "--format", "linelist")
    assert "4 rows in = 2 kept + 0 left out + 2 set aside" in said.out
    aside = pl.read_parquet(sorted(Path("wall/vault").glob("*-set-aside.parquet"))[-1])
    assert aside.select("line", "reason").rows() == [
        (3, "the line can't be read: missing columns"),
        (4, "the line can't be read: too many columns"),
    ]


def test_rows_within_an_open_quotation_mark_are_counted_one_by_one(place: Path) -> None:
    Path("visits.csv").write_text(HEADER + ROW + 'p2,2024-01-01,"A1,J10\n' + ROW + 'p3,2024-01-01,"A1",J10\n' + ROW)
    said = ingest("visits.csv", "--format", "linelist")
    assert said.out.splitlines()[0].startswith("5 rows in = ")
    assert "3 set aside" in said.out
    aside = pl.read_parquet(sorted(Path("wall/vault").glob("*-set-aside.parquet"))[-1])
    assert aside["line"].to_list() == [3, 4, 5]


def test_a_truncated_resource_is_set_aside_and_the_rest_is_kept(place: Path) -> None:
    _fhir(diagnosis=json.dumps(DIAGNOSIS)[:40])(Path("fhir"))
    said = ingest("fhir", *FHIR)
    assert said.status == 0, said.err
    assert "2 rows in = 1 kept + 0 left out + 1 set aside" in said.out
    assert "set aside, a line is no readable Condition: 1" in said.out


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("lost.key", ("there is no key file lost.key", "`salus records key FILE`")),
        ("other.key", ("not the key that the records", "if it is lost, begin a new wall")),
    ],
)
def test_a_lost_or_another_key_corrupts_nothing(place: Path, key: str, said: tuple[str, ...]) -> None:
    keys.create(Path("other.key"))
    Path("second.csv").write_text(GOOD.replace("p1", "p2"))
    before = tree(place)
    message = refused(ingest("second.csv", "--format", "linelist", key=key), *said)
    assert tree(place) == before
    compare_with_snapshot(
        f"records: {key}", f"{typed(arguments('second.csv', '--format', 'linelist', key=key))}\n{message}"
    )
    assert ingest("second.csv", "--format", "linelist").status == 0, "with the right key again"


@pytest.mark.parametrize("root", ["first.csv", "first.csv/wall"])
def test_a_wall_in_the_wrong_place(place: Path, root: str) -> None:
    before = tree(place)
    refused(ingest("first.csv", "--format", "linelist", root=root), root)
    assert tree(place) == before


def test_a_folder_that_may_not_be_written(place: Path) -> None:
    """As on a read-only disk: nothing is changed, and nothing is left half done."""
    Path("second.csv").write_text(GOOD.replace("p1", "p2"))
    folders = [p for p in (place, *place.rglob("*")) if p.is_dir()]
    files = [p for p in (place / "wall").rglob("*") if p.is_file()]
    for path in (*folders, *files):
        path.chmod(0o500 if path.is_dir() else 0o400)
    before = {path: digest for path, (digest, _, _) in tree(place).items()}
    prefix = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
    try:
        for root in ("wall", "new"):
            said = executable(*arguments("second.csv", "--format", "linelist", root=root), prefix=prefix)
            refused(said, f"can't write {root}", "no permission to write there")
            assert {path: digest for path, (digest, _, _) in tree(place).items()} == before
    finally:
        for path in (*folders, *files):
            path.chmod(0o700 if path.is_dir() else 0o600)
    assert ingest("second.csv", "--format", "linelist").status == 0


@pytest.mark.parametrize("size", [200, 2_000])
def test_a_full_disk(place: Path, size: int) -> None:
    """No file may grow beyond a size, as where a disk is full: before the log, in the middle, at the records."""
    Path("second.csv").write_text(HEADER + "".join(f"p{n},2024-01-01,A1,J10\n" for n in range(5_000)))
    before = kept(place)
    said = executable(*arguments("second.csv", "--format", "linelist"), prefix=("prlimit", f"--fsize={size}"))
    refused(said, "wall")
    assert kept(place) == before
    secret = keys.load(Path("office.key"))
    assert ingest("second.csv", "--format", "linelist").status == 0, "with room again, the same command works"
    assert log.verify(zones.existing("wall"), secret) == []
    assert len(ledger.read(zones.existing("wall"), secret).entries) == 2


def test_two_ingests_at_once_come_one_after_the_other(place: Path) -> None:
    for n in range(3):
        Path(f"part{n}.csv").write_text(HEADER + f"q{n},2024-01-01,A1,J10\n" * 50)
    files = [*(f"part{n}.csv" for n in range(3)), "part0.csv"]
    running = [
        subprocess.Popen(
            [SALUS, *arguments(f, "--format", "linelist")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for f in files
    ]
    said = [p.communicate(timeout=120) for p in running]
    assert [p.returncode for p in running] == [0] * 4, said
    assert sum("had been ingested before" in out for out, _ in said) == 1
    wall, secret = zones.existing("wall"), keys.load(Path("office.key"))
    entries = ledger.read(wall, secret).entries
    assert [e.number for e in entries] == [1, 2, 3, 4]
    assert len({e.id for e in entries}) == 4
    assert all(p.exists() for p in ledger.parts(wall, ledger.read(wall, secret)))
    assert log.verify(wall, secret) == []
    assert [e.number for e in log.read(wall, secret)] == list(range(1, 11))


def test_a_clock_that_goes_backwards_is_told_in_the_log_and_nothing_else(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from salus.data import provenance

    monkeypatch.setattr(provenance, "utc_text", lambda: "2001-01-01T00:00:00Z")
    Path("second.csv").write_text(GOOD.replace("p1", "p2"))
    assert ingest("second.csv", "--format", "linelist").status == 0
    wall, secret = zones.existing("wall"), keys.load(Path("office.key"))
    assert log.read(wall, secret)[-2].details["clock_went_back"] is True
    assert log.verify(wall, secret) == []
    assert [e.number for e in ledger.read(wall, secret).entries] == [1, 2]


def test_ids_that_collide_after_trimming_and_births_in_the_future_are_told(place: Path) -> None:
    rows = ["p7,2024-01-01,A1,J10", " p7 ,2024-01-01,A1,B08.4", "\u3000p7,2024-01-02,A1,J10", "p8,2024-01-01,A1,J10"]
    births = ["1990-01-01", "1990-01-01", "1990-01-01", "2999-01-01"]
    body = "".join(f"{row},{birth}\n" for row, birth in zip(rows, births, strict=True))
    Path("second.csv").write_text(HEADER.strip() + ",birth_date\n" + body, encoding="utf-8")
    said = ingest("second.csv", "--format", "linelist")
    assert "4 rows in = 3 kept + 0 left out + 1 set aside" in said.out
    assert "set aside, born after the visit: 1" in said.out
    assert "1 persons, 2 visits" in said.out
