"""The charts of a place: the fan of the forecast, the season on earlier ones, and the small one of the overview."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from salus.reports import svg
from salus.reports.axes import Plane
from salus.reports.numbers import nice_top, threshold
from salus.reports.view import PlaceView
from salus.reports.words import Words
from salus.surveillance.weeks import Cadence

FAN_PERIODS = {"week": 52, "month": 36, "day": 120}
SMALL_PERIODS = {"week": 52, "month": 24, "day": 60}
SEASONS = 10
LINE = 15.0
"""Height of a line of text in a chart."""
BAR = 0.36
"""Half the width of a bar of a horizon that is not joined to the others, in periods."""
_SEASON_PERIODS = {"week": 53, "month": 12, "day": 366}


@dataclass(frozen=True)
class Season:
    """One season of a place.

    Attributes
    ----------
    name : str
        Its year, or ``2022/23`` where it wraps.
    values : tuple of float or None
        By period of the season; shorter for the one under way.
    """

    name: str
    values: tuple[float | None, ...]


def season_month(views: Sequence[PlaceView]) -> int:
    """Month in which seasons begin, for all places: after the quietest one, January where the winter is quiet.

    Parameters
    ----------
    views : sequence of PlaceView
        All places.

    Returns
    -------
    int
        1 to 12; quiet is the mean over places and years of each place's share of its own maximum.
    """
    sums, counts = [0.0] * 12, [0] * 12
    for view in views:
        known = view.known
        peak = max((v for _, v in known), default=0.0)
        if peak > 0:
            for start, value in known:
                sums[start.month - 1] += value / peak
                counts[start.month - 1] += 1
    if not all(counts):
        return 1
    means = [s / c for s, c in zip(sums, counts, strict=True)]
    after = (min(range(12), key=means.__getitem__) + 1) % 12 + 1
    return 1 if after in (12, 1, 2, 3) else after


def seasons(view: PlaceView, cadence: Cadence, month: int) -> tuple[tuple[Season, ...], int]:
    """The place's seasons, oldest first, and where in the last of them the last known value stands.

    Parameters
    ----------
    view : PlaceView
        The place.
    cadence : Cadence
        Length of a period.
    month : int
        Month in which a season begins.

    Returns
    -------
    seasons : tuple of Season
        At most `SEASONS` earlier ones and the one under way; empty where nothing is known.
    position : int
        Period within the last one, from 0.
    """
    if view.now_start is None:
        return (), 0
    rows: dict[int, dict[int, float | None]] = {}
    for start, value in zip(view.starts, view.values, strict=True):
        year, place = _place_in_season(start, cadence, month)
        rows.setdefault(year, {})[place] = value
    year, position = _place_in_season(view.now_start, cadence, month)
    found = []
    for y in sorted(rows):
        if year - SEASONS <= y <= year and any(v is not None for v in rows[y].values()):
            name = str(y) if month == 1 else f"{y}/{(y + 1) % 100:02d}"
            last = position if y == year else max(rows[y])
            found.append(Season(name, tuple(rows[y].get(k) for k in range(last + 1))))
    return tuple(found), position


def same_time(found: Sequence[Season], position: int) -> tuple[float, float, float, int] | None:
    """Lowest, middle and highest value of the earlier seasons at one period, and how many have one, or None.

    Parameters
    ----------
    found : sequence of Season
        Oldest first, the last one under way.
    position : int
        Period within the season.
    """
    values = [v for s in found[:-1] if position < len(s.values) and (v := s.values[position]) is not None]
    return (min(values), median(values), max(values), len(values)) if values else None


def fan(
    view: PlaceView,
    name: str,
    title: str,
    description: str,
    level_names: Sequence[str],
    arriving: tuple[dt.date, int],
    cadence: Cadence,
    words: Words,
    size: tuple[float, float] = (480, 270),
) -> str:
    """The last periods of a place and the forecast with its bands.

    Parameters
    ----------
    view : PlaceView
        The place.
    name : str
        Id in the page.
    title, description : str
        For those who do not see it.
    level_names : sequence of str
        Lowest first.
    arriving : (datetime.date, int)
        First day of the last period that should be known, and how many of the last are incomplete.
    cadence : Cadence
        Length of a period.
    words : Words
        Language.
    size : (float, float)
        View box.
    """
    due, incomplete = arriving
    last = max([due, *(o.start for o in view.outlooks), *view.starts[-1:]])
    first = cadence.shift(max([due, *view.starts[-1:]]), 1 - FAN_PERIODS[cadence.kind])
    if view.starts:
        first = max(first, view.starts[0])
    starts = cadence.grid(min(first, cadence.shift(due, -3)), last)
    at = {start: k for k, start in enumerate(starts)}
    known = [(at[s], v) for s, v in zip(view.starts, view.values, strict=True) if s in at]
    shown = [v for _, v in known if v is not None] + [o.upper95 for o in view.outlooks]
    cuts = [c for c in view.cuts if c <= 1.5 * max([*shown, view.cuts[0]])] if view.cuts else []
    plane = Plane.over([*shown, *(c * 1.06 for c in cuts)], len(starts), *size, view.scale.whole)
    drawn = [_waiting(view, plane, at, due, incomplete, words), plane.value_axis()]
    named: list[tuple[float, float, float]] = []
    last_value: list[str] = []
    if view.now is not None and view.now_start in at:
        x, y = plane.x(at[view.now_start]), plane.y(view.now)
        falling = len(view.known) > 1 and view.known[-2][1] > view.now
        base = y + 16 if falling and y + 18 < plane.floor else max(plane.top + 6, y - 7)
        last_value.append(svg.tag("circle", ink="dot", cx=x, cy=y, r=3.5))
        last_value.append(svg.text(x - 7, base, view.now_text, "ts", text_anchor="end"))
        named.append((x - 7 - _wide(view.now_text), base + 4, _wide(view.now_text)))
    drawn += _level_lines(plane, known, cuts, level_names, named, words)
    fills, lines = _bands(view, plane, at)
    drawn += fills + lines
    drawn.append(svg.tag("path", ink="obs", d=svg.line(_points(known, plane))))
    drawn += last_value
    drawn.append(plane.period_axis(starts, at.get(view.now_start or due, at[due]), cadence, words))
    return svg.picture(name, *size, title, description, *drawn)


def season_overlay(
    view: PlaceView,
    found: Sequence[Season],
    position: int,
    name: str,
    title: str,
    description: str,
    month: int,
    cadence: Cadence,
    words: Words,
    size: tuple[float, float] = (480, 270),
) -> str:
    """The season under way, with the forecast, drawn over the earlier ones.

    Parameters
    ----------
    view : PlaceView
        The place.
    found : sequence of Season
        Oldest first, the last one under way.
    position : int
        Period of the last known value within the season.
    name, title, description : str
        Id in the page, and words for those who do not see it.
    month : int
        Month in which a season begins.
    cadence : Cadence
        Length of a period.
    words : Words
        Language.
    size : (float, float)
        View box.
    """
    periods = _SEASON_PERIODS[cadence.kind]
    values = [v for s in found for v in s.values if v is not None]
    ahead = {o.start: position + cadence.between(view.now_start, o.start) for o in view.outlooks if view.now_start}
    ahead = {start: k for start, k in ahead.items() if k < periods}
    tops = [o.upper95 for o in view.outlooks if o.start in ahead]
    plane = Plane.over([*values, *tops], periods, *size, view.scale.whole)
    place = {view.now_start: position, **ahead} if view.now_start else {}
    fills, lines = _bands(view, plane, place)
    drawn = [plane.value_axis(), *fills]
    for k, season in enumerate(found[:-1]):
        ink = "last" if k == len(found) - 2 else "past"
        drawn.append(svg.tag("path", ink=ink, d=svg.line(_points(list(enumerate(season.values)), plane))))
    drawn += lines
    drawn.append(svg.tag("path", ink="obs", d=svg.line(_points(list(enumerate(found[-1].values)), plane))))
    if view.now is not None:
        drawn.append(svg.tag("circle", ink="dot", cx=plane.x(position), cy=plane.y(view.now), r=3.5))
    drawn.append(_season_ticks(plane, month, periods, words))
    drawn.append(_season_key(plane, found, words))
    return svg.picture(name, *size, title, description, *drawn)


def small(
    view: PlaceView,
    name: str,
    title: str,
    highest: float,
    cuts: Sequence[float],
    due: dt.date,
    cadence: Cadence,
    width: float = 160,
    height: float = 84,
) -> str:
    """The small chart of the overview: line, level lines and band, no axis but the one its group states.

    Parameters
    ----------
    view : PlaceView
        The place.
    name, title : str
        Id in the page, and what it shows.
    highest : float
        Value at the upper edge.
    cuts : sequence of float
        Level lines.
    due : datetime.date
        First day of the last period that should be known.
    cadence : Cadence
        Length of a period.
    width, height : float
        View box.
    """
    last = max([due, *(o.start for o in view.outlooks)])
    starts = cadence.grid(cadence.shift(due, 1 - SMALL_PERIODS[cadence.kind]), last)
    at = {start: k for k, start in enumerate(starts)}
    plane = Plane(width, height, 1, 5, 5, 3, len(starts), highest, highest)
    known = [(at[s], v) for s, v in zip(view.starts, view.values, strict=True) if s in at]
    base = svg.tag("path", ink="axis", d=f"M0 {svg.number(plane.floor)}H{svg.number(width)}")
    levels = "".join(f"M0 {svg.number(plane.y(c))}H{svg.number(width)}" for c in cuts if c <= highest)
    fills, lines = _bands(view, plane, at)
    drawn = [base, svg.tag("path", ink="cut", d=levels) if levels else "", *fills, *lines]
    drawn.append(svg.tag("path", ink="obs", d=svg.line(_points(known, plane))))
    if view.now is not None and view.now_start in at:
        drawn.append(svg.tag("circle", ink="dot", cx=plane.x(at[view.now_start]), cy=plane.y(view.now), r=3))
    return svg.tag(
        "svg", *drawn, viewBox=f"0 0 {svg.number(width)} {svg.number(height)}", role="img", aria_label=title, id=name
    )


def small_top(views: Sequence[PlaceView], due: dt.date, cadence: Cadence) -> float:
    """Upper edge that holds known values and 50 % ranges of several places in their small charts.

    Parameters
    ----------
    views : sequence of PlaceView
        The places.
    due : datetime.date
        First day of the last period that should be known.
    cadence : Cadence
        Length of a period.
    """
    first = cadence.shift(due, 1 - SMALL_PERIODS[cadence.kind])
    values = [v for view in views for s, v in view.known if s >= first]
    values += [o.upper50 for view in views for o in view.outlooks]
    return nice_top(max(values, default=0.0), any(view.scale.whole for view in views))[0]


def _place_in_season(start: dt.date, cadence: Cadence, month: int) -> tuple[int, int]:
    """Year in which the season of a period begins, and the period's number within it, from 0."""
    year = (
        start.year if cadence.kind == "month" else (start + dt.timedelta(days=3 if cadence.kind == "week" else 0)).year
    )
    while True:
        begin = _season_start(year, cadence, month)
        if start < begin:
            year -= 1
        elif start >= _season_start(year + 1, cadence, month):
            year += 1
        else:
            return year, cadence.between(begin, start)


