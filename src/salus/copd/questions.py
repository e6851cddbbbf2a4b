"""What may be known of a person for COPD case-finding: every item with its question, unit, bounds and levels.

The items stand in `data/questions.toml`. The columns of the survey that the models were trained on are a part of them,
under the same names; two differ, because people say them otherwise: `sex` is the models' `male`, and `pef_lpm` in
litres a minute is their `pef_lps` in litres a second. :func:`settle` draws from the answers what follows from them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import polars as pl

from salus.errors import NameNotFoundError

LANGUAGES = ("en", "zh")
CIGARETTES_A_PACK = 20
LITRES_A_MINUTE = 60
"""L/min in one L/s."""

AGES = ("age", "smk_start_age", "smk_quit_age")
"""Items whose years are those of a life, which Chinese says with another word."""

UNIT_WORDS = {
    "years": ("years", "年"),
    "a day": ("a day", "支/天"),
    "pack-years": ("pack-years", "包年"),
    "attacks": ("attacks", "次"),
    "visits": ("visits", "次"),
    "people": ("people", "人"),
    "times the poverty line": ("times the poverty line", "倍贫困线"),
    "a year of birth": ("a year of birth", "出生年份"),
    "metres": ("metres", "米"),
    "feet": ("feet", "英尺"),
    "inches": ("inches", "英寸"),
    "millimetres": ("millimetres", "毫米"),
    "millilitres": ("millilitres", "毫升"),
    "L/min in a column of L/s": ("L/min in a column of L/s", "写在 L/s 栏里的 L/min"),
    "pounds": ("pounds", "磅"),
    "grams": ("grams", "克"),
}
"""Units that are not written alike in both languages."""


@dataclass(frozen=True)
class Level:
    """One answer of an item with answers to choose from.

    Attributes
    ----------
    value : str
        As tables have it.
    en, zh : str
        For people.
    words : tuple of str
        Other spellings that are understood, in lower case.
    """

    value: str
    en: str
    zh: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """What a number out of bounds looks like.

    Attributes
    ----------
    unit : str
        Name of the unit.
    low, high : float
        Numbers that are usual in it.
    factor : float
        To the item's unit; 0 where there is none, as for a year of birth.
    """

    unit: str
    low: float
    high: float
    factor: float


_YES_NO = (
    Level("1", "yes", "是", ("yes", "y", "true", "是", "有", "对", "会", "1.0")),
    Level("0", "no", "否", ("no", "n", "false", "否", "没有", "无", "不", "不会", "0.0")),
)


@dataclass(frozen=True)
class Item:
    """One thing that may be known of a person.

    Attributes
    ----------
    name : str
        Column in tables, key in answers.
    kind : {'number', 'yesno', 'choice'}
        What an answer is.
    questions, shorts : Mapping of str to str
        Question and short name by language.
    unit : str
        Unit of a number; empty otherwise.
    low, high : float
        Bounds of a number, included: what is outside is refused.
    seen : tuple of float or None
        Range on which the models have data; beyond it a result is flagged.
    tries : tuple of float
        Values that are tried where a number is missing.
    whole : bool
        Whether a number is whole.
    levels : tuple of Level
        Answers of a choice; of a yes or no `1` and `0`.
    numeric : bool
        Whether the levels are numbers to the models.
    only : Mapping of str to tuple of str
        Asked where another item has one of these answers.
    tier : {'a', 'b', 'c'}
        From which tier on it counts.
    instead_of : str
        Asked where that other item was asked and left unanswered; empty for all others.
    instrument : str or None
        Published questionnaire that alone uses it.
    derived : bool
        Follows from others, so that it is taken when given and not asked for.
    symptom, diagnosis : bool
        A symptom of the airways; a diagnosis of a chronic lung disease.
    columns : Mapping of str to float
        Other names of the column, with the factor to the unit.
    looks : tuple of Look
        What numbers out of bounds look like.
    """

    name: str
    kind: str
    questions: Mapping[str, str]
    shorts: Mapping[str, str]
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    seen: tuple[float, float] | None = None
    tries: tuple[float, ...] = ()
    whole: bool = False
    levels: tuple[Level, ...] = ()
    numeric: bool = False
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tier: str = "a"
    instead_of: str = ""
    instrument: str | None = None
    derived: bool = False
    symptom: bool = False
    diagnosis: bool = False
    columns: Mapping[str, float] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the checked column holds numbers: numbers, yes (1) and no (0), and levels that are numbers."""
        return self.kind != "choice" or self.numeric

    @property
    def dtype(self) -> pl.DataType:
        """Type of the checked column."""
        return pl.Float64() if self.is_number else pl.String()

    def unit_words(self, lang: str) -> str:
        """Unit for people.

        Parameters
        ----------
        lang : {'en', 'zh'}
            Language.
        """
        return "岁" if lang == "zh" and self.name in AGES else unit_words(self.unit, lang)

    def shown(self, value: float | str, lang: str) -> str:
        """An answer for people, such as ``62 years``, ``yes``, ``smokes now``.

        Parameters
        ----------
        value : float or str
            As in a checked table.
        lang : {'en', 'zh'}
            Language.
        """
        if self.kind == "number":
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            return f"{text} {self.unit_words(lang)}"
        key = f"{value:g}" if isinstance(value, float) else str(value)
        level = next((level for level in self.levels if level.value == key), None)
        return key if level is None else getattr(level, lang)


