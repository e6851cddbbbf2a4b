"""Delphi Epidata: any signal of its main endpoint, as known on any day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import ClassVar

import polars as pl

from salus.errors import InputError
from salus.sources.pull import epidata
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source, parse_date
from salus.sources.pull.us_places import place

_FIELDS = ["geo_value", "time_value", "issue", "value"]
_DISEASES = {"flu": "Influenza", "covid": "COVID-19", "rsv": "RSV"}
_EARLIEST = dt.date(2020, 1, 1)


class DelphiEpidata(Source):
    """A signal of Delphi's `covidcast` endpoint; by default NHSN's weekly influenza admissions by state.

    With `as_of` the server answers what had been published by that day, and that day becomes the vintage. Weekly
    signals have weekly issues, so the last week that had wholly passed by that day is asked for: nothing published
    later can slip in.
    """

    name = "delphi_epidata"
    title = "Delphi Epidata (Carnegie Mellon University)"
    licence = epidata.LICENCE
    citation = epidata.CITATION
    terms = epidata.TERMS
    base_url = epidata.BASE_URL
    cadence = "days or MMWR weeks, as the signal"
    vintage = "the day given as as_of; else the last day of the issue that a value came with"
    options: ClassVar[Mapping[str, Option]] = {
        "data_source": Option("Delphi's name of the source", "nhsn"),
        "signal": Option("Delphi's name of the signal", "confirmed_admissions_flu_ew"),
        "time_type": Option("week or day, as the signal has it", "week", ("week", "day")),
        "geo_type": Option("kind of place", "state", ("nation", "hhs", "state", "county", "hrr", "msa", "dma")),
        "geo_values": Option("comma list of places, or * for all", "*"),
        "as_of": Option("what had been published by this day; default the latest"),
        "issues": Option("issues, such as 202445-202510 (weeks) or 20241101-20250301 (days); not together with as_of"),
        "disease": Option("disease; default from the signal's name"),
        "key": Option("API key of Delphi; without one 60 requests an hour"),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        if chosen["as_of"] and chosen["issues"]:
            raise InputError(
                "as_of and issues can't be given together: as_of is one state of the data, issues are all changes."
            )
        weekly = chosen["time_type"] == "week"
        asked = parse_date("as_of", chosen["as_of"]) if chosen["as_of"] else None
        disease = chosen["disease"] or _disease(chosen["signal"])
        question = {
            "data_source": chosen["data_source"],
            "signal": chosen["signal"],
            "time_type": chosen["time_type"],
            "geo_type": chosen["geo_type"],
            "geo_value": chosen["geo_values"],
        }
        if asked is not None:
            question["as_of"] = str(epidata.period(_published(asked) if weekly else asked, weekly))
        if chosen["issues"]:
            question["issues"] = chosen["issues"]
        first = epidata.period(since or _EARLIEST, weekly)
        last = max(first, epidata.period(until or fetch.today, weekly))
        url = f"{self.base_url}/covidcast/"
        reply, found = epidata.ask(fetch, url, question, "time_values", first, last, _FIELDS, chosen["key"])
        places = [_place(chosen["geo_type"], name or "") for name in found["geo_value"].to_list()]
        if asked is not None:
            known = pl.Series([asked] * found.height, dtype=pl.Date)
        else:
            known = epidata.issued(reply, found, fetch.today)
        return pl.DataFrame(
            {
                "location": pl.Series([p[0] for p in places], dtype=pl.String),
                "date": epidata.periods(reply, found["time_value"]),
                "value": found["value"],
                "as_of": known,
                "location_level": pl.Series([p[1] for p in places], dtype=pl.String),
            }
        ).with_columns(
            pl.lit(disease).alias("disease"),
            pl.lit("admissions" if "admissions" in chosen["signal"] else chosen["signal"]).alias("signal"),
            pl.lit(chosen["signal"]).alias("unit"),
            pl.lit(f"Delphi Epidata {chosen['data_source']}:{chosen['signal']}").alias("source"),
        )


def _disease(signal: str) -> str:
    for part, disease in _DISEASES.items():
        if part in signal:
            return disease
    raise InputError(f"the signal '{signal}' does not say which disease it counts; give it by --option disease=NAME.")


def _place(kind: str, name: str) -> tuple[str, str]:
    if kind in ("nation", "state"):
        return place(name)
    if kind == "hhs":
        return f"HHS{name.lstrip('0')}", "HHS region"
    return name, kind


def _published(day: dt.date) -> dt.date:
    """Last Saturday up to a day: the end of the last MMWR week that had wholly passed."""
    return day - dt.timedelta(days=(day.weekday() - 5) % 7)
