"""What healthy people of an age, height and sex blow: predicted value, lower limit, z-score, percent predicted.

`expected` takes one person and refuses what the equations don't cover; `expected_table` takes arrays or columns and
leaves such a row empty, with the reason beside it. GLI Global 2022 is the default: it asks for no ethnic group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from salus.copd.equations import EQUATIONS, MEASURES, SEXES, Equation, Floats, Texts, normal
from salus.errors import InputError, NameNotFoundError

DEFAULT = "gli_global_2022"
HEIGHTS_CM = (80.0, 230.0)
"""Heights that are read as centimetres. The papers give no bounds; metres, feet and inches fall outside these."""
VOLUMES_L = (0.1, 12.0)
"""FEV1 and FVC that are read as litres; millilitres fall outside."""

Words = Sequence[str | None] | pl.Series | str | None
"""A word for everybody, or one for each person."""


@dataclass(frozen=True)
class Expected:
    """One measure of one person beside healthy people of the same age, height and sex.

    Attributes
    ----------
    measure : {'fev1', 'fvc', 'fev1_fvc'}
        FEV1 and FVC in litres, their ratio as a fraction.
    predicted, lln : float
        Median and lower limit of normal (5th percentile).
    measured, z, percent : float or None
        What was blown, its z-score and its percentage of the predicted value; None where nothing was given.
    equation : str
        Key of :data:`salus.copd.equations.EQUATIONS`.
    """

    measure: str
    predicted: float
    lln: float
    measured: float | None
    z: float | None
    percent: float | None
    equation: str


def equation_named(name: str) -> Equation:
    """Equations by name, `-` and `_` and case being the same.

    Raises
    ------
    NameNotFoundError
        There are none of that name; the message lists those that there are.
    """
    key = name.casefold().replace("-", "_")
    if key not in EQUATIONS:
        raise NameNotFoundError("set of spirometry equations", name, EQUATIONS)
    return EQUATIONS[key]


def expected(
    age: float,
    height_cm: float,
    sex: str,
    *,
    fev1: float | None = None,
    fvc: float | None = None,
    equation: str = DEFAULT,
    group: str | None = None,
) -> dict[str, Expected]:
    """Predicted value and lower limit of FEV1, FVC and FEV1/FVC of one person; z-score and percent of what was blown.

    Parameters
    ----------
    age : float
        Years, with decimals if known: 3 to 95 by GLI, 8 to 80 by NHANES III.
    height_cm : float
        Standing height without shoes, 80 to 230.
    sex : {'male', 'female'}
        Sex at birth, which the equations were fitted on.
    fev1, fvc : float, optional
        Measured volumes in litres.
    equation : {'gli_global_2022', 'gli_2012', 'nhanes3'}
        Set of equations.
    group : str, optional
        Ethnic group. GLI-2012 and NHANES III need one of theirs; GLI Global 2022 takes none.

    Returns
    -------
    dict of str to Expected
        Keys 'fev1', 'fvc' and 'fev1_fvc'.

    Raises
    ------
    InputError
        A value is missing, of the wrong unit, or outside the range of the equations.

    Examples
    --------
    >>> found = expected(62, 170, "male", fev1=1.8, fvc=3.4)
    >>> round(found["fev1"].predicted, 2), round(found["fev1"].lln, 2)
    (2.97, 2.2)
    >>> round(found["fev1_fvc"].z, 2), round(found["fev1"].percent)
    (-2.96, 61)
    """
    volumes = {name: pl.Series([value], dtype=pl.Float64) for name, value in (("fev1", fev1), ("fvc", fvc))}
    row = expected_table([age], [height_cm], [sex], **volumes, equation=equation, group=group).row(0, named=True)
    if row["reason"] is not None:
        raise InputError(row["reason"])
    measured = {"fev1": fev1, "fvc": fvc, "fev1_fvc": None if fev1 is None or fvc is None else fev1 / fvc}
    name = equation_named(equation).name
    return {
        m: Expected(m, row[f"{m}_predicted"], row[f"{m}_lln"], measured[m], row[f"{m}_z"], row[f"{m}_percent"], name)
        for m in MEASURES
    }


def expected_table(
    age: ArrayLike | pl.Series,
    height_cm: ArrayLike | pl.Series,
    sex: Words,
    *,
    fev1: ArrayLike | pl.Series | None = None,
    fvc: ArrayLike | pl.Series | None = None,
    equation: str = DEFAULT,
    group: Words = None,
) -> pl.DataFrame:
    """The same for many people at once.

    Parameters
    ----------
    age, height_cm : array-like or polars.Series
        One value a person; see :func:`expected`.
    sex, group : sequence of str, polars.Series or str
        One word a person, or one for all.
    fev1, fvc : array-like or polars.Series, optional
        Measured volumes in litres; missing values give no z-score.
    equation : {'gli_global_2022', 'gli_2012', 'nhanes3'}
        Set of equations.

    Returns
    -------
    polars.DataFrame
        One row a person, in order: for each of `fev1`, `fvc` and `fev1_fvc` the columns `_predicted`, `_lln`, `_z` and
        `_percent`, and `reason`. Where a person is outside the equations all numbers are null (nan in NumPy) and
        `reason` says why; otherwise `reason` is null.

    Raises
    ------
    InputError
        Columns of different lengths, or a group where the equations take none (or the other way round).
    NameNotFoundError
        No such equations.

    Examples
    --------
    >>> expected_table([62, 99], [170, 170], "male").select("fev1_predicted", "reason").rows()[1]
    (None, 'the age is 99: GLI Global 2022 holds from 3 to 95 years')
    """
    chosen = equation_named(equation)
    years, height = _numbers(age, "age"), _numbers(height_cm, "height_cm")
    size = years.size
    blown = {"fev1": _given(fev1, "fev1", size), "fvc": _given(fvc, "fvc", size)}
    sexes, groups = _words(sex, size, "sex"), _words(group, size, "group")
    _check_lengths({"age": size, "height_cm": height.size, "sex": sexes.size, "group": groups.size} | _sizes(blown))
    if not chosen.groups and (groups != "").any():
        raise InputError(f"{chosen.title} takes no ethnic group, but one was given. Leave it out")
    if chosen.groups and group is None:
        raise InputError(f"{chosen.title} needs an ethnic group: one of {', '.join(chosen.groups)}")
    reasons = _reasons(chosen, years, height, sexes, groups, blown)
    fine = np.array([r is None for r in reasons], dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        blown["fev1_fvc"] = blown["fev1"] / blown["fvc"]
    columns: dict[str, Floats] = {}
    for measure in MEASURES:
        found = normal(
            chosen.name, measure, years[fine], height[fine], sexes[fine], groups[fine] if chosen.groups else None
        )
        values = blown[measure][fine]
        parts = {
            "predicted": found.predicted,
            "lln": found.lln,
            "z": found.z(values),
            "percent": 100 * values / found.predicted,
        }
        for part, numbers in parts.items():
            whole = np.full(size, np.nan)
            whole[fine] = numbers
            columns[f"{measure}_{part}"] = whole
    table = pl.DataFrame(columns).fill_nan(None)
    return table.with_columns(pl.Series("reason", reasons, dtype=pl.String))


def _numbers(values: ArrayLike | pl.Series, name: str) -> Floats:
    try:
        series = values if isinstance(values, pl.Series) else pl.Series(name, np.asarray(values, dtype=np.float64))
        return series.cast(pl.Float64).to_numpy().astype(np.float64).reshape(-1)
    except (ValueError, TypeError, pl.exceptions.InvalidOperationError) as error:
        raise InputError(f"{name} holds what is not a number: {error}. Give numbers, empty where unknown") from error


def _given(values: ArrayLike | pl.Series | None, name: str, size: int) -> Floats:
    return np.full(size, np.nan) if values is None else _numbers(values, name)


def _words(words: Words, size: int, name: str) -> Texts:
    if words is None or isinstance(words, str):
        words = [words] * size
    series = words if isinstance(words, pl.Series) else pl.Series(name, words, strict=False)
    if series.dtype not in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        raise InputError(f"{name} must be words, such as {SEXES[0] if name == 'sex' else 'caucasian'}")
    tidy = series.cast(pl.String).str.strip_chars().str.to_lowercase().str.replace_all("-", "_", literal=True)
    return tidy.fill_null("").to_numpy()


def _sizes(blown: dict[str, Floats]) -> dict[str, int]:
    return {name: values.size for name, values in blown.items()}


def _check_lengths(sizes: dict[str, int]) -> None:
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(f"the columns have different lengths ({told}). Give one value a person in each")


def _reasons(
    chosen: Equation, age: Floats, height: Floats, sex: Texts, group: Texts, blown: dict[str, Floats]
) -> list[str | None]:
    """First thing that keeps each person out of the equations, None where nothing does."""
    low, high = chosen.ages
    short, tall = HEIGHTS_CM
    least, most = VOLUMES_L
    checks = [
        (np.isnan(age), lambda i: "the age is missing"),
        (
            (age < low) | (age > high),
            lambda i: f"the age is {age[i]:g}: {chosen.title} holds from {low:g} to {high:g} years",
        ),
        (np.isnan(height), lambda i: "the height is missing"),
        (
            (height < short) | (height > tall),
            lambda i: f"the height is {height[i]:g}: {short:g} to {tall:g} cm are wanted. Is it in centimetres?",
        ),
        (
            ~np.isin(sex, SEXES),
            lambda i: f"the sex is '{sex[i]}': 'male' or 'female' is wanted" if sex[i] else "the sex is missing",
        ),
    ]
    if chosen.groups:
        known = ", ".join(chosen.groups)
        checks.append(
            (~np.isin(group, chosen.groups), lambda i: f"the group is '{group[i]}': {chosen.title} has {known}")
        )
    for name, values in blown.items():
        checks.append(
            (
                (values < least) | (values > most),
                lambda i, name=name, values=values: (  # type: ignore[misc]
                    f"{name} is {values[i]:g}: {least:g} to {most:g} litres are wanted. Is it in litres?"
                ),
            )
        )
    fev1, fvc = blown["fev1"], blown["fvc"]
    checks.append(
        (fev1 > fvc, lambda i: f"FEV1 ({fev1[i]:g}) is above FVC ({fvc[i]:g}), which can't be. Are they exchanged?")
    )
    reasons: list[str | None] = [None] * age.size
    for wrong, say in reversed(checks):
        for i in np.flatnonzero(wrong):
            reasons[i] = say(int(i))
    return reasons
