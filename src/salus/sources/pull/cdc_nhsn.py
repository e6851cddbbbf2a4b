"""CDC NHSN: hospital admissions with laboratory-confirmed influenza, COVID-19 and RSV, by state and week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.errors import SourceError
from salus.sources.pull import answer
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source
from salus.sources.pull.us_places import place

_DATASETS = {"preliminary": "mpgq-jmmr", "final": "ua7e-t2fy"}
_COLUMNS = {"Influenza": "totalconfflunewadm", "COVID-19": "totalconfc19newadm", "RSV": "totalconfrsvnewadm"}
_SATURDAY = 5


class CdcNhsn(Source):
    """Weekly hospital respiratory data of the National Healthcare Safety Network, from data.cdc.gov (Socrata).

    Asked as CSV, page by page: in Socrata's JSON a missing value is left out, so that a column that vanished would
    look like missing values. Weeks are dated there by their last day, a Saturday; here by their first.
    """

    name = "cdc_nhsn"
    title = "CDC NHSN weekly hospital respiratory data"
    licence = "Public domain (US government work)"
    citation = (
        "Centers for Disease Control and Prevention, National Healthcare Safety Network. Weekly Hospital "
        "Respiratory Data (HRD) "
        "Metrics by Jurisdiction. https://data.cdc.gov/d/ua7e-t2fy (preliminary: https://data.cdc.gov/d/mpgq-jmmr)"
    )
    terms = "https://www.cdc.gov/nhsn/psc/hospital-respiratory-reporting.html"
    base_url = "https://data.cdc.gov"
    cadence = "MMWR weeks; preliminary on Wednesday, final on Friday of the week after"
    vintage = "the day of the pull; CDC keeps no earlier states"
    options: ClassVar[Mapping[str, Option]] = {
        "dataset": Option("preliminary (Wednesday) or final (Friday)", "preliminary", tuple(_DATASETS)),
        "disease": Option("one disease or all", "all", ("all", *_COLUMNS)),
    }
    page_rows = 50_000

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        diseases = {d: c for d, c in _COLUMNS.items() if chosen["disease"] in ("all", d)}
        names = ["weekendingdate", "jurisdiction", *diseases.values()]
        limits = [(">=", since), ("<=", until)]
        where = " and ".join(
            f"weekendingdate {sign} '{day + dt.timedelta(days=6)}T00:00:00.000'"
            for sign, day in limits
            if day is not None
        )
        question: dict[str, str | int] = {
            "$select": ",".join(names),
            "$order": "weekendingdate,jurisdiction",
            "$limit": self.page_rows,
        }
        if where:
            question["$where"] = where
        url = f"{self.base_url}/resource/{_DATASETS[chosen['dataset']]}.csv"
        parts: list[pl.DataFrame] = []
        before: pl.DataFrame | None = None
        while True:
            reply = fetch.get(url, {**question, "$offset": len(parts) * self.page_rows})
            page = answer.table(reply, names)
            if before is not None and page.height and page.equals(before):
                raise SourceError(
                    f"{reply.url} repeats the page before it; the source pages otherwise now. Update Salus."
                )
            before = page
            parts.append(
                page.with_columns(
                    answer.dates(reply, page["weekendingdate"], "the Saturday that ends a week", _saturday).alias("end")
                ).with_columns(answer.numbers(reply, page[c]).alias(f"n:{c}") for c in diseases.values())
            )
            if page.height < self.page_rows:
                break
        found = pl.concat(parts)
        places = [place(name) for name in found["jurisdiction"].to_list()]
        return pl.concat(
            pl.DataFrame(
                {
                    "location": pl.Series([p[0] for p in places], dtype=pl.String),
                    "disease": pl.Series([disease] * found.height, dtype=pl.String),
                    "signal": pl.Series(["admissions"] * found.height, dtype=pl.String),
                    "date": found["end"].dt.offset_by("-6d"),
                    "value": found[f"n:{column}"],
                    "as_of": pl.Series([fetch.today] * found.height, dtype=pl.Date),
                    "unit": pl.Series(["admissions"] * found.height, dtype=pl.String),
                    "location_level": pl.Series([p[1] for p in places], dtype=pl.String),
                    "source": pl.Series([f"CDC NHSN {_DATASETS[chosen['dataset']]}"] * found.height, dtype=pl.String),
                }
            )
            for disease, column in diseases.items()
        )


def _saturday(cell: str) -> dt.date:
    day = dt.datetime.fromisoformat(cell).date()
    if day.weekday() != _SATURDAY:
        raise ValueError(cell)
    return day
