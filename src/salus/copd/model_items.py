"""The answers that the risk models take: their names, units, bounds and codes.

Names and codes are those of the data dictionary of the NHANES file that the models were trained on, so that a survey,
a questionnaire and a record store all bring the same columns. Ethnicity is none of them and can't become one.
"""

from __future__ import annotations

from dataclasses import dataclass

from salus.errors import NameNotFoundError

TIERS = {
    "A": "questionnaire",
    "B": "questionnaire and peak flow",
}
"""What is known of a person, and its name. The third tier, spirometry, is :mod:`salus.copd.interpretation`."""


@dataclass(frozen=True)
class Item:
    """One answer that a model takes.

    Attributes
    ----------
    name : str
        Column of the data dictionary.
    kind : {'number', 'yes_no', 'choice'}
        What is answered: a number, 0 or 1, or one of `levels`.
    meaning : str
        What is asked, in a few words.
    unit : str
        Unit of a number, else empty.
    least, most : float
        Bounds outside which a number can't be meant; nan for a choice of words.
    levels : tuple of (value, meaning)
        Answers to choose from: words for `smk_status`, numbers for the rest.
    tier : {'A', 'B'}
        First tier that takes it.
    only_if : tuple of (item, answers) or None
        Asked only where another item has one of these answers; elsewhere the model knows the answer (a person who
        never smoked has smoked for 0 years).
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    least: float = 0.0
    most: float = 1.0
    levels: tuple[tuple[str | int, str], ...] = ()
    tier: str = "A"
    only_if: tuple[str, tuple[str | int, ...]] | None = None


_SMOKED = ("smk_status", ("former", "current"))
_WHEEZED = ("wheeze_12mo", (1,))
_DIFFICULTY = ((0, "none"), (1, "some"), (2, "much"), (3, "unable to do it"))


def _yes_no(name: str, meaning: str, only_if: tuple[str, tuple[str | int, ...]] | None = None) -> Item:
    return Item(name, "yes_no", meaning, levels=((0, "no"), (1, "yes")), only_if=only_if)


def _years(name: str, meaning: str) -> Item:
    return Item(name, "number", meaning, "years", 0, 80)


_ALL = (
    Item("age", "number", "age in completed years", "years", 18, 110),
    Item("male", "yes_no", "male sex at birth", levels=((0, "female"), (1, "male"))),
    Item("height_cm", "number", "standing height", "cm", 120, 220),
    Item("weight_kg", "number", "weight", "kg", 25, 300),
    Item("waist_cm", "number", "waist circumference", "cm", 40, 220),
    Item(
        "smk_status",
        "choice",
        "cigarettes: never (under 100 in life), formerly, now",
        least=float("nan"),
        most=float("nan"),
        levels=(("never", "under 100 in life"), ("former", "formerly"), ("current", "now")),
    ),
    Item("smk_years", "number", "years smoked", "years", 0, 90, only_if=_SMOKED),
    Item("smk_cpd", "number", "cigarettes a day", "cigarettes a day", 0, 120, only_if=_SMOKED),
    Item("quit_years", "number", "years since the last cigarette", "years", 0, 90, only_if=("smk_status", ("former",))),
    _yes_no("cough_3mo", "cough on most days for three months in a row in the past year"),
    _yes_no("phlegm_3mo", "phlegm on most days for three months in a row in the past year"),
    _yes_no("wheeze_12mo", "wheezing or whistling in the chest in the past 12 months"),
    Item("wheeze_attacks", "number", "attacks of wheezing in the past 12 months, 12 or more as 12", "attacks", 0, 12,
         only_if=_WHEEZED),
    _yes_no("wheeze_exercise", "wheezing on exercise in the past 12 months", only_if=_WHEEZED),
    _yes_no("wheeze_rx", "medicine prescribed for wheezing in the past 12 months", only_if=_WHEEZED),
    _yes_no("dyspnea_exertion", "short of breath hurrying on the level or up a slight hill"),
    Item("diff_quarter_mile", "choice", "difficulty walking 400 m", most=3, levels=_DIFFICULTY),
    Item(
        "gen_health",
        "choice",
        "health in general",
        least=1,
        most=5,
        levels=((1, "excellent"), (2, "very good"), (3, "good"), (4, "fair"), (5, "poor")),
    ),
    _yes_no("hosp_12mo", "a night in hospital in the past 12 months"),
    _yes_no("hayfever_12mo", "hay fever in the past 12 months"),
    _yes_no("chest_pain", "ever pain or discomfort in the chest"),
    _yes_no("asthma_ever", "ever told of asthma by a doctor"),
    _yes_no("asthma_now", "still has asthma", only_if=("asthma_ever", (1,))),
    _yes_no("emphysema_ever", "ever told of emphysema by a doctor"),
    _yes_no("chronic_bronchitis_ever", "ever told of chronic bronchitis by a doctor"),
    _yes_no("chf", "ever told of heart failure by a doctor"),
    _yes_no("diabetes", "ever told of diabetes by a doctor"),
    _yes_no("hypertension", "ever told of high blood pressure by a doctor"),
    _years("occ_mineral_dust_yrs", "years of work in mineral dust: rock, sand, concrete, coal, asbestos, soil"),
    _years("occ_organic_dust_yrs", "years of work in organic dust: flour, grain, wood, cotton, plants, animals"),
    _years("occ_exhaust_yrs", "years of work in exhaust of engines"),
    _years("occ_other_fumes_yrs", "years of work in other gases, vapours or fumes"),
    _yes_no("hh_smoker", "somebody smokes inside the home"),
    Item(
        "education",
        "choice",
        "highest school, or its place in the country: salus.copd.locale",
        least=1,
        most=5,
        levels=(
            (1, "under 9 years of school"),
            (2, "9 to 11 years"),
            (3, "finished secondary school"),
            (4, "some college"),
            (5, "a college degree or more"),
        ),
    ),
    Item("poverty_ratio", "number", "household income over the US poverty threshold, 5 or more as 5, or its place in "
         "the country: salus.copd.locale", "ratio", 0, 5),
    Item("pef_lps", "number", "best peak expiratory flow of three blows", "l/s", 0.5, 20, tier="B"),
)  # fmt: skip

MODEL_ITEMS = {item.name: item for item in _ALL}
"""Every answer that a model may take, by name, in the order in which they are asked."""

NEVER_INPUTS = ("race5", "race6", "asian_nh", "ethnicity", "race")
"""Columns that are read for the audit of fairness only; a model that names one of them is refused."""


def model_item(name: str) -> Item:
    """One answer by name.

    Raises
    ------
    NameNotFoundError
        There is none of that name.

    Examples
    --------
    >>> model_item("pef_lps").unit
    'l/s'
    """
    if name not in MODEL_ITEMS:
        raise NameNotFoundError("item of the COPD models", name, MODEL_ITEMS)
    return MODEL_ITEMS[name]
