"""The main job: a series in; status, forecasts, trust labels, alerts and a bulletin out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.alerts.level_forecast import LevelForecast
from salus.data.manifest import NAME as MANIFEST
from salus.data.output import replaced_folder
from salus.data.provenance import InputFile, hash_file, run_record
from salus.errors import InputError, TooShortError
from salus.evaluation.backtest import backtest, origins, stepped
from salus.evaluation.status import last_known
from salus.evaluation.trust import label
from salus.forecasting.answer import Answer, answer, new_model
from salus.forecasting.coherence import hierarchy
from salus.forecasting.model import Model
from salus.forecasting.overrides import MODEL, applied, read
from salus.reports.asides import asides
from salus.reports.bulletin import Bulletin, Meta, SourceFile, build
from salus.reports.view import focus
from salus.surveillance import diseases
from salus.surveillance.left_out import NEWEST, left_out, unforecastable
from salus.surveillance.levels import LevelScheme, choose
from salus.surveillance.panel import Panel
from salus.surveillance.series import ALSO_LAG, Series, open_series
from salus.surveillance.signals import adds_up, unit
from salus.surveillance.spellings import one_spelling
from salus.tables.contracts import REASONS
from salus.tables.frames import to_polars
from salus.workflows import overrides as overriding
from salus.workflows.named_places import named_places, parents_of, some_shown
from salus.workflows.outlook import joint_paths, maker, milestones, nowcast_table
from salus.workflows.status import BORROWED, level_rows, shown_forecasts, status_table

BACKTEST_PERIODS = {"day": 60, "week": 52, "month": 24}
"""Past origins from which the trust labels are made."""

FRAME = "the table"
"""What a series that came from a frame is called."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Run:
    """Everything that one run found.

    Attributes
    ----------
    panel : Panel
        What was known on the reference date.
    forecasts : polars.DataFrame
        What is shown: quantiles and level probabilities, `forecasts` contract.
    status, trust, alerts : polars.DataFrame
        Tables in their contracts.
    scheme : LevelScheme
        Epidemic levels.
    bulletin : Bulletin
        Sentence, charts and tables.
    record : dict
        What `run.json` holds.
    notes : tuple of str
        What a reader must know about how the input was used.
    more : mapping of str to polars.DataFrame
        Joint paths, answers about the season, and nowcasts, by the name of their file.
    """

    panel: Panel
    forecasts: pl.DataFrame
    status: pl.DataFrame
    trust: pl.DataFrame
    alerts: pl.DataFrame
    scheme: LevelScheme
    bulletin: Bulletin
    record: dict[str, Any]
    notes: tuple[str, ...]
    more: Mapping[str, pl.DataFrame]

    def write(self, out: str | Path, langs: Sequence[str] = ("en",), *, pdf: bool = True) -> Path:
        """Write the folder of results in one step.

        Parameters
        ----------
        out : str or Path
            Folder; one that an earlier run wrote is replaced, one of somebody else's never.
        langs : sequence of str
            Languages; the first is `bulletin.html`, others have their code in the name.
        pdf : bool
            Whether to write the PDF beside the page.

        Returns
        -------
        Path
            The page in the first language.

        Raises
        ------
        OutputError
            The folder can't be written; what was there stays as it was.
        """
        with replaced_folder(out) as folder:
            for number, lang in enumerate(langs):
                stem = "bulletin" if number == 0 else f"bulletin.{lang}"
                (folder / f"{stem}.html").write_text(self.bulletin.html(lang), encoding="utf-8")
                if pdf:
                    self.bulletin.pdf(folder / f"{stem}.pdf", lang)
            self.forecasts.write_parquet(folder / "forecasts.parquet")
            for name, table in (("status", self.status), ("trust", self.trust), ("alerts", self.alerts)):
                table.write_csv(folder / f"{name}.csv", float_precision=6)
            for name, table in self.more.items():
                if name.endswith(".csv"):
                    table.write_csv(folder / name, float_precision=6)
                else:
                    table.write_parquet(folder / name)
            text = json.dumps(self.record, ensure_ascii=False, indent=2, default=str)
            (folder / "run.json").write_text(text + "\n", encoding="utf-8")
        return Path(out) / "bulletin.html"


