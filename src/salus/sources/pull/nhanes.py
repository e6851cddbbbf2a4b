"""NHANES: the tables of the US National Health and Nutrition Examination Survey, as published."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.errors import InputError, NameNotFoundError, SourceError
from salus.sources.pull import answer, xport
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source
from salus.tables.contract import Column, Contract

NHANES_TABLE = Contract(
    "nhanes",
    "One respondent of one survey cycle in one NHANES table; the table's own variables follow, named as published.",
    (
        Column("cycle", pl.String, "survey cycle, such as 2009-2010"),
        Column("table", pl.String, "name of the table, such as SPX"),
        Column("SEQN", pl.Int64, "respondent sequence number, the key between tables of a cycle", minimum=1),
    ),
)

CYCLES = {
    "1999-2000": "", "2001-2002": "B", "2003-2004": "C", "2005-2006": "D", "2007-2008": "E", "2009-2010": "F",
    "2011-2012": "G", "2013-2014": "H", "2015-2016": "I", "2017-2018": "J", "2017-2020": "P", "2021-2023": "L",
}  # fmt: skip
"""Survey cycle to the letter in its file names; 2017-2020 is the pre-pandemic file and has it in front."""

_LATEST = "2021-2023"
_TABLE = re.compile(r"[A-Z][A-Z0-9_]{1,15}")


class Nhanes(Source):
    """Tables in SAS transport form from wwwn.cdc.gov, one a cycle.

    For statistical use only; linking with anything that could name a person is forbidden by law. A table with several
    rows a respondent is kept as it is. A missing file is answered there by a web page with status 200: it is
    recognised.
    """

    name = "nhanes"
    title = "NHANES, US National Health and Nutrition Examination Survey"
    licence = (
        "Public domain (US government work); statistical use only, no re-identification "
        "(Public Health Service Act, section 308(d))"
    )
    citation = (
        "Centers for Disease Control and Prevention, National Center for Health Statistics. National Health "
        "and Nutrition "
        "Examination Survey data. Hyattsville, MD. https://wwwn.cdc.gov/nchs/nhanes/"
    )
    terms = "https://www.cdc.gov/nchs/policy/data-user-agreement.html"
    base_url = "https://wwwn.cdc.gov"
    cadence = "survey cycles of two years or more"
    vintage = "none: a table is replaced when NCHS corrects it; the day of the pull stands in the file's metadata"
    options: ClassVar[Mapping[str, Option]] = {
        "table": Option("name of the table, such as DEMO, SPX or RDQ", "DEMO"),
        "cycles": Option(
            "comma list of cycles, such as 2007-2008,2009-2010; default those within --since and --until, else "
            "the latest"
        ),
    }
    contract: ClassVar[Contract] = NHANES_TABLE

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`; all variables of the table follow the contract's columns."""
        table = chosen["table"].strip().upper()
        if not _TABLE.fullmatch(table):
            raise InputError(f"table is '{chosen['table']}', wanted the name of one NHANES table such as DEMO or SPX.")
        parts = [self._cycle(fetch, table, cycle) for cycle in _cycles(chosen["cycles"], since, until)]
        return pl.concat(parts, how="diagonal_relaxed") if parts else self.contract.empty()

    def _cycle(self, fetch: Fetch, table: str, cycle: str) -> pl.DataFrame:
        letter = CYCLES[cycle]
        file = f"P_{table}" if letter == "P" else f"{table}_{letter}" if letter else table
        reply = fetch.get(f"{self.base_url}/Nchs/Data/Nhanes/Public/{cycle[:4]}/DataFiles/{file}.xpt")
        if reply.body.lstrip()[:1] == b"<":
            answer.text(reply)
        frame, _ = xport.read(reply.body, reply.url)
        if "SEQN" not in frame.columns:
            raise SourceError(
                f"{reply.url} has no variable SEQN; it has {', '.join(frame.columns[:20])}. Choose a table of "
                "respondents."
            )
        taken = {"cycle", "table"} & set(frame.columns)
        if taken:
            raise SourceError(f"{reply.url} has a variable {sorted(taken)[0]} of its own, which Salus uses. Report it.")
        return frame.select(
            pl.lit(cycle).alias("cycle"),
            pl.lit(table).alias("table"),
            pl.col("SEQN").cast(pl.Int64),
            pl.exclude("SEQN"),
        )

    def _settled(self, frame: pl.DataFrame, since: dt.date | None, until: dt.date | None) -> pl.DataFrame:
        checked = self.contract.check(frame, self.title)
        rest = [name for name in frame.columns if name not in checked.columns]
        order = ["cycle", "table", "SEQN", *rest]
        return checked.hstack(frame.select(rest)).select(order).sort(order, nulls_last=True)


def _cycles(given: str, since: dt.date | None, until: dt.date | None) -> list[str]:
    if given:
        wanted = [part.strip() for part in given.split(",") if part.strip()]
        for cycle in wanted:
            if cycle not in CYCLES:
                raise NameNotFoundError("NHANES cycle", cycle, CYCLES)
        return sorted(set(wanted))
    if since is None and until is None:
        return [_LATEST]
    first, last = (since or dt.date.min).year, (until or dt.date.max).year
    return [cycle for cycle in CYCLES if cycle != "2017-2020" and first <= int(cycle[:4]) and int(cycle[5:]) <= last]
