"""What keeps a person's answers from being scored: impossible values, other units, contradictions.

Each rule names what was found, what was wanted and what to do. A row with one such reason is refused, never scored with
the value left out: who leaves it out decides so. Rules are expressions over columns, so that one person and twenty
million are judged by the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from salus.copd.answers import confirmed, unread
from salus.copd.questions import FOLLOWS, SMOKED, Item, all_items, settle, unit_words
from salus.errors import NameNotFoundError

POUND_KG = 0.45359237
BMI_POUNDS = (42.0, 50.0)
"""Body mass index from which on pounds taken for kilograms are asked about, and from which on the weight is refused
until it is confirmed: 1 in 100 adults of NHANES lies above 50, and a person of 23 weighed in pounds comes to 50."""
BMI_LOWEST = 11.0
BMI_APART = 0.05
"""Relative difference of a body mass index given and one computed that rounding can't explain."""
PACKS_APART = (0.3, 5.0)
"""Difference of pack-years given and computed that is noted: relative, and in pack-years."""
YOUNGEST_SMOKER = 5


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong.

    Attributes
    ----------
    kind : {'unreadable', 'out of bounds', 'other unit', 'contradiction', 'confirm', 'note'}
        What sort; a `note` is shown and the row is scored.
    items : tuple of str
        Items at fault, the first being the one to look at.
    wrong : polars.Expr
        True where it is so; null counts as false.
    texts : Mapping of str to str
        Sentence by language, with `{}` for the values.
    values : tuple of (str or polars.Expr)
        Values in the sentence: an item by its name, or text.
    """

    kind: str
    items: tuple[str, ...]
    wrong: pl.Expr
    texts: Mapping[str, str]
    values: tuple[str | pl.Expr, ...] = ()

    @property
    def refuses(self) -> bool:
        """Whether the row is kept from being scored."""
        return self.kind != "note"


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
    some = whole.filter(rows).hstack(masks.filter(rows))
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
    single = [rule for item in items.values() for rule in _of_one(item)]
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
            for r in _of_several()
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


def _rounded(value: pl.Expr, decimals: int = 1) -> pl.Expr:
    return value.round(decimals).cast(pl.String)


def _of_one(item: Item) -> Iterator[Rule]:
    en, zh = item.shorts["en"], item.shorts["zh"]
    wanted = (f"{item.low:g} to {item.high:g} {item.unit}", f"{item.low:g} 至 {item.high:g} {item.unit_words('zh')}")
    if item.kind != "number":
        words = [level.value if item.kind == "choice" else level.en for level in item.levels]
        words_zh = [level.zh for level in item.levels]
        wanted = (f"one of {', '.join(words)}", f"{'、'.join(words_zh)} 之一")
    cell = pl.col(unread(item.name))
    yield Rule(
        "unreadable",
        (item.name,),
        cell.is_not_null(),
        {
            "en": f"{en} is '{{}}', which can't be read: {wanted[0]} is wanted. Correct it, or leave it empty",
            "zh": f"{zh}为“{{}}”，无法识别：应为{wanted[1]}。请更正，或留空",
        },
        (cell,),
    )
    if item.kind != "number":
        return
    value = pl.col(item.name)
    outside = (value < item.low) | (value > item.high) | value.is_nan()
    looks = [(outside & value.is_between(look.low, look.high), look) for look in item.looks]
    for wrong, look in looks:
        also_en, also_zh = "", ""
        values: list[str | pl.Expr] = [item.name]
        if look.factor:
            also_en, also_zh = f" ({{}} {item.unit})", f"（{{}} {item.unit_words('zh')}）"
            values.append(_rounded(value * look.factor))
        unit_en, unit_zh = unit_words(look.unit, "en"), unit_words(look.unit, "zh")
        yield Rule(
            "other unit",
            (item.name,),
            wrong,
            {
                "en": f"{en} is {{}}: {wanted[0]} are wanted. It looks like {unit_en}{also_en}. "
                f"Write it in {item.unit}",
                "zh": f"{zh}为 {{}}：应为 {wanted[1]}。看起来是{unit_zh}{also_zh}。请用{item.unit_words('zh')}填写",
            },
            tuple(values),
        )
    none_of_these = ~pl.any_horizontal([wrong for wrong, _ in looks]) if looks else pl.lit(value=True)
    yield Rule(
        "out of bounds",
        (item.name,),
        outside & none_of_these,
        {
            "en": f"{en} is {{}}: {wanted[0]} are wanted. Correct it, or leave it empty",
            "zh": f"{zh}为 {{}}：应为 {wanted[1]}。请更正，或留空",
        },
        (item.name,),
    )


def _of_several() -> Iterator[Rule]:
    yield from _of_smoking()
    yield from _of_body()
    yield from _of_symptoms()
    yield from _of_spirometry()


def _pair(first: str, second: str, wrong: pl.Expr, *, because: tuple[str, str] = ("", "")) -> Rule:
    """Two answers that can't both be."""
    one, other = all_items()[first].shorts, all_items()[second].shorts
    return Rule(
        "contradiction",
        (second, first),
        wrong,
        {
            "en": f"{one['en']} is {{}}, but {other['en']} is {{}}{because[0]}. Correct one of the two",
            "zh": f"{one['zh']}为 {{}}，但{other['zh']}为 {{}}{because[1]}。请更正其中之一",
        },
        (first, second),
    )


