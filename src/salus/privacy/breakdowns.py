"""Counts by age group and sex under differential privacy: which there are, their table, and what it can show.

Where both are asked for, the cells are age group by sex, and the counts by age group alone and by sex alone are their
sums. Persons of unknown age or sex are in a category of their own, so cells add up to the count of their place, and
places add up in each cell. A person of a count is in one cell of one place of each level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from salus.errors import WallError
from salus.privacy import margins, nesting, noise, tabulation
from salus.privacy.counts import Counts
from salus.privacy.guarded import SIGNAL
from salus.privacy.policy import Policy
from salus.privacy.steps.counting import AGE_NAMES, SEX_NAMES
from salus.privacy.tree import Tree, tree

KEYS = ["location", "disease", "date", "dimension", "category"]
"""What a row of a table of breakdowns is of; ``age_group`` and ``sex`` say the category again, null for all."""

NOISY = "noisy"
"""Column of counts as the noise left them: they don't add up to places and may be negative, and sums of many of them
are right in the mean, where counts that are never negative are too high in cells of almost nobody."""

_BLOCK = ["disease", "date"]


def rows(policy: Policy) -> pl.DataFrame:
    """What each place, disease and week has counts of.

    Parameters
    ----------
    policy : Policy
        Under differential privacy, with breakdowns.

    Returns
    -------
    polars.DataFrame
        ``dimension``, ``category``, ``age_group``, ``sex``; cells first, then their sums.

    Examples
    --------
    >>> both = Policy(kind="differential_privacy", breakdowns=("age_group", "sex"), breakdown_level="district")
    >>> rows(both).row(0)
    ('age_sex', '0-4 female', '0-4', 'female')
    """
    found: list[tuple[str, str, str | None, str | None]] = []
    if policy.dimension == "age_sex":
        pairs = [(a, s) for a in AGE_NAMES for s in SEX_NAMES]
        names = tabulation.categories("age_sex")
        found += [("age_sex", name, age, sex) for name, (age, sex) in zip(names, pairs, strict=True)]
    if "age_group" in policy.breakdowns:
        found += [("age_group", a, a, None) for a in AGE_NAMES]
    if "sex" in policy.breakdowns:
        found += [("sex", s, None, s) for s in SEX_NAMES]
    return pl.DataFrame(
        found, schema=dict.fromkeys(("dimension", "category", "age_group", "sex"), pl.String), orient="row"
    )


def levels(places: pl.DataFrame, policy: Policy) -> tuple[np.ndarray, Tree, np.ndarray]:
    """Places that are broken down, as a tree of their own.

    Parameters
    ----------
    places : polars.DataFrame
        ``location``, ``parent``, ``location_level``, parents first.
    policy : Policy
        Which level is the finest.

    Returns
    -------
    here : numpy.ndarray of int, shape (P,)
        Their rows.
    tree : Tree
        They.
    level : numpy.ndarray of int, shape (P,)
        From 0 for those in no other; each has an equal part of the breakdowns' epsilon.
    """
    here = np.flatnonzero(nesting.broken_down(places, policy.breakdown_level))
    part = tree(nesting.parents(places[here]))
    return here, part, np.array(noise.depth(part))


def noisy(exact: Counts, values: np.ndarray, policy: Policy, sites: int) -> np.ndarray:
    """Counts of cells with noise, as they are drawn.

    Parameters
    ----------
    exact : Counts
        For its places.
    values : numpy.ndarray of int, shape (T, N, K)
        Bounded counts of cells.
    policy : Policy
        Of the kind ``differential_privacy``, with breakdowns.
    sites : int
        How many sites' counts were summed.

    Returns
    -------
    numpy.ndarray of int64, shape (T, P, K)
        Of the places that are broken down.
    """
    here, _, level = levels(exact.places, policy)
    share = policy.epsilon_of_breakdowns / (level.max() + 1)
    drawn = np.zeros((len(values), here.size, values.shape[2]), dtype=np.int64)
    for k in range(level.max() + 1):
        those = np.flatnonzero(level == k)
        drawn[:, those] = noise.laplace(values[:, here[those]], share, policy.contributions_per_person_year * sites)
    return drawn


def scale(places: pl.DataFrame, policy: Policy, sites: int) -> float:
    """Scale of the noise of a cell.

    Parameters
    ----------
    places : polars.DataFrame
        As for :func:`levels`.
    policy : Policy
        With breakdowns.
    sites : int
        How many sites' counts were summed.
    """
    number = int(levels(places, policy)[2].max()) + 1
    return noise.scale(policy.epsilon_of_breakdowns / number, policy.contributions_per_person_year * sites)


def grid(places: pl.DataFrame, blocks: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Rows of a table of breakdowns without their values, in order.

    Parameters
    ----------
    places : polars.DataFrame
        As for :func:`levels`.
    blocks : polars.DataFrame
        ``disease``, ``date``.
    policy : Policy
        With breakdowns.

    Returns
    -------
    polars.DataFrame
        ``location``, ``disease``, ``signal``, ``date``, ``dimension``, ``category``, ``age_group``, ``sex``.
    """
    here, _, _ = levels(places, policy)
    kinds = rows(policy)
    block, place, kind = np.indices((blocks.height, here.size, kinds.height)).reshape(3, -1)
    return pl.DataFrame(
        [places["location"].gather(here[place]), blocks["disease"].gather(block), blocks["date"].gather(block)]
    ).select(
        "location",
        "disease",
        pl.lit(SIGNAL).alias("signal"),
        "date",
        *[kinds[c].gather(kind).alias(c) for c in kinds.columns],
    )


