"""The contract of every table that Salus reads, passes on or writes."""

from __future__ import annotations

import polars as pl

from salus.tables.assessments import COPD_ASSESSMENTS, COPD_SPIROMETRY
from salus.tables.contract import Column, Contract

LEVELS = (0.01, 0.025, *(round(0.05 * k, 2) for k in range(1, 20)), 0.975, 0.99)
"""The 23 quantile levels of a forecast, as the hubs use them."""

_LOCATION = Column("location", pl.String, "place: a code or a name, the same in every table")
_DISEASE = Column("disease", pl.String, "disease or syndrome")
_SIGNAL = Column("signal", pl.String, "what is counted: admissions, cases, ili_percent, per_sentinel ...")

SERIES = Contract(
    "series",
    "The value of one place, disease, signal and period; with `as_of`, the value as known on that day.",
    (
        _LOCATION,
        _DISEASE,
        _SIGNAL,
        Column("date", pl.Date, "first day of the period (day, ISO week, MMWR week or month)"),
        Column(
            "value", pl.Float64, "the count or rate; missing means unknown, zero means zero", nullable=True, minimum=0
        ),
        Column("as_of", pl.Date, "day on which this value was what was known", required=False),
        Column(
            "population", pl.Float64, "people in the place", required=False, nullable=True, unit="people", minimum=0
        ),
        Column("unit", pl.String, "unit of the value, in words", required=False, nullable=True),
        Column(
            "location_level", pl.String, "kind of place: country, province, district ...", required=False, nullable=True
        ),
        Column("parent", pl.String, "place that this place lies in", required=False, nullable=True),
        Column("source", pl.String, "where the value is from", required=False, nullable=True),
        Column(
            "left_out",
            pl.Boolean,
            "true where the value is missing because it is left out to protect persons; it was reported",
            required=False,
            nullable=True,
        ),
    ),
    key=("location", "disease", "signal", "date", "as_of"),
)

DRIVERS = Contract(
    "drivers",
    "The value of something that may drive a disease, such as the temperature, in one place and period.",
    (
        _LOCATION,
        Column("driver", pl.String, "what it is: temperature, humidity ..."),
        Column("date", pl.Date, "first day of the period"),
        Column("value", pl.Float64, "its value; missing means unknown", nullable=True),
        Column("as_of", pl.Date, "day on which this value was what was known", required=False),
    ),
    key=("location", "driver", "date", "as_of"),
)

CALENDARS = Contract(
    "calendars",
    "Days on which something is closed, such as schools, known before they come.",
    (
        Column("location", pl.String, "place; without it, or empty, every place", required=False, nullable=True),
        Column("calendar", pl.String, "what is closed: schools, markets ..."),
        Column("first", pl.Date, "first day"),
        Column("last", pl.Date, "last day, included"),
    ),
    key=("location", "calendar", "first"),
)

FORECASTS = Contract(
    "forecasts",
    "One quantile, level probability or sample of one place, horizon and reference date (hubverse model output).",
    (
        Column("model", pl.String, "name of the model"),
        Column("reference_date", pl.Date, "day on which the forecast is made; nothing later is known to it"),
        _DISEASE,
        _SIGNAL,
        _LOCATION,
        Column("horizon", pl.Int64, "periods after the last one that the source's usual lag makes known", minimum=0),
        Column("target_end_date", pl.Date, "last day of the period that is forecast"),
        Column("output_type", pl.String, "kind of row", allowed=("quantile", "pmf", "sample")),
        Column("output_type_id", pl.String, "quantile level, number of the epidemic level, or sample number, as text"),
        Column("value", pl.Float64, "quantile or sample in the signal's unit, or a probability"),
    ),
    key=(
        "model",
        "reference_date",
        "disease",
        "signal",
        "location",
        "horizon",
        "target_end_date",
        "output_type",
        "output_type_id",
    ),
)