def _of_smoking() -> Iterator[Rule]:
    status, age = pl.col("smk_status"), pl.col("age")
    for name in (*SMOKED, "quit_years", "smk_start_age", "smk_quit_age"):
        yield _pair("smk_status", name, (status == "never") & (pl.col(name) > 0))
    ever = pl.col("smk_ever100")
    yield _pair("smk_ever100", "smk_status", (ever == 0) & status.is_in(["former", "current"]))
    yield _pair("smk_ever100", "smk_status", (ever == 1) & (status == "never"))
    for name in ("quit_years", "smk_quit_age"):
        yield _pair("smk_status", name, (status == "current") & (pl.col(name) > 0))
    yield _pair("smk_status", "smk_cpd", (status == "current") & (pl.col("smk_cpd") == 0))
    early = (f", which begins before the age of {YOUNGEST_SMOKER}", f"，即 {YOUNGEST_SMOKER} 岁前开始")
    yield _pair("age", "smk_years", pl.col("smk_years") > age - YOUNGEST_SMOKER, because=early)
    for name in ("smk_start_age", "smk_quit_age", "quit_years"):
        yield _pair("age", name, pl.col(name) > age)
    yield _pair("smk_start_age", "smk_quit_age", pl.col("smk_quit_age") < pl.col("smk_start_age"))
    together = pl.col("smk_years") + pl.col("quit_years") > age
    yield Rule(
        "contradiction",
        ("quit_years", "smk_years", "age"),
        together,
        {
            "en": "{} years smoked and {} years since make more than the age of {}. Correct one of them",
            "zh": "吸烟 {} 年加戒烟 {} 年超过年龄 {} 岁。请更正其中之一",
        },
        ("smk_years", "quit_years", "age"),
    )
    made = pl.col("smk_years") * pl.col("smk_cpd") / 20
    apart = (pl.col("pack_years") - made).abs()
    share, least = PACKS_APART
    yield Rule(
        "note",
        ("pack_years", "smk_years", "smk_cpd"),
        apart > pl.max_horizontal(share * pl.col("pack_years"), pl.lit(least)),
        {
            "en": "pack-years is {}, but {} years with {} cigarettes a day make {}: check them; years and "
            "cigarettes count",
            "zh": "包年数为 {}，但 {} 年每天 {} 支合 {} 包年：请核对；以年数和支数为准",
        },
        ("pack_years", "smk_years", "smk_cpd", _rounded(made)),
    )


