"""Level badges and direction arrows: a word, a shape and a colour in one piece of HTML."""

from __future__ import annotations

from markupsafe import Markup, escape

from salus.reports import svg
from salus.reports.sentences import Voice


def badge(voice: Voice, level: int | None, brief: bool = False) -> Markup:
    """The badge of a level.

    Parameters
    ----------
    voice : Voice
        Language and level names.
    level : int or None
        Number of the level.
    brief : bool
        The name as heads of columns have it.

    Returns
    -------
    Markup
        Shape and word on the level's colour.
    """
    step = svg.tone(level, len(voice.levels))
    name = "lx" if step is None else f"l{step}"
    ink = "#3b4a52" if step is None else svg.LEVEL_INK[step]
    said = voice.level_heads[level] if brief and level is not None else voice.level(level)
    mark = svg.tag("svg", svg.shape(step, 7, 7, 5, ink), viewBox="0 0 14 14", width=12, height=12, aria_hidden="true")
    drawn = Markup(mark)  # noqa: S704 (drawn here, its words escaped)
    return Markup('<span class="badge {}">{}<span>{}</span></span>').format(name, drawn, escape(said))


def direction(voice: Voice, trend: str) -> Markup:
    """The arrow and word of a direction.

    Parameters
    ----------
    voice : Voice
        Language.
    trend : str
        ``up``, ``down``, ``open``, ``withheld`` or ``none``.

    Returns
    -------
    Markup
        Arrow and word.
    """
    mark = svg.tag(
        "svg", svg.arrow(trend, 7, 7, 5), viewBox="0 0 14 14", width=13, height=13, aria_hidden="true", color="#17252c"
    )
    return Markup('<span class="dir">{}<span>{}</span></span>').format(Markup(mark), voice.words(f"trend.{trend}"))  # noqa: S704 (drawn here, its words escaped)


def chances(voice: Voice, probabilities: tuple[float, ...]) -> Markup:
    """A bar of the chance of each level, in the levels' colours; the numbers stand beside it in the table.

    Parameters
    ----------
    voice : Voice
        Level names.
    probabilities : tuple of float
        Lowest level first.

    Returns
    -------
    Markup
        A drawing hidden from screen readers.
    """
    parts, x = [], 0.0
    for k, p in enumerate(probabilities):
        step = svg.tone(k, len(voice.levels)) or 0
        parts.append(svg.tag("rect", x=x, y=0, width=100 * p, height=10, fill=svg.LEVEL_FILL[step], class_=f"l{step}"))
        x += 100 * p
    mark = svg.tag(
        "svg",
        *parts,
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="bar",
        width=64,
        height=8,
    )
    return Markup(mark)  # noqa: S704 (drawn here, its words escaped)
