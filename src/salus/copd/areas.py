"""Prevalence of small areas from a survey: multilevel regression with post-stratification.

A logistic regression with a random effect for each level of the person's traits, for each pair of them and for each
area is fitted to the survey; its probabilities are added up over the people that a census counts in each area (Gelman
and Little, Survey Methodology 1997, 23(2), 127-135; Park, Gelman and Bafumi, Political Analysis 2004, 12(4), 375-385).
Variances of the traits are found by EM around the penalised fit (Schall, Biometrika 1991, 78, 719-727). That of areas,
on which the intervals hang, is averaged over by its evidence, in Laplace's approximation; intervals are quantiles of
draws.

What comes out is an estimate of areas, no count of persons. Registers that are compared with it are counts: they stay
inside unless a release has them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from salus.data.output import check_place, replaced_file
from salus.errors import InputError, WallError
from salus.privacy.zones import zone_of
from salus.tables.frames import to_polars
from salus.tables.reading import read_raw

Floats = NDArray[np.float64]
TRAITS = ("age_band", "sex", "smk_status")
FEWEST_CASES = 20
_ROUNDS, _STEPS, _CLOSE, _SETTLED = 300, 30, 1e-6, 1e-3
_LEAST_VARIANCE, _FLAT = 1e-4, 1e-6
_SPREADS = np.geomspace(0.03, 1.5, 24)
"""Standard deviations of the areas' effects, in log-odds, that are averaged over."""
_USUAL_SPREAD = 0.5
"""Scale of the half-normal prior of that standard deviation."""
_DRAWS = 2000
_SEED = 20260101


@dataclass(frozen=True)
class Block:
    """Columns that share one variance.

    Attributes
    ----------
    name : str
        Trait, pair of traits joined by ``:``, or the area.
    levels : tuple of str
        A column each.
    """

    name: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Burden:
    """Estimates of areas, and the model behind them.

    Attributes
    ----------
    table : polars.DataFrame
        A row an area: `location`, `population`, `surveyed` (people), `prevalence`, `lower`, `upper`, `cases`,
        `cases_lower`, `cases_upper`; with a register also `registered`, `undiagnosed`, `undiagnosed_lower`,
        `undiagnosed_upper`.
    spread : dict of str to float
        Standard deviation of the random effects, in log-odds, by trait, pair and area.
    people, cases : int
        Of the survey.
    """

    table: pl.DataFrame
    spread: dict[str, float]
    people: int
    cases: int


def burden(
    survey: Any,
    census: Any,
    *,
    outcome: str = "case",
    traits: Sequence[str] = TRAITS,
    covariates: Sequence[str] = (),
    weight: str | None = None,
    register: Any = None,
    level: float = 0.9,
    seed: int = _SEED,
) -> Burden:
    """Prevalence, cases and undiagnosed cases of each area.

    Parameters
    ----------
    survey : path or frame
        A row a person: `location`, the traits as text, `outcome` (1 or 0), and `weight` where there is one.
    census : path or frame
        A row for each area and combination of traits: `location`, the traits, `people`, and the covariates, which are
        the same in all rows of an area.
    outcome : str
        Column of the survey: obstruction by spirometry.
    traits : sequence of str
        Traits that both tables have.
    covariates : sequence of str
        Numeric columns of the census that say something of the area, such as registered prevalence of other conditions.
    weight : str, optional
        Column of survey weights; they are scaled to the number of people.
    register : path or frame, optional
        `location` and `registered`: people with a diagnosis.
    level : float
        Share that the intervals are to hold.
    seed : int
        Of the draws.

    Returns
    -------
    Burden
        Areas in the order of the census.

    Raises
    ------
    InputError
        A column is missing, the survey has too few cases, or an area or level of the survey is not in the census.

    Examples
    --------
    >>> chance = np.random.default_rng(1)
    >>> people = pl.DataFrame({"location": ["a", "b"] * 300, "sex": ["female", "male", "male"] * 200,
    ...                        "case": (chance.uniform(size=600) < 0.2).astype(int)})
    >>> cells = pl.DataFrame({"location": ["a", "a", "b", "b"], "sex": ["female", "male"] * 2,
    ...                       "people": [900, 800, 500, 600]})
    >>> found = burden(people, cells, traits=("sex",)).table
    >>> found["population"].to_list(), bool(found["prevalence"].is_between(0.1, 0.3).all())
    ([1700.0, 1100.0], True)
    """
    people, cells = _survey(survey, outcome, traits, weight), _census(census, traits, covariates)
    blocks = _blocks(cells, traits)
    _same(people, cells, traits)
    chance = np.random.default_rng(seed)
    fixed_cells, scale = _fixed(cells, covariates)
    by_area = cells.group_by("location", maintain_order=True).first()
    here = people.join(by_area.select("location", *covariates), on="location", how="left", maintain_order="left")
    x, z = _fixed(here, covariates, scale)[0], _random(people, blocks)
    tried, found = people["_n"].to_numpy(), people["_cases"].to_numpy()
    draws, variances = _draws(np.hstack([x, z]), tried, found, blocks, x.shape[1], chance)
    chances = _expit(np.hstack([fixed_cells, _random(cells, blocks)]) @ draws.T)
    table = _added_up(cells, chances, people, register, level)
    spread = {block.name: float(np.sqrt(v)) for block, v in zip(blocks, variances, strict=True)}
    return Burden(table, spread, round(float(tried.sum())), round(float(found.sum())))


