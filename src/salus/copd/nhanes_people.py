"""The people of NHANES from its tables as `salus data pull nhanes` delivers them, one row a person.

The columns are those of the COPD data dictionary that the models need: items, survey design, spirometry and outcomes.
Codes of refusal and of not knowing are missing answers. Nothing is linked with anything else, as the terms of the
survey ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from salus.copd.cohort import read_people
from salus.copd.outcomes import outcomes
from salus.copd.reference import expected_table
from salus.errors import InputError

TABLES: Mapping[str, tuple[str, ...]] = {
    "DEMO": ("SDMVPSU", "SDMVSTRA", "WTMEC2YR", "RIDAGEYR", "RIAGENDR", "RIDRETH1", "DMDEDUC2", "INDFMPIR"),
    "BMX": ("BMXHT", "BMXWT"),
    "SMQ": ("SMQ020", "SMQ040", "SMD030", "SMD055", "SMD057", "SMD641", "SMD650", "SMQ050Q", "SMQ050U"),
    "RDQ": ("RDQ031", "RDQ050", "RDQ070", "RDQ080", "RDQ134"),
    "CDQ": ("CDQ001", "CDQ010"),
    "HUQ": ("HUQ010",),
    "MCQ": ("MCQ010", "MCQ160G", "MCQ160K"),
    "DIQ": ("DIQ010",),
    "AGQ": ("AGQ030",),
    "OCQ": ("OCQ510", "OCQ520", "OCQ530", "OCQ540", "OCQ550", "OCQ560", "OCQ570", "OCQ580"),
    "SPX": ("SPXNFEV1", "SPXNFVC", "SPXNPEF", "SPXNQFVC", "SPXNQFV1", "SPXBFEV1", "SPXBFVC", "SPXBQFVC", "SPXBQFV1"),
}
"""Tables that are needed, with the variables read from each."""

CYCLES = ("2007-2008", "2009-2010", "2011-2012")
"""Cycles with spirometry."""
_ETHNIC = {1: "mexican", 2: "other_hispanic", 3: "white", 4: "black", 5: "other"}
_GLI_2012 = {"black": "african_american", "other": "other"}
_READABLE = ("A", "B", "C")
_POOLED = 3
_YEARS_IN_UNIT = {1: 1 / 365.25, 2: 7 / 365.25, 3: 1 / 12, 4: 1.0}
_NORMAL = 0.70


def is_pulled(frame: pl.DataFrame) -> bool:
    """Whether a table is one of NHANES as pulled."""
    return {"cycle", "table", "SEQN"} <= set(frame.columns)


def read_training(paths: Sequence[str | Path]) -> pl.DataFrame:
    """People to train on, from one file with the dictionary's columns or from the pulled tables of NHANES.

    Parameters
    ----------
    paths : sequence of str or Path
        One file of people; or a file for each of :data:`TABLES`.

    Raises
    ------
    InputError
        Several files that are not tables of NHANES, or a table that is not there.
    """
    frames = [read_people(path) for path in paths]
    if all(is_pulled(frame) for frame in frames):
        return people({name: part for frame in frames for name, part in _by_table(frame).items()})
    if len(frames) > 1:
        strange = next(str(p) for p, f in zip(paths, frames, strict=True) if not is_pulled(f))
        raise InputError(
            f"{strange} is no table of NHANES as pulled. Give one file with the columns of the COPD data dictionary, "
            f"or the tables {', '.join(TABLES)}, each from `salus data pull nhanes --option table=NAME`"
        )
    return frames[0]


def people(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a person of 20 years and over.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Those of :data:`TABLES`, each with `cycle`, `SEQN` and its variables.

    Returns
    -------
    polars.DataFrame
        Columns of the data dictionary: `seqn`, `cycle`, `stratum`, `psu`, `wt_mec_6yr`, `race5` for the audit, the
        items, `fev1_l`, `fvc_l`, `spiro_ok` and the outcomes `y_...`.

    Raises
    ------
    InputError
        A table or a variable is not there.
    """
    lacking = [name for name in TABLES if name not in tables]
    if lacking:
        raise InputError(
            f"NHANES table {', '.join(lacking)} is not among the files. Pull it with `salus data pull nhanes --option "
            f"table={lacking[0]} --option cycles={','.join(CYCLES)} --out {lacking[0].lower()}.parquet`"
        )
    joined: pl.DataFrame | None = None
    for name, variables in TABLES.items():
        absent = [v for v in variables if v not in tables[name].columns]
        if absent:
            raise InputError(
                f"NHANES table {name} has no variable {', '.join(absent)}. Take cycles {', '.join(CYCLES)}"
            )
        part = tables[name].select("cycle", pl.col("SEQN").cast(pl.Int64), *variables)
        joined = part if joined is None else joined.join(part, on=["cycle", "SEQN"], how="left")
    if joined is None:
        raise InputError("there are no NHANES tables")
    adults = joined.filter(pl.col("RIDAGEYR") >= 20, pl.col("WTMEC2YR") > 0)
    return _outcomes(_items(adults))


