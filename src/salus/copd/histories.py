"""What the records of a wall say of each person, as one step for any engine: age group, sex, smoking, diagnoses.

A person is one whole number, so that twenty million are a few numbers a row, and the few hundred kinds of person that
there are get scored once each. A diagnosis that is recorded is a yes; one that is not is no answer, for nobody may have
asked. Of age group, sex and smoking the newest record counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from salus.copd.codes import HABITS, condition_of

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from salus.data.engines import StepEngine

BANDS = {"45-64": (45, 64), "65+": (65, 79)}
"""Age groups of the wall that lie in the models' ages, and the completed years that a person of one may have."""

DIAGNOSES = ("asthma_ever", "emphysema_ever", "chronic_bronchitis_ever", "prior_dx", "diabetes")
"""Items that a diagnosis answers with yes, in the order of their bits."""

_SEXES = ("female", "male")
_HABITS = ("former", "current")
_TEXTS = {"age_group": tuple(BANDS), "sex": _SEXES}
_FACTS = 1 << len(DIAGNOSES)
KINDS = len(BANDS) * (len(_SEXES) + 1) * (len(_HABITS) + 1) * _FACTS
"""How many kinds of person there are: 0, 1, 2 ..."""

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def histories(records: ir.Table, facts: ir.Table, low: int, high: int) -> ir.Table:
    """One row a person.

    Parameters
    ----------
    records : ibis.expr.types.Table
        Records of a wall, each visit as the last ingest has it.
    facts : ibis.expr.types.Table
        As :func:`facts_of` gives them.
    low, high : int
        First and last number of the persons to look at.

    Returns
    -------
    ibis.expr.types.Table
        ``person``, ``kind`` (null: of no age group of :data:`BANDS`), sorted by person.
    """
    import ibis

    from salus.privacy.steps.calendar import day_number  # brings Ibis

    some = records.filter(records.person.between(low, high))
    joined = some.left_join(facts, ["code_system", "code"])
    day = day_number(joined.date)

    def newest(value: ir.IntegerValue) -> ir.IntegerScalar:
        """Of the newest day on which it is known; of two on one day the larger."""
        return ibis.ifelse(value.isnull(), ibis.null("int64"), day * _PLACES + value).max()

    def place(column: str, offset: int) -> ir.IntegerValue:
        named = ((joined[column] == text, offset + n) for n, text in enumerate(_TEXTS[column]))
        return ibis.cases(*named, else_=ibis.null("int64"))

    # an age group outside of the bands is known too: it is 0
    age = ibis.ifelse(joined.age_group.isnull(), ibis.null("int64"), place("age_group", 1).fill_null(0))
    per = joined.group_by("person").agg(
        age=newest(age),
        sex=newest(place("sex", 1)),
        habit=newest(joined.habit),
        **{name: ibis.ifelse(joined.fact == 1 << n, 1, 0).max() for n, name in enumerate(DIAGNOSES)},
    )
    band, sex, habit = (_rest(per[c]) for c in ("age", "sex", "habit"))
    facts_known = sum(per[name].cast("int64") * (1 << n) for n, name in enumerate(DIAGNOSES))
    kind = (((band - 1) * (len(_SEXES) + 1) + sex) * (len(_HABITS) + 1) + habit) * _FACTS + facts_known
    return per.select(person=per.person, kind=ibis.ifelse(band > 0, kind, ibis.null("int64"))).order_by("person")


_PLACES = 8


def _rest(newest: ir.IntegerValue) -> ir.IntegerValue:
    """The value in a day's number; 0 where none was known. Days before 1970 are negative, so it is lifted first."""
    lifted = newest + _PLACES * 1_000_000
    return (lifted % _PLACES).fill_null(0)


def facts_of(codes: pl.DataFrame) -> pl.DataFrame:
    """What the codes in records say.

    Parameters
    ----------
    codes : polars.DataFrame
        ``code_system``, ``code``, each once.

    Returns
    -------
    polars.DataFrame
        ``code_system``, ``code``, ``fact`` (bit of :data:`DIAGNOSES`), ``habit`` (1 former, 2 current); codes that say
        nothing are left out.

    Examples
    --------
    >>> seen = pl.DataFrame({"code_system": ["icd10"] * 4, "code": ["J45.9", "E11", "I10", "F17.2"]})
    >>> facts_of(seen).select("code", "fact", "habit").rows()
    [('J45.9', 1, None), ('E11', 16, None), ('F17.2', 0, 2)]
    """
    rows: list[tuple[str, str, int, int | None]] = []
    for system, code in codes.select("code_system", "code").iter_rows():
        item = condition_of(system, code)
        habit = next((h for start, h in HABITS.items() if code.startswith(start)), None)
        if item in DIAGNOSES:
            rows.append((system, code, 1 << DIAGNOSES.index(item), None))
        elif habit is not None:
            rows.append((system, code, 0, 1 + _HABITS.index(habit)))
    schema = {"code_system": pl.String, "code": pl.String, "fact": pl.Int64, "habit": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def answers_of(kind: int) -> dict[str, Any]:
    """The answers that a kind of person stands for.

    Parameters
    ----------
    kind : int
        As :func:`histories` gives it.

    Returns
    -------
    dict
        ``band`` (of :data:`BANDS`), and items with their values; what is not known is not in it.

    Examples
    --------
    >>> answers_of(((0 * 3 + 2) * 3 + 1) * 32 + 17)
    {'band': '45-64', 'sex': 'male', 'smk_status': 'former', 'asthma_ever': 1, 'diabetes': 1}
    """
    kind, facts = divmod(kind, _FACTS)
    kind, habit = divmod(kind, len(_HABITS) + 1)
    band, sex = divmod(kind, len(_SEXES) + 1)
    found: dict[str, Any] = {"band": list(BANDS)[band]}
    found |= {"sex": _SEXES[sex - 1]} if sex else {}
    found |= {"smk_status": _HABITS[habit - 1]} if habit else {}
    return found | {name: 1 for n, name in enumerate(DIAGNOSES) if facts >> n & 1}


def asked(engine: StepEngine, records: ir.Table) -> Iterator[pl.DataFrame]:
    """The histories of all persons, in parts that fit in memory, in the order of their numbers.

    Parameters
    ----------
    engine : StepEngine
        Engine of the records.
    records : ibis.expr.types.Table
        As for :func:`histories`.

    Yields
    ------
    polars.DataFrame
        ``person``, ``kind``.
    """
    from salus.privacy.steps import counting, repeats

    facts = engine.frame(facts_of(engine.answer(counting.codes_seen(records))))
    rows = engine.answer(repeats.size(records)).item()
    parts = max(1, -(-rows // engine.passes_rows))
    edges = [_LEAST + ((1 << 64) * n) // parts for n in range(parts)] + [_MOST + 1]  # numbers are even by chance
    for low, after in itertools.pairwise(edges):
        yield engine.answer(histories(records, facts, low, after - 1))
