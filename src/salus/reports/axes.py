"""The plane of a chart: periods across, values up from zero, with ticks that read as epidemic weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from salus.reports import svg
from salus.reports.numbers import nice_top, threshold
from salus.reports.words import Words
from salus.surveillance.weeks import Cadence


@dataclass(frozen=True)
class Plane:
    """Where periods and values lie in a drawing.

    Attributes
    ----------
    width, height : float
        View box.
    left, right, top, bottom : float
        Margins.
    periods : int
        Periods across; the first lies on the left edge, the last on the right one.
    highest : float
        Value at the upper edge.
    step : float
        Between the ticks of the value axis.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    periods: int
    highest: float
    step: float

    @classmethod
    def over(cls, values: Sequence[float], periods: int, width: float, height: float, whole: bool) -> Plane:
        """A plane that holds all values, its left margin as wide as its longest tick.

        Parameters
        ----------
        values : sequence of float
            Everything that will be drawn.
        periods : int
            Periods across.
        width, height : float
            View box.
        whole : bool
            Values are counts.
        """
        highest, step = nice_top(max(values, default=0.0), whole)
        left = 12 + 6.6 * max(len(threshold(highest)), len(threshold(step)))
        return cls(width, height, left, 12, 14, 38, max(2, periods), highest, step)

    def x(self, period: float) -> float:
        """Across.

        Parameters
        ----------
        period : float
            From 0 at the left edge.
        """
        return self.left + (self.width - self.left - self.right) * period / (self.periods - 1)

    def y(self, value: float) -> float:
        """Up; values beyond the upper edge lie on it.

        Parameters
        ----------
        value : float
            In the signal's unit.
        """
        share = min(1.0, max(0.0, value / self.highest))
        return self.height - self.bottom - (self.height - self.top - self.bottom) * share

    @property
    def floor(self) -> float:
        """Height of the zero line in the drawing."""
        return self.height - self.bottom

    def value_axis(self) -> str:
        """Grid lines and their numbers."""
        count = round(self.highest / self.step)
        lines, labels = [], []
        for k in range(count + 1):
            y = self.y(k * self.step)
            lines.append(f"M{svg.number(self.left)} {svg.number(y)}H{svg.number(self.width - self.right)}")
            labels.append(svg.text(self.left - 6, y + 4, threshold(k * self.step), text_anchor="end"))
        return (
            svg.tag("path", ink="grid", d="".join(lines[1:]))
            + svg.tag("path", ink="axis", d=lines[0])
            + "".join(labels)
        )

    def period_axis(self, starts: Sequence[dt.date], anchor: int, cadence: Cadence, words: Words) -> str:
        """Ticks at even distances, one of them at ``anchor``; under a week its month.

        Parameters
        ----------
        starts : sequence of datetime.date
            First days of the periods across.
        anchor : int
            Period that must have a tick, the last known one.
        cadence : Cadence
            Length of a period.
        words : Words
            Language.
        """
        wide = 82 if cadence.kind == "day" else 66
        room = max(2, int((self.width - self.left) // wide))
        steps = {"week": (1, 2, 4, 8, 13, 26, 52), "month": (1, 2, 3, 6, 12, 24), "day": (1, 2, 7, 14, 28, 56, 112)}[
            cadence.kind
        ]
        step = next((s for s in steps if len(starts) / s <= room), max(steps[-1], len(starts) // room))
        marks: list[str] = []
        labels: list[str] = []
        for k in range(anchor % step, len(starts), step):
            x = self.x(k)
            edge = "end" if x > self.width - wide / 2 else "start" if x < self.left and x < wide / 2 else "middle"
            x_text = min(x, self.width - wide / 2 + 2) if edge == "end" else x
            edge = "middle" if edge == "end" else edge
            if x > self.width - self.right - 12 and labels and k != anchor:
                continue
            marks.append(f"M{svg.number(x)} {svg.number(self.floor)}v5")
            labels.append(svg.text(x_text, self.floor + 17, cadence.label(starts[k]), text_anchor=edge))
            if cadence.kind == "week":
                labels.append(
                    svg.text(x_text, self.floor + 31, words.month(starts[k]), text_anchor=edge, font_size=10.5)
                )
        return svg.tag("path", ink="axis", d="".join(marks)) + "".join(labels)
