"""Spirometry of many people at once, read by the rules of :mod:`salus.copd.interpretation`, as columns.

Each rule stands there with its source; a test compares the two, person by person.
"""

from __future__ import annotations

import polars as pl

from salus.copd.assessment_words import STEPS_OF_SPIROMETRY
from salus.copd.equations import EQUATIONS, MEASURES
from salus.copd.interpretation import FIXED_RATIO, GOLD_PERCENT, REPEAT_RATIOS, RESPONSE_PERCENT, SEVERITY_Z, STEPS
from salus.copd.quality import PERMITS
from salus.copd.reference import DEFAULT, equation_named, expected_table

ORDER = ("full", "caution", "at_least", "nothing")
"""What a session permits, from all to nothing; the worse of its two grades counts."""
PATTERN = ("normal", "obstructive", "obstructive_low_fvc", "low_fvc", "low_fev1", "not_readable")
NEEDED = ("age", "height_cm", "sex")


def interpret_table(
    people: pl.DataFrame, *, equation: str = DEFAULT, group: str | pl.Series | None = None, lang: str = "en"
) -> pl.DataFrame:
    """Spirometry of many people.

    Parameters
    ----------
    people : polars.DataFrame
        Settled answers: `age`, `height_cm`, `sex`, `fev1_l`, `fvc_l`, `post_fev1_l`, `post_fvc_l`, and the grades
        `q_fev1`, `q_fvc`, `q_post_fev1`, `q_post_fvc`, null where not known.
    equation : {'gli_global_2022', 'gli_2012', 'nhanes3'}
        Set of equations.
    group : str or polars.Series, optional
        Ethnic group, for the sets that ask for one.
    lang : {'en', 'zh'}
        Language of the next step.

    Returns
    -------
    polars.DataFrame
        A row a person: `read` ('post', 'pre'), `permits`, `fev1_fvc`; for each of `fev1`, `fvc` and `fev1_fvc`
        `_predicted`, `_lln`, `_z`, `_percent`; `below_lln`, `below_070`, `pattern`, `severity`, `gold`,
        `response_fev1`, `response_fvc` (percent of predicted), `response`, `next_step`, and `reason`, which says why a
        person's spirometry could not be read; then the rest is null.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [62.0, 62.0], "height_cm": [170.0, None], "sex": ["male", "male"],
    ...                        "fev1_l": [1.8, 1.8], "fvc_l": [3.4, 3.4]})
    >>> interpret_table(people).select("below_lln", "pattern", "severity", "reason").rows()
    [(True, 'obstructive', 'mild', None), (None, None, None, 'the height is missing')]
    """
    volumes = ("fev1_l", "fvc_l", "post_fev1_l", "post_fvc_l")
    grades = ("q_fev1", "q_fvc", "q_post_fev1", "q_post_fvc")
    absent = [pl.lit(None, pl.Float64).alias(n) for n in volumes if n not in people.columns]
    absent += [pl.lit(None, pl.String).alias(n) for n in grades if n not in people.columns]
    chosen = people.with_columns(absent).select(
        *NEEDED,
        *volumes,
        *(_rank(f"q_{stem}fev1", f"q_{stem}fvc").alias(f"{stem}rank") for stem in ("", "post_")),
        *(_firm(f"q_{stem}{m}").alias(f"{stem}firm_{m}") for stem in ("", "post_") for m in ("fev1", "fvc")),
    )
    there = {
        stem: pl.col(f"{stem}fev1_l").is_not_null() & pl.col(f"{stem}fvc_l").is_not_null() for stem in ("", "post_")
    }
    can = {stem: there[stem] & (pl.col(f"{stem}rank") < 3) for stem in there}
    post = can["post_"] & ~(can[""] & (pl.col("post_rank") == 2) & (pl.col("rank") < 2))
    chosen = chosen.with_columns(post=post, pre=can[""] & ~post, both=can[""] & can["post_"])
    chosen = chosen.with_columns(before=pl.col("post") & can[""])
    chosen = chosen.with_columns(
        _picked("fev1_l").alias("fev1"),
        _picked("fvc_l").alias("fvc"),
        _picked("rank").alias("at"),
        _picked("firm_fev1").alias("sure_fev1"),
        _picked("firm_fvc").alias("sure_fvc"),
        both=pl.col("both") & (pl.col("rank") < 2) & (pl.col("post_rank") < 2),
    )
    asked = equation_named(equation)
    table = expected_table(
        chosen["age"],
        chosen["height_cm"],
        chosen["sex"],
        fev1=chosen["fev1"],
        fvc=chosen["fvc"],
        equation=asked.name,
        group=group if EQUATIONS[asked.name].groups else None,
    )
    read = _read(chosen.hstack(table))
    return read if lang == "en" else read.with_columns(pl.col("next_step").replace(STEPS_OF_SPIROMETRY))


def _rank(*columns: str) -> pl.Expr:
    ranks = {letter: ORDER.index(permits) for letter, permits in PERMITS.items()}
    each = [pl.col(c).replace_strict(ranks, default=0, return_dtype=pl.Int8).fill_null(0) for c in columns]
    return pl.max_horizontal(each)


def _firm(column: str) -> pl.Expr:
    return _rank(column) < 2


def _picked(name: str) -> pl.Expr:
    return pl.when(pl.col("post")).then(pl.col(f"post_{name}")).when(pl.col("pre")).then(pl.col(name))


