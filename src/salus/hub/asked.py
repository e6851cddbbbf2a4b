"""Forecast rows beside the task ids that a hub has for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from salus.errors import InputError
from salus.hub.places import HubPlaces
from salus.hub.tasks import Block, Round

OWN = "own_"
"""Before the names of a forecast's own columns, where they stand beside the hub's."""

_ENDS = ("target_end_date", "target_date")
_ORIGINS = ("reference_date", "origin_date", "forecast_date")
_MONTHS = 12


@dataclass(frozen=True)
class Wishes:
    """What a hub's tasks leave open.

    Attributes
    ----------
    target : str or None
        The hub's name of what is forecast; may be left out where it has one target that goes step by step.
    round_date : datetime.date or None
        The hub's round, where it is another day than the reference date of the forecasts.
    places : HubPlaces
        Codes and populations.
    values : mapping of str to str
        Values of task ids that forecasts have no column for.
    horizon_zero : int
        Days from the round's date to the end of horizon 0.
    """

    target: str | None = None
    round_date: dt.date | None = None
    places: HubPlaces = field(default_factory=HubPlaces)
    values: Mapping[str, str] = field(default_factory=dict)
    horizon_zero: int = 0


def asked_rows(
    rows: pl.DataFrame, block: Block, target: str, chosen: Round, round_id: str, wishes: Wishes
) -> pl.DataFrame:
    """The rows that a block asks for.

    Parameters
    ----------
    rows : polars.DataFrame
        `forecasts` contract, of one reference date; places by the hub's code.
    block : Block
        What is asked.
    target : str
        The hub's name of the target.
    chosen : Round
        The round's tasks.
    round_id : str
        The round.
    wishes : Wishes
        What the tasks leave open.

    Returns
    -------
    polars.DataFrame
        The block's task ids as text, and the forecasts' columns under :data:`OWN` names.

    Raises
    ------
    InputError
        A task id has no value, or the horizon's steps can't be told from dates.
    """
    own = rows.rename({name: OWN + name for name in rows.columns})
    texts = {name: _text(name, block, target, chosen, round_id, wishes).alias(name) for name in block.task_ids}
    fits = [
        pl.col(name).is_in(pl.Series(allowed.all, dtype=pl.String).implode(), nulls_equal=True)
        for name, allowed in block.task_ids.items()
    ]
    return own.with_columns(**texts).filter(pl.all_horizontal(fits))


def _text(name: str, block: Block, target: str, chosen: Round, round_id: str, wishes: Wishes) -> pl.Expr:
    allowed = block.task_ids[name].all
    if name == chosen.variable or (name in _ORIGINS and chosen.variable in _ORIGINS):
        return pl.lit(round_id)
    if name in wishes.values:
        return pl.lit(wishes.values[name])
    if name == block.target_id:
        return pl.lit(target)
    if name == "location":
        return pl.col(OWN + "location")
    if name == "horizon" and block.step_ahead:
        return _horizon(round_id, block.unit, wishes.horizon_zero).cast(pl.String)
    if name in _ENDS and block.step_ahead:
        return pl.col(OWN + "target_end_date").cast(pl.String)
    if len(allowed) == 1:
        return pl.lit(allowed[0], pl.String)
    some = ", ".join(str(v) for v in allowed[:6])
    raise InputError(f"the hub asks for '{name}' ({some}), which forecasts don't have. Say --set {name}=VALUE.")


def _horizon(round_id: str, unit: str, zero: int) -> pl.Expr:
    try:
        origin = dt.date.fromisoformat(round_id)
    except ValueError as error:
        raise InputError(f"the round '{round_id}' is no day, so that no horizon can be counted from it.") from error
    end = pl.col(OWN + "target_end_date")
    if unit == "month":
        return (end.dt.year() - origin.year) * _MONTHS + end.dt.month().cast(pl.Int32) - origin.month
    step = {"day": 1, "week": 7}.get(unit)
    if step is None:
        raise InputError(f"the hub counts horizons in '{unit}'; only days, weeks and months can be told from dates.")
    days = (end - pl.lit(origin)).dt.total_days() - zero
    return pl.when(days % step == 0).then(days // step)
