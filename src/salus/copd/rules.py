"""What can be wrong with answers: a rule each, with its sentences. Here those of one answer, of smoking, of symptoms.

The rules of the body and of the blow stand in :mod:`salus.copd.body_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from salus.copd.answers import confirmed, unread
from salus.copd.questions import FOLLOWS, SMOKED, Item, all_items, unit_words

PACKS_APART = (0.3, 5.0)
"""Difference of pack-years given and computed that is noted: relative, and in pack-years."""
YOUNGEST_SMOKER = 5
GROWN = 20
"""Age up to which somebody who smokes now may have smoked for less than a year."""
PACKS_A_DAY = (0.5, 2.0)
"""Cigarettes a day that may be packs. Of NHANES 1 in 16 (2007-2010) and 1 in 24 (2013-2023) smoke or smoked so few, so
that it is a note and keeps nobody from being scored."""


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


def rounded(value: pl.Expr, decimals: int = 1) -> pl.Expr:
    """A number in a sentence."""
    value = value.round(decimals)
    return (value if decimals else value.cast(pl.Int64, strict=False)).cast(pl.String)


def of_one(item: Item) -> Iterator[Rule]:
    """Rules of one item: what can't be read, is of another unit, or is out of bounds."""
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
            values.append(rounded(value * look.factor))
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


def pair(first: str, second: str, wrong: pl.Expr, *, because: tuple[str, str] = ("", "")) -> Rule:
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


def of_smoking() -> Iterator[Rule]:
    """Rules of smoking."""
    status, age = pl.col("smk_status"), pl.col("age")
    for name in (*SMOKED, "quit_years", "smk_start_age", "smk_quit_age"):
        yield pair("smk_status", name, (status == "never") & (pl.col(name) > 0))
    ever = pl.col("smk_ever100")
    yield pair("smk_ever100", "smk_status", (ever == 0) & status.is_in(["former", "current"]))
    yield pair("smk_ever100", "smk_status", (ever == 1) & (status == "never"))
    for name in ("quit_years", "smk_quit_age"):
        yield pair("smk_status", name, (status == "current") & (pl.col(name) > 0))
    yield pair("smk_status", "smk_cpd", (status == "current") & (pl.col("smk_cpd") == 0))
    early = (f", which begins before the age of {YOUNGEST_SMOKER}", f"，即 {YOUNGEST_SMOKER} 岁前开始")
    yield pair("age", "smk_years", pl.col("smk_years") > age - YOUNGEST_SMOKER, because=early)
    for name in ("smk_start_age", "smk_quit_age", "quit_years"):
        yield pair("age", name, pl.col(name) > age)
    yield pair("smk_start_age", "smk_quit_age", pl.col("smk_quit_age") < pl.col("smk_start_age"))
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
    yield from _of_times()
    yield from _of_nothing_smoked()
    low, high = PACKS_A_DAY
    yield Rule(
        "note",
        ("smk_cpd",),
        pl.col("smk_cpd").is_between(low, high) & ~pl.col(confirmed("smk_cpd")),
        {
            "en": "cigarettes a day is {}: if packs are meant, write the word behind the number",
            "zh": "每天吸烟支数为 {}：如指包数，请在数字后写“包”",
        },
        ("smk_cpd",),
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
        ("pack_years", "smk_years", "smk_cpd", rounded(made)),
    )


def _of_times() -> Iterator[Rule]:
    """Years that don't fit between the age when smoking began and today; a year either way may be rounding.

    The first holds for none of the 7,296 people of NHANES 2007-2010, the second for 3.
    """
    begun, age = pl.col("smk_start_age"), pl.col("age")
    for name, words in (
        ("smk_years", ("{} years smoked", "吸烟 {} 年")),
        ("quit_years", ("{} years since smoking ended", "戒烟 {} 年")),
    ):
        yield Rule(
            "contradiction",
            (name, "smk_start_age", "age"),
            begun + pl.col(name) > age + 1,
            {
                "en": f"smoking began at {{}} and {words[0]} make more than the age of {{}}. Correct one of them",
                "zh": f"{{}} 岁开始吸烟加{words[1]}超过年龄 {{}} 岁。请更正其中之一",
            },
            ("smk_start_age", name, "age"),
        )


def _of_nothing_smoked() -> Iterator[Rule]:
    """Smokers who smoked nothing: asked about, not refused for good.

    Smokers of 0 years are 21 of the 7,296 people of NHANES 2007-2010 (1 in 347) and 1 of the 15,508 of 2013-2023;
    former smokers of 0 years and 0 a day 14 (1 in 521) and none.
    """
    status, years, daily = pl.col("smk_status"), pl.col("smk_years"), pl.col("smk_cpd")
    yield Rule(
        "confirm",
        ("smk_years", "smk_status"),
        (status == "current")
        & (years == 0)
        & (pl.col("age") > GROWN).fill_null(value=True)
        & ~pl.col(confirmed("smk_years")),
        {
            "en": "smoking is {}, but years smoked is {}. Correct one of the two, or confirm smk_years",
            "zh": "吸烟情况为{}，但吸烟年数为 {}。请更正其中之一，或确认 smk_years",
        },
        ("smk_status", "smk_years"),
    )
    yield Rule(
        "confirm",
        ("smk_cpd", "smk_years", "smk_status"),
        (status == "former") & (years == 0) & (daily == 0) & ~pl.col(confirmed("smk_cpd")),
        {
            "en": "smoking is {}, but years smoked is {} and cigarettes a day is {}: who smoked fewer than 100 in all "
            "is never. Correct one of them, or confirm smk_cpd",
            "zh": "吸烟情况为{}，但吸烟年数为 {}、每天支数为 {}：一生不到100支者为从不吸烟。"
            "请更正其中之一，或确认 smk_cpd",
        },
        ("smk_status", "smk_years", "smk_cpd"),
    )


def of_symptoms() -> Iterator[Rule]:
    """Rules of symptoms and diagnoses."""
    for first, names in FOLLOWS.items():
        for name in names:
            yield pair(first, name, (pl.col(first) == 0) & (pl.col(name) > 0))
            if name.endswith(("_years", "_yrs")):
                yield pair("age", name, pl.col(name) > pl.col("age"))
    yield pair("wheeze_12mo", "wheeze_attacks", (pl.col("wheeze_12mo") == 1) & (pl.col("wheeze_attacks") == 0))
    yield pair("wheeze_12mo", "wheeze_ever", (pl.col("wheeze_12mo") == 1) & (pl.col("wheeze_ever") == 0))
    for name in ("emphysema_ever", "chronic_bronchitis_ever"):
        yield pair("prior_dx", name, (pl.col("prior_dx") == 0) & (pl.col(name) == 1))
    yield pair(
        "weather_affects_cough",
        "cough_3mo",
        (pl.col("weather_affects_cough") == "no_cough") & (pl.col("cough_3mo") == 1),
    )
