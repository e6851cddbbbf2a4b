"""Releases under suppression: small counts and their partners left out, attacked, and let through gate by gate.

The gates, each of which stops the release:

- no count shown is under the minimum cell, and none is changed but by the rounding that the policy says; zeros are
  hidden where it says so;
- every count left out, by linear programming over all tables at once (:mod:`salus.privacy.bounds`), stays open by at
  least the policy's width (of a breakdown of which nothing is shown, by at least the minimum cell), and by at least
  +-50 % of its value;
- it can lie from half of its value (or what is known anyway, where zeros are shown) to half as much again;
- a week that was released before stands as it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from salus.errors import WallError
from salus.privacy import bounds, claims, counts, guarded, rounding, suppression, utility
from salus.privacy.counts import Counts
from salus.privacy.offer import Offer
from salus.privacy.policy import Policy

_NOTHING = "Nothing was written."


def offer(counted: Counts, policy: Policy, label: str, copies: Sequence[Path]) -> Offer:
    """Leave out, freeze, attack.

    Parameters
    ----------
    counted : Counts
        Exact counts.
    policy : Policy
        Of the kind ``suppression``.
    label : str
        What the column ``source`` says.
    copies : sequence of Path
        Copies of earlier releases of the same syndromes, first one first.

    Returns
    -------
    Offer

    Raises
    ------
    WallError
        A gate is missed.
    """
    flat = counted.values.reshape(-1, counted.tree.size)
    hidden = suppression.suppress(counted.tree, flat, policy.minimum_cell, policy.minimum_interval, policy.zeros)
    small = suppression.primary(flat, policy.minimum_cell, policy.zeros)
    shaped = hidden.reshape(counted.values.shape)
    table = rounding.shown(guarded.series(counted, shaped, label), policy)
    _check_shown(table, counted, policy)
    before = guarded.earlier(copies, guarded.SERIES_FILE, counted.diseases)
    table, weeks_frozen = guarded.frozen(table, before)
    broken = None
    if policy.breakdowns:
        broken = rounding.shown(guarded.breakdowns(counted, shaped, policy, label), policy)
        broken, _ = guarded.frozen(broken, guarded.earlier(copies, guarded.BREAKDOWNS_FILE, counted.diseases))
    _check_frozen(table, before)
    began = time.perf_counter()
    found = bounds.intervals(table, broken, policy)
    seconds = time.perf_counter() - began
    stated = claims.claims(table, broken, policy, found)
    _check_stated(stated, policy)
    new = found if before is None else found.join(before, on=["disease", "date"], how="anti")
    width, ratio = check_intervals(new, exact(new, counted), policy)
    _check_ends(counted, flat, hidden)
    cost = utility.costs(guarded.series(counted, None, label), table, policy)
    return Offer(
        series=table,
        breakdowns=broken,
        stated=stated,
        promised={"interval_around_value": "yes"} | utility.stated(cost),
        inside={
            "left_out_small": int(small.sum()),
            "left_out_partners": int(hidden.sum() - small.sum()),
            "attack_by_linear_programming": {
                "counts_left_out": found.height,
                "of_them_new": new.height,
                "narrowest_interval": width if np.isfinite(width) else None,
                "least_interval_by_value": ratio if np.isfinite(ratio) else None,
                "seconds": round(seconds, 3),
            },
            "forecast_cost": [asdict(c) for c in cost],
        },
        weeks_frozen=weeks_frozen,
        words=_words(stated, int(small.sum()), int(hidden.sum())),
    )


def _words(stated: dict[str, str], small: int, hidden: int) -> tuple[str, ...]:
    narrowest, left_out = stated["narrowest_interval"], int(stated["counts_left_out"])
    last = (
        "Nothing is left out."
        if not left_out
        else "Nothing above the counts left out is shown."
        if narrowest == "unbounded"
        else f"The narrowest interval in which a reader can place a count left out is {narrowest} wide."
    )
    return (
        f"{int(stated['counts_shown']):,} counts and {int(stated['zeros_shown']):,} zeros shown, {left_out:,} left out "
        f"({small:,} small, {hidden - small:,} to protect them)",
        last,
    )


def _check_shown(table: pl.DataFrame, counted: Counts, policy: Policy) -> None:
    if policy.zeros == "hide" and (table["value"] == 0).any():
        raise WallError(f"gate missed: a zero would be shown, which the policy hides. {_NOTHING}")
    exact = pl.Series(rounding.rounded(counted.values.ravel(), policy.round_to), dtype=pl.Float64)
    if ((table["value"] != exact) & table["value"].is_not_null()).any():
        raise WallError(f"gate missed: a count to be shown is not the one that was counted. {_NOTHING}")


def _check_frozen(table: pl.DataFrame, before: pl.DataFrame | None) -> None:
    if before is None:
        return
    keys = ["location", "disease", "date"]
    both = table.join(before.select(*keys, _old="value"), on=keys)
    if both["value"].ne_missing(both["_old"]).any():
        raise WallError(f"gate missed: a week that was released before would be shown otherwise. {_NOTHING}")


def _check_stated(stated: dict[str, str], policy: Policy) -> None:
    least = int(rounding.rounded(np.array([policy.minimum_cell]), policy.round_to)[0])
    for claim, value in stated.items():
        if claim.endswith("smallest_count_shown") and value != "none" and int(value) < least:
            raise WallError(
                f"gate missed: a count of {value} would be shown, under the policy's {policy.minimum_cell}. {_NOTHING}"
            )
        if claim.endswith("narrowest_interval") and value != "unbounded" and float(value) < policy.minimum_interval:
            raise WallError(
                f"gate missed: a count left out could be placed within {value}, the policy wants "
                f"{policy.minimum_interval}. {_NOTHING}"
            )


def check_intervals(found: pl.DataFrame, exact: pl.Series, policy: Policy) -> tuple[float, float]:
    """Refuse intervals that are too narrow.

    Parameters
    ----------
    found : polars.DataFrame
        As :func:`salus.privacy.bounds.intervals` gives them.
    exact : polars.Series
        True count of each.
    policy : Policy
        Under which is released.

    Returns
    -------
    width, ratio : float
        Of the narrowest interval, and least width as a multiple of the count itself.

    Raises
    ------
    WallError
        A gate is missed; the message says which.
    """
    width, ratio = bounds.tightest(found, exact)
    if width < policy.minimum_cell:
        raise WallError(
            f"gate missed: by linear programming a count left out could be placed within {width:g}, narrower than the "
            f"minimum cell of {policy.minimum_cell}. {_NOTHING}"
        )
    if ratio < 1:
        raise WallError(
            f"gate missed: by linear programming a count left out could be placed more closely than +-50 % of its "
            f"value. {_NOTHING}"
        )
    if ((found["high"] < 1.5 * exact) & ~found["whole"]).any():
        raise WallError(
            f"gate missed: a count left out could be known to be less than one and a half times its value. {_NOTHING}"
        )
    if not ((found["low"] <= exact) & (exact <= found["high"])).all():
        raise WallError(f"gate missed: the attack does not enclose the counts left out. {_NOTHING}")
    return width, ratio


def _check_ends(counted: Counts, flat: np.ndarray, hidden: np.ndarray) -> None:
    """No count left out is known to more than half, but for the ones that are known not to be zero."""
    low, _ = suppression.intervals(counted.tree, flat, hidden, 0)
    if (low > flat - flat // 2)[hidden].any():
        raise WallError(f"gate missed: what is shown of its parts tells more than half of a count left out. {_NOTHING}")


def exact(found: pl.DataFrame, counted: Counts) -> pl.Series:
    """True count of each count left out.

    Parameters
    ----------
    found : polars.DataFrame
        With ``location``, ``disease``, ``date``, ``dimension``, ``category``.
    counted : Counts
        Exact counts.
    """
    first = {d: n for n, d in enumerate(counted.diseases)}, {w: n for n, w in enumerate(counted.weeks)}
    place = {p: n for n, p in enumerate(counted.places["location"])}
    true = []
    for location, disease, date, dimension, category in found.select(
        "location", "disease", "date", "dimension", "category"
    ).iter_rows():
        at = (first[0][disease], first[1][date], place[location])
        table = counted.values if dimension is None else counted.breakdowns[dimension]
        true.append(int(table[at] if dimension is None else table[*at, counts.categories(dimension).index(category)]))
    return pl.Series(true, dtype=pl.Int64)
