"""CDC FluSurv-NET: admissions with laboratory-confirmed influenza per 100 000 people, in the network's areas."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.sources.pull import answer, epidata
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source
from salus.sources.pull.us_places import place

_LOCATIONS = (
    "network_all,network_eip,network_ihsp,CA,CO,CT,GA,IA,ID,MD,MI,MN,NC,NM,NY_albany,NY_rochester,OH,OK,OR,RI,SD,TN,UT"
)
_NETWORK = {"network_all": "FluSurv-NET", "network_eip": "FluSurv-NET EIP", "network_ihsp": "FluSurv-NET IHSP"}
_FIELDS = ["location", "epiweek", "issue", "release_date", "rate_overall"]


class CdcFlusurv(Source):
    """The influenza hospitalization surveillance network, from Delphi's documented `flusurv` endpoint.

    CDC's own page has no documented interface (see :class:`~salus.sources.pull.cdc_ilinet.CdcIlinet`). A rate is that
    of the counties in the network, not of the whole state; the network as a whole is `FluSurv-NET`, not the nation.
    """

    name = "cdc_flusurv"
    title = "CDC FluSurv-NET, by way of Delphi Epidata"
    licence = "Public domain (US government work)"
    citation = (
        "Centers for Disease Control and Prevention. Influenza Hospitalization Surveillance Network (FluSurv-NET). "
        "https://gis.cdc.gov/GRASP/Fluview/FluHospRates.html. By way of: " + epidata.CITATION
    )
    terms = "https://cmu-delphi.github.io/delphi-epidata/api/flusurv.html"
    base_url = epidata.BASE_URL
    cadence = "MMWR weeks, in most years from October to April; Friday of the week after"
    vintage = "the release date of the issue; all issues with --option issues=FIRST-LAST"
    options: ClassVar[Mapping[str, Option]] = {
        "locations": Option("comma list of network areas", _LOCATIONS),
        "issues": Option("MMWR weeks of publication, such as 202340-202420; default the latest"),
        "key": Option("API key of Delphi; without one 60 requests an hour, and one area at a time with issues"),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        first = answer.as_epiweek(since or dt.date(2003, 9, 28))
        last = max(first, answer.as_epiweek(until or fetch.today))
        question = {"locations": chosen["locations"]} | ({"issues": chosen["issues"]} if chosen["issues"] else {})
        reply, found = epidata.ask(
            fetch, f"{self.base_url}/flusurv/", question, "epiweeks", first, last, _FIELDS, chosen["key"]
        )
        places = [
            (_NETWORK[name], "network") if name in _NETWORK else place(name or "")
            for name in found["location"].to_list()
        ]
        return pl.DataFrame(
            {
                "location": pl.Series([p[0] for p in places], dtype=pl.String),
                "date": epidata.periods(reply, found["epiweek"]),
                "value": found["rate_overall"],
                "as_of": epidata.issued(reply, found, fetch.today),
                "location_level": pl.Series([p[1] for p in places], dtype=pl.String),
            }
        ).with_columns(
            pl.lit("Influenza").alias("disease"),
            pl.lit("admissions_per_100000").alias("signal"),
            pl.lit("admissions per 100000 people of the network's counties").alias("unit"),
            pl.lit("CDC FluSurv-NET via Delphi").alias("source"),
        )