def guard_estimates(out: str | Path, inputs: Sequence[str | Path], *, registered: bool) -> None:
    """Refuse a place where the estimates may not stand.

    Parameters
    ----------
    out : path
        File to be written.
    inputs : sequence of path
        What they are made from.
    registered : bool
        Whether the table has counts of a register.

    Raises
    ------
    WallError
        The release zone, into which only a release of the wall writes; or counts of a register that lies in a wall,
        outside of it.
    OutputError
        The file can't be written.
    """
    zone = zone_of(out)
    if zone in ("release", "vault"):
        raise WallError(f"{out} lies in the zone '{zone}', which only the wall itself writes. Write it into count/.")
    inner = [path for path in inputs if zone_of(path) in ("vault", "record", "count")]
    if registered and inner and zone is None:
        raise WallError(
            f"{inner[0]} lies in a wall, and {out} would hold counts of a register outside of it. Write it into "
            "count/, or take the register from a release."
        )
    check_place(out, inputs)


def write_burden(found: Burden, out: str | Path) -> None:
    """Write the estimates as CSV or Parquet, by the ending of the name.

    Raises
    ------
    InputError
        The name ends in something else.
    OutputError
        The file can't be written.
    """
    ending = Path(out).suffix.casefold()
    if ending not in (".csv", ".parquet"):
        raise InputError(f"--out {out} ends in '{ending}'; .csv or .parquet is wanted")
    with replaced_file(out) as part:
        if ending == ".csv":
            found.table.write_csv(part)
        else:
            found.table.write_parquet(part)


# ---- tables ---------------------------------------------------------------------------------------------------------


def _survey(source: Any, outcome: str, traits: Sequence[str], weight: str | None) -> pl.DataFrame:
    """People and cases, weighted to their number, of each area and combination of traits."""
    frame = _needed(source, "the survey", ["location", *traits, outcome, *([weight] if weight else [])])
    known = frame.filter(pl.all_horizontal(pl.col("location", *traits, outcome).is_not_null()))
    strange = known.filter(~pl.col(outcome).cast(pl.Float64, strict=False).is_in([0.0, 1.0]))
    if strange.height:
        raise InputError(f"the survey's '{outcome}' is {strange[outcome][0]} in some rows: 1 or 0 is wanted")
    known = known.with_columns(_w=pl.col(weight).cast(pl.Float64) if weight else pl.lit(1.0))
    if (known["_w"] <= 0).any() or known["_w"].null_count():
        raise InputError(f"the survey's '{weight}' is missing or not positive in some rows. Leave these people out")
    known = known.with_columns(_w=pl.col("_w") / pl.col("_w").mean())
    cases = int(known[outcome].cast(pl.Int64).sum())
    if not FEWEST_CASES <= cases <= known.height - FEWEST_CASES:
        raise InputError(
            f"the survey has {cases} cases among {known.height} people: at least {FEWEST_CASES} with and without are "
            "wanted"
        )
    words = [pl.col(name).cast(pl.String) for name in ("location", *traits)]
    weights = known["_w"].to_numpy()
    kish = float(weights.sum() ** 2 / (weights**2).sum() / known.height)
    return (
        known.with_columns(words)
        .group_by("location", *traits, maintain_order=True)
        .agg(
            _n=pl.col("_w").sum() * kish,
            _cases=(pl.col("_w") * pl.col(outcome).cast(pl.Float64)).sum() * kish,
            _people=pl.len(),
        )
    )


