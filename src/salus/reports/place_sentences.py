"""Sentences about one place, from the same facts as the charts and tables."""

from __future__ import annotations

from dataclasses import dataclass

from salus.reports.asides import Peak
from salus.reports.numbers import threshold
from salus.reports.speech import Speech
from salus.reports.view import Outlook, PlaceView

SMALL_COUNT = 20
ABOUT_EQUAL = 0.005
NEARLY_CERTAIN = 0.97
PASSED = 0.8
"""Probability from which the season's peak is said to lie behind; under what is left of it, to lie ahead."""


@dataclass(frozen=True)
class PlaceVoice(Speech):
    """Says the facts of a place in one language."""

    def place(self, view: PlaceView) -> str:
        """The first sentence about a place: its level and value now, and where it is going.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        sentence, ahead = self._now(view), view.outlook(self.overview.focus)
        if ahead is None:
            if view.reason is not None:
                return self.words(
                    "move.none.because", sentence=sentence, reason=view.reason[self.words.lang == "zh"].rstrip(".。")
                )
            return self.words("move.none", sentence=sentence)
        when = self.when(ahead.horizon)
        if ahead.trend == "withheld":
            return self.words("move.withheld" if self.meta.modelled else "move.nomodel", sentence=sentence)
        if ahead.higher is None:
            return self.words("move.open.plain", sentence=sentence, when=when)
        late = ".late" if view.late or view.veiled else ""
        if ahead.trend != "down":
            p = self.words.percent(ahead.higher)
            return self.words(f"move.{ahead.trend}{late}", sentence=sentence, p=p, when=when)
        key = "move.down"
        if view.now == 0:
            key = "move.zero"
        elif view.scale.whole and view.now is not None and view.now < SMALL_COUNT:
            key = "move.down.same"
        return self.words(f"{key}{late}", sentence=sentence, p=self.words.percent(1 - ahead.higher), when=when)

    def support(self, view: PlaceView) -> list[str]:
        """The sentences after the first: odds, ranges, likeliest level, lateness and notes.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        said, ahead = [], view.outlook(self.overview.focus)
        if ahead is not None:
            chance = 0.5 if ahead.higher is None else max(ahead.higher, 1 - ahead.higher)
            if ahead.trend in ("up", "down") and chance < NEARLY_CERTAIN:
                said.append(self.words("support.odds", odds=self.words.odds(chance)))
            key = "support.nochange" if ahead.trend == "withheld" else "support.expected"
            said.append(self.words(key, when=self.when(ahead.horizon), **self.ranges(view, ahead, unit=True)))
            if ahead.level is not None and ahead.probabilities and ahead.trend != "withheld":
                chance = ahead.probabilities[ahead.level]
                said.append(
                    self.words(
                        "support.level",
                        when=self.when(ahead.horizon),
                        **self.level_words(ahead.level),
                        p=self.words.percent(chance),
                    )
                )
            if view.reasons and ahead.trend != "withheld":
                said.append(self.words("support.reasons", items=self.words.join(self.reasons(view))))
        if view.veiled:
            said.append(self.words["table.veiled.note"])
        elif view.late:
            said.append(self.words("support.late", span=self.words.span(self.meta.cadence, view.late)))
        elif self.meta.arriving and view.now is not None and view.aside.nowcast is None:
            said.append(
                self.words(
                    "support.arriving",
                    n=self.meta.arriving,
                    span=self.words.span(self.meta.cadence, self.meta.arriving),
                )
            )
        said += self.asides(view)
        return [s[:1].upper() + s[1:] for s in said]

    def asides(self, view: PlaceView) -> list[str]:
        """What stands around the forecast: no history, a person's word, the nowcast, the peak; a sentence each.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        aside, cadence = view.aside, self.meta.cadence
        said = []
        if aside.borrowed:
            said.append(self.words["aside.borrowed"])
        for one in aside.overrides:
            when = self.words.join([self.words.period(cadence, cadence.start(d), brief=True) for d in one.ends])
            key = "aside.replaced" if one.times is None else "aside.widened"
            facts = {} if one.times is None else {"times": one.times}
            said.append(self.words(key, name=one.name, periods=when, reason=one.reason.rstrip(".。"), **facts))
        if (
            aside.nowcast is not None
            and view.now_start is not None
            and aside.nowcast.end == cadence.end(view.now_start)
        ):
            now = aside.nowcast
            low, middle, high = (view.scale.forecast(v) for v in (now.lower95, now.median, now.upper95))
            if low != high:
                said.append(self.words("aside.nowcast", value=view.now_text, median=middle, low=low, high=high))
        if aside.peak is not None:
            said.append(self._peak(view, aside.peak))
        return said

    def reasons(self, view: PlaceView) -> list[str]:
        """The kinds of evidence that move the forecast most, each with its direction.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        return [
            self.words(f"reason.{'up' if up else 'down'}", what=self.words(f"reason.{kind}"))
            for kind, up in view.reasons
        ]

    def ranges(self, view: PlaceView, ahead: Outlook, unit: bool = False) -> dict[str, str]:
        """The five numbers of an outlook as they are written everywhere.

        Parameters
        ----------
        view : PlaceView
            The place.
        ahead : Outlook
            What is expected.
        unit : bool
            The median carries its unit.
        """
        width = ahead.upper50 - ahead.lower50

        def written(value: float) -> str:
            return view.scale.forecast(value, width)

        middle = written(ahead.median)
        return {
            "median": self.with_unit(middle) if unit else middle,
            "low50": written(ahead.lower50),
            "high50": written(ahead.upper50),
            "low95": written(ahead.lower95),
            "high95": written(ahead.upper95),
        }

    def trust(self, view: PlaceView) -> list[str]:
        """How far the forecast of a place can be trusted, at the focus horizon and in short at the others.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        tested, ahead = view.trust(self.overview.focus), view.outlook(self.overview.focus)
        if not self.meta.modelled:
            return [self.words["trust.nomodel"]]
        if tested is None or tested.origins == 0 or tested.skill is None:
            withheld = ahead is not None and ahead.trend == "withheld"
            return [self.words("trust.withheld.plain" if withheld else "trust.unknown")]
        gain = 1 - tested.skill
        key = "trust.same" if abs(gain) < ABOUT_EQUAL else "trust.better" if gain > 0 else "trust.worse"
        span = self.words.span(self.meta.cadence, tested.horizon)
        far = self.words("far" if self.overview.on_time else "far.beyond", span=span)
        said = [self.words(key, n=tested.origins, far=far, p=self.words.percent(abs(gain)))]
        if tested.label == "withheld":
            said.append(self.words("trust.withheld" if gain <= ABOUT_EQUAL else "trust.withheld.plain"))
        elif tested.label == "unknown":
            said = [self.words("trust.unknown")]
        else:
            if tested.coverage95 is not None and tested.coverage50 is not None:
                covered = {"c95": self.words.percent(tested.coverage95), "c50": self.words.percent(tested.coverage50)}
                said.append(self.words("trust.coverage", **covered))
            if tested.status_accuracy is not None and tested.persistence_accuracy is not None:
                right = {
                    "a": self.words.percent(tested.status_accuracy),
                    "b": self.words.percent(tested.persistence_accuracy),
                }
                said.append(self.words("trust.accuracy", **right))
            if tested.changes and tested.changes_called is not None:
                seen = round(tested.changes * tested.changes_called)
                key = "trust.changes" if tested.changes > 1 else f"trust.change.{'seen' if seen else 'missed'}"
                said.append(self.words(key, n=tested.changes, k=seen))
            label = self.trust_label(tested.label)
            said.insert(0, self.words("trust.label", when=self.when(tested.horizon), label=label))
        others = [t for t in view.trusts if t.horizon != tested.horizon and t.horizon in self.overview.horizons]
        if others and {t.label for t in others} == {tested.label}:
            said.append(self.words["trust.horizons.same"])
        elif others:
            items = [self.words("trust.at", when=self.when(t.horizon), label=self.trust_label(t.label)) for t in others]
            said.append(self.words("trust.horizons", items=self.words["list.comma"].join(items)))
        return said

    def fan_alt(self, view: PlaceView) -> str:
        """What the fan chart shows.

        Parameters
        ----------
        view : PlaceView
            The place.
        """
        known, cadence = view.known, self.meta.cadence
        if not known or view.now is None or view.now_start is None:
            said = [self.words("fan.alt.none", place=self.name(view))]
        else:
            peak_start, peak = max(known, key=lambda pair: pair[1])
            said = [
                self.words(
                    "fan.alt",
                    place=self.name(view),
                    disease=self.disease,
                    unit=self.unit,
                    first=cadence.label(known[0][0]),
                    last=cadence.label(known[-1][0]),
                    peak=view.scale.observed(peak, view.cuts),
                    peak_period=cadence.label(peak_start),
                    now=view.now_text,
                    now_period=cadence.label(view.now_start),
                )
            ]
        if gaps := sum(start >= known[0][0] for start in view.left_out) if known else 0:
            said.append(self.words("fan.alt.veiled", n=gaps))
        if view.outlooks:
            items = [
                self.words(
                    "fan.alt.item.held" if o.trend == "withheld" else "fan.alt.item",
                    period=cadence.label(o.start),
                    **self.ranges(view, o),
                )
                for o in view.outlooks
            ]
            said.append(self.words("fan.alt.forecast", items=self.words["list.semicolon"].join(items)))
        if view.cuts:
            lines = [self.words("fan.cut", level=self.level(k + 1), cut=threshold(c)) for k, c in enumerate(view.cuts)]
            said.append(self.words("fan.alt.cuts", items=self.words["list.comma"].join(lines)))
        return (" " if self.words.lang == "en" else "").join(said)

    def _peak(self, view: PlaceView, peak: Peak) -> str:
        best, first, last = (
            self.words.period(self.meta.cadence, self.meta.cadence.start(end), brief=True)
            for end in (peak.end, peak.first, peak.last)
        )
        size, passed = self.with_unit(view.scale.forecast(peak.size)), self.words.percent(peak.passed)
        if peak.passed >= PASSED:
            return self.words("aside.passed", passed=passed, period=best, size=size)
        low, high = (view.scale.forecast(v) for v in (peak.lower95, peak.upper95))
        facts = {"first": first, "last": last, "size": size, "low": low, "high": high}
        if peak.passed <= 1 - PASSED:
            return self.words("aside.peak", **facts)
        return self.words("aside.peak.open", passed=passed, **facts)

    def _now(self, view: PlaceView) -> str:
        if view.now is None or view.now_start is None:
            key = "place.veiled.none" if view.veiled else "place.none"
            return capital(self.words(key, place=self.named(view), disease=self.disease))
        value = self.with_unit(view.now_text)
        key = "place.level" if view.level is not None else "place.plain"
        if view.veiled:
            key = "place.veiled"
        elif view.late:
            key = "place.late" if view.level is not None else "place.late.plain"
        facts = {
            "period": self.words.period(self.meta.cadence, view.now_start),
            "when": self.words.during(self.meta.cadence, view.now_start, brief=False),
        } | self.level_words(view.level)
        said = self.words(key, disease=self.disease, place=self.named(view), value=value, **facts)
        return capital(said)


def capital(sentence: str) -> str:
    """A sentence with a capital letter.

    Parameters
    ----------
    sentence : str
        As it stands after other words.
    """
    return sentence[:1].upper() + sentence[1:]
