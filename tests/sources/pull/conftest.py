"""A server on this machine that replays the forms of the sources' answers; the figures are made up."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from salus.sources.pull.fetch import Fetch

TODAY = dt.date(2024, 11, 20)


@dataclass
class Answer:
    """One answer; `cut` sends so many bytes only, though more are announced."""

    body: bytes | str = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Route = Answer | list[Answer] | Callable[[dict[str, str]], Answer]


class Server:
    """Routes by path; a list is answered one by one, the last for ever. `asked` holds the requests."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                query = dict(parse_qsl(split.query, keep_blank_values=True))
                server.asked.append((split.path, query, {k.lower(): v for k, v in self.headers.items()}))
                answer = server.find(split.path, query)
                etag = answer.headers.get("ETag")
                if etag and self.headers.get("If-None-Match") == etag:
                    answer = Answer(status=304, headers={"ETag": etag})
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 304:
                    self.send_header("Content-Length", str(len(body)))
                if answer.cut is not None:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                if answer.status != 304:
                    self.wfile.write(body if answer.cut is None else body[: answer.cut])

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # a client that hangs up is part of the tests
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def find(self, path: str, query: dict[str, str]) -> Answer:
        route = self.routes.get(path, Answer("not here", 404))
        if callable(route):
            return route(query)
        if isinstance(route, list):
            return route.pop(0) if len(route) > 1 else route[0]
        return route

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def waits() -> list[float]:
    """Seconds that the fetch would have waited."""
    return []


@pytest.fixture
def fetch(waits: list[float]) -> Iterator[Fetch]:
    with Fetch(today=TODAY, pause=0, sleep=waits.append, timeout=5) as made:
        yield made


@pytest.fixture
def reply() -> type[Answer]:
    return Answer


# ---- answers of the sources, in their forms

NHSN = (
    '"weekendingdate","jurisdiction","totalconfflunewadm","totalconfc19newadm","totalconfrsvnewadm"\n',
    [
        '"2024-11-02T00:00:00.000","CA","31.0","12.0","0.0"\n',
        '"2024-11-02T00:00:00.000","USA","410.0","600.0","55.0"\n',
        '"2024-11-09T00:00:00.000","CA","","15.0","3.0"\n',
        '"2024-11-09T00:00:00.000","Region 9","70.0","31.0","9.0"\n',
    ],
)

ERVISS = (
    "survtype,countryname,yearweek,indicator,age,value\n",
    [
        "primary care syndromic,Austria,2024-W44,ILIconsultationrate,total,1685.2\n",
        "primary care syndromic,Austria,2024-W44,ILIconsultationrate,0-4,0\n",
        "primary care syndromic,Finland,2024-W44,ARIconsultationrate,total,88\n",
        "primary care syndromic,Austria,2024-W45,ILIconsultationrate,total,0\n",
        "primary care syndromic,Austria,2024-W46,ILIconsultationrate,total,NA\n",
    ],
)

RKI = (
    "Saison\tKalenderwoche\tBundesland\tBundesland_ID\tAltersgruppe\tARE_Konsultationsinzidenz\n",
    [
        "2024/25\t2024-W44\tBundesweit\t0\t00+\t1410\n",
        "2024/25\t2024-W44\tBaden-Wuerttemberg\t8\t00+\t1200\n",
        "2024/25\t2024-W44\tThueringen\t16\t00+\tNA\n",
        "2024/25\t2024-W44\tThueringen\t16\t0-4\t3000\n",
        "2024/25\t2024-W45\tThueringen\t16\t00+\t0\n",
    ],
)


def epidata_rows() -> list[dict[str, object]]:
    return [
        {
            "release_date": "2024-11-15", "region": "nat", "issue": 202445, "epiweek": 202444, "lag": 1,
            "num_ili": 61000,
            "num_patients": 2300000, "num_providers": 3900, "num_age_0": 1, "wili": 2.31, "ili": 2.65,
        },
        {
            "release_date": None, "region": "ca", "issue": 202445, "epiweek": 202444, "lag": 1, "num_ili": 0,
            "num_patients": 9000, "num_providers": 40, "num_age_0": None, "wili": None, "ili": 0.0,
        },
    ]  # fmt: skip


