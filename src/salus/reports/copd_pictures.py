"""Pictures of the COPD models' card: calibration by tenths of the people, and decision curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salus.reports import svg

SIDE = 340.0
"""Width and height of a picture."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 14.0, 14.0, 46.0
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.25)
_LINES = 6


class Square:
    """A plane with both axes in shares, from 0 (or a little below) to a top.

    Parameters
    ----------
    across, up : float
        Largest value of each axis.
    low : float
        Smallest value of the upward axis, 0 or below.
    """

    def __init__(self, across: float, up: float, low: float = 0.0) -> None:
        self.across, self.up, self.low = across, up, low

    def x(self, value: float) -> float:
        """Across in the drawing."""
        return _LEFT + (SIDE - _LEFT - _RIGHT) * value / self.across

    def y(self, value: float) -> float:
        """Up in the drawing."""
        return SIDE - _BOTTOM - (SIDE - _TOP - _BOTTOM) * (value - self.low) / (self.up - self.low)

    def axes(self, across: str, up: str, decimals: int) -> str:
        """Grid, numbers and names of both axes."""
        parts = []
        step = next(s for s in (0.01, *_STEPS) if (self.up - self.low) / s <= _LINES)
        for k in range(int(self.low / step), int(self.up / step + 1e-9) + 1):
            y = self.y(k * step)
            parts.append(
                svg.tag(
                    "path",
                    ink="axis" if k == 0 else "grid",
                    d=f"M{svg.number(_LEFT)} {svg.number(y)}H{svg.number(SIDE - _RIGHT)}",
                )
            )
            parts.append(svg.text(_LEFT - 6, y + 4, f"{k * step:.{decimals}f}", text_anchor="end"))
        step = next(s for s in _STEPS if self.across / s <= _LINES)
        ticks = [k * step for k in range(int(self.across / step + 1e-9) + 1)]
        parts += [svg.text(self.x(t), SIDE - _BOTTOM + 17, f"{t:.2f}", text_anchor="middle") for t in ticks]
        parts.append(svg.text((_LEFT + SIDE - _RIGHT) / 2, SIDE - 8, across, text_anchor="middle"))
        parts.append(svg.text(_LEFT + 4, _TOP + 8, up, text_anchor="start"))
        return "".join(parts)


def calibration(name: str, groups: Sequence[Sequence[float]], texts: Mapping[str, str]) -> str:
    """Observed by expected share in ten groups, with the line of equality.

    Parameters
    ----------
    name : str
        Id in the page.
    groups : sequence of (float, float)
        Expected and observed share of each group.
    texts : mapping
        `title`, `says`, `expected`, `observed`.
    """
    top = max(max(pair) for pair in groups) * 1.06
    plane = Square(top, top)
    line = svg.line([(plane.x(e), plane.y(o)) for e, o in groups])
    dots = "".join(svg.tag("circle", ink="dot", cx=plane.x(e), cy=plane.y(o), r=3.5) for e, o in groups)
    return svg.picture(
        name, SIDE, SIDE, texts["title"], texts["says"],
        plane.axes(texts["expected"], texts["observed"], 2),
        svg.tag("path", ink="cut", d=svg.line([(plane.x(0), plane.y(0)), (plane.x(top), plane.y(top))])),
        svg.tag("path", ink="last", d=line),
        dots,
    )  # fmt: skip


def decision(
    name: str, curve: Sequence[Sequence[float]], prevalence: float, questionnaires: Mapping[str, float],
    texts: Mapping[str, str],
) -> str:  # fmt: skip
    """Net benefit by threshold: the model, sending everybody, and the best questionnaire.

    Parameters
    ----------
    name : str
        Id in the page.
    curve : sequence of (float, float)
        Threshold and net benefit of the model.
    prevalence : float
        Share with the outcome, from which that of sending everybody follows.
    questionnaires : mapping of str to float
        Threshold and net benefit of the best questionnaire.
    texts : mapping
        `title`, `says`, `threshold`, `net_benefit`.
    """
    top = max(prevalence, *(value for _, value in curve)) * 1.06
    low = -top * 0.25
    plane = Square(max(t for t, _ in curve), top, low)
    everybody = [(t, prevalence - (1 - prevalence) * t / (1 - t)) for t, _ in curve]
    kept = [(plane.x(t), plane.y(v)) for t, v in everybody if v >= low]
    dots = "".join(
        svg.tag("circle", ink="dot", cx=plane.x(float(t)), cy=plane.y(max(value, low)), r=3.5)
        for t, value in questionnaires.items()
    )
    return svg.picture(
        name, SIDE, SIDE, texts["title"], texts["says"],
        plane.axes(texts["threshold"], texts["net_benefit"], 2 if top > 0.1 else 3),
        svg.tag("path", ink="cut", d=svg.line(kept)),
        svg.tag("path", ink="obs", d=svg.line([(plane.x(t), plane.y(v)) for t, v in curve])),
        dots,
    )  # fmt: skip
