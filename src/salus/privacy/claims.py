"""What a release states about itself, recomputed from its tables alone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from salus.privacy.policy import Policy

RATES = "of the counts shown"
"""What a release states of its rates."""

NOT_CLAIMED = (
    "What a reader knows from elsewhere about single persons, beyond the counts shown.",
    "What a reader may guess from the rule by which counts were chosen to be left out.",
)
"""What no release promises."""

NOT_CLAIMED_NOISY = (
    "Exact counts: each has noise, and counts of places were made to add up.",
    "More than one year of a person: two years tell twice as much.",
    "Which weeks, places and diseases the records cover.",
)
"""What no release under differential privacy promises."""

NOT_CLAIMED_MIXED = "Epsilon for everything: other diseases of the same records were released without noise."
"""What is not promised where a wall releases in both ways."""

NOT_CLAIMED_SITES = (
    "That a person counts once: one who is seen at two sites in a week counts at both.",
    "That one site stays hidden from all the others and the combiner together: the sum less their counts is its own.",
)
"""What no sum of several sites promises."""

NOT_CLAIMED_REVISED = (
    "Weeks are released anew with the records that came later: the difference of two releases is not guarded."
)
"""What is not promised under a policy that allows revisions."""


def claims(series: pl.DataFrame, breakdown: pl.DataFrame | None, policy: Policy, found: pl.DataFrame) -> dict[str, str]:
    """Claims that the release alone can show.

    Parameters
    ----------
    series : polars.DataFrame
        The series released; a count left out is null.
    breakdown : polars.DataFrame or None
        The breakdowns released.
    policy : Policy
        Under which they were.
    found : polars.DataFrame
        Intervals of the counts left out, as :func:`salus.privacy.bounds.intervals` gives them.

    Returns
    -------
    dict of str to str
        Claim -> value: ``counts_shown`` (above zero), ``zeros_shown``, ``counts_left_out``, ``smallest_count_shown``
        (zeros apart), ``narrowest_interval`` of a count left out, ``minimum_cell``, and the same for breakdowns (there
        the interval is of counts beside which others are shown: of the rest no more is known than the total).
    """
    said = _described("", series["value"], found.filter(pl.col("dimension").is_null()), policy)
    if breakdown is not None:
        for dimension in policy.breakdowns:
            part = found.filter(~pl.col("whole"), dimension=dimension)
            said |= _described(f"{dimension}_", breakdown.filter(dimension=dimension)["value"], part, policy)
    return said | ({"rounded_to": str(policy.round_to)} if policy.round_to > 1 else {})


def days(series: pl.DataFrame) -> str:
    """The days of a release: whole weeks, none missing between the first and the last.

    Parameters
    ----------
    series : polars.DataFrame
        The series released.

    Returns
    -------
    str
        ``FIRST:LAST``, as ``--days`` takes them; or that weeks are missing.

    Examples
    --------
    >>> days(pl.DataFrame({"disease": "RSV", "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 8)]}))
    '2024-01-01:2024-01-14'
    """
    first, last = series.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    wanted = [first + dt.timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]
    for (_,), part in series.group_by("disease"):
        if part["date"].unique().sort().to_list() != wanted:
            return "not all weeks between the first and the last"
    return said(first, last + dt.timedelta(days=6))


def said(first: dt.date, last: dt.date) -> str:
    """A first and a last day as a certificate states them.

    Parameters
    ----------
    first, last : datetime.date
        Both included.
    """
    return f"{first}:{last}"


def of_sites(stated: dict[str, str], policy: Policy, sites: int) -> dict[str, str]:
    """Claims of a sum of several sites that the release alone can show.

    A person is counted at each site where they were seen, and nobody can tell that it is one. So a count of n can stand
    for fewer persons, and epsilon is reckoned for somebody who is seen at every site.

    Parameters
    ----------
    stated : dict of str to str
        The other claims.
    policy : Policy
        Under which the sum was released.
    sites : int
        How many; nothing is claimed for one.

    Returns
    -------
    dict of str to str
        ``sites``; under differential privacy ``epsilon_one_site``, else ``fewest_persons``.

    Examples
    --------
    >>> of_sites({"smallest_count_shown": "20"}, Policy(), 3)
    {'sites': '3', 'fewest_persons': '7'}
    """
    if sites == 1:
        return {}
    if policy.noisy:
        return {"sites": str(sites), "epsilon_one_site": f"{policy.epsilon / sites:.4g}"}
    least = stated["smallest_count_shown"]
    if least != "none":  # as it was before it was rounded, at least
        counted = max(int(least) - policy.round_to // 2, policy.minimum_cell)
        least = str(-(-counted // sites))
    return {"sites": str(sites), "fewest_persons": least}


def not_claimed(policy: Policy, *, mixed: bool = False, sites: int = 1) -> list[str]:
    """What a release under a policy does not promise.

    Parameters
    ----------
    policy : Policy
        Under which it is made.
    mixed : bool
        Whether other syndromes of the same records were released without noise.
    sites : int
        How many sites' counts were summed.
    """
    more = list(NOT_CLAIMED_SITES) if sites > 1 else []
    if policy.noisy:
        return [*NOT_CLAIMED_NOISY, *([NOT_CLAIMED_MIXED] if mixed else []), *more]
    return [*NOT_CLAIMED, *([NOT_CLAIMED_REVISED] if policy.revisions == "allow" else []), *more]


def _described(prefix: str, values: pl.Series, found: pl.DataFrame, policy: Policy) -> dict[str, str]:
    shown = values.drop_nulls().to_numpy()
    positive = shown[shown > 0]
    width = (found["high"] - found["low"]).to_numpy().min(initial=np.inf)
    return {
        f"{prefix}counts_shown": str(positive.size),
        f"{prefix}zeros_shown": str(shown.size - positive.size),
        f"{prefix}counts_left_out": str(values.null_count()),
        f"{prefix}smallest_count_shown": f"{positive.min():.0f}" if positive.size else "none",
        f"{prefix}narrowest_interval": "unbounded" if np.isinf(width) else f"{width:g}",
        f"{prefix}minimum_cell": str(policy.minimum_cell),
    }