MILESTONES = Contract(
    "milestones",
    "One answer about the season of one place: its peak, its beginning, how long it lasts, what the next periods add.",
    (
        Column("model", pl.String, "name of the model whose paths tell it"),
        Column("reference_date", pl.Date, "day on which it is told; nothing later is known to it"),
        _DISEASE,
        _SIGNAL,
        _LOCATION,
        Column("season", pl.String, "the season, such as 2018/19"),
        Column(
            "target",
            pl.String,
            "`peak` (period of the highest value), `peak size`, `onset of level K` (first period at level K or above), "
            "`periods at level K` (or above), `next 4` (sum of the next periods)",
        ),
        Column("output_type", pl.String, "kind of row", allowed=("quantile", "pmf")),
        Column(
            "output_type_id",
            pl.String,
            "quantile level; or the last day of the period, or `never`: not in this season",
        ),
        Column("value", pl.Float64, "quantile in the signal's unit or in periods, or a probability", minimum=0),
    ),
    key=("model", "reference_date", "disease", "signal", "location", "season", "target", "output_type_id"),
)

REASONS = Contract(
    "reasons",
    "How much one kind of evidence moves the forecast of one place.",
    (
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead, from 1", minimum=1),
        Column(
            "kind",
            pl.String,
            "kind of evidence",
            allowed=("holidays", "season", "neighbours", "nation", "height", "course", "nature", "drivers"),
        ),
        Column("share", pl.Float64, "by how much it moves the expected change, on the model's scale; upward above 0"),
    ),
    key=("location", "horizon", "kind"),
)

CHANGES = Contract(
    "changes",
    "Why one quantile of the forecast of one place and period is another than it was: three parts that add up.",
    (
        Column("model", pl.String, "name of the model"),
        Column("earlier_date", pl.Date, "day of the earlier forecast"),
        Column("reference_date", pl.Date, "day of the forecast now"),
        _DISEASE,
        _SIGNAL,
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead as counted now, from 1", minimum=1),
        Column("target_end_date", pl.Date, "last day of the period that is forecast"),
        Column("output_type_id", pl.String, "quantile level; 0.5 is the median"),
        Column("before", pl.Float64, "the quantile as it was forecast on the earlier day", minimum=0),
        Column(
            "revised_data",
            pl.Float64,
            "part of older figures that were revised since; empty where not told",
            nullable=True,
        ),
        Column(
            "new_data", pl.Float64, "part of the figures of newer periods; and of revisions where these are not told"
        ),
        Column("model_change", pl.Float64, "part of the model: it was fitted anew"),
        Column("now", pl.Float64, "the quantile as it is forecast now: the sum of the four before", minimum=0),
    ),
    key=("location", "horizon", "output_type_id"),
)

NOWCASTS = Contract(
    "nowcasts",
    "What one of the last periods of one place will read once all reports are in.",
    (
        _LOCATION,
        Column("target_end_date", pl.Date, "last day of the period"),
        Column("value", pl.Float64, "the value as it is known now", minimum=0),
        Column("lower95", pl.Float64, "lower end of the central 95 % of the final value", minimum=0),
        Column("lower50", pl.Float64, "lower end of the central 50 %", minimum=0),
        Column("median", pl.Float64, "median", minimum=0),
        Column("upper50", pl.Float64, "upper end of the central 50 %", minimum=0),
        Column("upper95", pl.Float64, "upper end of the central 95 %", minimum=0),
    ),
    key=("location", "target_end_date"),
)

RECORDS = Contract(
    "records",
    "One visit of one person. Never leaves the wall.",
    (
        Column(
            "person", pl.Int64, "surrogate of the person (64 bits of a keyed hash); never an identifier from outside"
        ),
        Column("encounter", pl.Int64, "surrogate of the visit (64 bits of a keyed hash)"),
        Column("date", pl.Date, "first day of the visit (FHIR Encounter.period.start, OMOP visit_start_date)"),
        Column("reported", pl.Date, "day on which the record arrived", required=False, nullable=True),
        Column("district", pl.String, "code of the smallest area"),
        Column("age_group", pl.String, "age band such as 0-4", nullable=True),
        Column("sex", pl.String, "administrative sex", nullable=True, allowed=("female", "male", "other", "unknown")),
        Column(
            "encounter_class",
            pl.String,
            "kind of visit",
            nullable=True,
            allowed=("outpatient", "emergency", "inpatient", "virtual"),
        ),
        Column("code_system", pl.String, "code list of the diagnosis", allowed=("icd10", "snomed")),
        Column("code", pl.String, "diagnosis code"),
        Column("syndrome", pl.String, "syndrome that the code stands for", required=False, nullable=True),
    ),
    key=("encounter", "code_system", "code"),
    inside_wall=True,
)

