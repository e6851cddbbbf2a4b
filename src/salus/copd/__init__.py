"""Chronic obstructive pulmonary disease: who should blow, what the blow says, and the burden of areas.

    assess           one person, or a table: probability, reasons, what is missing, flags, next step
    questions        every item that may be known of a person; checks: what keeps answers from being scored
    model            the risk models; training, performance, subgroups, locale: how they are made and judged
    reference        predicted value, lower limit of normal, z-score, percent predicted
    interpretation   obstruction, severity, response to a bronchodilator; sessions: the same for tables
    outcomes         obstruction by each definition, for tables
    quality          grades of a spirometry session and what each permits
    instruments      questionnaires, their points and cut-offs

Case-finding in people with symptoms or exposure, never screening of everybody, and never a diagnosis by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import polars as pl

from salus.copd.assessed import Assessment
from salus.copd.assessment import assess_person
from salus.copd.model import RiskModel
from salus.copd.people import assess_table

__all__ = ["Assessment", "assess"]


@overload
def assess(
    people: Mapping[str, Any],
    *,
    lang: str = "en",
    tier: str | None = None,
    group: str | None = None,
    confirmed: Sequence[str] = (),
    local: Sequence[RiskModel] = (),
) -> Assessment: ...


@overload
def assess(people: Any, *, lang: str = "en", local: Sequence[RiskModel] = ()) -> pl.DataFrame: ...


def assess(
    people: Any,
    *,
    lang: str = "en",
    tier: str | None = None,
    group: str | None = None,
    confirmed: Sequence[str] = (),
    local: Sequence[RiskModel] = (),
) -> Assessment | pl.DataFrame:
    """What answers mean, for one person or for a table of them.

    Parameters
    ----------
    people : Mapping, path or frame
        One person's answers by item, or a table with a row a person.
    lang : {'en', 'zh'}
        Language of reasons and notes.
    tier : {'A', 'B', 'C'}, optional
        Tier to answer at, where more is known than it needs; by default the highest that is reached. One person only.
    group : str, optional
        Group of the spirometry equations that tell groups apart; never used by a model. One person only.
    confirmed : sequence of str
        Items whose unusual value was looked at and is right. One person only; a table has a column `confirmed`.
    local : sequence of RiskModel
        Models of the department's own (`salus copd recalibrate`), in place of the packaged ones of their kind.

    Returns
    -------
    Assessment or polars.DataFrame
        For a table that of the contract `copd_assessments`, a row for each of its rows. Inside only.

    Raises
    ------
    InputError
        The one person's answers can't be scored, and why; of a table, no column is known.

    Examples
    --------
    >>> said = assess({"age": 66, "sex": "female", "smk_status": "current", "smk_years": 45, "smk_cpd": 20})
    >>> said.tier, bool(said.primary.lower < said.primary.probability < said.primary.upper)
    ('A', True)
    """
    if isinstance(people, Mapping):
        return assess_person(people, lang=lang, tier=tier, group=group, confirmed=confirmed, local=local)
    return assess_table(people, lang=lang, local=local)