def _season_start(year: int, cadence: Cadence, month: int) -> dt.date:
    day = dt.date(year, month, 1)
    if cadence.kind != "week":
        return day
    return cadence.start(day + dt.timedelta(days=3))  # the week that has most of its days in the month


def _points(known: Sequence[tuple[int, float | None]], plane: Plane) -> list[tuple[float, float] | None]:
    return [None if v is None else (plane.x(k), plane.y(v)) for k, v in known]


def _bands(view: PlaceView, plane: Plane, at: dict[dt.date, int]) -> tuple[list[str], list[str]]:
    """The bands of the forecast and its middle lines.

    A forecast that is given opens as a fan from the last known value. Where "no change" stands in for it at some
    horizons only, those are grey bars apart from the fan, so that the step to them is not read as a turn.
    """
    outlooks = [o for o in view.outlooks if o.start in at]
    runs = [list(run) for _, run in groupby(outlooks, key=lambda o: view.mixed and o.trend == "withheld")]
    fills: list[str] = []
    lines: list[str] = []
    for number, run in enumerate(runs):
        held = view.mixed and run[0].trend == "withheld"
        first = number == 0 and not held
        joint = []
        if first and view.now is not None and view.now_start in at:
            joint = [(plane.x(at[view.now_start]), plane.y(view.now))]
        if held or len(joint) + len(run) == 1:
            pieces = [[(plane.x(at[o.start] + side), o) for side in (-BAR, BAR)] for o in run]
        else:
            pieces = [[(plane.x(at[o.start]), o) for o in run]]
        for piece in pieces:
            edge = {
                name: joint + [(x, plane.y(getattr(o, name))) for x, o in piece]
                for name in ("upper95", "lower95", "upper50", "lower50", "median")
            }
            for wide in ("95", "50"):
                shape = svg.area(edge[f"upper{wide}"], edge[f"lower{wide}"])
                fills.append(svg.tag("path", ink=("n" if held else "b") + wide, d=shape))
            lines.append(svg.tag("path", ink="nomed" if held else "med", d=svg.line(edge["median"])))
    return fills, lines


