"""CDC ILINet: visits for influenza-like illness among outpatient visits, by state, region and week."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from salus.sources.pull import epidata
from salus.sources.pull.delphi_weeks import OPTIONS, DelphiWeeks
from salus.sources.pull.source import Option
from salus.sources.pull.us_places import FIPS

_REGIONS = ",".join(
    ["nat", *(f"hhs{k}" for k in range(1, 11)), *(code.lower() for code in FIPS if code not in ("AS", "GU", "MP"))]
)


class CdcIlinet(DelphiWeeks):
    """The outpatient influenza-like illness surveillance network, from Delphi's documented `fluview` endpoint.

    CDC's own download (the FluView Interactive page) is a form without a documented interface; Delphi mirrors it
    every week, documents its fields and keeps every issue, so it is the one that can be relied on. The disease is
    called Influenza, as in the other US sources, so that one can be learnt from beside another.
    """

    name = "cdc_ilinet"
    title = "CDC ILINet (FluView), by way of Delphi Epidata"
    citation = (
        "Centers for Disease Control and Prevention. U.S. Outpatient Influenza-like Illness Surveillance "
        "Network (ILINet), FluView. "
        "https://gis.cdc.gov/grasp/fluview/fluportaldashboard.html. By way of: " + epidata.CITATION
    )
    terms = "https://cmu-delphi.github.io/delphi-epidata/api/fluview.html"
    cadence = "MMWR weeks; Friday of the week after"
    options: ClassVar = {
        "regions": Option("comma list of nat, hhs1-hhs10, cen1-cen9, states by postal code", _REGIONS),
        **OPTIONS,
    }
    endpoint = "fluview"
    place = "region"
    signals: ClassVar = {
        "ili_percent": ("ili", "percent of visits"),
        "ili_percent_weighted": ("wili", "percent of visits, weighted by population"),
        "ili_visits": ("num_ili", "visits for influenza-like illness"),
        "outpatient_visits": ("num_patients", "visits for any reason"),
    }
    start = dt.date(1997, 9, 28)
    origin = "CDC ILINet via Delphi"