def unit_words(unit: str, lang: str) -> str:
    """A unit for people; the same text where it is written alike in both languages.

    Examples
    --------
    >>> unit_words("feet", "zh"), unit_words("kg", "zh")
    ('英尺', 'kg')
    """
    return UNIT_WORDS.get(unit, (unit, unit))[LANGUAGES.index(lang)]


@lru_cache
def all_items() -> Mapping[str, Item]:
    """Every item by name, in the order in which they are asked.

    Examples
    --------
    >>> items = all_items()
    >>> items["height_cm"].unit, items["smk_status"].levels[0].zh, items["cough_3mo"].shown(1.0, "en")
    ('cm', '从不', 'yes')
    """
    text = files("salus.copd").joinpath("data", "questions.toml").read_text(encoding="utf-8")
    return {item.name: item for item in map(_item, tomllib.loads(text)["item"])}


def item_named(name: str) -> Item:
    """One item.

    Raises
    ------
    NameNotFoundError
        There is none of that name; the message suggests the near ones.
    """
    found = all_items().get(name)
    if found is None:
        raise NameNotFoundError("item", name, all_items())
    return found


def _item(raw: dict[str, Any]) -> Item:
    seen = raw.get("seen")
    choices = tuple(Level(v["value"], v["en"], v["zh"], tuple(v["words"])) for v in raw.get("levels", ()))
    return Item(
        name=raw["name"],
        kind=raw["kind"],
        questions={lang: raw[lang] for lang in LANGUAGES},
        shorts={lang: raw[f"short_{lang}"] for lang in LANGUAGES},
        unit=raw.get("unit", ""),
        low=float(raw.get("low", 0)),
        high=float(raw.get("high", 0)),
        seen=None if seen is None else (float(seen[0]), float(seen[1])),
        tries=tuple(float(v) for v in raw.get("tries", ())),
        whole=raw.get("whole", False),
        levels=_YES_NO if raw["kind"] == "yesno" else choices,
        numeric=raw.get("numeric", False),
        only={name: tuple(values) for name, values in raw.get("only", {}).items()},
        tier=raw.get("tier", "a"),
        instead_of=raw.get("instead_of", ""),
        instrument=raw.get("instrument"),
        derived=raw.get("derived", False),
        symptom=raw.get("symptom", False),
        diagnosis=raw.get("diagnosis", False),
        columns={name: float(factor) for name, factor in raw.get("also", {}).items()},
        looks=tuple(Look(unit, float(low), float(high), float(by)) for unit, low, high, by in raw.get("looks", ())),
    )


# ---- what follows from the answers ----------------------------------------------------------------------------------

