"""CDC's weekly surveillance of influenza by way of Delphi: by place and MMWR week, every issue kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.sources.pull import answer, epidata
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source
from salus.sources.pull.us_places import place

OPTIONS = {
    "issues": Option("MMWR weeks of publication, such as 202340-202420; default the latest"),
    "key": Option("API key of Delphi; without one 60 requests an hour, and one place at a time with issues"),
}
"""Options of all these sources, beside the one of the places."""


class DelphiWeeks(Source):
    """A surveillance system of CDC's whose own pages have no documented interface, while Delphi's have.

    A subclass names the attributes below and its options; there is nothing else to write.

    Attributes
    ----------
    endpoint : str
        Last part of the endpoint's address.
    place : str
        Field with the place; in the plural the option, and the endpoint's parameter, that takes a comma list of them.
    named : mapping of str to tuple of str
        Code and kind of the places that are no usual ones.
    signals : mapping of str to tuple of str
        Field and unit of each signal.
    start : datetime.date
        Day since which there is data.
    origin : str
        What the column `source` says.
    """

    licence = "Public domain (US government work)"
    base_url = epidata.BASE_URL
    vintage = "the release date of the issue; all issues with --option issues=FIRST-LAST"
    endpoint: ClassVar[str]
    place: ClassVar[str]
    named: ClassVar[Mapping[str, tuple[str, str]]] = {}
    signals: ClassVar[Mapping[str, tuple[str, str]]]
    start: ClassVar[dt.date]
    origin: ClassVar[str]

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        first = answer.as_epiweek(since or self.start)
        last = max(first, answer.as_epiweek(until or fetch.today))
        question = {name: chosen[name] for name in (f"{self.place}s", "issues") if chosen[name]}
        fields = [self.place, "epiweek", "issue", "release_date", *(field for field, _ in self.signals.values())]
        url = f"{self.base_url}/{self.endpoint}/"
        reply, found = epidata.ask(fetch, url, question, "epiweeks", first, last, fields, chosen["key"])
        where = [self.named.get(name or "") or place(name or "") for name in found[self.place].to_list()]
        common = pl.DataFrame(
            {
                "location": pl.Series([code for code, _ in where], dtype=pl.String),
                "date": epidata.periods(reply, found["epiweek"]),
                "as_of": epidata.issued(reply, found, fetch.today),
                "location_level": pl.Series([kind for _, kind in where], dtype=pl.String),
            }
        )
        return pl.concat(
            common.with_columns(
                pl.lit("Influenza").alias("disease"),
                pl.lit(signal).alias("signal"),
                found[field].cast(pl.Float64).alias("value"),
                pl.lit(unit).alias("unit"),
                pl.lit(self.origin).alias("source"),
            )
            for signal, (field, unit) in self.signals.items()
        )