def _of_body() -> Iterator[Rule]:
    weight, height, given = pl.col("weight_kg"), pl.col("height_cm"), pl.col("bmi")
    made = weight / (height / 100) ** 2
    asked, refused = BMI_POUNDS
    values = ("weight_kg", "height_cm", _rounded(made), _rounded(weight * POUND_KG))
    yield Rule(
        "confirm",
        ("weight_kg", "height_cm"),
        (made > refused) & ~pl.col(confirmed("weight_kg")),
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: it looks like pounds ({} kg). "
            "Write it in kilograms, or confirm weight_kg",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：看起来是磅（{} kg）。请用公斤填写，或确认 weight_kg",
        },
        values,
    )
    yield Rule(
        "note",
        ("weight_kg", "height_cm"),
        (made > asked) & (made <= refused) & ~pl.col(confirmed("weight_kg")),
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: check that it is not pounds ({} kg)",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：请核对是否为磅（{} kg）",
        },
        values,
    )
    yield Rule(
        "contradiction",
        ("weight_kg", "height_cm"),
        made < BMI_LOWEST,
        {
            "en": "weight is {} kg at a height of {} cm, a body mass index of {}: one of the two is wrong or of "
            "another unit. Correct it",
            "zh": "体重 {} kg、身高 {} cm，体质指数为 {}：其中之一有误或单位不符。请更正",
        },
        values[:3],
    )
    yield Rule(
        "contradiction",
        ("bmi", "weight_kg", "height_cm"),
        (given - made).abs() > BMI_APART * given,
        {
            "en": "body mass index is {}, but {} kg at {} cm make {}. Correct one of them, or give it in the "
            "right unit",
            "zh": "体质指数为 {}，但 {} kg、{} cm 得 {}。请更正其中之一或改用正确单位",
        },
        ("bmi", *values[:3]),
    )


def _of_symptoms() -> Iterator[Rule]:
    for first, names in FOLLOWS.items():
        for name in names:
            yield _pair(first, name, (pl.col(first) == 0) & (pl.col(name) > 0))
            if name.endswith(("_years", "_yrs")):
                yield _pair("age", name, pl.col(name) > pl.col("age"))
    yield _pair("wheeze_12mo", "wheeze_attacks", (pl.col("wheeze_12mo") == 1) & (pl.col("wheeze_attacks") == 0))
    yield _pair("wheeze_12mo", "wheeze_ever", (pl.col("wheeze_12mo") == 1) & (pl.col("wheeze_ever") == 0))
    for name in ("emphysema_ever", "chronic_bronchitis_ever"):
        yield _pair("prior_dx", name, (pl.col("prior_dx") == 0) & (pl.col(name) == 1))
    yield _pair(
        "weather_affects_cough",
        "cough_3mo",
        (pl.col("weather_affects_cough") == "no_cough") & (pl.col("cough_3mo") == 1),
    )


def _of_spirometry() -> Iterator[Rule]:
    for first, second in (("fvc_l", "fev1_l"), ("post_fvc_l", "post_fev1_l")):
        because = (", which can't be more", "，前者不可能小于后者")
        yield _pair(first, second, pl.col(second) > pl.col(first), because=because)
    litres = pl.col("pef_lpm") / 60
    yield Rule(
        "contradiction",
        ("pef_lpm", "fev1_l"),
        litres < pl.col("fev1_l"),
        {
            "en": "peak flow is {} L/min, less than the mean flow of the first second ({} L/min by FEV1). "
            "Correct one of them",
            "zh": "呼气峰流速为 {} L/min，小于第一秒的平均流速（按FEV1为 {} L/min）。请更正其中之一",
        },
        ("pef_lpm", _rounded(60 * pl.col("fev1_l"), 0)),
    )
    for volume, other in (("fev1_l", "fvc_l"), ("post_fev1_l", "post_fvc_l")):
        for here, gone in ((volume, other), (other, volume)):
            names = all_items()[here].shorts, all_items()[gone].shorts
            yield Rule(
                "note",
                (here,),
                pl.col(here).is_not_null() & pl.col(gone).is_null(),
                {
                    "en": f"{names[0]['en']} is there without {names[1]['en']}, so the spirometry is not read",
                    "zh": f"只有{names[0]['zh']}而没有{names[1]['zh']}，因此不解读肺功能",
                },
            )


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