FOLLOWS = {
    "wheeze_12mo": (
        "wheeze_attacks",
        "wheeze_sleep",
        "wheeze_exercise",
        "wheeze_visits",
        "wheeze_rx",
        "wheeze_limits",
    ),
    "cough_3mo": ("cough_years",),
    "phlegm_3mo": ("phlegm_years",),
    "asthma_ever": ("asthma_now",),
    "chronic_bronchitis_ever": ("chronic_bronchitis_now",),
    "occ_mineral_dust": ("occ_mineral_dust_yrs",),
    "occ_organic_dust": ("occ_organic_dust_yrs",),
    "occ_exhaust": ("occ_exhaust_yrs",),
    "occ_other_fumes": ("occ_other_fumes_yrs",),
}
"""Items that are zero where the one before is no, and can't be more than zero then."""

SMOKED = ("smk_years", "smk_cpd", "pack_years")
"""Zero in those who never smoked."""


def settle(table: pl.DataFrame) -> pl.DataFrame:
    """The table with what follows from the answers filled in; no answer that is there is changed.

    Parameters
    ----------
    table : polars.DataFrame
        Checked answers: columns by the names of :func:`all_items`, those that are not known left out or null.

    Returns
    -------
    polars.DataFrame
        All items, and besides `male` (1 or 0) and `pef_lps`, as the models have them. Filled in: zeros after a no
        (:data:`FOLLOWS`) and of never-smokers; years smoked from the ages of start and end; years since the end; each
        of pack-years, years smoked and cigarettes a day from the other two, and of body mass index, weight and height
        the first two alike; `prior_dx` from the diagnoses.

    Examples
    --------
    >>> told = pl.DataFrame({"smk_status": ["former"], "smk_years": [30.0], "smk_cpd": [10.0], "wheeze_12mo": [0.0]})
    >>> settle(told).select("pack_years", "wheeze_attacks", "bmi").row(0)
    (15.0, 0.0, None)
    """
    absent = [pl.lit(None, i.dtype).alias(i.name) for i in all_items().values() if i.name not in table.columns]
    none_smoked = (pl.col("smk_ever100") == 0) & pl.col("smk_status").is_null()
    status = pl.when(none_smoked).then(pl.lit("never")).otherwise(pl.col("smk_status"))
    zeros = [
        pl.when(pl.col(first) == 0).then(pl.col(name).fill_null(0.0)).otherwise(pl.col(name)).alias(name)
        for first, names in FOLLOWS.items()
        for name in names
    ]
    never, current = pl.col("smk_status") == "never", pl.col("smk_status") == "current"
    end = pl.when(current).then(pl.col("age")).otherwise(pl.col("smk_quit_age"))
    since = pl.when(current).then(0.0).otherwise(pl.col("age") - pl.col("smk_quit_age"))
    zero = pl.when(never).then(0.0)
    squared = (pl.col("height_cm") / 100) ** 2
    whole = table.with_columns(absent).with_columns(status.alias("smk_status"), *zeros)
    whole = whole.with_columns(
        smk_ever100=pl.coalesce("smk_ever100", (~never).cast(pl.Float64)),
        smk_years=pl.coalesce("smk_years", zero, end - pl.col("smk_start_age")),
        smk_cpd=pl.coalesce("smk_cpd", zero),
        pack_years=pl.coalesce("pack_years", zero),
        quit_years=pl.coalesce("quit_years", since),
        bmi=pl.coalesce("bmi", pl.col("weight_kg") / squared),
        weight_kg=pl.coalesce("weight_kg", pl.col("bmi") * squared),
        prior_dx=pl.coalesce("prior_dx", pl.max_horizontal("emphysema_ever", "chronic_bronchitis_ever")),
        male=(pl.col("sex") == "male").cast(pl.Float64),
        pef_lps=pl.col("pef_lpm") / LITRES_A_MINUTE,
    )
    years, daily, packs = pl.col("smk_years"), pl.col("smk_cpd"), pl.col("pack_years")
    return whole.with_columns(
        pack_years=pl.coalesce(packs, years * daily / CIGARETTES_A_PACK),
        smk_years=pl.coalesce(years, pl.when(daily > 0).then(CIGARETTES_A_PACK * packs / daily)),
        smk_cpd=pl.coalesce(daily, pl.when(years > 0).then(CIGARETTES_A_PACK * packs / years)),
    )
