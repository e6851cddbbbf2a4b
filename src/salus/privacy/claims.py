"""What a release states about itself, recomputed from its tables alone."""

from __future__ import annotations

import numpy as np
import polars as pl

from salus.privacy import suppression
from salus.privacy.counts import categories
from salus.privacy.policy import Policy

NOT_CLAIMED = ("What a reader knows from elsewhere about single persons, beyond the counts shown.",)
"""What no release promises."""

NOT_CLAIMED_REVISED = (
    "Weeks are released anew with the records that came later: the difference of two releases is not guarded."
)
"""What is not promised under a policy that allows revisions."""


def claims(series: pl.DataFrame, breakdown: pl.DataFrame | None, policy: Policy) -> dict[str, str]:
    """Claims that the release alone can show.

    Parameters
    ----------
    series : polars.DataFrame
        The series released; a count left out is null.
    breakdown : polars.DataFrame or None
        The breakdowns released.
    policy : Policy
        Under which they were.

    Returns
    -------
    dict of str to str
        Claim -> value: ``counts_shown`` (above zero), ``zeros_shown``, ``counts_left_out``, ``smallest_count_shown``
        (zeros apart), ``narrowest_interval`` of a count left out, ``minimum_cell``, and the same for breakdowns.
    """
    order = series.select("location", "parent").unique(maintain_order=True)
    row = {p: n for n, p in enumerate(order["location"])}
    tree = suppression.tree([-1 if p is None else row[p] for p in order["parent"]])
    wide = series.with_columns(n=pl.col("location").replace_strict(row, return_dtype=pl.Int64)).sort(
        "disease", "date", "n"
    )
    values = wide["value"].to_numpy().reshape(-1, tree.size)
    said = _described("", values, *_interval(tree, values, policy), policy)
    if breakdown is not None:
        for dimension in policy.breakdowns:
            names = categories(dimension)
            part = breakdown.filter(dimension=dimension).with_columns(
                n=pl.col("category").replace_strict({c: k for k, c in enumerate(names)}, return_dtype=pl.Int64)
            )
            keys = ["disease", "date", "location"]
            part = part.join(series.select(*keys, total="value"), on=keys).sort(*keys, "n")
            family = np.column_stack(
                [part["total"].to_numpy()[:: len(names)], part["value"].to_numpy().reshape(-1, len(names))]
            )
            whole = np.isnan(family[:, 1:]).all(axis=1)  # nothing of it is shown: no more is known than the total
            tree = suppression.tree([-1] + [0] * len(names))
            low, high = _interval(tree, family[~whole], policy)
            said |= _described(f"{dimension}_", family[:, 1:], low[:, 1:], high[:, 1:], policy, family[~whole][:, 1:])
    return said


def not_claimed(policy: Policy) -> list[str]:
    """What a release under a policy does not promise.

    Parameters
    ----------
    policy : Policy
        Under which it is made.
    """
    return [*NOT_CLAIMED, *([NOT_CLAIMED_REVISED] if policy.revisions == "allow" else [])]


def _interval(tree: suppression.Tree, values: np.ndarray, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    return suppression.intervals(tree, values, np.isnan(values), policy.lowest_hidden)


def _described(
    prefix: str, shown: np.ndarray, low: np.ndarray, high: np.ndarray, policy: Policy, bounded: np.ndarray | None = None
) -> dict[str, str]:
    hidden = np.isnan(shown)
    positive = shown[~hidden & (shown > 0)]
    width = suppression.narrowest(low, high, np.isnan(shown if bounded is None else bounded))
    return {
        f"{prefix}counts_shown": str(positive.size),
        f"{prefix}zeros_shown": str(int((shown == 0).sum())),
        f"{prefix}counts_left_out": str(int(hidden.sum())),
        f"{prefix}smallest_count_shown": str(int(positive.min())) if positive.size else "none",
        f"{prefix}narrowest_interval": "unbounded" if np.isinf(width) else f"{width:g}",
        f"{prefix}minimum_cell": str(policy.minimum_cell),
    }
