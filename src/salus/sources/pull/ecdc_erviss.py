"""ECDC ERVISS: respiratory surveillance of the EU/EEA countries and others of the WHO European Region, by ISO week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from salus.sources.pull import answer
from salus.sources.pull.fetch import Fetch
from salus.sources.pull.source import Option, Source, only, parse_date


@dataclass(frozen=True)
class _File:
    """One of the publisher's files."""

    file: str
    typed: bool
    subtyped: bool


_FILES = {
    "consultations": _File("ILIARIRates", typed=False, subtyped=False),
    "sari": _File("SARIRates", typed=False, subtyped=False),
    "sentinel": _File("sentinelTestsDetectionsPositivity", typed=True, subtyped=True),
    "non_sentinel": _File("nonSentinelTestsDetections", typed=True, subtyped=True),
    "sari_tests": _File("SARITestsDetectionsPositivity", typed=True, subtyped=True),
    "severity": _File("nonSentinelSeverity", typed=True, subtyped=False),
}
_RATES = {
    "ILIconsultationrate": ("Influenza-like illness", "consultation_rate"),
    "ARIconsultationrate": ("Acute respiratory infection", "consultation_rate"),
    "SARIrate": ("Severe acute respiratory infection", "sari_rate"),
}
_INDICATORS = {
    "detections": ("detections", "positive specimens"),
    "tests": ("specimens", "specimens tested"),
    "positivity": ("percent_positive", "percent of specimens"),
    "hospitaladmissions": ("admissions", "admissions"),
    "ICUadmissions": ("icu_admissions", "admissions to intensive care"),
    "hospitalinpatients": ("inpatients", "patients in hospital"),
    "ICUinpatients": ("icu_inpatients", "patients in intensive care"),
    "deaths": ("deaths", "deaths"),
}
_UNITS = dict.fromkeys(("Cyprus", "Luxembourg", "Malta"), "per 100 consultations") | {
    "Finland": "per 100000 consultations"
}


class EcdcErviss(Source):
    """The European Respiratory Virus Surveillance Summary, from the publisher's GitHub repository.

    All ages together unless another group is chosen; then the group is part of the disease's name. Of a virus the
    total is kept, not its subtypes. Consultation rates have another denominator in four countries; the `unit` column
    says so.
    """

    name = "ecdc_erviss"
    title = "ECDC/WHO ERVISS, European respiratory virus surveillance"
    licence = "ECDC's legal notice: reuse with acknowledgement of the source; see the terms"
    citation = (
        "European Centre for Disease Prevention and Control, WHO Regional Office for Europe. European "
        "Respiratory Virus "
        "Surveillance Summary (ERVISS). https://erviss.org, https://github.com/EU-ECDC/Respiratory_viruses_weekly_data"
    )
    terms = "https://www.ecdc.europa.eu/en/legal-notice"
    base_url = "https://raw.githubusercontent.com/EU-ECDC/Respiratory_viruses_weekly_data/main/data"
    cadence = "ISO weeks; Friday of the week after"
    vintage = "the day of the pull; an earlier state with --option snapshot=DATE, one of the Fridays kept since 2023-11"
    options: ClassVar[Mapping[str, Option]] = {
        "dataset": Option("which file", "consultations", tuple(_FILES)),
        "age": Option("age group as published, such as 0-4, or total", "total"),
        "snapshot": Option("day of an earlier state, such as 2024-04-26"),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        file = _FILES[chosen["dataset"]]
        day = parse_date("snapshot", chosen["snapshot"]) if chosen["snapshot"] else fetch.today
        path = f"snapshots/{day}_{file.file}.csv" if chosen["snapshot"] else f"{file.file}.csv"
        names = ["countryname", "yearweek", "indicator", "age", "value"]
        names += ["pathogen", "pathogentype"] if file.typed else []
        names += ["pathogensubtype"] if file.subtyped else []
        reply = fetch.get(f"{self.base_url}/{path}")
        found = answer.table(reply, names)
        found = found.with_columns(
            answer.dates(reply, found["yearweek"], "a week such as 2024-W03", answer.iso_week).alias("date"),
            answer.numbers(reply, found["value"]).alias("value"),
        )
        found = only(found, "age", chosen["age"], "age")
        if file.typed:
            found = found.filter(
                pl.col("pathogentype").is_in(["total", ""]) | (pl.col("pathogentype") == pl.col("pathogen"))
            )
        if file.subtyped:
            found = found.filter(
                pl.col("pathogensubtype").is_in(["total", ""]) | (pl.col("pathogensubtype") == pl.col("pathogen"))
            )
        words = [_words(row) for row in found.iter_rows(named=True)]
        group = "" if chosen["age"] == "total" else f", age {chosen['age']}"
        europe = pl.col("countryname").str.starts_with("EU")
        return found.select(
            pl.col("countryname").alias("location"),
            pl.Series("disease", [w[0] + group for w in words], dtype=pl.String),
            pl.Series("signal", [w[1] for w in words], dtype=pl.String),
            "date",
            "value",
            pl.lit(day).alias("as_of"),
            pl.Series("unit", [w[2] for w in words], dtype=pl.String),
            pl.when(europe).then(pl.lit("region")).otherwise(pl.lit("country")).alias("location_level"),
            pl.lit(f"ECDC ERVISS {file.file}").alias("source"),
        )


def _words(row: Mapping[str, str]) -> tuple[str, str, str]:
    """Disease, signal and unit of a row; an indicator that is not known keeps its own name."""
    indicator = row["indicator"]
    if indicator in _RATES:
        disease, signal = _RATES[indicator]
        return disease, signal, _UNITS.get(row["countryname"], "per 100000 people")
    signal, unit = _INDICATORS.get(indicator, (indicator, indicator))
    return row.get("pathogen", indicator), signal, unit