CLAIMS = Contract(
    "claims",
    "One line of one claim. Never leaves the wall.",
    (
        Column("claim", pl.String, "surrogate of the claim (FHIR Claim.id)"),
        Column("person", pl.String, "surrogate of the person"),
        Column("provider", pl.String, "surrogate of the provider"),
        Column("service_start", pl.Date, "first day of service"),
        Column("service_end", pl.Date, "last day of service"),
        Column("code_system", pl.String, "code list of the service or diagnosis"),
        Column("code", pl.String, "service or diagnosis code"),
        Column("amount", pl.Float64, "sum claimed", unit="currency of the payer", minimum=0),
        Column("paid", pl.Float64, "sum paid", required=False, nullable=True, unit="currency of the payer", minimum=0),
    ),
    key=("claim", "code_system", "code"),
    inside_wall=True,
)

ALERTS = Contract(
    "alerts",
    "One place that needs a look, and why.",
    (
        Column("detector", pl.String, "name of the detector"),
        Column("reference_date", pl.Date, "day on which the alert is raised"),
        _DISEASE,
        _SIGNAL,
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead; 0 is the last known period", minimum=0),
        Column("target_end_date", pl.Date, "last day of the period that the alert is about"),
        Column("level", pl.Int64, "epidemic level that is reached or expected", minimum=0),
        Column("probability", pl.Float64, "probability of that level or a higher one", minimum=0, maximum=1),
        Column("reason", pl.String, "in words"),
    ),
    key=("detector", "reference_date", "disease", "signal", "location", "horizon"),
)

SCORES = Contract(
    "scores",
    "Scores of one forecast against what happened.",
    (
        Column("model", pl.String, "name of the model"),
        Column("reference_date", pl.Date, "day on which the forecast was made"),
        _DISEASE,
        _SIGNAL,
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead", minimum=0),
        Column("target_end_date", pl.Date, "last day of the target period"),
        Column("truth", pl.Float64, "what happened", minimum=0),
        Column("wis", pl.Float64, "weighted interval score, natural scale", minimum=0),
        Column("log_wis", pl.Float64, "weighted interval score of log(1 + x)", minimum=0),
        Column("inside50", pl.Float64, "share of the truth inside the central 50 %", minimum=0, maximum=1),
        Column("inside95", pl.Float64, "share of the truth inside the central 95 %", minimum=0, maximum=1),
        Column("pit", pl.Float64, "place of the truth in the forecast distribution", minimum=0, maximum=1),
        Column("abs_error", pl.Float64, "absolute error of the median", minimum=0),
    ),
    key=("model", "reference_date", "disease", "signal", "location", "horizon", "target_end_date"),
)

FINDINGS = Contract(
    "findings",
    "One claim pattern worth a person's look; never a decision. Never leaves the wall.",
    (
        Column("finding", pl.String, "id"),
        Column("detector", pl.String, "name of the detector"),
        Column("subject_kind", pl.String, "what is looked at", allowed=("provider", "person", "claim")),
        Column("subject", pl.String, "surrogate of the provider, person or claim"),
        Column("score", pl.Float64, "strength, higher first"),
        Column("rule", pl.String, "rule text or model version"),
        Column("evidence", pl.String, "claims that support it, separated by blanks"),
    ),
    key=("finding",),
    inside_wall=True,
)

CERTIFICATES = Contract(
    "certificates",
    "One statement about one release, and what one must have to check it.",
    (
        Column("release", pl.String, "id of the release"),
        Column("claim", pl.String, "what is stated, such as minimum_cell"),
        Column("value", pl.String, "its value, as text"),
        Column(
            "needs",
            pl.String,
            "what one must have to check it: the release alone, the table of places, the case definitions, or the "
            "department's key and records; some statements, such as the version, nothing can show",
            allowed=("release", "places", "definitions", "key and records", "nothing can"),
        ),
    ),
    key=("release", "claim"),
)

