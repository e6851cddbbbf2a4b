"""An assessment in words: the same parts for terminal, page and document, in English and Chinese."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salus.copd.assessed import Assessment, Missing, OtherEquation, Reason, Risk, Unfair
from salus.copd.assessment import ASKED_FOR, PRIMARY, untold_groups
from salus.copd.assessment_words import (
    BRIEF,
    EQUATION_GROUPS_ZH,
    GROUPS_ZH,
    OUTCOME_NAMES,
    OUTCOMES_IN_SHORT,
    PATTERNS,
    READ_BECAUSE,
    REASONS,
    SEVERITIES,
    STEPS_OF_SPIROMETRY,
    TEXT,
    WHY,
)
from salus.copd.equations import EQUATIONS
from salus.copd.instruments import INSTRUMENTS
from salus.copd.interpretation import Interpretation
from salus.copd.questions import FOLLOWS, LANGUAGES, SMOKED, all_items
from salus.copd.reference import Expected
from salus.errors import NameNotFoundError

MOST_REASONS = 6
"""Reasons that are named; the rest is added up."""
LEAST_EFFECT = 0.005
"""Shares that round to less than this are not named."""
MOST_MISSING = 5
COLON: Mapping[str, str] = {"en": ": ", "zh": "："}
_EVEN_FEW = 0.01
"""Probability under which people are counted in 1,000 instead of 100."""


@dataclass(frozen=True)
class Row:
    """One line of a list.

    Attributes
    ----------
    label, text : str
        What it is about, and what is said.
    effect : float or None
        Signed strength of a reason, for a bar.
    """

    label: str
    text: str
    effect: float | None = None

    def line(self, lang: str) -> str:
        """Label and text in one, with the colon of the language."""
        return self.label + (COLON[lang] + self.text if self.text else "")


@dataclass(frozen=True)
class Section:
    """One part of the answer.

    Attributes
    ----------
    key : str
        Name of the part, the same in each language.
    title : str
        Its heading.
    text : tuple of str
        Sentences before the rows.
    rows : tuple of Row
        Its list, empty where there is none.
    """

    key: str
    title: str
    text: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Told:
    """The whole answer in one language.

    Attributes
    ----------
    lang : str
        Language.
    title, headline : str
        What it is, and the one sentence that says it.
    lead : tuple of str
        Sentences below the headline.
    people : tuple of (int, int) or None
        So many of so many, for a picture; None for spirometry.
    sections : tuple of Section
        The parts, in the order in which they are read.
    foot : tuple of str
        What this is and is not, and the model.
    """

    lang: str
    title: str
    headline: str
    lead: tuple[str, ...]
    people: tuple[int, int] | None
    sections: tuple[Section, ...]
    foot: tuple[str, ...]

    def lines(self) -> list[str]:
        """The answer as plain lines.

        Returns
        -------
        list of str
            Ready to be printed.
        """
        found = [self.headline, *self.lead]
        for section in self.sections:
            found += ["", section.title, *(f"  {sentence}" for sentence in section.text)]
            for row in section.rows:
                sign = "" if row.effect is None else f"{row.effect:+.2f}  "
                found.append(f"  {sign}{row.line(self.lang)}")
        return [*found, "", *self.foot]


def told(said: Assessment, lang: str = "en") -> Told:
    """An assessment in one language.

    Parameters
    ----------
    said : Assessment
        What was found.
    lang : {'en', 'zh'}
        Language.

    Raises
    ------
    NameNotFoundError
        There is no such language.

    Examples
    --------
    >>> from salus.copd.assessment import assess_person
    >>> told(assess_person({"age": 50, "sex": "female", "fev1_l": 2.9, "fvc_l": 3.6, "height_cm": 165})).headline
    'FEV1/FVC is 0.81, not below the lower limit of normal of 0.70: no airflow obstruction.'
    """
    if lang not in LANGUAGES:
        raise NameNotFoundError("language", lang, LANGUAGES)
    return _Words(lang).told(said)


class _Words:
    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.at = LANGUAGES.index(lang)
        self.text = TEXT[lang]

    def told(self, said: Assessment) -> Told:
        first = said.primary
        sections = [self._instruments(said), self._notes(said)]
        if first is None:
            read = said.spirometry
            if read is None:
                raise ValueError("an assessment has neither a probability nor a spirometry")
            headline, lead = self._ratio(read), self._spirometry_lead(said, read)
            sections = [self._values(read), self._flags(said), self._step_of_spirometry(read), *sections]
            foot = self.text["equations"].format(model=said.model)
            people = None
        else:
            base = base_of(first.probability)
            headline = self._headline(first, base)
            low, high = self._counts(first.lower, first.upper, base=base)
            lead = (self.text["interval"].format(low=low, high=high), self.text[f"tier.{said.tier}"], self.text["what"])
            people = (round(first.probability * base), base)
            middle = [self._outcomes(said, base), self._reasons(said), self._missing(said, base)]
            sections = [self._flags(said), self._step(said, base), *middle, *sections]
            foot = self.text["model"].format(model=self._model(said.model))
        return Told(
            self.lang,
            self.text["title"],
            headline,
            lead,
            people,
            tuple(s for s in sections if s.text or s.rows),
            (self.text["foot"], foot),
        )

    # -- probabilities ------------------------------------------------------------------------------------------------

    def _headline(self, risk: Risk, base: int) -> str:
        n = round(risk.probability * base)
        key = "under" if n < 1 else "over" if n >= base else "about"
        about = self.text[key].format(n=1 if n < 1 else base - 1 if n >= base else n)
        have = self.text["have.one" if n == 1 else "have"]
        return self.text["headline"].format(base=f"{base:,}", about=about, have=have)

    def _counts(self, *probabilities: float, base: int = 100) -> tuple[str, ...]:
        return tuple(count(p, base) for p in probabilities)

    def _outcomes(self, said: Assessment, base: int) -> Section:
        rows = []
        for risk in said.risks:
            p, low, high = self._counts(risk.probability, risk.lower, risk.upper, base=base)
            rows.append(Row(OUTCOME_NAMES[self.lang][risk.outcome], self.text["range"].format(n=p, low=low, high=high)))
        text: tuple[str, ...] = ()
        if said.equations_disagree:
            by = {r.outcome: count(r.probability, base) for r in said.risks}
            text = (self.text["disagree"].format(one=by["y_llngl"], other=by["y_lln12"]),)
        return Section("outcomes", self.text["outcomes"].format(base=f"{base:,}"), text, tuple(rows))

    def _reasons(self, said: Assessment) -> Section:
        told = [r for r in said.reasons if abs(r.effect) >= LEAST_EFFECT]
        first, rest = told[:MOST_REASONS], said.reasons[len(told[:MOST_REASONS]) :]
        rows = [Row(self._reason_name(r), self._reason_text(said, r), r.effect) for r in first]
        others = sum(r.effect for r in rest)
        if abs(others) >= LEAST_EFFECT:
            rows.append(Row(self.text["reasons.rest"], "", others))
        return Section("reasons", self.text["reasons"], (self.text["reasons.what"],), tuple(rows))

    def _reason_name(self, reason: Reason) -> str:
        if reason.name in REASONS:
            return REASONS[reason.name][self.at]
        return ", ".join(all_items()[name].shorts[self.lang] for name in reason.items if name in all_items())

    def _reason_text(self, said: Assessment, reason: Reason) -> str:
        if reason.name == "not_known":
            return self.text["not known"]
        known = [name for name in reason.items if name in said.answers]
        if not known:
            return self.text["not answered"]
        if reason.name == "body_mass_index" and "bmi" in said.answers:
            return f"{float(said.answers['bmi']):.1f} kg/m2"
        said_zero = {*SMOKED, *(name for names in FOLLOWS.values() for name in names)}
        told = [name for name in known if name == known[0] or name not in said_zero or said.answers[name] != 0]
        items, stop = all_items(), ", " if self.lang == "en" else "、"
        text = stop.join(
            BRIEF.get(name, ("{v}", "{v}"))[self.at].format(v=items[name].shown(said.answers[name], self.lang))
            for name in told
        )
        why = WHY.get(reason.name, ("", ""))[self.at]
        return self.text["because"].format(said=text, why=why) if why else text

    def _missing(self, said: Assessment, base: int) -> Section:
        if not said.missing:
            return Section("missing", self.text["missing"], (self.text["missing.none"],))
        rows = tuple(self._missing_row(m, base) for m in said.missing[:MOST_MISSING])
        return Section("missing", self.text["missing"], (), rows)

    def _missing_row(self, missing: Missing, base: int) -> Row:
        item = all_items()[missing.item]
        low, high = self._counts(missing.lowest, missing.highest, base=base)
        values = {
            "at_low": item.shown(missing.at_lowest, self.lang),
            "at_high": item.shown(missing.at_highest, self.lang),
        }
        said = self.text["missing.row"].format(low=low, high=high, base=f"{base:,}", **values)
        return Row(item.shorts[self.lang], said)

    # -- flags, next step, questionnaires -----------------------------------------------------------------------------

    def _flags(self, said: Assessment) -> Section:
        text = []
        for flag in said.flags:
            if flag == "outside":
                one = self.text["flag.outside.one"]
                listed = [
                    one.format(
                        item=all_items()[o.item].shorts[self.lang],
                        value=all_items()[o.item].shown(o.value, self.lang),
                        low=f"{o.low:g}",
                        high=f"{o.high:g}",
                    )
                    for o in said.outside
                ]
                text.append(self.text["flag.outside"].format(list=", ".join(listed)))
            elif flag == "subgroup":
                text.append(self.text["flag.subgroup"].format(list=self.groups(said.subgroups or ())))
            elif f"flag.{flag}" in self.text and f"step.{flag}" != f"step.{said.next_step}":
                text.append(self.text[f"flag.{flag}"])
        if said.untold:
            text.append(self.text["flag.untold"].format(list=self.groups(said.untold)))
        if said.subgroups is None:
            text.append(self.text["flag.subgroup.unknown"])
        return Section("flags", self.text["flags"], tuple(text))

    def groups(self, rows: Sequence[Unfair]) -> str:
        """Groups with cases found where 100 were expected, in one text."""
        by: dict[str, list[Unfair]] = {}
        for row in rows:
            by.setdefault(row.group, []).append(row)
        return (", " if self.lang == "en" else "、").join(self._off(group, of) for group, of in by.items())

    def _off(self, group: str, rows: Sequence[Unfair]) -> str:
        numbers = sorted(f"{100 * row.observed_expected:.0f}" for row in rows)
        low, high = min(numbers, key=int), max(numbers, key=int)
        key = "several" if len(rows) > 1 else "one" if rows[0].outcome == PRIMARY else "other"
        outcome = OUTCOMES_IN_SHORT[rows[0].outcome][self.at]
        return self.text[f"flag.subgroup.{key}"].format(
            group=self._group(group), n=low, low=low, high=high, outcome=outcome
        )

    def _group(self, name: str) -> str:
        if name.startswith("ethnicity: "):
            value = name.removeprefix("ethnicity: ")
            return all_items()["ethnicity"].shown(value, self.lang)
        kind, _, band = name.partition(": ")
        if kind == "age":
            return self.text["group.age"].format(band=band)
        return GROUPS_ZH.get(name, name) if self.lang == "zh" else name

    def _step(self, said: Assessment, base: int) -> Section:
        by = {risk.outcome: count(risk.probability, base) for risk in said.risks}
        text = self.text[f"step.{said.next_step}"].format(base=f"{base:,}", before=by[PRIMARY], after=by[ASKED_FOR])
        return Section("next", self.text["next"], (text,))

    def _instruments(self, said: Assessment) -> Section:
        rows = []
        for name, result in said.instruments.items():
            cuts = [
                self.text["instrument.reached" if reached else "instrument.below"].format(cut=cut)
                for cut, reached in result.positive.items()
            ]
            instrument = INSTRUMENTS[name]
            stop = ", " if self.lang == "en" else "、"
            text = self.text["instrument.row"].format(
                points=result.points, most=instrument.possible[1], said=stop.join(cuts)
            )
            rows.append(Row(instrument.title, text))
        return Section("instruments", self.text["instruments"], (), tuple(rows))

    def _notes(self, said: Assessment) -> Section:
        return Section("notes", self.text["notes"], said.notes)

    def _model(self, label: str) -> str:
        if self.lang == "en":
            return label
        return "；".join(self._label(part) for part in label.split("; "))

    def _label(self, label: str) -> str:
        """What a model says of itself, in Chinese, with the outcome before it where the models differ."""
        outcome, colon, rest = label.partition(": ")
        said = rest if colon else label
        version = said.split(",")[0].removeprefix("version ")
        people, _, where = said.partition("calibrated on ")[2].partition(" people of ")
        local = {"people": people, "where": where}
        key = "not local" if "not calibrated" in said else "local"
        return (f"{outcome}：" if colon else "") + self.text[key].format(version=version, **local)

    # -- spirometry ---------------------------------------------------------------------------------------------------

    def _ratio(self, read: Interpretation) -> str:
        ratio = read.values["fev1_fvc"]
        key = "reversed" if read.before else {True: "below", False: "above", None: "open"}[read.below_lln]
        return self.text[f"spirometry.{key}"].format(ratio=f"{ratio.measured or 0:.2f}", lln=f"{ratio.lln:.2f}")

    def _spirometry_lead(self, said: Assessment, read: Interpretation) -> tuple[str, ...]:
        found = []
        if read.permits != "full":
            found.append(self.text[f"permits.{read.permits}"])
        if read.below_lln is not None and read.below_070 is not None:
            key = {(True, True): "below", (False, False): "above", (False, True): "only", (True, False): "not"}
            found.append(self.text[f"fixed.{key[read.below_lln, read.below_070]}"])
        if read.before is not None:
            found.append(self._before(read.before))
        severity = SEVERITIES[read.severity][self.at] if read.severity else "–"
        found.append(self.text["pattern"].format(pattern=PATTERNS[read.pattern][self.at], severity=severity))
        found.append(self.text["gold"].format(grade=read.gold) if read.gold else self.text["gold.none"])
        if read.response is not None:
            found.append(
                self.text["response"].format(
                    fev1=f"{read.response.fev1_percent:+.0f} %",
                    fvc=f"{read.response.fvc_percent:+.0f} %",
                    said=self.text["response.yes" if read.response.positive else "response.no"],
                )
            )
        because = read.read_because if self.lang == "en" else READ_BECAUSE[read.read_because]
        found.append(self.text["read"].format(which=self.text[read.read], because=because))
        return (*found, *(self._other(o) for o in said.others))

    def _before(self, ratio: Expected) -> str:
        measured = ratio.measured or 0
        rule = self.text["before.lln" if measured < ratio.lln else "before.070"]
        return self.text["before"].format(
            ratio=f"{measured:.2f}", lln=f"{ratio.lln:.2f}", z=f"{ratio.z or 0:+.2f}", rule=rule
        )

    def _other(self, other: OtherEquation) -> str:
        group = other.group.replace("_", " ") if self.lang == "en" else EQUATION_GROUPS_ZH[other.group]
        return self.text["spirometry.other"].format(
            equation=EQUATIONS[other.equation].title,
            group=group,
            side=self.text["below" if other.below_lln else "not below"],
            lln=f"{other.lln:.3f}",
        )

    def _values(self, read: Interpretation) -> Section:
        names = {"fev1": "FEV1 (L)", "fvc": "FVC (L)", "fev1_fvc": "FEV1/FVC"}
        rows = [
            Row(
                names[measure],
                " · ".join(
                    (
                        f"{v.measured or 0:.2f}",
                        f"{self.text['predicted']} {v.predicted:.2f}",
                        f"{self.text['lln']} {v.lln:.2f}",
                        f"{self.text['z']} {v.z or 0:+.2f}",
                        self.text["percent"].format(n=f"{v.percent or 0:.0f}"),
                    )
                ),
            )
            for measure, v in read.values.items()
        ]
        return Section("spirometry", self.text["spirometry"], (), tuple(rows))

    def _step_of_spirometry(self, read: Interpretation) -> Section:
        step = read.next_step if self.lang == "en" else STEPS_OF_SPIROMETRY[read.next_step]
        end = "." if self.lang == "en" else "。"
        return Section("next", self.text["next"], (step[0].upper() + step[1:] + end,))


def fairness(tier: str, lang: str) -> str:
    """What is to be said of groups that answers don't tell; empty where the model was fair to all.

    Parameters
    ----------
    tier : {'A', 'B'}
        Tier of the models.
    lang : {'en', 'zh'}
        Language.
    """
    rows = untold_groups(tier)
    words = _Words(lang)
    return words.text["flag.untold"].format(list=words.groups(rows)) if rows else ""


def equation_rows(rows: Sequence[OtherEquation], lang: str) -> tuple[list[str], list[list[str]]]:
    """The ratio by several sets of equations, as a table of texts.

    Parameters
    ----------
    rows : sequence of OtherEquation
        What :func:`salus.copd.assessment.every_equation` gave.
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    head : list of str
        Names of the columns.
    lines : list of list of str
        One for each set and group.
    """
    text = TEXT[lang]
    head = [text["equation"], text["group"], f"FEV1/FVC: {text['lln']}", text["z"], ""]
    lines = []
    for row in rows:
        group = EQUATION_GROUPS_ZH.get(row.group, "") if lang == "zh" else row.group.replace("_", " ")
        side = text["below" if row.below_lln else "not below"]
        lines.append([EQUATIONS[row.equation].title, group or "–", f"{row.lln:.3f}", f"{row.z:+.2f}", side])
    return head, lines


def base_of(probability: float) -> int:
    """How many people a frequency is said of: 100, or 1,000 for rare things."""
    return 100 if probability >= _EVEN_FEW else 1000


def count(probability: float, base: int) -> str:
    """A probability as so many of a number of people, never nobody and never everybody.

    Examples
    --------
    >>> count(0.234, 100), count(0.001, 100), count(0.9999, 100)
    ('23', '<1', '>99')
    """
    n = math.floor(probability * base + 0.5)
    return "<1" if n < 1 else f">{base - 1:,}" if n >= base else f"{n:,}"
