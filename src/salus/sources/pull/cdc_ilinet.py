"""CDC ILINet: visits for influenza-like illness among outpatient visits, by state, region and week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.sources.pull import answer, epidata
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source
from salus.sources.pull.us_places import FIPS, place

_REGIONS = ",".join(
    ["nat", *(f"hhs{k}" for k in range(1, 11)), *(code.lower() for code in FIPS if code not in ("AS", "GU", "MP"))]
)
_FIELDS = ["region", "epiweek", "issue", "release_date", "ili", "wili", "num_ili", "num_patients"]
_SIGNALS = {
    "ili_percent": ("ili", "percent of visits"),
    "ili_percent_weighted": ("wili", "percent of visits, weighted by population"),
    "ili_visits": ("num_ili", "visits for influenza-like illness"),
    "outpatient_visits": ("num_patients", "visits for any reason"),
}


class CdcIlinet(Source):
    """The outpatient influenza-like illness surveillance network, from Delphi's documented `fluview` endpoint.

    CDC's own download (the FluView Interactive page) is a form without a documented interface; Delphi mirrors it
    every week, documents its fields and keeps every issue, so it is the one that can be relied on. The disease is
    called Influenza, as in the other US sources, so that one can be learnt from beside another.
    """

    name = "cdc_ilinet"
    title = "CDC ILINet (FluView), by way of Delphi Epidata"
    licence = "Public domain (US government work)"
    citation = (
        "Centers for Disease Control and Prevention. U.S. Outpatient Influenza-like Illness Surveillance "
        "Network (ILINet), FluView. "
        "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html. By way of: " + epidata.CITATION
    )
    terms = "https://cmu-delphi.github.io/delphi-epidata/api/fluview.html"
    base_url = epidata.BASE_URL
    cadence = "MMWR weeks; Friday of the week after"
    vintage = "the release date of the issue; all issues with --option issues=FIRST-LAST"
    options: ClassVar[Mapping[str, Option]] = {
        "regions": Option("comma list of nat, hhs1-hhs10, cen1-cen9, states by postal code", _REGIONS),
        "issues": Option("MMWR weeks of publication, such as 202340-202420; default the latest"),
        "key": Option("API key of Delphi; without one 60 requests an hour, and one region at a time with issues"),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        first = answer.as_epiweek(since or dt.date(1997, 9, 28))
        last = max(first, answer.as_epiweek(until or fetch.today))
        question = {"regions": chosen["regions"]} | ({"issues": chosen["issues"]} if chosen["issues"] else {})
        reply, found = epidata.ask(
            fetch, f"{self.base_url}/fluview/", question, "epiweeks", first, last, _FIELDS, chosen["key"]
        )
        places = [place(name or "") for name in found["region"].to_list()]
        common = pl.DataFrame(
            {
                "location": pl.Series([p[0] for p in places], dtype=pl.String),
                "date": epidata.periods(reply, found["epiweek"]),
                "as_of": epidata.issued(reply, found, fetch.today),
                "location_level": pl.Series([p[1] for p in places], dtype=pl.String),
            }
        )
        return pl.concat(
            common.with_columns(
                pl.lit("Influenza").alias("disease"),
                pl.lit(signal).alias("signal"),
                found[field].cast(pl.Float64).alias("value"),
                pl.lit(unit).alias("unit"),
                pl.lit("CDC ILINet via Delphi").alias("source"),
            )
            for signal, (field, unit) in _SIGNALS.items()
        )
