"""Maps of levels: tiles by row and column, or shapes where geometry is given. Level is a colour, a shape and a word."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from salus.errors import InputError
from salus.reports import svg
from salus.reports.view import PlaceView

Tile = tuple[int | None, str, bool]
"""Colour step of a level, the words for it, and whether it is hatched: no forecast, the level now repeated."""

Reading = Callable[[PlaceView], Tile]
"""From a place to what is drawn for it."""

TILE = 46.0
LARGEST = 70.0
"""Side in CSS pixels that a tile has at most, so that few places do not fill the page."""
SHAPE_WIDTH = 560.0


def tile_map(
    views: Sequence[PlaceView],
    name: str,
    title: str,
    description: str,
    reading: Reading,
    labels: Mapping[str, str],
) -> str:
    """A map of one square a place.

    Parameters
    ----------
    views : sequence of PlaceView
        Those with a tile position are drawn.
    name, title, description : str
        Id in the page, and words for those who do not see it.
    reading : callable
        Colour step, words and hatching of a place.
    labels : mapping of str to str
        Short names by location.
    """
    placed = [(view, view.tile) for view in views if view.tile is not None]
    top = min(row for _, (row, _) in placed)
    left = min(column for _, (_, column) in placed)
    width = (max(column for _, (_, column) in placed) - left + 1) * TILE
    height = (max(row for _, (row, _) in placed) - top + 1) * TILE
    drawn = [_hatching(name)]
    for view, (row, column) in sorted(placed, key=lambda pair: pair[1]):
        step, words, held = reading(view)
        x, y = (column - left) * TILE, (row - top) * TILE
        ink = svg.LEVEL_INK[step] if step is not None else "#3b4a52"
        label = labels[view.location]
        drawn.append(
            svg.tag(
                "a",
                svg.tag("title", escape(words)),
                svg.tag(
                    "rect",
                    x=x + 1,
                    y=y + 1,
                    width=TILE - 2,
                    height=TILE - 2,
                    rx=4,
                    fill=_fill(step),
                    class_=_class(step),
                ),
                svg.tag("rect", x=x + 1, y=y + 1, width=TILE - 2, height=TILE - 2, rx=4, fill=f"url(#{name}-h)")
                if held
                else "",
                f'<g class="{_class(step)}i" color="{ink}">{svg.shape(step, x + TILE / 2, y + 12, 5.5, ink)}</g>',
                svg.tag(
                    "text",
                    escape(label),
                    x=x + TILE / 2,
                    y=y + 36,
                    text_anchor="middle",
                    font_size=_label_size(label),
                    fill=ink,
                    class_=f"{_class(step)}t",
                ),
                href=f"#{view.anchor}",
                aria_label=words,
            )
        )
    widest = LARGEST * width / TILE
    return svg.picture(name, width, height, title, description, *drawn, group=True, widest=widest)


def shape_map(
    views: Sequence[PlaceView],
    shapes: Mapping[str, Mapping[str, Any]],
    name: str,
    title: str,
    description: str,
    reading: Reading,
) -> str:
    """A map of the places' outlines, degrees drawn at the scale of the middle latitude.

    Parameters
    ----------
    views : sequence of PlaceView
        Those with a shape are drawn.
    shapes : mapping of str to mapping
        GeoJSON geometries (``Polygon`` or ``MultiPolygon``, degrees east and north) by location.
    name, title, description : str
        Id in the page, and words for those who do not see it.
    reading : callable
        Colour step and words of a place.

    Raises
    ------
    InputError
        A geometry is of another type.
    """
    rings = {view.location: _rings(view.location, shapes[view.location]) for view in views if view.location in shapes}
    points = [point for own in rings.values() for ring in own for point in ring]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = SHAPE_WIDTH / max((east - west) * squeeze, (north - south), 1e-9)
    width, height = max(1.0, (east - west) * squeeze * scale), max(1.0, (north - south) * scale)
    drawn = [_hatching(name)]
    for view in views:
        if view.location not in rings:
            continue
        step, words, held = reading(view)
        ink = svg.LEVEL_INK[step] if step is not None else "#3b4a52"
        projected = [
            [((p[0] - west) * squeeze * scale, (north - p[1]) * scale) for p in ring] for ring in rings[view.location]
        ]
        outline = "".join(svg.line(ring) + "z" for ring in projected)
        largest = max(projected, key=lambda ring: abs(_signed_area(ring)))
        x, y = _centre(largest)
        drawn.append(
            svg.tag(
                "a",
                svg.tag("title", escape(words)),
                svg.tag(
                    "path",
                    d=outline,
                    fill=_fill(step),
                    fill_rule="evenodd",
                    stroke="#ffffff",
                    stroke_width=1,
                    class_=_class(step),
                ),
                svg.tag("path", d=outline, fill=f"url(#{name}-h)", fill_rule="evenodd") if held else "",
                f'<g class="{_class(step)}i" color="{ink}">{svg.shape(step, x, y, 5, ink)}</g>',
                href=f"#{view.anchor}",
                aria_label=words,
            )
        )
    return svg.picture(name, width, height, title, description, *drawn, group=True)


def _hatching(name: str) -> str:
    """Slanted lines that show on every level's colour, on light and dark screens."""
    stripe = svg.tag("path", d="M-2,2l4,-4M0,8l8,-8M6,10l4,-4", stroke="#7d8b92", stroke_width=1.2, fill="none")
    return svg.tag("defs", svg.tag("pattern", stripe, id=f"{name}-h", width=8, height=8, patternUnits="userSpaceOnUse"))