def table(
    places: pl.DataFrame, blocks: pl.DataFrame, totals: np.ndarray, drawn: np.ndarray, policy: Policy
) -> pl.DataFrame:
    """Breakdowns made of noisy cells, so that they add up to the counts of places.

    Parameters
    ----------
    places : polars.DataFrame
        As for :func:`levels`.
    blocks : polars.DataFrame
        ``disease``, ``date`` of the T tables.
    totals : numpy.ndarray of int, shape (T, N)
        Counts of places that are released.
    drawn : numpy.ndarray of int, shape (T, P, K)
        As :func:`noisy` gives them.
    policy : Policy
        With breakdowns.

    Returns
    -------
    polars.DataFrame
        ``location``, ``disease``, ``date``, ``dimension``, ``category``, ``value``, ``noisy``.
    """
    here, part, _ = levels(places, policy)
    cells = margins.split(part, totals[:, here], drawn)
    columns = {"value": cells, NOISY: drawn}
    filled = [pl.Series(_with_sums(c, policy).ravel()).cast(pl.Float64).alias(name) for name, c in columns.items()]
    return grid(places, blocks, policy).select(*KEYS).with_columns(filled)


def exact(counted: Counts, policy: Policy, source: str) -> pl.DataFrame:
    """The same table of exact counts, for inside.

    Parameters
    ----------
    counted : Counts
        Exact counts.
    policy : Policy
        With breakdowns.
    source : str
        What the column ``source`` says.

    Returns
    -------
    polars.DataFrame
        As :func:`grid` gives it, of every disease and week, with ``value`` and ``source``.
    """
    here, _, _ = levels(counted.places, policy)
    true = _with_sums(counted.breakdowns[policy.dimension][:, :, here], policy)
    blocks = pl.DataFrame(
        [(d, w) for d in counted.diseases for w in counted.weeks],
        schema={"disease": pl.String, "date": pl.Date},
        orient="row",
    )
    values = pl.Series(true.ravel()).cast(pl.Float64)
    return grid(counted.places, blocks, policy).with_columns(value=values, source=pl.lit(source))


