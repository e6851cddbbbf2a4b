"""The contract of what `salus copd assess` writes: people assessed for airflow obstruction."""

from __future__ import annotations

import polars as pl

from salus.tables.contract import Column, Contract


def _probability(name: str, doc: str) -> Column:
    return Column(name, pl.Float64, doc, required=False, nullable=True, minimum=0, maximum=1)


def _number(name: str, doc: str, unit: str | None = None) -> Column:
    return Column(name, pl.Float64, doc, required=False, nullable=True, unit=unit)


def _points(name: str, doc: str) -> Column:
    return Column(name, pl.Int64, doc, required=False, nullable=True, unit="points", minimum=0)


def _word(name: str, doc: str, allowed: tuple[str, ...] | None = None) -> Column:
    return Column(name, pl.String, doc, required=False, nullable=True, allowed=allowed)


def _yes(name: str, doc: str) -> Column:
    return Column(name, pl.Boolean, doc, required=False, nullable=True)


COPD_ASSESSMENTS = Contract(
    "copd_assessments",
    "One person of the table that was assessed, scored or refused. Never leaves the wall.",
    (
        Column("row", pl.Int64, "row of the input, from 1", minimum=1),
        _word("person", "the input's own name of the person, where it has one"),
        _word(
            "tier", "A questionnaire, B with peak flow, C spirometry; blank where the row was refused", ("A", "B", "C")
        ),
        _probability("probability", "probability of airflow obstruction (the same as `y_llngl`); blank for tier C"),
        _probability("lower", "lower bound of its 95 % interval, of people with these answers"),
        _probability("upper", "upper bound of its 95 % interval"),
        _probability("y_llngl", "probability of FEV1/FVC below the lower limit of normal by GLI Global 2022"),
        _probability("y_lln12", "probability of the same by GLI-2012"),
        _probability("y_mod", "probability of FEV1/FVC below .70 and FEV1 below 80 % of predicted"),
        _probability("y_070", "probability of FEV1/FVC below .70"),
        _probability("y_post070", "probability of FEV1/FVC below .70 after a bronchodilator, where it was asked for"),
        _word("read", "the session that is read: post (after a bronchodilator) or pre (tier C)", ("post", "pre")),
        _word("permits", "what its quality permits: full, caution (grade D), at_least (values are reached at least)"),
        _number("fev1_fvc", "measured ratio of the session that is read (tier C)"),
        _number("fev1_fvc_lln", "its lower limit of normal by GLI Global 2022"),
        _number("fev1_fvc_z", "z-score of the ratio"),
        _number("fev1_z", "z-score of FEV1"),
        _number("fvc_z", "z-score of FVC"),
        _yes("below_lln", "ratio below the lower limit of normal; blank where quality leaves it open"),
        _yes("below_070", "ratio below .70"),
        _word("pattern", "pattern of the spirometry"),
        _word("severity", "severity by the z-score of FEV1"),
        _points("gold", "GOLD grade 1 to 4, after a bronchodilator only"),
        _yes("response", "FEV1 or FVC rises after a bronchodilator by more than 10 % of predicted"),
        _word("next_step", "what to do after the spirometry (tier C)"),
        _word(
            "flags",
            "what to mind, separated by blanks: no_age, under_40, over_79, asymptomatic, diagnosed, outside (the data "
            "of the model), age_group (no more than that is known of the age)",
        ),
        _word(
            "subgroups",
            "groups of the person in which observed over expected was outside .8 to 1.25, with the outcomes",
        ),
        _points("cdq", "points of the COPD Diagnostic Questionnaire, where all its items are there"),
        _points("puma", "points of PUMA, where all its items are there"),
        _word("notes", "what deserves a second look"),
        _word("refused", "why the row was not scored: what was found, what was wanted, what to do"),
        Column("model", pl.String, "version of the models, and whether they are calibrated where they are used"),
    ),
    key=("row",),
    inside_wall=True,
)


def _of_set(name: str, title: str) -> tuple[Column, ...]:
    return (
        _number(f"{name}_fev1_z", f"z-score of FEV1 by {title}"),
        _number(f"{name}_fvc_z", f"z-score of FVC by {title}"),
        _number(f"{name}_fev1_fvc_lln", f"lower limit of normal of the ratio by {title}"),
        _number(f"{name}_fev1_fvc_z", f"z-score of the ratio by {title}"),
        _yes(f"{name}_below_lln", f"ratio below the lower limit of normal by {title}"),
    )


COPD_SPIROMETRY = Contract(
    "copd_spirometry",
    "Spirometry of one person, read by rule. Never leaves the wall.",
    (
        Column("row", pl.Int64, "row of the input, from 1", minimum=1),
        _word("person", "the input's own name of the person, where it has one"),
        _word("read", "the session that is read: post (after a bronchodilator) or pre", ("post", "pre")),
        _word("permits", "what its quality permits: full, caution (grade D), at_least (values are reached at least)"),
        _number("fev1_fvc", "measured ratio"),
        *(
            _number(f"{measure}_{part}", f"{words} of {measure.upper().replace('_', '/')} by GLI Global 2022", unit)
            for measure in ("fev1", "fvc", "fev1_fvc")
            for part, words, unit in (
                ("predicted", "predicted value", None),
                ("lln", "lower limit of normal", None),
                ("z", "z-score", None),
                ("percent", "measured value over the predicted one", "percent"),
            )
        ),
        _yes("below_lln", "ratio below the lower limit of normal; blank where quality leaves it open"),
        _yes("below_070", "ratio below .70"),
        _word("pattern", "normal, obstructive, obstructive_low_fvc, low_fvc, low_fev1 or not_readable"),
        _word("severity", "none, mild, moderate or severe, by the z-score of FEV1"),
        _points("gold", "GOLD grade 1 to 4, after a bronchodilator only"),
        _number("response_fev1", "change of FEV1 after a bronchodilator", "percent of predicted"),
        _number("response_fvc", "change of FVC after a bronchodilator", "percent of predicted"),
        _yes("response", "one of the changes is above 10"),
        _word("next_step", "what to do"),
        *_of_set("gli_2012", "GLI-2012, for people whose `group` it has"),
        *_of_set("nhanes3", "NHANES III, for people whose `group` it has"),
        _word("notes", "what deserves a second look"),
        _word("refused", "why it was not read: what was found, what was wanted, what to do"),
    ),
    key=("row",),
    inside_wall=True,
)