def _by_table(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {str(name): frame.filter(pl.col("table") == name) for name in frame["table"].unique()}


def _yes(variable: str) -> pl.Expr:
    return pl.when(pl.col(variable) == 1).then(1.0).when(pl.col(variable) == 2).then(0.0)


def _known(variable: str, most: float) -> pl.Expr:
    return pl.when(pl.col(variable) <= most).then(pl.col(variable).cast(pl.Float64))


def _exposed(ever: str, years: str) -> pl.Expr:
    return pl.when(pl.col(ever) == 2).then(0.0).when(pl.col(ever) == 1).then(_known(years, 75))


def _items(frame: pl.DataFrame) -> pl.DataFrame:
    status = (
        pl.when(pl.col("SMQ020") == 2)
        .then(pl.lit("never"))
        .when((pl.col("SMQ020") == 1) & pl.col("SMQ040").is_in([1, 2]))
        .then(pl.lit("current"))
        .when((pl.col("SMQ020") == 1) & (pl.col("SMQ040") == 3))
        .then(pl.lit("former"))
    )
    unit = pl.col("SMQ050U").replace_strict(_YEARS_IN_UNIT, default=None, return_dtype=pl.Float64)
    settled = frame.with_columns(
        status.alias("smk_status"), _known("SMD030", 99).alias("start"), _known("SMD055", 99).alias("stop")
    )
    smoked, never = pl.col("smk_status"), pl.col("smk_status") == "never"
    begun = pl.col("start") > 0
    years = (
        pl.when(never | (pl.col("start") == 0))
        .then(0.0)
        .when((smoked == "current") & begun)
        .then(pl.col("RIDAGEYR") - pl.col("start"))
        .when((smoked == "former") & begun)
        .then(pl.col("stop") - pl.col("start"))
    )
    daily = (
        pl.when(never)
        .then(0.0)
        .when(smoked == "current")
        .then(_known("SMD650", 95) * _known("SMD641", 30) / 30)
        .when(smoked == "former")
        .then(_known("SMD057", 95))
    )
    return settled.select(
        pl.col("SEQN").alias("seqn"),
        "cycle",
        pl.col("SDMVSTRA").cast(pl.Int64).alias("stratum"),
        pl.col("SDMVPSU").cast(pl.Int64).alias("psu"),
        (pl.col("WTMEC2YR") / _POOLED).alias("wt_mec_6yr"),
        pl.col("RIDAGEYR").cast(pl.Int64).alias("age"),
        (pl.col("RIAGENDR") == 1).cast(pl.Int8).alias("male"),
        pl.col("RIDRETH1").cast(pl.Int64).replace_strict(_ETHNIC, default=None, return_dtype=pl.String).alias("race5"),
        _known("DMDEDUC2", 5).alias("education"),
        pl.col("INDFMPIR").cast(pl.Float64).alias("poverty_ratio"),
        pl.col("BMXHT").cast(pl.Float64).alias("height_cm"),
        pl.col("BMXWT").cast(pl.Float64).alias("weight_kg"),
        "smk_status",
        years.clip(lower_bound=0).alias("smk_years"),
        daily.alias("smk_cpd"),
        pl.when(smoked == "current").then(0.0).when(smoked == "former").then(_known("SMQ050Q", 60000) * unit)
        .alias("quit_years"),
        _yes("RDQ031").alias("cough_3mo"),
        _yes("RDQ050").alias("phlegm_3mo"),
        _yes("RDQ070").alias("wheeze_12mo"),
        pl.when(pl.col("RDQ070") == 2).then(0.0).otherwise(_known("RDQ080", 12)).alias("wheeze_attacks"),
        pl.when(pl.col("RDQ070") == 2).then(0.0).otherwise(_yes("RDQ134")).alias("wheeze_rx"),
        _yes("CDQ001").alias("chest_pain"),
        _yes("CDQ010").alias("dyspnea_exertion"),
        _known("HUQ010", 5).alias("gen_health"),
        _yes("MCQ010").alias("asthma_ever"),
        _yes("MCQ160G").alias("emphysema_ever"),
        _yes("MCQ160K").alias("chronic_bronchitis_ever"),
        pl.when(pl.col("DIQ010") == 1).then(1.0).when(pl.col("DIQ010").is_in([2, 3])).then(0.0).alias("diabetes"),
        _yes("AGQ030").alias("hayfever_12mo"),
        _exposed("OCQ510", "OCQ520").alias("occ_mineral_dust_yrs"),
        _exposed("OCQ530", "OCQ540").alias("occ_organic_dust_yrs"),
        _exposed("OCQ550", "OCQ560").alias("occ_exhaust_yrs"),
        _exposed("OCQ570", "OCQ580").alias("occ_other_fumes_yrs"),
        (pl.col("SPXNFEV1") / 1000).alias("fev1_l"),
        (pl.col("SPXNFVC") / 1000).alias("fvc_l"),
        (pl.col("SPXNPEF") / 1000).alias("pef_lps"),
        _readable("SPXNQFVC", "SPXNQFV1").cast(pl.Int8).alias("spiro_ok"),
        pl.when(_readable("SPXBQFVC", "SPXBQFV1")).then(pl.col("SPXBFEV1") / pl.col("SPXBFVC")).alias("post_fev1_fvc"),
    )  # fmt: skip


def _readable(*grades: str) -> pl.Expr:
    return pl.all_horizontal(
        pl.col(g).cast(pl.String).str.strip_chars().is_in(_READABLE).fill_null(False) for g in grades
    )


def with_outcomes(frame: pl.DataFrame) -> pl.DataFrame:
    """The outcomes of people whose spirometry is there.

    Parameters
    ----------
    frame : polars.DataFrame
        `age` in completed years, to which half a year is added, `male`, `height_cm`, `fev1_l`, `fvc_l`, `spiro_ok`; for
        the outcomes by GLI-2012 `race5`; for that after a bronchodilator `post_fev1_fvc`, null where not readable.

    Returns
    -------
    polars.DataFrame
        The table with `fev1_fvc`, `y_070`, `y_mod`, `y_llngl`, `y_lln12`, `y_post070`; null where it can't be said.
    """
    return _outcomes(frame)


def _outcomes(frame: pl.DataFrame) -> pl.DataFrame:
    blown = frame.with_columns((pl.col("fev1_l") / pl.col("fvc_l")).alias("fev1_fvc"))
    usable = pl.col("spiro_ok") == 1
    sexes = ["male" if code else "female" for code in frame["male"]]
    groups = [_GLI_2012.get(str(word), "caucasian") for word in frame["race5"]]
    years = frame["age"].cast(pl.Float64) + 0.5
    both = {}
    for name, group in (("gli_global_2022", None), ("gli_2012", groups)):
        table = expected_table(
            years, frame["height_cm"], sexes, fev1=frame["fev1_l"], fvc=frame["fvc_l"], equation=name, group=group
        )
        both[name] = outcomes(table)
    found = blown.with_columns(
        (pl.col("fev1_fvc") < _NORMAL).alias("y_070"),
        both["gli_global_2022"]["moderate_or_worse"].alias("y_mod"),
        both["gli_global_2022"]["below_lln"].alias("y_llngl"),
        both["gli_2012"]["below_lln"].alias("y_lln12"),
    ).with_columns(
        pl.when(usable).then(pl.col(name)).cast(pl.Float64) for name in ("y_070", "y_mod", "y_llngl", "y_lln12")
    )
    after = (
        pl.when(pl.col("y_070") == 0)
        .then(0.0)
        .when(pl.col("y_070") == 1)
        .then((pl.col("post_fev1_fvc") < _NORMAL).cast(pl.Float64))
    )
    return found.with_columns(after.alias("y_post070"))