def abbreviations(views: Sequence[PlaceView], lang: str) -> dict[str, str]:
    """Short names for tiles: the table's own, else Chinese names, short codes, initials, or three letters that differ.

    Parameters
    ----------
    views : sequence of PlaceView
        All places of the map.
    lang : str
        Language of the names.

    Returns
    -------
    dict of str to str
        By location, each once as far as the letters allow.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    if all(v.short for v in views) and not all(_fits(v.called(lang)) for v in views):
        return {v.location: v.short for v in views}
    for view in sorted(views, key=lambda v: (len(v.called(lang)), v.location)):
        label = next(option for option in [*_options(view, lang), view.called(lang)[:4]] if option)
        for option in _options(view, lang):
            if option and option not in taken:
                label = option
                break
        taken.add(label)
        found[view.location] = label
    return found


def _options(view: PlaceView, lang: str) -> list[str]:
    name = view.called(lang)
    if _is_chinese(name):
        plain = _plain(name)
        return [plain[:3], plain[:2] + plain[-1], plain[:1] + plain[-2:]]
    if view.short:
        return [view.short]
    if view.location.isalpha() and view.location.isupper() and len(view.location) <= 3:
        return [view.location]
    initials = "".join(word[0] for word in name.split()).upper()
    letters = "".join(c for c in name if c.isalpha())
    longer = [letters[:2] + c for c in letters[3:]] + [letters[:1] + c + d for c, d in pairwise(letters[2:])]
    return ([initials[:3]] if len(initials) >= 2 else []) + [letters[:3], *longer, name[:3]]


def _is_chinese(name: str) -> bool:
    return any(ord(c) > 0x2E7F for c in name)


def _plain(name: str) -> str:
    """A Chinese name without its kind of place."""
    plain = name.removesuffix("特别行政区").removesuffix("自治区")
    if len(plain) > 3 and plain != name:
        plain = plain[:2]
    return plain[:-1] if len(plain) > 2 and plain[-1] in "省市县都府州" else plain


def _fits(name: str) -> bool:
    """Whether a name can stand on a tile whole."""
    return _is_chinese(name) and len(_plain(name)) <= 3


def _label_size(label: str) -> float:
    wide = sum(1.0 if ord(c) > 0x2E7F else 0.72 if c.isupper() else 0.6 for c in label)
    return min(18.0, (TILE - 5) / max(1.0, wide))


def _class(step: int | None) -> str:
    return "lx" if step is None else f"l{step}"


def _fill(step: int | None) -> str:
    return "#f4f6f7" if step is None else svg.LEVEL_FILL[step]


def _rings(location: str, geometry: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    kind, coordinates = geometry.get("type"), geometry.get("coordinates", [])
    if kind not in ("Polygon", "MultiPolygon"):
        raise InputError(
            f"the shape of {location} is a {kind!r}; a GeoJSON Polygon or MultiPolygon was wanted. "
            "Leave the place out of the shapes."
        )
    polygons = [coordinates] if kind == "Polygon" else coordinates
    return [[(float(p[0]), float(p[1])) for p in ring] for polygon in polygons for ring in polygon]


def _signed_area(ring: Sequence[tuple[float, float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)) / 2


def _centre(ring: Sequence[tuple[float, float]]) -> tuple[float, float]:
    area = _signed_area(ring)
    if abs(area) < 1e-9:
        return ring[0]
    pairs = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * area)
    return x, y
