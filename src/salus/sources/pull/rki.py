"""Robert Koch-Institut: respiratory surveillance of Germany, by state and ISO week."""

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
    """One of the institute's repositories: its file and what its columns mean."""

    repository: str
    file: str
    week: str
    place: str | None
    values: Mapping[str, tuple[str, str]]
    disease: str
    kinds: str | None = None


_PER = "per 100000 people"
_NOTIFIED = {"Fallzahl": ("cases", "cases"), "Inzidenz": ("cases_per_100000", _PER)}
_FILES = {
    "consultations": _File(
        "ARE-Konsultationsinzidenz", "ARE-Konsultationsinzidenz.tsv", "Kalenderwoche", "Bundesland",
        {"ARE_Konsultationsinzidenz": ("consultations_per_100000", _PER)}, "Acute respiratory infection",
    ),
    "grippeweb": _File(
        "GrippeWeb_Daten_des_Wochenberichts", "GrippeWeb_Daten_des_Wochenberichts.tsv", "Kalenderwoche", "Region",
        {"Inzidenz": ("grippeweb_per_100000", _PER)}, "", "Erkrankung",
    ),
    "influenza": _File(
        "Influenzafaelle_in_Deutschland", "IfSG_Influenzafaelle.tsv", "Meldewoche", "Region", _NOTIFIED, "Influenza",
    ),
    "rsv": _File(
        "Respiratorische_Synzytialvirusfaelle_in_Deutschland", "IfSG_RSVfaelle.tsv", "Meldewoche", "Region",
        _NOTIFIED, "RSV",
    ),
    "sari": _File(
        "SARI-Hospitalisierungsinzidenz", "SARI-Hospitalisierungsinzidenz.tsv", "Kalenderwoche", None,
        {"SARI_Hospitalisierungsinzidenz": ("sari_per_100000", _PER)}, "Severe acute respiratory infection",
    ),
}  # fmt: skip
_DISEASES = {"ARE": "Acute respiratory infection", "ILI": "Influenza-like illness"}
_NATION = "Deutschland"
_SAME = {"Bundesweit": _NATION, "Baden-Wuerttemberg": "Baden-Württemberg", "Thueringen": "Thüringen", "Sueden": "Süden"}
_PARTS = ("Süden", "Osten", "Norden (West)", "Mitte (West)")


class Rki(Source):
    """The institute's open data on GitHub: consultations, GrippeWeb, notified influenza and RSV, severe infections.

    States have one spelling here (the files have two), the nation is `Deutschland`. Notified cases of unknown state
    are not a place and are left out, so that the states need not add up to the nation.
    """

    name = "rki"
    title = "Robert Koch-Institut open data, respiratory surveillance of Germany"
    licence = "CC BY 4.0"
    citation = (
        "Robert Koch-Institut. ARE-Konsultationsinzidenz; GrippeWeb - Daten des Wochenberichts; Influenzafälle "
        "in Deutschland; "
        "Respiratorische Synzytialvirusfälle in Deutschland; SARI-Hospitalisierungsinzidenz. Zenodo. https://github.com/robert-koch-institut"
    )
    terms = "https://github.com/robert-koch-institut"
    base_url = "https://raw.githubusercontent.com/robert-koch-institut"
    cadence = "ISO weeks; Thursday of the week after"
    vintage = "the day of the pull; an earlier state with --option release=DATE, a release of the repository"
    options: ClassVar[Mapping[str, Option]] = {
        "dataset": Option("which repository", "consultations", tuple(_FILES)),
        "age": Option("age group as published, such as 0-4; 00+ is all ages", "00+"),
        "release": Option("day of an earlier release, such as 2024-04-25"),
    }

    def rows(
        self, fetch: Fetch, since: dt.date | None, until: dt.date | None, chosen: Mapping[str, str]
    ) -> pl.DataFrame:
        """See :meth:`Source.rows`."""
        release = parse_date("release", chosen["release"]) if chosen["release"] else None
        file = _FILES[chosen["dataset"]]
        columns = [file.week, "Altersgruppe", *file.values, *(name for name in (file.place, file.kinds) if name)]
        reply = fetch.get(f"{self.base_url}/{file.repository}/{release or 'main'}/{file.file}")
        found = answer.table(reply, columns, separator="\t")
        found = found.with_columns(
            answer.dates(reply, found[file.week], "a week such as 2024-W03", answer.iso_week).alias("date"),
            *(answer.numbers(reply, found[name]).alias(name) for name in file.values),
        )
        found = only(found, "Altersgruppe", chosen["age"], "age")
        where = pl.col(file.place).replace(_SAME) if file.place else pl.lit(_NATION)
        disease = pl.col(file.kinds).replace(_DISEASES) if file.kinds else pl.lit(file.disease)
        group = "" if chosen["age"] == "00+" else f", age {chosen['age']}"
        return pl.concat(
            found.select(
                where.alias("location"),
                (disease + group).alias("disease"),
                pl.lit(signal).alias("signal"),
                "date",
                pl.col(column).alias("value"),
                pl.lit(release or fetch.today).alias("as_of"),
                pl.lit(unit).alias("unit"),
                _level(where).alias("location_level"),
                pl.lit(f"RKI {file.repository}").alias("source"),
            )
            for column, (signal, unit) in file.values.items()
        ).filter(pl.col("location") != "Unbekannt")


def _level(where: pl.Expr) -> pl.Expr:
    part = pl.when(where.is_in(list(_PARTS))).then(pl.lit("region")).otherwise(pl.lit("state"))
    return pl.when(where == _NATION).then(pl.lit("country")).otherwise(part)