def run(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    drivers: Sequence[Any] = (),
    as_of: dt.date | None = None,
    horizons: Sequence[int] = (1, 2, 3, 4),
    model: str = "combination",
    levels: str = "auto",
    nowcast: str = "auto",
    coherent: bool = False,
    overrides: str | Path | None = None,
    places_table: pl.DataFrame | None = None,
    shapes: Mapping[str, Mapping[str, Any]] | None = None,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    inside_only: bool = False,
    today: dt.date | None = None,
    typed: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Status, forecasts, trust, alerts and bulletin of one disease.

    Parameters
    ----------
    source : path or frame
        `series` contract.
    disease, signal : str, optional
        May be left out where there is only one.
    also : sequence of path or frame
        Histories of other signals of the disease to learn from.
    also_lag : int
        Periods by which those without `as_of` are held back.
    drivers : sequence of path or frame
        What may drive the disease, such as weather (see :mod:`salus.surveillance.drivers`).
    as_of : datetime.date, optional
        The day to stand on; by default the one on which the newest figures of the data became known.
    horizons : sequence of int
        Periods ahead.
    model : str
        Registered model.
    levels : {'auto', 'official', 'mem', 'percentile'}
        Kind of epidemic levels.
    nowcast : {'auto', 'on', 'off'}
        When to start from nowcasts of the last periods: where first releases are far from what they become, always,
        never.
    coherent : bool
        Let parts add up to their totals.
    overrides : str or Path, optional
        File of overrides (see :mod:`salus.forecasting.overrides`): those of this day's forecasts are shown, marked, and
        what the model says is kept beside them.
    places_table : polars.DataFrame, optional
        `places` contract: names and tile positions of the user's own places.
    shapes : mapping, optional
        GeoJSON geometries by place.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract.
    encoding : str, optional
        Encoding of the text files, where it can't be told.
    inside_only : bool
        The bulletin is made from exact counts and may not leave the wall.
    today : datetime.date, optional
        Day on which the bulletin is made, from which the age of the figures counts; the machine's date by default.
    typed : str, optional
        The command as it was typed, for `run.json`.
    progress : callable, optional
        Called with a stage, the steps done and those of the stage.

    Returns
    -------
    Run
        Ready to be written.

    Raises
    ------
    InputError
        The input can't be used; see :func:`salus.surveillance.series.read_series`.
    TooShortError
        No place can be forecast.
    """
    tell = progress or (lambda stage, done, of: None)
    started = dt.datetime.now(dt.UTC)
    if not horizons or min(horizons) < 1:
        raise InputError(f"the horizons are {list(horizons)}; whole numbers from 1 were wanted, such as 1:4.")
    tell("reading", 0, 1)
    series, others = open_series(
        source, disease, signal, also=also, also_lag=also_lag, mapping=mapping, encoding=encoding, drivers=drivers
    )
    made_on = today or started.astimezone().date()
    series, day = series.standing(as_of, made_on)
    series, doubled = one_spelling(series, day) if places_table is None else (series, ())
    panel = series.learning_panel(day, others)
    named = named_places(panel, places_table)
    some_shown(panel, shapes or panel.locations, "shapes", "property")
    known = panel.history()
    hidden = left_out(series, day)
    parents = parents_of(named)
    scheme = choose(series.disease, series.signal, known, series.cadence, levels, parents=parents, left_out=hidden)
    make = maker(model, nowcast, coherent=coherent, parents=parents)
    said = [] if overrides is None else read(overrides)
    tested, null = _backtests(series, others, day, horizons, make, tell)
    tell("forecasting", 0, 1)
    fitted = make()
    fitted.fit(panel)
    given = _shown_enough(answer(fitted, panel, horizons), panel, hidden)
    persistence = answer(new_model("persistence"), panel, horizons).table
    persistence = persistence.filter(pl.col("location").is_in(given.table["location"].unique().to_list()))
    then = last_known(series.table, tested["reference_date"].unique().to_list())
    forecast = given.table["location"].unique().sort().to_list()
    trust = label(tested, null, series.known_on(day), then, scheme, forecast, horizons, fitted.name)
    trust = _name_borrowed(_name_stand_ins(trust, given), given)
    plain = shown_forecasts(given.table, persistence, trust)
    shown = applied(plain, said)
    marks = overriding.marks(shown, said)
    trust = overriding.unproven(trust, marks)
    status = overriding.noted(status_table(panel, shown, trust, scheme, hidden, given.borrowed), marks)
    kept = plain.join(shown.filter(pl.col("model") == MODEL), on=["location", "horizon"], how="semi")
    forecasts = pl.concat([shown, kept, level_rows(shown, scheme)])
    last = status.filter(pl.col("horizon") == 0).join(panel.last_known().select("location", "date"), on="location")
    alerts = LevelForecast().detect(pl.concat([shown, level_rows(shown, scheme)]), last, scheme)
    reasons = _reasons(fitted, panel, horizons, given)
    within = {place: above for place, above in parents.items() if place not in given.borrowed}
    more = _around(panel, shown, scheme, fitted.name, within if coherent else None)
    more |= {} if reasons is None else {"reasons.csv": reasons}
    around = asides(
        panel.target_end(0), more.get("nowcast.csv"), more["milestones.csv"], overriding.by_place(marks), given.borrowed
    )
    options = {"disease": series.disease, "signal": series.signal, "as_of": day, "horizons": list(horizons)}
    options |= {
        "model": fitted.name,
        "levels": levels,
        "nowcast": nowcast,
        "coherent": coherent,
        "also_lag": also_lag,
        "drivers": [driver.name for driver in series.drivers],
        "mapping": mapping or {},
        "encoding": encoding,
    }
    inputs = [_input(item) for item in (source, *also)] + ([] if overrides is None else [hash_file(overrides)])
    inputs += [_input(item) for item in drivers]
    record = run_record("run", inputs, options, started=started, typed=typed)
    meta = _meta(series, panel, day, given, record["run_id"], fitted.name, inside_only, made_on)
    meta = replace(
        meta,
        notes=(*doubled, *_drivers(series), *((f"{m.en}.", f"{m.zh}。") for m in marks)),
        file=replace(_file([series], inputs[:1]), signals=(), source=""),
        histories=_histories(others, also, inputs[1 : 1 + len(also)]),
        companions=0 if series.companions is None else series.companions["disease"].n_unique(),
    )
    tell("writing", 0, 1)
    bulletin = build(
        known, status.with_columns(pl.when(pl.col("shown") == MODEL).then("note")), trust, shown, scheme, meta,
        named, shapes, hidden, reasons, around,
    )  # fmt: skip
    notes = series.notes + tuple(f"{place}: {why[0]}; not forecast" for place, why in given.unusable.items())
    notes += tuple(f"{place}: {BORROWED}" for place in given.borrowed)
    notes += tuple(m.en for m in marks)
    if meta.old and as_of is None:
        notes += (_age(meta),)
    return Run(panel, forecasts, status, trust, alerts, scheme, bulletin, record, notes, more)


def _reasons(model: Model, panel: Panel, horizons: Sequence[int], given: Answer) -> pl.DataFrame | None:
    """What moves the forecasts, of the places that the model itself has forecast; None where it can't tell."""
    found = model.explain(panel, [focus(horizons, panel.cadence)])
    told = set(given.table["location"]) - set(given.stands_in) - set(given.borrowed)
    return None if found is None else REASONS.check(found.filter(pl.col("location").is_in(sorted(told))))


def _around(
    panel: Panel, shown: pl.DataFrame, scheme: LevelScheme, model: str, parents: Mapping[str, str | None] | None
) -> dict[str, pl.DataFrame]:
    """What stands around the forecast, by the name of its file."""
    counts = adds_up(panel.signal, panel.history()["value"])
    more = {"milestones.csv": milestones(panel, shown, scheme, model, adds_up=counts)}
    if shown.height:  # no forecast of any place may be shown where too little is known of each
        part = panel.without(sorted(set(panel.locations) - set(shown["location"])))
        found = None if parents is None else hierarchy(part, parents, adds_up=counts)
        paths, steps = joint_paths(panel, shown, found=found)
        more["paths.parquet"] = paths.table(model, steps)
    revised = nowcast_table(panel)
    return more if revised is None else more | {"nowcast.csv": revised}


def _backtests(
    series: Series,
    others: Sequence[Series],
    day: dt.date,
    horizons: Sequence[int],
    model: Callable[[], Model],
    tell: Progress,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Past forecasts of the model and of persistence; without rows where nothing was known early enough."""
    start = stepped(series, day, -BACKTEST_PERIODS[series.cadence.kind])
    days = [origin for origin in origins(series, start, day) if origin < day]
    try:
        tested = backtest(series, days, horizons, model, also=others, progress=lambda k, n: tell("backtesting", k, n))
        return tested, backtest(series, days, horizons, "persistence")
    except TooShortError:
        nothing = answer(new_model("persistence"), series.panel(day), horizons).table.clear()
        return nothing, nothing


def _shown_enough(given: Answer, panel: Panel, hidden: pl.DataFrame) -> Answer:
    """The answer without places too many of whose counts are left out to protect persons, which are named."""
    newest = dict(panel.last_known().select("location", "date").iter_rows())
    veiled = {place for place, start in hidden.iter_rows() if start > newest.get(place, dt.date.min)}
    why = {place: NEWEST if place in veiled else reason for place, reason in given.unusable.items()}
    why |= unforecastable(panel, hidden)
    return replace(given, table=given.table.filter(~pl.col("location").is_in(list(why))), unusable=why)


def _name_stand_ins(trust: pl.DataFrame, given: Answer) -> pl.DataFrame:
    """Places where persistence stands in for the model: said so, whatever the backtest found."""
    stands_in = pl.col("location").is_in(list(given.stands_in))
    return trust.with_columns(
        pl.when(stands_in).then(pl.lit("withheld")).otherwise(pl.col("label")).alias("label"),
        pl.when(stands_in).then(pl.lit("persistence")).otherwise(pl.col("shown")).alias("shown"),
        pl.when(stands_in)
        .then(pl.lit("the model has no answer for so short a history; no change is assumed instead"))
        .otherwise(pl.col("reason"))
        .alias("reason"),
    )


def _drivers(series: Series) -> tuple[tuple[str, str], ...]:
    """Which drivers were looked at, in English and Chinese."""
    names = [driver.name for driver in series.drivers]
    told = f"Looked at as drivers: {', '.join(names)}.", f"纳入的外部因素：{'、'.join(names)}。"
    return (told,) if names else ()


def _name_borrowed(trust: pl.DataFrame, given: Answer) -> pl.DataFrame:
    """Places without a history: nothing is known of how such forecasts of them did."""
    theirs = pl.col("location").is_in(list(given.borrowed))
    return trust.with_columns(
        pl.when(theirs).then(pl.lit("unknown")).otherwise(pl.col("label")).alias("label"),
        pl.when(theirs).then(pl.lit(BORROWED)).otherwise(pl.col("reason")).alias("reason"),
    )


def _input(source: Any) -> InputFile:
    """A file by its hash, a workspace by that of its manifest, a frame by that of its rows."""
    if isinstance(source, str | Path):
        manifest = Path(source) / MANIFEST
        return hash_file(manifest if manifest.is_file() else source)
    text = to_polars(source).write_csv().encode()
    return InputFile("a frame", hashlib.sha256(text).hexdigest(), len(text))


def _meta(
    series: Series,
    panel: Panel,
    day: dt.date,
    given: Answer,
    run_id: str,
    model: str,
    inside_only: bool,
    made_on: dt.date,
) -> Meta:
    first = series.table.row(0, named=True)
    words = unit(series.signal, first.get("unit"))
    stated = _stated(series)
    source = "; ".join(stated[:3]) or _file_name(series) or "a table given to Salus"
    return Meta(
        title=diseases.title(series.disease),
        title_zh=diseases.title(series.disease, "zh"),
        short=diseases.within(series.disease),
        short_zh=diseases.short(series.disease, "zh"),
        signal=series.signal,
        unit=words.many,
        unit_one=words.one,
        unit_zh=words.zh,
        cadence=series.cadence,
        reference_date=day,
        as_of=day,
        last_known=panel.starts[-1],
        source=source,
        source_zh="" if stated or _file_name(series) else "交给Salus的表格",
        run_id=run_id,
        simulated=any("simulated" in text.lower() for text in stated or [source]),
        inside_only=inside_only,
        models=tuple(dict.fromkeys((model, "persistence"))),
        unforecast=given.unusable,
        vintages=series.has_vintages,
        made_on=made_on,
    )


def _stated(series: Series) -> list[str]:
    """Where the figures are from, as the table itself says."""
    return series.table["source"].drop_nulls().unique().sort().to_list() if "source" in series.table.columns else []


def _file_name(series: Series) -> str:
    """Name of the file or workspace without its folder; empty for a frame."""
    return "" if series.label == FRAME else Path(series.label).name


def _file(signals: Sequence[Series], inputs: Sequence[InputFile]) -> SourceFile:
    """A table that was used; without a hash where several frames can't be told apart."""
    return SourceFile(
        name=_file_name(signals[0]),
        rows=sum(s.table.height for s in signals),
        sha256=inputs[0].sha256 if len(inputs) == 1 else "",
        source="; ".join(dict.fromkeys(text for s in signals for text in _stated(s))),
        signals=tuple(s.signal for s in signals),
    )


def _histories(others: Sequence[Series], also: Sequence[Any], inputs: Sequence[InputFile]) -> tuple[SourceFile, ...]:
    """The tables of other signals that were learned from, in the order given, each with all its signals."""
    hashes: dict[str, list[InputFile]] = {}
    for source, found in zip(also, inputs, strict=True):
        hashes.setdefault(FRAME if hasattr(source, "columns") else str(source), []).append(found)
    return tuple(_file([s for s in others if s.label == label], found) for label, found in hashes.items()
                 if any(s.label == label for s in others))  # fmt: skip


def _age(meta: Meta) -> str:
    """What somebody who named no day must know of old figures."""
    days = 0 if meta.made_on is None else (meta.made_on - meta.last_day).days
    return (
        f"the newest figures end on {meta.last_day}, {days:,} days before today; the bulletin is of that time. "
        "Give newer figures for one of today"
    )
