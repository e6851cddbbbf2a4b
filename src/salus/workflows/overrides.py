"""A person's forecasts beside the model's: written down, shown with a mark, and scored side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.evaluation import scores
from salus.forecasting import overrides
from salus.forecasting.overrides import MODEL, Override
from salus.reports.asides import Override as Told
from salus.surveillance.series import read_series
from salus.tables import door
from salus.tables.contracts import FORECASTS

_TASK = ["location", "horizon"]


@dataclass(frozen=True)
class Mark:
    """A forecast that is a person's, in words.

    Attributes
    ----------
    location : str
        Place.
    horizon : int
        Periods ahead.
    en, zh : str
        Who, what and why.
    said : Override
        The same in parts.
    """

    location: str
    horizon: int
    en: str
    zh: str
    said: Override


def log_of(forecasts: str | Path) -> Path:
    """Where the overrides of a file of forecasts are kept when no place is named.

    Beside the file; of one in a folder that `salus run` wrote, beside the folder, which the next run replaces.

    Parameters
    ----------
    forecasts : str or Path
        The file.

    Examples
    --------
    >>> log_of("past/week.parquet").as_posix()
    'past/week.overrides.jsonl'
    """
    path = Path(forecasts)
    kept = path.parent if (path.parent / "run.json").is_file() else path.with_suffix("")
    kept = kept.resolve() if kept.name in ("", "..") else kept
    return kept.with_name(f"{kept.name}.overrides.jsonl")


def override(
    forecasts: str | Path,
    location: str,
    horizon: int,
    *,
    name: str,
    reason: str,
    widen: float | None = None,
    quantiles: Mapping[float, float] | None = None,
    log: str | Path | None = None,
) -> tuple[Override, Path]:
    """Replace or widen one forecast of a file; the file stays as it is.

    Parameters
    ----------
    forecasts : str or Path
        File that `salus forecast` or `salus run` wrote.
    location, horizon, name, reason, widen, quantiles
        As for :func:`salus.forecasting.overrides.add`.
    log : str or Path, optional
        File of overrides; :func:`log_of` the forecasts by default.

    Returns
    -------
    override : Override
        What was written.
    log : Path
        Where.
    """
    target = Path(log) if log is not None else log_of(forecasts)
    table = door.read(forecasts, FORECASTS)
    said = overrides.add(target, table, location, horizon, name=name, reason=reason, widen=widen, quantiles=quantiles)
    return said, target


def beside(folder: str | Path) -> Path | None:
    """The file of overrides of a folder of results, where there is one.

    Parameters
    ----------
    folder : str or Path
        As `salus run` writes it.
    """
    path = Path(folder).resolve()
    found = path.with_name(f"{path.name}.overrides.jsonl")
    return found if found.is_file() else None


def score_overrides(
    forecasts: str | Path,
    source: Any,
    *,
    log: str | Path | None = None,
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
) -> list[dict[str, Any]]:
    """Persons' forecasts and the model's in their place, against what happened.

    Parameters
    ----------
    forecasts : path
        File of forecasts.
    source : path or frame
        `series` contract.
    log : str or Path, optional
        File of overrides; :func:`log_of` the forecasts by default.
    mapping : dict of str to str, optional
        Column of the file -> column of the contract.
    encoding : str, optional
        Encoding of the text files, where it can't be told.

    Returns
    -------
    list of dict
        As :func:`side_by_side`.

    Raises
    ------
    InputError
        A file can't be used, or none of the periods has a value yet.
    """
    said = overrides.read(log or log_of(forecasts))
    table = door.read(forecasts, FORECASTS)
    series = read_series(source, said[0].disease, said[0].signal, mapping=mapping, encoding=encoding)
    settled, latest = series.standing()
    rows = side_by_side(table, settled.known_on(latest), said)
    if not rows:
        raise InputError(
            f"nothing can be scored yet: {series.label} has no value of the periods that were overridden, or they are "
            f"not those of {forecasts}. Give newer figures, or the forecasts that were overridden."
        )
    return rows


def marks(shown: pl.DataFrame, said: Sequence[Override]) -> tuple[Mark, ...]:
    """Words for each forecast that is a person's.

    Parameters
    ----------
    shown : polars.DataFrame
        `forecasts` contract, overrides applied.
    said : sequence of Override
        Of which those count whose task is shown as a person's.

    Returns
    -------
    tuple of Mark
        One a task, the latest word; sorted by place and horizon.
    """
    persons = set(shown.filter(pl.col("model") == MODEL).select(*_TASK, "target_end_date").rows())
    found = {}
    for one in said:
        key = (one.location, one.horizon)
        if any(key == row[:2] and one.target_end_date == str(row[2]) for row in persons):
            times = one.what.removeprefix("widened by ")
            what, zh = (
                ("replaced", "替换") if one.what == "replaced" else (f"widened {times} times", f"放宽至{times}倍")
            )
            where = f"{one.location}, {one.target_end_date}"
            found[key] = Mark(
                *key,
                f"{where}: the model's forecast was {what} by {one.name}: {one.reason}",
                f"{one.location}，{one.target_end_date}：{one.name}将模型预测{zh}：{one.reason}",
                one,
            )
    return tuple(found[key] for key in sorted(found))


def by_place(marked: Sequence[Mark]) -> dict[str, list[Told]]:
    """What persons said, by place, for a bulletin: one entry for all periods of which the same was said.

    Parameters
    ----------
    marked : sequence of Mark
        From :func:`marks`.
    """
    found: dict[str, dict[tuple[str, str, str], list[dt.date]]] = {}
    for mark in marked:
        key = (mark.said.name, mark.said.what, mark.said.reason)
        ends = found.setdefault(mark.location, {}).setdefault(key, [])
        ends.append(dt.date.fromisoformat(mark.said.target_end_date))
    widened = "widened by "
    return {
        place: [
            Told(name, reason, what.removeprefix(widened) if what.startswith(widened) else None, tuple(ends))
            for (name, what, reason), ends in said.items()
        ]
        for place, said in found.items()
    }


def unproven(trust: pl.DataFrame, marked: Sequence[Mark]) -> pl.DataFrame:
    """Trust labels, where a person's forecast is shown: there are no past ones to judge it by.

    Parameters
    ----------
    trust : polars.DataFrame
        `trust` contract.
    marked : sequence of Mark
        From :func:`marks`.

    Returns
    -------
    polars.DataFrame
        `trust` contract; figures of the model's past stay.
    """
    if not marked:
        return trust
    by_person = pl.struct(_TASK).is_in([{"location": m.location, "horizon": m.horizon} for m in marked])
    return trust.with_columns(
        pl.when(by_person).then(pl.lit("unknown")).otherwise(pl.col("label")).alias("label"),
        pl.when(by_person).then(pl.lit(MODEL)).otherwise(pl.col("shown")).alias("shown"),
        pl.when(by_person)
        .then(pl.lit("a person's forecast is shown; the model's: ") + pl.col("label") + ", " + pl.col("reason"))
        .otherwise(pl.col("reason"))
        .alias("reason"),
    )


def noted(status: pl.DataFrame, marked: Sequence[Mark]) -> pl.DataFrame:
    """The status table with a note at each forecast that is a person's.

    Parameters
    ----------
    status : polars.DataFrame
        `status` contract.
    marked : sequence of Mark
        From :func:`marks`.

    Returns
    -------
    polars.DataFrame
        `status` contract.
    """
    words = {(m.location, m.horizon): m.en for m in marked}
    notes = [words.get((p, h), n) for p, h, n in status.select(*_TASK, "note").iter_rows()]
    return status.with_columns(pl.Series("note", notes, dtype=pl.String))


def side_by_side(forecasts: pl.DataFrame, truth: pl.DataFrame, said: Sequence[Override]) -> list[dict[str, Any]]:
    """Scores of persons' forecasts and of the model's in their place.

    Parameters
    ----------
    forecasts : polars.DataFrame
        `forecasts` contract: quantiles as the models made them.
    truth : polars.DataFrame
        `series` contract.
    said : sequence of Override
        What persons said.

    Returns
    -------
    list of dict
        A row a person: ``name``, ``overrides`` (scored ones), ``wis``, ``model_wis``, ``skill`` (their ratio; under 1
        the person was better), ``inside95``, ``model_inside95``; empty where no truth is known yet.
    """
    rows = overrides.rows(said)
    task = ["reference_date", "disease", "signal", "location", "horizon", "target_end_date"]
    known = scores.known_truth(truth).select("location", "target_end_date").unique()
    rows = rows.join(known, on=["location", "target_end_date"], how="semi")
    ours = forecasts.filter((pl.col("output_type") == "quantile") & (pl.col("model") != MODEL))
    ours = ours.join(rows.select(task).unique(), on=task, how="semi")
    rows = rows.join(ours.select(task).unique(), on=task, how="semi")
    if rows.height == 0:
        return []
    latest = {(o.location, o.horizon, o.reference_date): o.name for o in said}
    both = scores.score(rows, truth).join(scores.score(ours, truth), on=task, suffix="_model")
    names = [latest[p, h, str(day)] for p, h, day in both.select("location", "horizon", "reference_date").iter_rows()]
    summed = (
        both.with_columns(pl.Series("name", names))
        .group_by("name")
        .agg(
            pl.len().alias("overrides"),
            pl.col("wis").mean(),
            pl.col("wis_model").mean().alias("model_wis"),
            pl.col("inside95").mean(),
            pl.col("inside95_model").mean().alias("model_inside95"),
        )
        .sort("name")
    )
    ratio = pl.when(pl.col("model_wis") > 0).then(pl.col("wis") / pl.col("model_wis"))
    return summed.with_columns(ratio.alias("skill")).to_dicts()
