"""CDC FluSurv-NET: admissions with laboratory-confirmed influenza per 100 000 people, in the network's areas."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from salus.sources.pull import epidata
from salus.sources.pull.delphi_weeks import OPTIONS, DelphiWeeks
from salus.sources.pull.source import Option

_LOCATIONS = (
    "network_all,network_eip,network_ihsp,CA,CO,CT,GA,IA,ID,MD,MI,MN,NC,NM,NY_albany,NY_rochester,OH,OK,OR,RI,SD,TN,UT"
)


class CdcFlusurv(DelphiWeeks):
    """The influenza hospitalization surveillance network, from Delphi's documented `flusurv` endpoint.

    CDC's own page has no documented interface (see :class:`~salus.sources.pull.cdc_ilinet.CdcIlinet`). A rate is that
    of the counties in the network, not of the whole state; the network as a whole is `FluSurv-NET`, not the nation.
    """

    name = "cdc_flusurv"
    title = "CDC FluSurv-NET, by way of Delphi Epidata"
    citation = (
        "Centers for Disease Control and Prevention. Influenza Hospitalization Surveillance Network (FluSurv-NET). "
        "https://gis.cdc.gov/GRASP/Fluview/FluHospRates.html. By way of: " + epidata.CITATION
    )
    terms = "https://cmu-delphi.github.io/delphi-epidata/api/flusurv.html"
    cadence = "MMWR weeks, in most years from October to April; Friday of the week after"
    options: ClassVar = {"locations": Option("comma list of network areas", _LOCATIONS), **OPTIONS}
    endpoint = "flusurv"
    place = "location"
    named: ClassVar = {
        "network_all": ("FluSurv-NET", "network"),
        "network_eip": ("FluSurv-NET EIP", "network"),
        "network_ihsp": ("FluSurv-NET IHSP", "network"),
    }
    signals: ClassVar = {
        "admissions_per_100000": ("rate_overall", "admissions per 100000 people of the network's counties"),
    }
    start = dt.date(2003, 9, 28)
    origin = "CDC FluSurv-NET via Delphi"