def claims(series: pl.DataFrame, broken: pl.DataFrame, policy: Policy, sites: int = 1) -> dict[str, str]:
    """Claims about breakdowns with noise that the release alone can show.

    Parameters
    ----------
    series : polars.DataFrame
        The series released.
    broken : polars.DataFrame
        The breakdowns released.
    policy : Policy
        Under which they were.
    sites : int
        How many sites' counts were summed.

    Returns
    -------
    dict of str to str
        ``counts_shown`` and ``zeros_shown`` of each dimension, ``breakdowns_add_up`` (over categories to the count of
        the place, over places, and cells to the sums beside them), ``epsilon_of_breakdowns``,
        ``noise_scale_of_breakdowns``.

    Raises
    ------
    WallError
        The policy has none.
    """
    if not policy.breakdowns:
        raise WallError("there are counts by age group or sex, and the policy has none. Ask for the release anew.")
    said = {}
    for dimension in rows(policy)["dimension"].unique(maintain_order=True):
        values = broken.filter(dimension=dimension)["value"]
        zeros = int((values == 0).sum())
        said[f"{dimension}_counts_shown"] = str(values.len() - values.null_count() - zeros)
        said[f"{dimension}_zeros_shown"] = str(zeros)
    places = series.select("location", "parent", "location_level").unique(maintain_order=True)
    return said | {
        "breakdowns_add_up": "yes" if _add_up(series, broken, places, policy) else "no",
        "epsilon_of_breakdowns": f"{policy.epsilon_of_breakdowns:g}",
        "noise_scale_of_breakdowns": f"{scale(places, policy, sites):.4g}",
    }


def errors(true: pl.DataFrame, broken: pl.DataFrame, places: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Mean absolute difference to the exact counts, by dimension and kind of place; inside only.

    Parameters
    ----------
    true : polars.DataFrame
        Exact counts, as :func:`exact` gives them.
    broken : polars.DataFrame
        The breakdowns to be released.
    places : polars.DataFrame
        ``location``, ``location_level``.
    """
    both = broken.join(true.select(*KEYS, _true="value"), on=KEYS).join(places, on="location")
    far = (pl.col("value") - pl.col("_true")).abs().mean().alias("error")
    found: dict[str, dict[str, float]] = {}
    for dimension, level, error in both.group_by("dimension", "location_level").agg(far).sort(pl.all()).iter_rows():
        found.setdefault(dimension, {})[str(level)] = float(error)
    return found


def _with_sums(cells: np.ndarray, policy: Policy) -> np.ndarray[Any, Any]:
    """Cells and, where they are crossed, their sums by age group and by sex, along the last axis."""
    if policy.dimension != "age_sex":
        return cells
    crossed = cells.reshape(*cells.shape[:-1], len(AGE_NAMES), len(SEX_NAMES))
    return np.concatenate([cells, crossed.sum(axis=-1), crossed.sum(axis=-2)], axis=-1)


def _add_up(series: pl.DataFrame, broken: pl.DataFrame, places: pl.DataFrame, policy: Policy) -> bool:
    blocks = series.select(_BLOCK).unique(maintain_order=True)
    wanted = grid(places, blocks, policy)
    if broken.columns != [*wanted.columns, "value", NOISY, "source"]:
        return False
    if not broken.select(wanted.columns).equals(wanted) or any(broken.select("value", NOISY).null_count().row(0)):
        return False
    here, part, _ = levels(places, policy)
    shape = (blocks.height, here.size, -1)
    shown, drawn = (broken[c].to_numpy().reshape(shape) for c in ("value", NOISY))
    number = len(tabulation.categories(policy.dimension))
    cells = shown[..., :number]
    whole = bool(((cells >= 0) & (cells == np.rint(cells))).all())
    totals = series["value"].to_numpy().reshape(blocks.height, -1)[:, here]
    over = [np.array_equal(cells[:, p], cells[:, list(c)].sum(axis=1)) for p, c in enumerate(part.children) if c]
    return (
        whole
        and all(over)
        and np.array_equal(cells.sum(axis=2), totals)
        and np.array_equal(shown, _with_sums(cells, policy))
        and np.array_equal(drawn, _with_sums(drawn[..., :number], policy))
    )
