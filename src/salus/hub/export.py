"""Forecasts of Salus in the form that a hub asks for.

The hub's `tasks.json` says which places, horizons, output types and ids it wants; only those are written. What a
forecast can tell is: quantiles, samples, mean, median, cdf, probabilities of its own, and FluSight's categories of
change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from salus.errors import Fault, InputError, NameNotFoundError, TableError
from salus.hub.asked import Wishes, asked_rows
from salus.hub.outputs import is_rate_change, output_rows, rate_change_rows
from salus.hub.rules import Terms, check_table
from salus.hub.tasks import Block, Hub, Round, canonical
from salus.surveillance.series import Series

_POLARS: dict[str, type[pl.DataType]] = {
    "integer": pl.Int64,
    "double": pl.Float64,
    "Date": pl.Date,
    "character": pl.String,
}


WITHIN_DAYS = 6
"""A reference date answers the first round on it or at most so many days later."""


@dataclass(frozen=True)
class Submission:
    """One round's submission.

    Attributes
    ----------
    round_id : str
        The hub's round.
    table : polars.DataFrame
        The hub's columns in its types; `value` is a number.
    notes : tuple of str
        What was left out, and why.
    """

    round_id: str
    table: pl.DataFrame
    notes: tuple[str, ...]

    def as_text(self) -> pl.DataFrame:
        """The table as CSV has it: whole numbers without a decimal point.

        Returns
        -------
        polars.DataFrame
            `value` as text.
        """
        value = pl.col("value")
        whole = value.cast(pl.Int64, strict=False).cast(pl.String)
        return self.table.with_columns(pl.when(value == value.round()).then(whole).otherwise(value.cast(pl.String)))


def export(
    forecasts: pl.DataFrame,
    hub: Hub,
    wishes: Wishes | None = None,
    *,
    series: Series | None = None,
    also: pl.DataFrame | None = None,
) -> list[Submission]:
    """Submissions to a hub, one a reference date; each answers the hub's round on that day or within six days after.

    Parameters
    ----------
    forecasts : polars.DataFrame
        `forecasts` contract: one model, disease and signal.
    hub : Hub
        What is asked.
    wishes : Wishes, optional
        Target, round, places and values that the tasks leave open.
    series : Series, optional
        The series that was forecast: gives the baseline week of rate changes, as known on the reference date.
    also : polars.DataFrame, optional
        Rows of other targets (peak week ...) in the hub's own columns; task ids that are not there are null.

    Returns
    -------
    list of Submission
        By round; each passes the hub's rules.

    Raises
    ------
    InputError
        No reference date has a round, two have the same, the target is not clear, or a task id has no value.
    TableError
        A submission breaks a rule: above all, something that the hub requires is not in the forecasts.
    """
    wishes = wishes or Wishes()
    for name in ("model", "disease", "signal"):
        found = forecasts[name].unique().sort().to_list()
        if len(found) > 1:
            raise InputError(f"the forecasts hold several values of '{name}': {', '.join(found)}. Choose one.")
    done = []
    for day, round_id in _rounds(forecasts, hub, wishes.round_date).items():
        rows = _coded(forecasts.filter(pl.col("reference_date") == day), wishes)
        known = None if series is None else _coded(series.known_on(day), wishes)
        done.append(_submission(rows, known, also, hub, round_id, wishes))
    return done


def _coded(table: pl.DataFrame, wishes: Wishes) -> pl.DataFrame:
    """The table with the hub's codes of its places."""
    return table.with_columns(pl.col("location").replace(dict(wishes.places.codes)))


def _rounds(forecasts: pl.DataFrame, hub: Hub, asked: dt.date | None) -> dict[dt.date, str]:
    """Reference date -> round."""
    days = forecasts["reference_date"].unique().sort().to_list()
    if not days:
        raise InputError("the forecasts have no rows. Give forecasts of at least one round.")
    if asked is not None:
        if len(days) != 1:
            raise InputError(f"a round was given, but there are {len(days)} reference dates. Give forecasts of one.")
        hub.round(asked.isoformat())
        return {days[0]: asked.isoformat()}
    found: dict[dt.date, str] = {}
    for day in days:
        last = (day + dt.timedelta(days=WITHIN_DAYS)).isoformat()
        later = sorted(i for i in hub.round_ids if day.isoformat() <= i <= last)
        if later and later[0] in found.values():
            other = next(d for d, i in found.items() if i == later[0])
            raise InputError(f"forecasts of {other} and of {day} both answer the round {later[0]}. Give those of one.")
        if later:
            found[day] = later[0]
    if not found:
        after = sorted(i for i in hub.round_ids if i >= days[-1].isoformat())
        near = f"The next is {after[0]}: say so with --round" if after else f"The last is {hub.round_ids[-1]}"
        raise InputError(
            f"{hub.label} has no round within {WITHIN_DAYS} days from {days[-1]}, the reference date of the forecasts. "
            f"{near}."
        )
    return found


