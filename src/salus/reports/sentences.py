"""Sentences about one place and about all, from the same facts as the charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from salus.reports.numbers import threshold
from salus.reports.speech import Speech
from salus.reports.view import Outlook, PlaceView

SMALL_COUNT = 20
ABOUT_EQUAL = 0.005
NEARLY_CERTAIN = 0.97


@dataclass(frozen=True)
class Voice(Speech):
    """Says facts in one language."""

    # one place

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
        if view.veiled:
            said.append(self.words["table.veiled.note"])
        elif view.late:
            said.append(self.words("support.late", span=self.words.span(self.meta.cadence, view.late)))
        elif self.meta.arriving and view.now is not None:
            said.append(
                self.words(
                    "support.arriving",
                    n=self.meta.arriving,
                    span=self.words.span(self.meta.cadence, self.meta.arriving),
                )
            )
        return [s[:1].upper() + s[1:] for s in said]

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

    # all places

    @property
    def sentence(self) -> str:
        """The sentence that stands first: of the one place, of the place that holds all, or of all together."""
        overview = self.overview
        if overview.whole is not None:
            return self.place(overview.whole)
        if len(overview.places) == 1:
            return self.place(overview.places[0])
        return self.counts

    @property
    def counts(self) -> str:
        """How many places are at which level, and how many are expected to be."""
        overview, total = self.overview, len(self.overview.places)
        places = self.kind(total)
        if overview.top is None:
            nothing = self.words("head.none", disease=self.disease, total=total, places=places)
            return self.words("head.stop", sentence=_capital(nothing))
        top, n = overview.top, overview.counts[overview.top]
        key = "head.all" if n == total else "head.some"
        facts = {"n": n, "total": total, "places": places, "all": self.every(total)}
        sentence = _capital(self.words(key, disease=self.disease, **self.level_words(top), **facts))
        if overview.expected is None:
            return self.words("head.stop", sentence=sentence)
        when = self.when(overview.focus)
        if top == 0:
            m = round(sum(overview.expected[1:]))
            if m == 0:
                return self.words("head.stop", sentence=sentence)
            return self._about("head.rise", m, sentence, when)
        m = round(sum(overview.expected[top:]))
        if m == n:
            return self.words("head.expected.same", sentence=sentence, when=when, higher=self.higher)
        return (
            self._about("head.expected", m, sentence, when)
            if m
            else self.words("head.expected.none", sentence=sentence, when=when)
        )

    def _about(self, key: str, m: int, sentence: str, when: str) -> str:
        return self.words(key, n=m, m=m, sentence=sentence, when=when, higher=self.higher)

    @property
    def higher(self) -> str:
        """`or higher`, where there is a level above the highest that any place is at."""
        top = self.overview.top
        return "" if top is None or top == len(self.overview.counts) - 1 else self.words["level.higher"]

    @property
    def after_first(self) -> list[str]:
        """The sentences under the first: counts where it did not have them, movements, the highest places."""
        overview, total = self.overview, len(self.overview.places)
        if total == 1:
            return self.support(overview.whole or overview.places[0])
        said = [self.counts] if overview.whole is not None else []
        if overview.top is not None and overview.top < len(self.levels) - 1:
            said.append(self.words("sub.higher.none", **self.level_words(overview.top + 1)))
        if overview.top and overview.top > 1 and overview.counts[overview.top - 1]:
            said.append(
                self.words("sub.next", n=overview.counts[overview.top - 1], **self.level_words(overview.top - 1))
            )
        said += self._moves()
        known = sorted((v for v in overview.places if v.now is not None), key=lambda v: -(v.now or 0.0))[:3]
        if known and known[0].now:
            items = [self.words("bracket", head=self.named(v), body=v.now_text) for v in known]
            items[0] = self.words("bracket", head=self.named(known[0]), body=self.with_unit(known[0].now_text))
            said.append(self.words("sub.worst", items=self.words.join(items)))
        return [s[:1].upper() + s[1:] for s in said]

    def _moves(self) -> list[str]:
        """How many places are likely to go up or down, how many either way, and for how many nothing is said."""
        overview, when = self.overview, self.when(self.overview.focus)
        moving = {trend: len(overview.moving(trend)) for trend in ("up", "down", "open", "withheld")}
        if not self.meta.modelled:
            return []
        if moving["withheld"] and moving["withheld"] == sum(moving.values()):
            return [self.words("sub.withheld.all", when=when)]
        items = [
            self.words(f"sub.{trend}", n=moving[trend], places=self.kind(moving[trend]))
            for trend in ("up", "down")
            if moving[trend]
        ]
        said = [self.words("sub.moves", when=when, items=self.words["list.clauses"].join(items))] if items else []
        return said + [
            self.words(f"sub.{trend}", n=moving[trend], places=self.kind(moving[trend]))
            for trend in ("open", "withheld")
            if moving[trend]
        ]

    @property
    def look(self) -> list[str]:
        """What to look at: places first, then a general word on the highest level."""
        overview, when = self.overview, self.when(self.overview.focus)
        if len(overview.places) == 1:
            return self._look_one(overview.places[0])
        said = []
        if overview.top:
            found = [v for v in overview.places if v.level == overview.top]
            said.append(self.words("look.top", **self.level_words(overview.top), names=self.names(found)))
        if overview.expected is not None:
            if overview.climbing:
                said.append(self.words("look.climb", when=when, names=self.names(overview.climbing)))
            elif not overview.moving("withheld"):
                said.append(self.words("look.climb.none", when=when, place=self.kind(1)))
            if overview.easing:
                said.append(self.words("look.ease", when=when, names=self.names(overview.easing)))
        if overview.late:
            said.append(self.words("look.late", names=self.names(overview.late)))
        if overview.veiled:
            said.append(self.words("look.veiled", names=self.names(overview.veiled)))
        if overview.top is not None:
            said.append(self._rank(overview.top))
        return said

    def _look_one(self, view: PlaceView) -> list[str]:
        said, ahead = [], view.outlook(self.overview.focus)
        if ahead is not None and ahead.probabilities and view.level is not None and ahead.trend != "withheld":
            when = self.when(ahead.horizon)
            if view.level < len(self.levels) - 1:
                said.append(self.words("look.one.climb", when=when, p=self.words.percent(ahead.above(view.level))))
            if view.level > 0:
                said.append(self.words("look.one.ease", when=when, p=self.words.percent(ahead.below(view.level))))
        if view.veiled:
            said.append(self.words("look.veiled", names=self.named(view)))
        elif view.late or view.now is None:
            said.append(self.words("look.late", names=self.named(view)))
        if view.level is not None:
            said.append(self._rank(view.level))
        return [s[:1].upper() + s[1:] for s in said]

    def _rank(self, level: int) -> str:
        rank = 0 if level == 0 else 2 if level == len(self.levels) - 1 else 1
        said = self.words(f"look.rank.{rank}", **self.level_words(level))
        return said[:1].upper() + said[1:]

    @property
    def sure(self) -> list[str]:
        """How sure all this is: places whose forecasts passed their tests, coverage, those that did not."""
        overview, total = self.overview, len(self.overview.places)
        if total == 1:
            return self.trust(overview.places[0])
        if not self.meta.modelled:
            return [self.words["sure.nomodel"]]
        pairs = [(v, v.trust(overview.focus)) for v in overview.places]
        good = [t for _, t in pairs if t is not None and t.label in ("high", "moderate", "low")]
        withheld = [v for v, t in pairs if t is not None and t.label == "withheld"]
        missing = [v for v in overview.places if not v.outlooks]
        unknown = [v for v, t in pairs if (t is None or t.label == "unknown") and v not in missing]
        if not good and not withheld:
            return [self.words("sure.none")]
        key = "sure.all" if len(good) == total else "sure.shown" if good else "sure.nobody"
        facts = {"n": len(good), "total": total, "places": self.kind(total), "all": self.every(total)}
        said = [self.words(key, ahead=self.ahead(overview.focus), **facts)]
        weighed = [
            (t.origins, t.coverage95, t.coverage50)
            for t in good
            if t.coverage95 is not None and t.coverage50 is not None
        ]
        origins = sum(n for n, _, _ in weighed)
        if origins:
            c95 = sum(n * c for n, c, _ in weighed) / origins
            c50 = sum(n * c for n, _, c in weighed) / origins
            said.append(self.words("sure.coverage", c95=self.words.percent(c95), c50=self.words.percent(c50)))
        if withheld and good:
            said.append(
                self.words(
                    "sure.withheld", n=len(withheld), places=self.kind(len(withheld)), names=self.names(withheld)
                )
            )
        if unknown:
            said.append(
                self.words("sure.unknown", n=len(unknown), places=self.kind(len(unknown)), names=self.names(unknown))
            )
        if missing:
            said.append(
                self.words("sure.missing", n=len(missing), places=self.kind(len(missing)), names=self._why(missing))
            )
        return said

    def _why(self, views: Sequence[PlaceView], most: int = 6) -> str:
        """Places without a forecast, each with the reason."""
        number = self.words.lang == "zh"
        items = [
            self.words("bracket", head=self.named(v), body=v.reason[number]) if v.reason else self.named(v)
            for v in views
        ]
        return self.words.join(items, most=most)

    # words for those who do not see the charts

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
                self.words("fan.alt.item", period=cadence.label(o.start), **self.ranges(view, o)) for o in view.outlooks
            ]
            said.append(
                self.words("fan.alt.forecast", items="; ".join(items) if self.words.lang == "en" else "；".join(items))
            )
        if view.cuts:
            lines = [self.words("fan.cut", level=self.level(k + 1), cut=threshold(c)) for k, c in enumerate(view.cuts)]
            said.append(self.words("fan.alt.cuts", items=self.words["list.comma"].join(lines)))
        return (" " if self.words.lang == "en" else "").join(said)

    def _now(self, view: PlaceView) -> str:
        if view.now is None or view.now_start is None:
            key = "place.veiled.none" if view.veiled else "place.none"
            return _capital(self.words(key, place=self.named(view), disease=self.disease))
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
        return _capital(said)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
