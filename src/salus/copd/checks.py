"""What keeps a person's answers from being scored: impossible values, other units, contradictions.

Each rule names what was found, what was wanted and what to do. A row with one such reason is refused, never scored with
the value left out: who leaves it out decides so. Rules are expressions over columns, so that one person and twenty
million are judged by the same ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from salus.copd.answers import confirmed, unread
from salus.copd.body_rules import of_blow, of_body
from salus.copd.questions import all_items, settle
from salus.copd.rules import Rule, of_one, of_smoking, of_symptoms
from salus.errors import NameNotFoundError


@dataclass(frozen=True)
class Checked:
    """A table after the checks; its rows are those of the input, each in one of the two tables.

    Attributes
    ----------
    fine : polars.DataFrame
        Rows to score, answers settled (:func:`salus.copd.questions.settle`), and `_row`, from 0.
    refused : polars.DataFrame
        `_row`, `reasons` (list of str) and `kinds` (list of str, `kind: item`), a row each.
    notes : polars.DataFrame
        `_row` and `notes` (list of str) of the rows to score that have any.
    """

    fine: pl.DataFrame
    refused: pl.DataFrame
    notes: pl.DataFrame


def check(answers: pl.DataFrame, lang: str = "en") -> Checked:
    """Sort the rows of a table into those to score and those to refuse.

    Parameters
    ----------
    answers : polars.DataFrame
        What :func:`salus.copd.answers.typed` gave.
    lang : {'en', 'zh'}
        Language of the reasons.

    Raises
    ------
    NameNotFoundError
        There is no such language.

    Examples
    --------
    >>> from salus.copd.answers import from_person
    >>> said = check(from_person({"age": 62, "height_cm": 175, "weight_kg": 185, "smk_status": "never", "smk_cpd": 20}))
    >>> said.fine.height, said.refused["reasons"][0][0]
    (0, 'smoking is never, but cigarettes a day is 20. Correct one of the two')
    >>> said.refused["kinds"][0].to_list()
    ['contradiction: smk_cpd', 'confirm: weight_kg']
    """
    if lang not in ("en", "zh"):
        raise NameNotFoundError("language", lang, ("en", "zh"))
    items = all_items()
    absent = [pl.lit(None, item.dtype).alias(name) for name, item in items.items() if name not in answers.columns]
    numbered = answers.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
    whole = numbered.with_columns(absent)
    rules = [r for r in _rules() if _known(r, answers.columns)]
    absent_flags = [pl.lit(value=False).alias(confirmed(n)) for n in items if confirmed(n) not in whole.columns]
    whole = whole.with_columns(absent_flags)
    masks = whole.select(rule.wrong.fill_null(value=False).alias(str(k)) for k, rule in enumerate(rules))
    said = [str(k) for k, rule in enumerate(rules) if rule.kind == "unreadable"]
    if said:  # who gave an answer that can't be read has given one
        silent = [str(k) for k, rule in enumerate(rules) if rule.kind == "nothing known"]
        masks = masks.with_columns(pl.col(k) & ~pl.any_horizontal(said) for k in silent)
    stop = [str(k) for k, rule in enumerate(rules) if rule.refuses]
    bad = masks.select(pl.any_horizontal([*stop, pl.lit(value=False)]).alias("bad"))["bad"]
    if bad.len() != whole.height:
        bad = bad.new_from_index(0, whole.height)
    noted = [k for k, rule in enumerate(rules) if not rule.refuses and masks[str(k)].any()]
    refusing = [k for k, rule in enumerate(rules) if rule.refuses and masks[str(k)].any()]
    fine = numbered.select(c for c in numbered.columns if c[0] not in "?!").filter(~bad)
    return Checked(
        settle(fine),
        _said(whole, masks, rules, refusing, bad, lang, "reasons"),
        _said(whole, masks, rules, noted, _any(masks, noted, whole.height) & ~bad, lang, "notes"),
    )


def _any(masks: pl.DataFrame, which: Sequence[int], height: int) -> pl.Series:
    if not which:
        return pl.Series([False]).new_from_index(0, height)
    return masks.select(pl.any_horizontal([str(k) for k in which]).alias("any"))["any"]


def _said(
    whole: pl.DataFrame,
    masks: pl.DataFrame,
    rules: Sequence[Rule],
    which: Sequence[int],
    rows: pl.Series,
    lang: str,
    name: str,
) -> pl.DataFrame:
    """The sentences of the rules that hold, for the rows asked for."""
    some = (
        whole.filter(rows).hstack(masks.filter(rows)).rechunk()
    )  # text over several chunks is too much for Polars 2.1
    texts = [pl.when(pl.col(str(k))).then(_sentence(rules[k], lang)).alias(f"t{k}") for k in which]
    kinds = [
        pl.when(pl.col(str(k))).then(pl.lit(": ".join((rules[k].kind, *rules[k].items[:1])))).alias(f"k{k}")
        for k in which
    ]
    empty = pl.lit(None, pl.List(pl.String))
    return some.select(
        "_row",
        (pl.concat_list(texts).list.drop_nulls() if texts else empty).alias(name),
        *([(pl.concat_list(kinds).list.drop_nulls() if kinds else empty).alias("kinds")] if name == "reasons" else []),
    )


def _known(rule: Rule, columns: Sequence[str]) -> bool:
    """Whether a rule can hold at all in a table with these columns."""
    if rule.kind == "unreadable":
        return unread(rule.items[0]) in columns
    return not rule.items or all(name in columns for name in rule.items)


# ---- the rules ------------------------------------------------------------------------------------------------------


@lru_cache
def _rules() -> tuple[Rule, ...]:
    items = all_items()
    single = [rule for item in items.values() for rule in of_one(item)]
    broken = {
        name: pl.any_horizontal(
            [pl.lit(value=False)] + [r.wrong for r in single if r.items == (name,) and r.kind != "unreadable"]
        )
        for name in items
    }
    return (
        *single,
        *(
            Rule(r.kind, r.items, r.wrong & ~pl.any_horizontal([broken[n] for n in r.items]), r.texts, r.values)
            for r in (*of_smoking(), *of_body(), *of_symptoms(), *of_blow())
        ),
        _nothing(),
    )


def _sentence(rule: Rule, lang: str) -> pl.Expr:
    return pl.format(rule.texts[lang], *(_text(v, lang) if isinstance(v, str) else v for v in rule.values))


def _text(name: str, lang: str) -> pl.Expr:
    """An answer as a person would write it."""
    item, value = all_items()[name], pl.col(name)
    if item.kind == "number":
        whole = value.cast(pl.Int64, strict=False).cast(pl.String)
        return (
            pl.when(value == value.floor())
            .then(pl.coalesce(whole, pl.lit("∞")))
            .otherwise(value.round_sig_figs(4).cast(pl.String))
        )
    words = {float(v.value) if item.is_number else v.value: getattr(v, lang) for v in item.levels}
    return value.replace_strict(words, default=None, return_dtype=pl.String)


def _nothing() -> Rule:
    """A row of which nothing is known."""
    return Rule(
        "nothing known",
        (),
        pl.all_horizontal([pl.col(name).is_null() for name in all_items()]),
        {
            "en": "no answer is known of this person. Give at least age, sex and smoking",
            "zh": "没有任何已知信息。请至少填写年龄、性别和吸烟情况",
        },
    )