def flusurv_rows() -> list[dict[str, object]]:
    return [
        {
            "release_date": "2024-11-15",
            "location": "network_all",
            "issue": 202445,
            "epiweek": 202444,
            "lag": 1,
            "rate_overall": 0.4,
        },
        {
            "release_date": "2024-11-15",
            "location": "CA",
            "issue": 202445,
            "epiweek": 202444,
            "lag": 1,
            "rate_overall": None,
        },
        {
            "release_date": "2024-11-15",
            "location": "NY_albany",
            "issue": 202445,
            "epiweek": 202444,
            "lag": 1,
            "rate_overall": 0,
        },
    ]


def covidcast_rows() -> list[dict[str, object]]:
    common = {"time_type": "week", "geo_type": "state", "source": "nhsn", "lag": 1, "stderr": None, "missing_value": 0}
    return [
        {**common, "geo_value": "ca", "time_value": 202444, "issue": 202446, "value": 31.0},
        {**common, "geo_value": "tx", "time_value": 202444, "issue": 202447, "value": 0.0},
        {**common, "geo_value": "tx", "time_value": 202445, "issue": 202447, "value": None},
    ]


def epidata(rows: list[dict[str, object]]) -> str:
    if not rows:
        return json.dumps({"result": -2, "message": "no results"})
    return json.dumps({"result": 1, "message": "success", "epidata": rows})


TEITEN_HEAD = (
    '報告数・定点当り報告数、疾病・都道府県別,"","","","","",""\n'
    '2024年{week:02d}週({first}～{last}),"{made}作成","","","","",""\n'
    ',"インフルエンザ","","ＲＳウイルス感染症","","手足口病",""\n'
    ',"報告","定当","報告","定当","報告","定当"\n'
)
TEITEN_ROWS = [
    '"総数","5,018","1.01","100","0.03","9000","2.90"\n',
    '"東京都","700","1.69","-","-","640","2.46"\n',
    '"沖縄県","…","…","3","0.10","-","-"\n',
    '"石川県","-","-","-","-","-","-"\n',
]


def teiten(week: int, rows: list[str]) -> bytes:
    start = dt.date.fromisocalendar(2024, week, 1)
    end, made = start + dt.timedelta(days=6), start + dt.timedelta(days=16)
    head = TEITEN_HEAD.format(week=week, first=f"{start:%m月%d日}", last=f"{end:%m月%d日}", made=f"{made:%Y年%m月%d日}")
    return (head + "".join(rows) + '"","","","","","",""\n').encode("cp932")


def ibm(value: float | None, length: int = 8) -> bytes:
    """IBM/360 double by definition: the fraction lies in [1/16, 1), times a power of 16."""
    if value is None:
        return b"." + bytes(length - 1)
    if value == 0:
        return bytes(length)
    sign, rest, power = (0x80 if value < 0 else 0), abs(value), 64
    while rest >= 1:
        rest, power = rest / 16, power + 1
    while rest < 1 / 16:
        rest, power = rest * 16, power - 1
    return (bytes([sign | power]) + int(rest * 2**56).to_bytes(7, "big"))[:length]


def record(text: str) -> bytes:
    return text.encode("ascii").ljust(80)


