"""Releases under differential privacy: bounded, paid for, noised once, made to add up.

One person of one calendar year is in at most ``contributions_per_person_year`` counts, over all releases under a
policy: the vault remembers in how many they were. Each count gets noise for that bound. So everything released under
the policy tells of that person in that year at most epsilon, whatever else is known.

Where the policy has breakdowns, cells by age group and sex take their share of epsilon, and are made to add up to the
counts of places (:mod:`salus.privacy.breakdowns`).

A week is noised once. The noise is kept in the vault, so a rerun gives the same numbers; noise that is lost is never
drawn anew, for two draws would tell twice.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from salus.data import durable
from salus.errors import WallError
from salus.privacy import breakdowns, budget, guarded, noise, utility
from salus.privacy.counts import Bound, Counts
from salus.privacy.offer import Offer
from salus.privacy.policy import Policy
from salus.privacy.tree import Tree, tree
from salus.privacy.whole import Whole
from salus.privacy.zones import Zones

VALUES, CONTRIBUTIONS, SHARE = "noisy.parquet", "contributions.parquet", "share_beyond_bound.json"
CELLS = "noisy_breakdowns.parquet"
"""What the vault keeps of a release with noise."""

_KEYS = ["location", "disease", "date"]
_BESIDE = "by age group or sex beside them; of epsilon, {:g} is theirs."
_BEYOND = "of new counts were beyond the bound of their person (inside only)."


def offer(
    wall: Zones,
    exact: Counts,
    bounded: Callable[[Bound], Counts],
    policy: Policy,
    *,
    scheme: str,
    name: str,
    label: str,
    earlier: Sequence[str],
    released: bool,
    sites: int = 1,
    generation: int = 0,
) -> Offer:
    """Bound, pay, add noise, make it add up.

    Parameters
    ----------
    wall : Zones
        The wall, locked by the caller.
    exact : Counts
        Exact counts, for what is told inside.
    bounded : callable
        Counts again under a bound.
    policy : Policy
        Of the kind ``differential_privacy``.
    scheme : str
        Policy, places and syndromes, for the budget.
    name : str
        Id of the release.
    label : str
        What the column ``source`` says.
    earlier : sequence of str
        Ids of earlier releases of the same syndromes, first one first.
    released : bool
        Whether this very release was made before.
    sites : int
        How many sites' counts were summed; a person may be in a bound of counts at each, and noise is for all of them.
    generation : int
        How often the wall's key was changed.

    Returns
    -------
    Offer

    Raises
    ------
    WallError
        The budget of a year is spent, or the noise of this release is lost.
    """
    vault = wall.path("vault")
    before = guarded.earlier([vault / "released" / r for r in earlier], guarded.SERIES_FILE, exact.diseases)
    new, cache = _new(exact, before), vault / "noise" / name
    taken = contributions(generation)
    kept = [VALUES, SHARE, *([CELLS] if policy.breakdowns else []), *([taken] if sites == 1 else [])]
    for release in [*earlier, *([name] if released or cache.exists() else [])]:
        _check_kept(vault / "noise" / release, kept)
    if not cache.exists():
        years = {
            year_of(week) for week, wanted in zip(exact.weeks, np.atleast_1d(new.any(axis=0)), strict=True) if wanted
        }
        pay = functools.partial(
            budget.spend, wall, scheme, sorted(years), policy.epsilon, limit=policy.epsilon_limit, release=name
        )
        pay(check_only=True)
        used = () if sites > 1 else tuple(vault / "noise" / r / taken for r in earlier)
        with Whole(cache) as part:
            bound = Bound(policy.contributions_per_person_year, used, _named(exact, ~new), part / taken)
            counts = bounded(bound)
            pay()
            values, cells = with_noise(counts, new, policy, sites)
            values.write_parquet(part / VALUES)
            if cells is not None:
                cells.write_parquet(part / CELLS)
            durable.write(part / SHARE, json.dumps(_share(exact, counts, new)).encode())
    plain = guarded.series(exact, None, label)
    drawn = pl.read_parquet(cache / VALUES)
    table = plain.drop("value").join(drawn, on=_KEYS, how="left", maintain_order="left")
    table, weeks_frozen = guarded.frozen(table.select(plain.columns), before)
    broken, apart = None, {}
    if policy.breakdowns:
        true = breakdowns.exact(exact, policy, label)
        old = guarded.earlier([vault / "released" / r for r in earlier], guarded.BREAKDOWNS_FILE, exact.diseases)
        fresh = pl.read_parquet(cache / CELLS)
        known = fresh if old is None else pl.concat([old.select(fresh.columns), fresh])  # of other weeks
        broken = true.drop("value").join(known, on=breakdowns.KEYS, how="left", maintain_order="left")
        broken = broken.select(*true.columns[:-1], breakdowns.NOISY, "source")
        apart["mean_absolute_error_breakdowns"] = breakdowns.errors(true, broken, exact.places)
    stated = claims(table, policy, sites, broken)
    if "no" in (stated["places_add_up"], stated.get("breakdowns_add_up")):
        raise WallError("gate missed: counts with noise are not whole counts that add up. Nothing was written.")
    ledger = budget.read(wall)
    left = ", ".join(
        f"{y}: {ledger.left(y):g} of {policy.epsilon_limit:g}" for y in sorted({year_of(w) for w in exact.weeks})
    )
    share = json.loads((cache / SHARE).read_bytes())
    return Offer(
        series=table,
        breakdowns=broken,
        stated=stated,
        promised={"budget_left": left},
        inside={
            "share_beyond_bound": share,
            "mean_absolute_error": _errors(plain, table),
            **apart,
            "forecast_cost": [asdict(c) for c in utility.costs(plain, table, policy)],
        },
        weeks_frozen=weeks_frozen,
        words=(
            f"{table.height:,} counts shown with noise: epsilon {policy.epsilon:g} a person and year, in at most "
            f"{policy.contributions_per_person_year * sites} counts; delta 0.",
            *([] if broken is None else [f"{broken.height:,} counts {_BESIDE.format(policy.epsilon_of_breakdowns)}"]),
            f"Left of the budget a person and year: {left}.",
            *([f"{share:.1%} {_BEYOND}"] if sites == 1 else []),
        ),
    )


def _check_kept(folder: Path, names: Sequence[str]) -> None:
    """Refuse to go on where what an earlier release took and drew is gone."""
    gone = [folder / n for n in names if not (folder / n).exists()]
    if gone:
        raise WallError(
            f"the noise of release {folder.name} is gone from the vault ({gone[0]}). Without it noise would be drawn "
            "anew and tell twice of the same persons, and nobody could say in how many counts they were. Restore the "
            "vault from its backup; nothing was changed."
        )


def contributions(generation: int) -> str:
    """Name of the file with how many counts a release took of each person.

    Parameters
    ----------
    generation : int
        How often the wall's key was changed; persons have other numbers after it.
    """
    return CONTRIBUTIONS if generation == 0 else CONTRIBUTIONS.replace(".", f".g{generation}.")


def claims(series: pl.DataFrame, policy: Policy, sites: int = 1, broken: pl.DataFrame | None = None) -> dict[str, str]:
    """Claims of a release with noise that the release alone can show.

    Parameters
    ----------
    series : polars.DataFrame
        The series released.
    policy : Policy
        Under which it was.
    sites : int
        How many sites' counts were summed.
    broken : polars.DataFrame, optional
        The breakdowns released.

    Returns
    -------
    dict of str to str
        ``counts_shown``, ``zeros_shown``, ``places_add_up``, ``epsilon``, ``delta``, ``contributions_per_person_year``,
        ``noise_scale`` (of each place's count, before counts were made to add up), and those of
        :func:`salus.privacy.breakdowns.claims`.
    """
    values = series["value"]
    tree = _tree(series)
    wide = values.to_numpy().reshape(-1, tree.size)
    whole = not values.null_count() and bool(((wide >= 0) & (wide == np.rint(wide))).all())
    sums = [np.array_equal(wide[:, p], wide[:, list(c)].sum(axis=1)) for p, c in enumerate(tree.children) if c]
    bound = policy.contributions_per_person_year * sites
    size = noise.scale(policy.epsilon_of_places / _levels(tree), bound)
    more = {} if broken is None else breakdowns.claims(series, broken, policy, sites)
    zeros = int((values == 0).sum())
    return {
        "counts_shown": str(values.len() - values.null_count() - zeros),
        "zeros_shown": str(zeros),
        "places_add_up": "yes" if whole and all(sums) else "no",
        "epsilon": f"{policy.epsilon:g}",
        "delta": "0",
        "contributions_per_person_year": str(bound),
        "noise_scale": f"{size:.4g}",
    } | more


def _tree(series: pl.DataFrame) -> Tree:
    order = series.select("location", "parent").unique(maintain_order=True)
    row = {p: n for n, p in enumerate(order["location"])}
    return tree([-1 if p is None else row[p] for p in order["parent"]])


def _levels(places: Tree) -> int:
    return max(noise.depth(places)) + 1


def _new(exact: Counts, before: pl.DataFrame | None) -> np.ndarray:
    """Which weeks of which disease were never released, shape (S, W)."""
    new = np.ones(exact.values.shape[:2], dtype=bool)
    if before is not None:
        known = set(before.select("disease", "date").unique().iter_rows())
        for s, disease in enumerate(exact.diseases):
            new[s] = [(disease, week) not in known for week in exact.weeks]
    return new


def _named(exact: Counts, which: np.ndarray) -> pl.DataFrame:
    rows = [(exact.syndromes[s], exact.weeks[w]) for s, w in zip(*np.nonzero(which), strict=True)]
    return pl.DataFrame(rows, schema={"syndrome": pl.String, "date": pl.Date}, orient="row")


def with_noise(
    counts: Counts, new: np.ndarray, policy: Policy, sites: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Tables with fresh noise, made to add up, and their breakdowns.

    Parameters
    ----------
    counts : Counts
        Bounded counts.
    new : numpy.ndarray of bool, shape (S, W)
        Which weeks of which disease.
    policy : Policy
        Of the kind ``differential_privacy``.
    sites : int
        How many sites' counts were summed.

    Returns
    -------
    table : polars.DataFrame
        ``location``, ``disease``, ``date``, ``value``.
    cells : polars.DataFrame or None
        As :func:`salus.privacy.breakdowns.table` gives them; None where the policy has no breakdowns.
    """
    values = counts.values[new]
    level = np.array(noise.depth(counts.tree))
    share = policy.epsilon_of_places / _levels(counts.tree)
    bound = policy.contributions_per_person_year * sites
    noisy = np.zeros(values.shape, dtype=np.int64)
    for k in range(level.max() + 1):
        here = level == k
        noisy[:, here] = noise.laplace(values[:, here], share, bound)
    which = [(counts.diseases[s], counts.weeks[w]) for s, w in zip(*np.nonzero(new), strict=True)]
    cells = None
    if not policy.breakdowns:
        done = noise.consistent(counts.tree, noisy)
    else:
        drawn = breakdowns.noisy(counts, counts.breakdowns[policy.dimension][new], policy, sites)
        done = noise.consistent(counts.tree, *_pooled(counts, noisy, drawn, noise.scale(share, bound), policy, sites))
        blocks = pl.DataFrame(which, schema={"disease": pl.String, "date": pl.Date}, orient="row")
        cells = breakdowns.table(counts.places, blocks, done, drawn, policy)
    places = counts.places["location"].to_list()
    table = pl.DataFrame(
        {
            "location": places * len(which),
            "disease": [d for d, _ in which for _ in places],
            "date": [w for _, w in which for _ in places],
            "value": done.ravel().astype(float),
        },
        schema={"location": pl.String, "disease": pl.String, "date": pl.Date, "value": pl.Float64},
    )
    return table, cells


def _pooled(
    counts: Counts, noisy: np.ndarray, drawn: np.ndarray, scale: float, policy: Policy, sites: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a place's own noisy count and the sum of its noisy cells say of it, and the variance of that."""
    here, _, _ = breakdowns.levels(counts.places, policy)
    own = noise.variance(scale)
    summed = drawn.shape[2] * noise.variance(breakdowns.scale(counts.places, policy, sites))
    both, size = noisy.astype(float), np.full(counts.tree.size, own)
    weight = summed / (own + summed)
    both[:, here] = weight * both[:, here] + (1 - weight) * drawn.sum(axis=2)
    size[here] = own * weight
    return both, size


def _share(exact: Counts, bounded: Counts, new: np.ndarray) -> float:
    roots = [n for n, p in enumerate(exact.tree.parent) if p < 0]
    all_of_them = int(exact.values[new][:, roots].sum())
    return 1 - int(bounded.values[new][:, roots].sum()) / all_of_them if all_of_them else 0.0


def _errors(exact: pl.DataFrame, released: pl.DataFrame) -> dict[str, float]:
    """Mean absolute difference to the exact counts, by kind of place; inside only."""
    both = released.join(exact.select(*_KEYS, _exact="value"), on=_KEYS)
    table = both.group_by("location_level").agg(error=(pl.col("value") - pl.col("_exact")).abs().mean())
    return {str(k): float(v) for k, v in table.sort("location_level").iter_rows()}


def year_of(week: dt.date) -> int:
    """Year of the fourth day of a week, to which its counts belong.

    Parameters
    ----------
    week : datetime.date
        Its first day.
    """
    return (week + dt.timedelta(days=3)).year