STATUS = Contract(
    "status",
    "The epidemic status of one place now (horizon 0) or ahead.",
    (
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead; 0 is the last known period", minimum=0),
        Column("target_end_date", pl.Date, "last day of the period"),
        Column("value", pl.Float64, "last known value at horizon 0, median of what is shown ahead", nullable=True),
        Column("lower50", pl.Float64, "lower end of the central 50 %", nullable=True),
        Column("upper50", pl.Float64, "upper end of the central 50 %", nullable=True),
        Column("lower95", pl.Float64, "lower end of the central 95 %", nullable=True),
        Column("upper95", pl.Float64, "upper end of the central 95 %", nullable=True),
        Column(
            "level",
            pl.Int64,
            "most probable level; where the forecast is withheld, the level now",
            nullable=True,
            minimum=0,
        ),
        Column("level_name", pl.String, "its name", nullable=True),
        Column(
            "probability_0", pl.Float64, "probability of level 0", required=False, nullable=True, minimum=0, maximum=1
        ),
        Column(
            "probability_1", pl.Float64, "probability of level 1", required=False, nullable=True, minimum=0, maximum=1
        ),
        Column(
            "probability_2", pl.Float64, "probability of level 2", required=False, nullable=True, minimum=0, maximum=1
        ),
        Column(
            "probability_3", pl.Float64, "probability of level 3", required=False, nullable=True, minimum=0, maximum=1
        ),
        Column(
            "probability_4", pl.Float64, "probability of level 4", required=False, nullable=True, minimum=0, maximum=1
        ),
        Column(
            "probability_higher",
            pl.Float64,
            "probability of a value above the last known one; missing where the forecast is withheld",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column("shown", pl.String, "model whose forecast is shown"),
        Column(
            "trust", pl.String, "trust label", allowed=("observed", "high", "moderate", "low", "withheld", "unknown")
        ),
        Column("note", pl.String, "what a reader must know, such as a late report", nullable=True),
    ),
    key=("location", "horizon"),
)

TRUST = Contract(
    "trust",
    "How far the forecast of one place and horizon can be trusted, from its own as-of backtest.",
    (
        _LOCATION,
        Column("horizon", pl.Int64, "periods ahead", minimum=0),
        Column("label", pl.String, "trust label", allowed=("high", "moderate", "low", "withheld", "unknown")),
        Column("shown", pl.String, "model whose forecast is shown"),
        Column("origins", pl.Int64, "past forecasts scored", minimum=0),
        Column("skill", pl.Float64, "WIS over persistence's; under 1 is better", nullable=True),
        Column("coverage50", pl.Float64, "share of truths inside the central 50 %", nullable=True),
        Column("coverage95", pl.Float64, "share of truths inside the central 95 %", nullable=True),
        Column("status_accuracy", pl.Float64, "share of weeks whose level was called", nullable=True),
        Column("persistence_accuracy", pl.Float64, "the same, had the last level been repeated", nullable=True),
        Column("changes", pl.Int64, "weeks in which the level changed", nullable=True),
        Column("changes_called", pl.Float64, "share of those that were called", nullable=True),
        Column("reason", pl.String, "why the label is what it is, in words"),
    ),
    key=("location", "horizon"),
)

PLACES = Contract(
    "places",
    "One place: its code, names, parent, population, and where it lies on a tile map.",
    (
        _LOCATION,
        Column("name", pl.String, "name in English or in Latin letters"),
        Column("name_zh", pl.String, "name in Chinese characters", required=False, nullable=True),
        Column("short", pl.String, "abbreviation for the tile of a map", required=False, nullable=True),
        Column("parent", pl.String, "code of the place that it lies in", required=False, nullable=True),
        Column(
            "location_level", pl.String, "kind of place: country, province, district ...", required=False, nullable=True
        ),
        Column(
            "population", pl.Float64, "people in the place", required=False, nullable=True, unit="people", minimum=0
        ),
        Column("tile_row", pl.Int64, "row on a tile map, from the north", required=False, nullable=True, minimum=0),
        Column(
            "tile_column", pl.Int64, "column on a tile map, from the west", required=False, nullable=True, minimum=0
        ),
    ),
    key=("location",),
)

ALL = (
    SERIES,
    FORECASTS,
    NOWCASTS,
    MILESTONES,
    DRIVERS,
    CALENDARS,
    REASONS,
    CHANGES,
    RECORDS,
    CLAIMS,
    ALERTS,
    SCORES,
    FINDINGS,
    CERTIFICATES,
    STATUS,
    TRUST,
    PLACES,
    COPD_ASSESSMENTS,
    COPD_SPIROMETRY,
)
"""Every contract, in the order of the reference page."""