def _level_lines(
    plane: Plane,
    known: Sequence[tuple[int, float | None]],
    cuts: Sequence[float],
    level_names: Sequence[str],
    named: list[tuple[float, float, float]],
    words: Words,
) -> list[str]:
    """A line for each threshold with its name; lines too close for a name each share one."""
    across = f"H{svg.number(plane.width - plane.right)}"
    drawn = [
        svg.tag("path", ink="cut", d=f"M{svg.number(plane.left)} {svg.number(plane.y(cut))}{across}") for cut in cuts
    ]
    groups: list[list[int]] = []
    for k, cut in enumerate(cuts):
        if groups and plane.y(cuts[groups[-1][-1]]) - plane.y(cut) < LINE:
            groups[-1].append(k)
        else:
            groups.append([k])
    for group in groups:
        items = [words("fan.cut", level=level_names[k + 1], cut=threshold(cuts[k])) for k in group]
        label, y = words["list.comma"].join(items), plane.y(cuts[group[-1]])
        x = _free(plane, known, y, _wide(label), named)
        named.append((x, y, _wide(label)))
        drawn.append(svg.text(x, y - 4, label, "cutt"))
    return drawn


def _wide(label: str) -> float:
    """About how wide a text of size 12 is."""
    return sum(12.0 if ord(c) > 0x2E7F else 6.8 for c in label)


