"""Small helpers that write SVG: escaped, compact, coloured for print by attributes and for screens by class names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

LEVEL_FILL = ("#dde7ea", "#f6cf65", "#ec8a35", "#b5301f", "#571034")
LEVEL_DARK = ("#33464f", "#f2c14e", "#f08a35", "#cf4630", "#a3336b")
LEVEL_INK = ("#17252c", "#17252c", "#17252c", "#ffffff", "#ffffff")
_SPREAD = {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3), 5: (0, 1, 2, 3, 4)}

INK: dict[str, dict[str, str]] = {
    "t": {"fill": "#3b4a52"},
    "ts": {"fill": "#17252c", "font-weight": "600"},
    "grid": {"stroke": "#dfe6e9", "stroke-width": "1"},
    "axis": {"stroke": "#7d8b92", "stroke-width": "1"},
    "b95": {"fill": "#cfe2ec"},
    "b50": {"fill": "#8fbcd3"},
    "n95": {"fill": "#e4e6e7"},
    "n50": {"fill": "#c2c8cb"},
    "nomed": {"stroke": "#3b4a52", "stroke-width": "2", "fill": "none"},
    "med": {"stroke": "#0b4a6f", "stroke-width": "2", "stroke-dasharray": "4 3", "fill": "none"},
    "obs": {"stroke": "#12303f", "stroke-width": "2", "fill": "none", "stroke-linejoin": "round"},
    "dot": {"fill": "#12303f"},
    "past": {"stroke": "#b9c5ca", "stroke-width": "1", "fill": "none"},
    "last": {"stroke": "#7d8b92", "stroke-width": "1.2", "fill": "none"},
    "cut": {"stroke": "#8a4b12", "stroke-width": "1", "stroke-dasharray": "1 3", "fill": "none"},
    "cutt": {"fill": "#7a3f0c"},
    "wait": {"fill": "#eceff1"},
    "line": {"fill": "none", "stroke": "#ffffff", "stroke-width": "1"},
}
"""Colours of every class, for print; the style sheet overrides them by class name for light and dark screens."""


def tone(level: int | None, levels: int) -> int | None:
    """Place of a level on the five-step colour and shape scale, so that the highest of a scheme is always strong.

    Parameters
    ----------
    level : int or None
        Number of the level.
    levels : int
        How many the scheme has; from six on the upper ones share the strongest tone.

    Returns
    -------
    int or None
        0 to 4; None without a level.

    Examples
    --------
    >>> [tone(k, 3) for k in range(3)]
    [0, 1, 3]
    """
    if level is None:
        return None
    spread = _SPREAD.get(levels, (0, 1, 2, 3, 4))
    return spread[min(level, len(spread) - 1)]


def number(value: float) -> str:
    """A coordinate with at most one decimal.

    Parameters
    ----------
    value : float
        In units of the view box.
    """
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def tag(name: str, *children: str, ink: str | None = None, **attributes: str | float | None) -> str:
    """One element.

    Parameters
    ----------
    name : str
        Element name.
    *children : str
        Finished SVG inside it.
    ink : str, optional
        Class of `INK`, written as class and as attributes.
    **attributes : str, float or None
        Attributes; underscores become hyphens, text is escaped, None is left out.

    Returns
    -------
    str
        The element.

    Examples
    --------
    >>> tag("text", escape("a < b"), x=1.04, text_anchor="end")
    '<text x="1" text-anchor="end">a &lt; b</text>'
    """
    parts = [name]
    if ink is not None:
        parts.append(f'class="{ink}"')
        parts += [f'{key}="{value}"' for key, value in INK[ink].items()]
    for key, value in attributes.items():
        if value is not None:
            shown = escape(value, quote=True) if isinstance(value, str) else number(value)
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{shown}"')
    head = " ".join(parts)
    return f"<{head}>{''.join(children)}</{name}>" if children else f"<{head}/>"


def text(x: float, y: float, content: str, ink: str = "t", **attributes: str | float | None) -> str:
    """A line of text, escaped.

    Parameters
    ----------
    x, y : float
        Anchor and baseline.
    content : str
        What it says.
    ink : str
        Class of `INK`.
    **attributes : str, float or None
        Further attributes.
    """
    return tag("text", escape(content), ink=ink, x=x, y=y, **attributes)


def line(points: Iterable[tuple[float, float] | None]) -> str:
    """Path data of a line; None breaks it, and a point between two breaks becomes a dot's worth of line.

    Parameters
    ----------
    points : iterable of (float, float) or None
        Coordinates.

    Returns
    -------
    str
        In relative moves, one decimal.

    Examples
    --------
    >>> line([(0, 0), (10, 5.5), None, (30, 1)])
    'M0 0l10 5.5M30 1h.1'
    """
    out: list[str] = []
    at: tuple[float, float] | None = None
    alone = False
    for point in points:
        if point is None:
            if alone:
                out.append("h.1")
            at, alone = None, False
            continue
        here = (round(point[0], 1), round(point[1], 1))
        if at is None:
            out.append(f"M{number(here[0])} {number(here[1])}")
            alone = True
        else:
            out.append(f"l{number(here[0] - at[0])} {number(here[1] - at[1])}")
            alone = False
        at = here
    if alone:
        out.append("h.1")
    return "".join(out)


def area(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """Path data of the area between two lines of the same length; empty for fewer than two points.

    Parameters
    ----------
    upper, lower : sequence of (float, float)
        Both from left to right.
    """
    return line([*upper, *reversed(lower)]) + "z" if len(upper) > 1 else ""


def shape(tone: int | None, x: float, y: float, size: float, colour: str = "currentColor") -> str:
    """The mark of a level: ring, triangle, diamond, square, star with a hole; a dash where there is none.

    Parameters
    ----------
    tone : int or None
        Step of the colour and shape scale, 0 to 4.
    x, y : float
        Centre.
    size : float
        Half its height.
    colour : str
        Of line and fill.
    """
    r = size
    if tone is None:
        return tag(
            "path", d=f"M{number(x - r)} {number(y)}h{number(2 * r)}", stroke=colour, stroke_width=r / 2, class_="sh"
        )
    if tone == 0:
        return tag("circle", cx=x, cy=y, r=r * 0.8, fill="none", stroke=colour, stroke_width=r / 2.5, class_="shr")
    points = {
        1: [(0, -1), (1.05, 0.85), (-1.05, 0.85)],
        2: [(0, -1.15), (1.15, 0), (0, 1.15), (-1.15, 0)],
        3: [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        4: [
            (0, -1.25),
            (0.36, -0.4),
            (1.2, -0.4),
            (0.55, 0.2),
            (0.8, 1.1),
            (0, 0.55),
            (-0.8, 1.1),
            (-0.55, 0.2),
            (-1.2, -0.4),
            (-0.36, -0.4),
        ],
    }[tone]
    return tag("path", d=line([(x + px * r, y + py * r) for px, py in points]) + "z", fill=colour, class_="shf")


def arrow(trend: str, x: float, y: float, size: float) -> str:
    """The mark of a direction: up, down, both ways, or a dash.

    Parameters
    ----------
    trend : str
        ``up``, ``down``, ``open``, ``withheld`` or ``none``.
    x, y : float
        Centre.
    size : float
        Half its height.
    """
    steps = {
        "up": ((0, 1), (0, -2), (-0.7, 0.7), (0.7, -0.7), (0.7, 0.7)),
        "down": ((0, -1), (0, 2), (-0.7, -0.7), (0.7, 0.7), (0.7, -0.7)),
        "open": ((-1, 0), (2, 0), (-0.6, -0.6), (0.6, 0.6), (-0.6, 0.6)),
    }.get(trend, ((-0.6, 0), (1.2, 0), (0, 0), (0, 0), (0, 0)))
    start, shaft, jump, tip, wing = ((number(dx * size), number(dy * size)) for dx, dy in steps)
    drawn = f"M{number(x + float(start[0]))} {number(y + float(start[1]))}" + "".join(
        f"{move}{dx} {dy}" for move, (dx, dy) in zip("lmll", (shaft, jump, tip, wing), strict=True)
    )
    return tag("path", d=drawn, fill="none", stroke="currentColor", stroke_width=1.6)


def picture(
    name: str,
    width: float,
    height: float,
    title: str,
    description: str,
    *children: str,
    group: bool = False,
    widest: float | None = None,
) -> str:
    """A whole SVG with its title and description.

    Parameters
    ----------
    name : str
        Id in the page, from which those of title and description are made.
    width, height : float
        View box.
    title, description : str
        What it is and what it shows, for those who do not see it; escaped here.
    *children : str
        Finished SVG.
    group : bool
        Its parts have names of their own (links), so that it is a group and not one image.
    widest : float, optional
        Width in CSS pixels beyond which it does not grow.

    Returns
    -------
    str
        The ``svg`` element.
    """
    return tag(
        "svg",
        tag("title", escape(title) or " ", id=f"{name}-t"),
        tag("desc", escape(description) or " ", id=f"{name}-d"),
        *children,
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="group" if group else "img",
        aria_labelledby=f"{name}-t {name}-d",
        font_size="12",
        font_family="Noto Sans CJK SC, Noto Sans, DejaVu Sans, sans-serif",
        style=None if widest is None else f"max-width:{number(widest)}px",
    )