def _read(table: pl.DataFrame) -> pl.DataFrame:
    ratio = pl.col("fev1") / pl.col("fvc")
    nothing = ~(pl.col("post") | pl.col("pre"))
    unread = (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(nothing & (pl.col("fev1_l").is_not_null() | pl.col("post_fev1_l").is_not_null()))
        .then(pl.lit("no session may be read: all are of grade F, or FEV1 or FVC is missing. Repeat the spirometry"))
        .when(nothing)
        .then(pl.lit("there is no spirometry: FEV1 and FVC of a session are wanted"))
    )
    table = table.with_columns(unread.alias("reason"), ratio.alias("ratio"))
    low = {m: pl.col("ratio" if m == "fev1_fvc" else m) < pl.col(f"{m}_lln") for m in MEASURES}
    severity = pl.lit("none")
    for name, bound in zip(("mild", "moderate", "severe"), SEVERITY_Z, strict=True):
        severity = pl.when(pl.col("fev1_z") < bound).then(pl.lit(name)).otherwise(severity)
    fev1_sure = pl.col("sure_fev1") | ~low["fev1"]
    below_lln, below_070 = _sure(low["fev1_fvc"]), _sure(pl.col("ratio") < FIXED_RATIO)
    readable = below_lln.is_not_null() & fev1_sure & (pl.col("sure_fvc") | ~low["fvc"])
    grade = 1 + pl.sum_horizontal([(pl.col("fev1_percent") < p).cast(pl.Int64) for p in GOLD_PERCENT])
    graded = pl.col("post") & pl.col("sure_fev1") & below_070.is_not_null() & (pl.col("ratio") < FIXED_RATIO)
    pattern = (
        pl.when(low["fev1_fvc"] & low["fvc"])
        .then(pl.lit("obstructive_low_fvc"))
        .when(low["fev1_fvc"])
        .then(pl.lit("obstructive"))
        .when(low["fvc"])
        .then(pl.lit("low_fvc"))
        .when(low["fev1"])
        .then(pl.lit("low_fev1"))
        .otherwise(pl.lit("normal"))
    )
    change = {
        m: pl.when(pl.col("both")).then(100 * (pl.col(f"post_{m}_l") - pl.col(f"{m}_l")) / pl.col(f"{m}_predicted"))
        for m in ("fev1", "fvc")
    }
    ratio_before = pl.col("fev1_l") / pl.col("fvc_l")
    low_before = (ratio_before < pl.col("fev1_fvc_lln")) | (ratio_before < FIXED_RATIO)
    sure_before = pl.col("firm_fev1")  # an FVC that is reached at least only lowers the ratio
    gone = pl.col("before") & sure_before & low_before & ~below_lln & ~below_070
    permits = pl.col("at").replace_strict(dict(enumerate(ORDER)), default=None, return_dtype=pl.String)
    found = table.select(
        pl.when(pl.col("post")).then(pl.lit("post")).when(pl.col("pre")).then(pl.lit("pre")).alias("read"),
        permits.alias("permits"),
        pl.col("ratio").alias("fev1_fvc"),
        *(pl.col(f"{m}_{part}") for m in MEASURES for part in ("predicted", "lln", "z", "percent")),
        below_lln.alias("below_lln"),
        below_070.alias("below_070"),
        pl.when(readable).then(pattern).otherwise(pl.lit("not_readable")).alias("pattern"),
        pl.when(fev1_sure).then(severity).alias("severity"),
        pl.when(graded).then(grade).alias("gold"),
        change["fev1"].alias("response_fev1"),
        change["fvc"].alias("response_fvc"),
        (pl.max_horizontal(change["fev1"], change["fvc"]) > RESPONSE_PERCENT).alias("response"),
        gone.fill_null(value=False).alias("gone"),
        "reason",
    )
    found = found.with_columns(_step().alias("next_step"))
    lost = pl.col("reason").is_not_null()
    kept = [pl.when(~lost).then(pl.col(c)).alias(c) for c in found.columns if c not in ("reason", "gone")]
    return found.select(*kept, "reason")


def _sure(low: pl.Expr) -> pl.Expr:
    """Whether the ratio is low, null where quality leaves it open."""
    one, other = pl.col("sure_fev1"), pl.col("sure_fvc")
    return (
        pl.when(one & other)
        .then(low)
        .when(one & low)
        .then(pl.lit(value=True))
        .when(other & ~one & ~low)
        .then(pl.lit(value=False))
    )


def _step() -> pl.Expr:
    obstructed = pl.col("below_lln") | pl.col("below_070")
    open_ = pl.col("below_lln").is_null() | pl.col("below_070").is_null() | (pl.col("pattern") == "not_readable")
    low, gone = pl.col("pattern").is_in(["low_fvc", "low_fev1"]), pl.col("gone")
    tests = {
        "unreadable": open_,
        "pre": (pl.col("read") == "pre") & obstructed,
        "border": obstructed & pl.col("fev1_fvc").is_between(*REPEAT_RATIOS),
        "post": obstructed,
        "reversible": gone & pl.col("response"),
        "gone_low": gone & low,
        "gone": gone,
        "low": low,
    }
    return pl.coalesce(*(pl.when(test).then(pl.lit(STEPS[key])) for key, test in tests.items()), pl.lit(STEPS["none"]))
