"""Why a forecast is another than it was: older figures revised, newer figures, the model fitted anew.

One thing is changed at a time, in this order, and what each step adds is its part; so the parts add up to the whole
difference. The order is part of the answer: what two things do together falls to the later one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from salus.errors import InputError
from salus.forecasting.answer import answer
from salus.forecasting.model import Model
from salus.surveillance.panel import Panel
from salus.tables.contracts import CHANGES

TOLD = ("0.025", "0.25", "0.5", "0.75", "0.975")
"""Quantiles whose change is told."""
_KEY = ["location", "target_end_date", "output_type_id"]


@dataclass(frozen=True)
class Change:
    """A forecast beside an earlier one of the same periods.

    Attributes
    ----------
    table : polars.DataFrame
        `changes` contract.
    left_out : dict of str to (str, str)
        Places that were not forecast on both days, with the reason in English and Chinese.
    """

    table: pl.DataFrame
    left_out: dict[str, tuple[str, str]]


def split(
    earlier: Model,
    later: Model,
    then: Panel,
    now: Panel,
    horizons: Sequence[int],
    *,
    revisions: bool = True,
    nowcast: bool = False,
) -> Change:
    """The difference between two forecasts of the same periods, in parts.

    Parameters
    ----------
    earlier, later : Model
        As fitted on the earlier day, and on the later one.
    then, now : Panel
        What was known on each.
    horizons : sequence of int
        Periods ahead as counted on the later day, from 1.
    revisions : bool
        Whether ``then`` holds what was known then; where it does not, revised figures can't be told apart.
    nowcast : bool
        Whether the models start from nowcasts: then the age of each figure counts, and that a week went by without a
        revision is part of what was revised.

    Returns
    -------
    Change
        For each place that both days forecast, and each quantile of :data:`TOLD`.

    Raises
    ------
    InputError
        Less is known now than was then.
    """
    passed = now.cadence.between(then.starts[-1], now.starts[-1])
    if passed < 0:
        raise InputError(
            f"on {then.reference_date}, the earlier day, the figures reached {then.target_end(0)}, on "
            f"{now.reference_date} only {now.target_end(0)}. Give the later table first."
        )
    further = [h + passed for h in horizons]
    steps = [answer(earlier, then, further)]
    if revisions and nowcast:
        steps.append(answer(earlier, _without_last(now, passed), horizons))
    elif revisions:
        steps.append(answer(earlier, revised(then, now), further))
    steps += [answer(earlier, now, horizons), answer(later, now, horizons)]
    names = ["before", "revised", "newer", "now"] if revisions else ["before", "newer", "now"]
    shown = pl.col("output_type_id").is_in(TOLD)
    table = steps[-1].table.filter(shown).rename({"value": "now"})
    for name, step in zip(names[:-1], steps[:-1], strict=True):
        table = table.join(step.table.filter(shown).select(*_KEY, pl.col("value").alias(name)), on=_KEY)
    before_new = "revised" if revisions else "before"
    table = table.with_columns(
        earlier_date=pl.lit(then.reference_date),
        revised_data=pl.col("revised") - pl.col("before") if revisions else pl.lit(None, pl.Float64),
        new_data=pl.col("newer") - pl.col(before_new),
        model_change=pl.col("now") - pl.col("newer"),
    )
    told = set(table["location"])
    why = {place: reason for step in steps for place, reason in step.unusable.items()}
    fresh = (f"not known on {then.reference_date}", f"{then.reference_date}尚无该地数据")
    left_out = {place: why.get(place, fresh) for place in now.locations if place not in told}
    return Change(CHANGES.check(table.select(CHANGES.names).sort("location", "horizon", "output_type_id")), left_out)


def revised(then: Panel, now: Panel) -> Panel:
    """The periods and places of an earlier day, with their values as they are known now.

    Parameters
    ----------
    then, now : Panel
        What was known on the earlier day, and later.

    Returns
    -------
    Panel
        The earlier one itself where nothing was revised. Periods that were filled in before its first one are in it.
    """
    here = [now.locations.index(p) for p in then.locations if p in set(now.locations)]
    upto = 1 + now.starts.index(then.starts[-1])
    return replace(
        then,
        starts=now.starts[:upto],
        locations=tuple(now.locations[i] for i in here),
        values=now.values[here, :upto],
        population=now.population[here],
        drivers=tuple(d.cut(here, upto) for d in now.drivers),
    )


def _without_last(now: Panel, periods: int) -> Panel:
    values = now.values.copy()
    values[:, values.shape[1] - periods :] = np.nan  # of no period where none has passed
    return replace(now, values=values)