def _census(source: Any, traits: Sequence[str], covariates: Sequence[str]) -> pl.DataFrame:
    frame = _needed(source, "the census", ["location", *traits, "people", *covariates])
    cells = frame.with_columns(
        *(pl.col(name).cast(pl.String) for name in ("location", *traits)),
        *(pl.col(name).cast(pl.Float64) for name in ("people", *covariates)),
    )
    if cells.select(pl.any_horizontal(pl.all().is_null())).to_series().any() or (cells["people"] < 0).any():
        raise InputError("the census has empty cells or negative counts. Fill them in; 0 where nobody lives")
    uneven = [c for c in covariates if cells.group_by("location").agg(pl.col(c).n_unique())[c].max() != 1]
    if uneven:
        raise InputError(f"the census has several values of '{uneven[0]}' in one area; one an area is wanted")
    return cells


def _needed(source: Any, label: str, columns: Sequence[str]) -> pl.DataFrame:

    frame = read_raw(source) if not hasattr(source, "columns") else to_polars(source, label)
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise InputError(f"{label} has no column '{lacking[0]}'; it has {', '.join(frame.columns)}. Add it")
    return frame.select(columns)


def _same(people: pl.DataFrame, cells: pl.DataFrame, traits: Sequence[str]) -> None:
    for name in ("location", *traits):
        strange = sorted(set(people[name]) - set(cells[name]))
        if strange:
            raise InputError(f"the survey has '{strange[0]}' in '{name}', which the census does not. Write them alike")


def _blocks(cells: pl.DataFrame, traits: Sequence[str]) -> list[Block]:
    """Each trait, each pair of traits, and the area."""
    single = [Block(name, tuple(cells[name].unique(maintain_order=True))) for name in traits]
    pairs = [
        Block(f"{a.name}:{b.name}", tuple(f"{x}:{y}" for x, y in itertools.product(a.levels, b.levels)))
        for a, b in itertools.combinations(single, 2)
    ]
    return [*single, *pairs, Block("location", tuple(cells["location"].unique(maintain_order=True)))]


def _random(frame: pl.DataFrame, blocks: Sequence[Block]) -> Floats:
    parts = []
    for block in blocks:
        names = block.name.split(":")
        at = frame.select(pl.concat_str(names, separator=":").alias("at"))["at"]
        place = {level: k for k, level in enumerate(block.levels)}
        columns = np.zeros((frame.height, len(block.levels)))
        columns[np.arange(frame.height), [place[level] for level in at]] = 1
        parts.append(columns)
    return np.hstack(parts)


def _fixed(
    frame: pl.DataFrame, covariates: Sequence[str], scale: tuple[Floats, Floats] | None = None
) -> tuple[Floats, tuple[Floats, Floats]]:
    """A one, and the covariates on the scale of the census' areas."""
    values = frame.select(covariates).to_numpy().astype(float) if covariates else np.zeros((frame.height, 0))
    if scale is None:
        spread = values.std(axis=0)
        scale = values.mean(axis=0), np.where(spread > 0, spread, 1.0)
    return np.hstack([np.ones((frame.height, 1)), (values - scale[0]) / scale[1]]), scale


# ---- the fit --------------------------------------------------------------------------------------------------------