def xpt(columns: list[tuple[str, str, int]], rows: list[list[float | str | None]]) -> bytes:
    """A SAS transport file of version 5 after TS-140: columns are (name, label, length; negative for text)."""
    zeros = "0" * 30
    stamp = "20NOV24:10:00:00"
    out = record(f"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!{zeros}")
    out += record("SAS     SAS     SASLIB  9.4     X64_7PRO" + " " * 24 + stamp) + record(stamp)
    out += record("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140")
    out += record(f"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!{zeros}")
    out += record("SAS     TABLE   SASDATA 9.4     X64_7PRO" + " " * 24 + stamp) + record(stamp.ljust(32) + "made up")
    out += record(f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{len(columns):04d}00000000000000000000")
    names, place = b"", 0
    for number, (name, label, length) in enumerate(columns, 1):
        kind, size = (1, length) if length > 0 else (2, -length)
        names += struct.pack(">hhhh", kind, 0, size, number) + name.encode().ljust(8) + label.encode().ljust(40)
        names += b" " * 8 + struct.pack(">hhh", 0, 0, 0) + bytes(2) + b" " * 8 + struct.pack(">hh", 0, 0)
        names += struct.pack(">i", place) + bytes(52)
        place += size
    out += names + b" " * (-len(names) % 80)
    out += record(f"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!{zeros}")
    body = b"".join(
        ibm(value, length) if length > 0 else str(value or "").encode().ljust(-length)
        for row in rows
        for value, (_, _, length) in zip(row, columns, strict=True)
    )
    return out + body + b" " * (-len(body) % 80)


SPX_COLUMNS = [("SEQN", "Respondent sequence number", 8), ("SPXNFEV1", "FEV1 in ml", 8), ("SPXNQFV1", "grade", -1)]
SPX_ROWS: list[list[float | str | None]] = [[41475.0, 3012.5, "A"], [41476.0, None, ""], [41477.0, 0.0, "B"]]


@dataclass(frozen=True)
class Case:
    """How a source is asked in the contract test, and what it answers."""

    routes: Callable[[bool, bool], dict[str, Route]]
    options: dict[str, str] = field(default_factory=dict)
    since: dt.date | None = None
    until: dt.date | None = None


def _order(rows: list, turned: bool, empty: bool) -> list:
    return [] if empty else rows[::-1] if turned else list(rows)


def _file(path: str, form: tuple[str, list[str]]) -> Callable[[bool, bool], dict[str, Route]]:
    return lambda turned, empty: {path: Answer(form[0] + "".join(_order(form[1], turned, empty)))}


def _epidata(path: str, rows: Callable[[], list]) -> Callable[[bool, bool], dict[str, Route]]:
    return lambda turned, empty: {path: Answer(epidata(_order(rows(), turned, empty)))}


def _idwr(turned: bool, empty: bool) -> dict[str, Route]:
    return {
        f"/surveillance/idwr/provisional/2024/{week}/2024-{week}-teiten.csv": Answer(
            teiten(week, _order(TEITEN_ROWS, turned, empty))
        )
        for week in (44, 45)
    }


CASES = {
    "cdc_nhsn": Case(_file("/resource/mpgq-jmmr.csv", NHSN)),
    "cdc_ilinet": Case(_epidata("/fluview/", epidata_rows)),
    "cdc_flusurv": Case(_epidata("/flusurv/", flusurv_rows)),
    "delphi_epidata": Case(_epidata("/covidcast/", covidcast_rows)),
    "ecdc_erviss": Case(_file("/ILIARIRates.csv", ERVISS)),
    "rki": Case(_file("/ARE-Konsultationsinzidenz/main/ARE-Konsultationsinzidenz.tsv", RKI)),
    "japan_idwr": Case(_idwr, {}, dt.date(2024, 10, 28), dt.date(2024, 11, 10)),
    "nhanes": Case(
        lambda turned, empty: {
            "/Nchs/Data/Nhanes/Public/2007/DataFiles/SPX_E.xpt": Answer(
                xpt(SPX_COLUMNS, _order(SPX_ROWS, turned, empty))
            )
        },
        {"table": "SPX", "cycles": "2007-2008"},
    ),
}


@pytest.fixture
def cases() -> dict[str, Case]:
    return CASES


@pytest.fixture
def forms() -> dict[str, Callable]:
    """Makers of answers: `epidata(rows)`, `teiten(week, rows)`, `xpt(columns, rows)`, `gz(text)`."""
    return {
        "epidata": epidata,
        "teiten": teiten,
        "xpt": xpt,
        "ibm": ibm,
        "gz": lambda text: gzip.compress(text.encode()),
    }