def _submission(
    rows: pl.DataFrame, known: pl.DataFrame | None, also: pl.DataFrame | None, hub: Hub, round_id: str, wishes: Wishes
) -> Submission:
    chosen = hub.round(round_id)
    blocks = chosen.of(round_id)
    target = _target(blocks, wishes.target, hub)
    made_on = str(rows["reference_date"][0])
    notes = [] if made_on == round_id else [f"forecasts of {made_on} answer the round {round_id}"]
    parts = []
    for block in blocks:
        if target in block.targets:
            asked = asked_rows(rows, block, target, chosen, round_id, wishes)
            parts.append(output_rows(asked, block, chosen.derived, notes))
        elif is_rate_change(block):
            asked = asked_rows(rows, block, block.targets[0], chosen, round_id, wishes)
            day = dt.date.fromisoformat(round_id)
            parts.append(rate_change_rows(asked, block, known, day, wishes.places, notes))
    if also is not None:
        parts.append(_own_rows(also, chosen, hub, round_id))
    table = _typed(parts, chosen, hub)
    if table.height == 0:
        places = ", ".join(rows["location"].unique().sort().head(5))
        first, *_, last = [rows["target_end_date"].min(), rows["target_end_date"].max()]
        ends = f"{first!s} to {last!s}"
        raise InputError(
            f"no forecast fits what {hub.label} asks in round {round_id}: the places are {places} ..., the periods end "
            f"{ends}. Give forecasts of the hub's places and weeks, or its table of places with --locations."
        )
    notes += _left_out(rows, blocks, target)
    faults = check_table(table, hub, round_id, Terms(dict(wishes.places.population), wishes.horizon_zero))
    if faults:
        raise TableError(f"the submission to round {round_id}", [_named(f) for f in faults])
    return Submission(round_id, table, tuple(dict.fromkeys(notes)))


def _target(blocks: Sequence[Block], wanted: str | None, hub: Hub) -> str:
    """The hub's name of what is forecast."""
    names = list(dict.fromkeys(t for b in blocks if b.step_ahead and not is_rate_change(b) for t in b.targets))
    if wanted is not None:
        if wanted not in names:
            raise NameNotFoundError("target", wanted, names, hub.label)
        return wanted
    if len(names) != 1:
        some = ", ".join(f"'{n}'" for n in names) or "no target that goes step by step"
        raise InputError(f"{hub.label} asks for {some}. Say with --target which of them the forecasts are.")
    return names[0]


def _own_rows(also: pl.DataFrame, chosen: Round, hub: Hub, round_id: str) -> pl.DataFrame:
    """Rows in the hub's own columns, of this round."""
    strange = [n for n in also.columns if n not in chosen.columns]
    lacking = [n for n in ("output_type", "output_type_id", "value") if n not in also.columns]
    if strange or lacking:
        raise InputError(
            f"the further rows have the columns {', '.join(also.columns)}; the hub's were wanted: "
            f"{', '.join(chosen.columns)}. Rename or drop the others."
        )
    columns = []
    for name in also.columns:
        if name == "value":
            columns.append(also[name].cast(pl.Float64, strict=False))
        else:
            columns.append(canonical(also[name], hub.types[name])[0].alias(name))
    rows = pl.DataFrame(columns)
    if chosen.variable is None:
        return rows
    if chosen.variable not in rows.columns:
        return rows.with_columns(pl.lit(round_id).alias(chosen.variable))
    return rows.filter(pl.col(chosen.variable) == round_id)


def _typed(parts: Sequence[pl.DataFrame], chosen: Round, hub: Hub) -> pl.DataFrame:
    """All rows in the hub's columns and types."""
    empty = pl.DataFrame(schema={n: pl.Float64 if n == "value" else pl.String for n in chosen.columns})
    table = pl.concat([empty, *parts], how="diagonal").select(chosen.columns)
    typed = []
    for name in chosen.columns:
        kind = _POLARS[hub.types[name]] if name != "value" else pl.Float64
        typed.append(pl.col(name).str.to_date() if kind == pl.Date else pl.col(name).cast(kind))
    return table.select(typed)


def _left_out(rows: pl.DataFrame, blocks: Sequence[Block], target: str) -> list[str]:
    """Places and weeks of the forecasts that the hub does not ask for."""
    asked = [b for b in blocks if target in b.targets and "location" in b.task_ids]
    codes = {c for b in asked for c in b.task_ids["location"].all}
    places = [p for p in rows["location"].unique().sort() if codes and p not in codes]
    if not places:
        return []
    some = ", ".join(places[:8]) + (f" and {len(places) - 8} more" if len(places) > 8 else "")
    return [f"the hub does not ask for {some}"]


def _named(fault: Fault) -> Fault:
    """The fault with the name of its rule in the words; rows of what is not yet a file are of no use."""
    return Fault(fault.kind, f"{fault.kind}: {fault.message}", fault.remedy, fault.column, (), fault.count)