def _expit(log_odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    return found


@dataclass(frozen=True)
class _Solved:
    """A penalised fit: coefficients, information, and the logarithm of the evidence for its variances."""

    theta: Floats
    information: Floats
    evidence: float


def _solve(x: Floats, tried: Floats, found: Floats, penalty: Floats, theta: Floats) -> _Solved:
    """Newton's method from a start; the evidence by Laplace's approximation, but for a constant."""
    at = theta.copy()
    information: Floats = np.eye(at.size)
    for _ in range(_STEPS):
        p = _expit(x @ at)
        information = (x * (tried * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(information, x.T @ (found - tried * p) - penalty * at)
        at += step
        if np.abs(step).max() < _CLOSE:
            break
    log_odds = x @ at
    likelihood = found @ log_odds - tried @ np.logaddexp(0, log_odds)
    prior = 0.5 * (np.log(penalty).sum() - penalty @ at**2)
    return _Solved(at, information, float(likelihood + prior - 0.5 * np.linalg.slogdet(information)[1]))


def _penalty(variances: Floats, sizes: Sequence[int], fixed: int) -> Floats:
    return np.concatenate([np.full(fixed, _FLAT), np.repeat(1 / variances, sizes)])


def _fit(x: Floats, tried: Floats, found: Floats, blocks: Sequence[Block], fixed: int) -> tuple[Floats, Floats]:
    """Coefficients and the variance of each block, by EM around the penalised fit."""
    sizes = [len(block.levels) for block in blocks]
    starts = fixed + np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int)
    variances: Floats = np.full(len(blocks), 0.25)
    theta: Floats = np.zeros(x.shape[1])
    share = found.sum() / tried.sum()
    theta[0] = np.log(share / (1 - share))
    for _ in range(_ROUNDS):
        solved = _solve(x, tried, found, _penalty(variances, sizes, fixed), theta)
        theta, inverse = solved.theta, np.linalg.inv(solved.information)
        new = [
            (theta[a : a + n] @ theta[a : a + n] + np.trace(inverse[a : a + n, a : a + n])) / n
            for a, n in zip(starts, sizes, strict=True)
        ]
        before, variances = variances, np.maximum(np.array(new), _LEAST_VARIANCE)
        if np.abs(np.log(variances / before)).max() < _SETTLED:
            break
    return theta, variances


def _draws(
    x: Floats,
    tried: Floats,
    found: Floats,
    blocks: Sequence[Block],
    fixed: int,
    chance: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draws of the coefficients, over what the spread of areas may be, and the variances that they rest on."""
    sizes = [len(block.levels) for block in blocks]
    theta, variances = _fit(x, tried, found, blocks, fixed)
    solved = []
    for spread in _SPREADS:
        here = np.append(variances[:-1], spread**2)
        solved.append(_solve(x, tried, found, _penalty(here, sizes, fixed), theta))
    weight = np.array([s.evidence for s in solved]) - 0.5 * (_SPREADS / _USUAL_SPREAD) ** 2
    share = np.exp(weight - weight.max()) * np.gradient(_SPREADS)
    parts = []
    for one, n in zip(solved, chance.multinomial(_DRAWS, share / share.sum()), strict=True):
        root = np.linalg.cholesky(one.information)
        parts.append(one.theta + np.linalg.solve(root.T, chance.standard_normal((one.theta.size, n))).T)
    variances[-1] = float((share / share.sum()) @ _SPREADS**2)
    return np.vstack(parts), variances


def _added_up(cells: pl.DataFrame, chances: Floats, people: pl.DataFrame, register: Any, level: float) -> pl.DataFrame:
    count = cells["people"].to_numpy()
    areas = cells["location"].unique(maintain_order=True)
    tails = [(1 - level) / 2, (1 + level) / 2]
    asked = dict(people.group_by("location").agg(pl.col("_people").sum()).iter_rows())
    known: dict[str, float] = {}
    if register is not None:
        table = _needed(register, "the register", ["location", "registered"])
        known = {str(a): float(n) for a, n in table.iter_rows() if n is not None}
    rows = []
    for area in areas:
        at = (cells["location"] == area).to_numpy()
        population = float(count[at].sum())
        if population == 0:
            raise InputError(f"nobody lives in '{area}' by the census. Leave the area out")
        cases = count[at] @ chances[at]
        low, high = np.quantile(cases, tails)
        row: dict[str, Any] = {
            "location": area,
            "population": population,
            "surveyed": asked.get(area, 0),
            "prevalence": cases.mean() / population,
            "lower": low / population,
            "upper": high / population,
            "cases": cases.mean(),
            "cases_lower": low,
            "cases_upper": high,
        }
        if register is not None:
            registered = known.get(area)
            gap = None if registered is None else np.maximum(cases - registered, 0)
            bounds = (None, None) if gap is None else np.quantile(gap, tails)
            row |= {
                "registered": registered,
                "undiagnosed": None if gap is None else gap.mean(),
                "undiagnosed_lower": bounds[0],
                "undiagnosed_upper": bounds[1],
            }
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
