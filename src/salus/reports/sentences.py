"""Sentences about all places together, from the same facts as the charts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from salus.reports.place_sentences import SMALL_COUNT, PlaceVoice, capital
from salus.reports.view import PlaceView

NAMED = 3
"""Places at the highest level that the first sentence names; more are counted."""


@dataclass(frozen=True)
class Voice(PlaceVoice):
    """Says the facts of a bulletin in one language."""

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
        """The places at the highest level reached: named where they are few, else counted, now and ahead."""
        overview, total = self.overview, len(self.overview.places)
        places = self.kind(total)
        if overview.top is None:
            nothing = self.words("head.nothing", disease=self.disease, total=total, places=places)
            return self.words("head.stop", sentence=capital(nothing))
        if named := self.at_top:
            return self._named(named)
        top, n = overview.top, overview.counts[overview.top]
        key = "head.all" if n == total else "head.some"
        facts = {"n": n, "total": total, "places": places, "all": self.every(total)}
        sentence = capital(self.words(key, disease=self.disease, **self.level_words(top), **facts))
        if self.ahead_counts is None:
            return self.words("head.stop", sentence=sentence)
        return self.words("head.ahead", sentence=sentence, ahead=self._likely("likely"))

    @property
    def at_top(self) -> tuple[PlaceView, ...]:
        """The places that the first sentence names: those at the highest level reached, where they are few."""
        overview = self.overview
        found = tuple(v for v in overview.places if v.level is not None and v.level == overview.top)
        return found if overview.top and len(found) <= NAMED else ()

    def _named(self, views: Sequence[PlaceView]) -> str:
        """The sentence that names the places at the highest level, each with its value and chance."""
        if len(views) == 1:
            return self.place(views[0])
        moving = [v for v in views if (o := v.outlook(self.overview.focus)) and o.trend != "withheld"][:1]
        items = [
            self.words("bracket", head=self.named(v), body=self._brief(v, unit=v is views[0], time=v in moving))
            for v in views
        ]
        facts = {"items": self.words.join(items)} | self.level_words(views[0].level)
        return capital(self.words("head.named", disease=self.disease, **facts))

    def _brief(self, view: PlaceView, *, unit: bool, time: bool) -> str:
        """Value and direction of a place among others, of which one says the unit and one the time for all."""
        value = self.with_unit(view.now_text) if unit or self.words.lang == "zh" else view.now_text
        if view.late and view.now_start is not None:
            value = self.words("head.late", value=value, when=self.words.during(self.meta.cadence, view.now_start))
        ahead = view.outlook(self.overview.focus)
        if not self.meta.modelled:
            return value
        trend = "none" if ahead is None else ahead.trend
        chance = 0.0
        if ahead is not None and ahead.higher is not None:
            chance = 1 - ahead.higher if trend == "down" else ahead.higher
        elif trend == "open":
            trend = "none"
        if trend == "down" and view.scale.whole and view.now is not None and view.now < SMALL_COUNT:
            trend = "down.same"
        move = self.words(f"head.{trend}", p=self.words.percent(chance))
        if time and trend != "none":
            move = self.words("head.when", move=move, when=self.when(self.overview.focus))
        return self.words("head.brief", value=value, move=move)

    @property
    def ahead_counts(self) -> tuple[int, int | None] | None:
        """How many places have the highest level reached now, or one above it, as their likeliest at the focus horizon.

        The second number is how many the chances of all places add up to; None where it is the same. All is None where
        the forecasts of too many places are withheld or missing. Where all places are at the lowest level now, both
        count what lies above it.
        """
        overview = self.overview
        if overview.likely is None or overview.expected is None or overview.top is None:
            return None
        start = max(1, overview.top)
        likely, expected = sum(overview.likely[start:]), round(sum(overview.expected[start:]))
        return likely, expected if expected and expected != likely else None

    def _likely(self, form: str) -> str:
        """In how many places the highest level reached now is the likeliest ahead."""
        m = (self.ahead_counts or (0, None))[0]
        total = len(self.overview.places)
        facts = {"m": m, "total": total, "places": self.kind(total), "higher": self.higher_one}
        key = f"ahead.{form}" if m else "ahead.lower"
        if not self.overview.top:
            key = "ahead.rise" if m else "ahead.same"
        return self.words(key, when=self.when(self.overview.focus), **facts)

    @property
    def higher_one(self) -> str:
        """`or a higher one`, where there is a level above the highest that any place is at."""
        return self.words["level.higher.one"] if self.higher else ""

    def _chances(self) -> list[str]:
        """What the chances add up to, where that differs from the count of likeliest levels."""
        likely, expected = self.ahead_counts or (0, None)
        if expected is None:
            return []
        total = len(self.overview.places)
        key = "sub.chances.more" if expected > likely else "sub.chances.fewer"
        where = self.words("where.at", higher=self.higher) if self.overview.top else self.words["where.above"]
        return [self.words(key, n=expected, where=where, total=total, places=self.kind(total))]

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
        named = self.at_top
        if named and len(named) < total:
            key = "sub.only" if all(v.level is not None for v in overview.places) else "sub.only.known"
            said.append(self.words(key, total=total, places=self.kind(total), higher=self.higher))
        elif overview.top is not None and overview.top < len(self.levels) - 1:
            said.append(self.words["sub.higher.none"])
        if overview.top and overview.top > 1 and overview.counts[overview.top - 1]:
            said.append(
                self.words("sub.next", n=overview.counts[overview.top - 1], **self.level_words(overview.top - 1))
            )
        if named and self.ahead_counts is not None:
            said.append(self.words("head.stop", sentence=self._likely("likely.of")))
        said += self._chances() + self._moves()
        known = sorted((v for v in overview.places if v.now is not None), key=lambda v: -(v.now or 0.0))[:3]
        alike = bool(overview.shared_cuts) or not known or not known[0].scale.whole
        if known and known[0].now and alike and not named:
            items = [self.words("bracket", head=self.named(v), body=v.now_text) for v in known]
            items[0] = self.words("bracket", head=self.named(known[0]), body=self.with_unit(known[0].now_text))
            said.append(self.words("sub.worst", items=self.words.join(items)))
        return [s[:1].upper() + s[1:] for s in said]

    @property
    def care(self) -> list[str]:
        """What must be known before a level is believed: that it rests on a short or an unusual past."""
        scheme, overview = self.scheme, self.overview
        if scheme.key == "official" or not any(v.cuts for v in overview.all_places):
            return []
        items = self.words["list.comma"].join(scheme.seasons)
        if not scheme.seasons:
            return [self.words["care.none"]]
        said = [self.words("care.single", items=items)] if len(scheme.seasons) == 1 else []
        if scheme.pandemic:
            said.append(self.words("care.pandemic", items=self.words["list.comma"].join(scheme.pandemic)))
        return said

    def _moves(self) -> list[str]:
        """How many places are likely to go up or down, how many either way, and for how many nothing is said."""
        overview, when = self.overview, self.when(self.overview.focus)
        moving = {trend: len(overview.moving(trend)) for trend in ("up", "down", "open", "withheld")}
        if not self.meta.modelled:
            return []
        if moving["withheld"] and moving["withheld"] == sum(moving.values()):
            return [self.words("sub.withheld.all", when=when)]
        there = [trend for trend in ("up", "down", "open", "withheld") if moving[trend]]
        told = {
            trend: self.words(
                f"sub.{trend}", n=moving[trend], places=self.words("sub.places", places=self.kind(moving[trend]))
            )
            if trend == there[0]
            else self.words(f"sub.{trend}", n=moving[trend], places="")
            for trend in there
        }
        items = [told[trend] for trend in ("up", "down") if trend in told]
        said = [self.words("sub.moves", when=when, items=self.words["list.clauses"].join(items))] if items else []
        return said + [told[trend] for trend in ("open", "withheld") if trend in told]

    @property
    def look(self) -> list[str]:
        """What to look at: places first, then a general word on the highest level."""
        overview, when = self.overview, self.when(self.overview.focus)
        if len(overview.places) == 1:
            return self._look_one(overview.places[0])
        said = []
        if overview.top and not self.at_top:
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