def _free(
    plane: Plane,
    known: Sequence[tuple[int, float | None]],
    y: float,
    length: float,
    named: Sequence[tuple[float, float, float]],
) -> float:
    """Where along a level line its name is clear of the known values and of the names of other levels."""
    best, widest = plane.left + 4, -1.0
    for share in (0.0, 0.2, 0.4, 0.55):
        x = plane.left + 4 + share * (plane.width - plane.left - plane.right)
        near = [abs(plane.y(v) - (y - 8)) for k, v in known if v is not None and x - 6 <= plane.x(k) <= x + length]
        near += [abs(y - other) - LINE for at, other, wide in named if at < x + length and x < at + wide]
        room = min(near, default=99.0)
        if room > widest + 6 and widest < 12:
            best, widest = x, room
    return best


def _waiting(view: PlaceView, plane: Plane, at: dict[dt.date, int], due: dt.date, incomplete: int, words: Words) -> str:
    """The zone in which reports are still arriving."""
    behind = view.late if view.now_start else 0
    count = max(behind, incomplete)
    if not count:
        return ""
    right = plane.x(at[due] + 0.5)
    left = plane.x(max(0, at[due] - count + 0.5))
    zone = svg.tag(
        "rect", ink="wait", x=left, y=plane.top, width=max(2.0, right - left), height=plane.floor - plane.top
    )
    return zone + svg.text(left - 4, plane.top + 9, words("fan.arriving"), text_anchor="end", font_size=11)


def _season_ticks(plane: Plane, month: int, periods: int, words: Words) -> str:
    marks, labels = [], []
    for k in range(0, 12, 2):
        x = plane.x(k * (periods - 1) / 12 if periods > 12 else k)
        marks.append(f"M{svg.number(x)} {svg.number(plane.floor)}v5")
        labels.append(svg.text(x, plane.floor + 17, words.months[(month - 1 + k) % 12], text_anchor="middle"))
    return svg.tag("path", ink="axis", d="".join(marks)) + "".join(labels)


def _season_key(plane: Plane, found: Sequence[Season], words: Words) -> str:
    """Names of the lines, under the months."""
    y = plane.floor + 33
    parts, x = [], plane.left
    entries = [("obs", found[-1].name)]
    if len(found) > 1:
        entries.append(("last", found[-2].name))
    if len(found) > 2:
        entries.append(("past", words("season.past")))
    for ink, label in entries:
        parts.append(svg.tag("path", ink=ink, d=f"M{svg.number(x)} {svg.number(y - 4)}h18"))
        parts.append(svg.text(x + 23, y, label, font_size=11))
        x += 23 + _wide(label) + 22
    return "".join(parts)
