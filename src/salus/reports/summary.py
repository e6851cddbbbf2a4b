"""The parts of a bulletin about all places: key figures, maps, the table, the small charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from salus.reports import charts, maps, svg
from salus.reports.marks import badge, chances, direction
from salus.reports.numbers import percent, threshold
from salus.reports.sentences import Voice
from salus.reports.view import Outlook, PlaceView

Part = dict[str, Any]


def key_figures(voice: Voice) -> list[Part]:
    """Four or five numbers with what they mean.

    Parameters
    ----------
    voice : Voice
        Facts and language.

    Returns
    -------
    list of dict
        ``figure``, ``label``, ``note``.
    """
    overview, words = voice.overview, voice.words
    total = len(overview.places)
    if total == 1:
        return _of_one(voice, overview.places[0])
    when = voice.when(overview.focus)
    found = [] if overview.whole is None or overview.whole.now is None else [_national(voice, overview.whole)]
    one = words.span(voice.meta.cadence, 1)
    if overview.top is not None:
        found.append(
            _part(
                words("key.of", n=overview.counts[overview.top], total=total),
                words("key.level", **voice.level_words(overview.top)),
                words("key.before", span=one, n=overview.before[overview.top]),
            )
        )
        if (ahead := voice.ahead_counts) is not None:
            likely, expected = ahead
            label = words("key.likely", when=when, higher=voice.higher, **voice.level_words(overview.top))
            if overview.top == 0:
                label = words("key.likely.up", when=when)
            note = "" if expected is None else words("key.chances", n=expected)
            found.append(_part(words("key.of", n=likely, total=total), label, note))
    if voice.meta.modelled and any(v.outlooks for v in overview.places):
        moves = f"↑\u00a0{len(overview.moving('up'))}\u00a0 ↓\u00a0{len(overview.moving('down'))}"
        found.append(_part(moves, words("key.moves"), words("key.moves.note", when=when)))
        good = [v for v in overview.places if (t := v.trust(overview.focus)) and t.label in ("high", "moderate", "low")]
        found.append(_part(words("key.of", n=len(good), total=total), words("key.trusted"), when))
    highest = max(
        (v for v in overview.places if v.now is not None and not v.veiled), key=lambda v: v.now or 0.0, default=None
    )
    if highest is not None and (highest.now or not overview.veiled):
        found.append(_part(highest.now_text, words("key.highest", unit=voice.unit), voice.name(highest)))
    return found


def _part(figure: str, label: str, note: str = "") -> Part:
    return {"figure": figure, "label": label, "note": note}


def _national(voice: Voice, whole: PlaceView) -> Part:
    """The value of the place that holds the others."""
    ahead, note = whole.outlook(voice.overview.focus), ""
    if ahead is not None:
        body = voice.words("key.about.value", n=voice.ranges(whole, ahead)["median"])
        if ahead.trend == "withheld":
            body = voice.words["key.nochange"]
        note = voice.words("colon", head=voice.when(ahead.horizon), body=body)
    return _part(
        whole.now_text, voice.words("key.whole", unit=voice.unit, place=voice.name(whole)), note[:1].upper() + note[1:]
    )


def _of_one(voice: Voice, view: PlaceView) -> list[Part]:
    words, cadence, found = voice.words, voice.meta.cadence, []
    if view.now is not None and view.now_start is not None:
        by_start = dict(view.known)
        before = by_start.get(cadence.shift(view.now_start, -1))
        note = (
            ""
            if before is None
            else words("key.before.value", span=words.span(cadence, 1), value=view.scale.observed(before, view.cuts))
        )
        found.append(
            _part(view.now_text, words("key.now", unit=voice.unit, period=words.period(cadence, view.now_start)), note)
        )
        seasons, position = charts.seasons(view, cadence, charts.season_month([view]))
        usual = charts.same_time(seasons, position)
        if usual is not None:
            low, middle, high = (view.scale.observed(v) for v in usual[:3])
            found.append(_part(middle, words("key.usual"), words("key.usual.note", low=low, high=high, n=usual[3])))
    ahead = view.outlook(voice.overview.focus)
    if ahead is not None and ahead.trend == "withheld":
        found.append(_part("–", words["key.nochange"], voice.when(ahead.horizon)))
    elif ahead is not None:
        numbers, when = voice.ranges(view, ahead), voice.when(ahead.horizon)
        span = words("range", low=numbers["low95"], high=numbers["high95"])
        found.append(_part(numbers["median"], words("key.ahead", when=when), words("key.ahead.note", range=span)))
        if ahead.probabilities:
            top = len(ahead.probabilities) - 1
            found.append(
                _part(words.percent(ahead.probabilities[top]), words("key.top", **voice.level_words(top), when=when))
            )
    return found


def legend(voice: Voice) -> list[Part]:
    """The levels with their badges and, where all places share them, thresholds.

    Parameters
    ----------
    voice : Voice
        Facts and language.

    Returns
    -------
    list of dict
        ``badge`` and ``range``, lowest level first.
    """
    cuts = shared_cuts(voice)
    found = []
    for k in range(len(voice.levels)):
        span = ""
        if cuts:
            span = (
                voice.words("legend.to", cut=threshold(cuts[0]))
                if k == 0
                else voice.words("legend.from", cut=threshold(cuts[k - 1]))
            )
        found.append({"badge": badge(voice, k), "range": span})
    return found


def shared_cuts(voice: Voice) -> tuple[float, ...]:
    """Thresholds that all places share; empty where they differ or there are none.

    Parameters
    ----------
    voice : Voice
        Facts.
    """
    return voice.overview.shared_cuts


def level_maps(voice: Voice, shapes: Mapping[str, Mapping[str, Any]] | None) -> list[Part]:
    """The map of levels now and the one of the likeliest levels at the focus horizon.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    shapes : mapping of str to mapping, optional
        GeoJSON geometries by location; tiles are drawn without them.

    Returns
    -------
    list of dict
        ``heading`` and ``svg``; empty where fewer than two places have a position.
    """
    overview, words, cadence = voice.overview, voice.words, voice.meta.cadence
    drawn = [v for v in overview.places if (v.location in shapes if shapes else v.tile is not None)]
    if len(drawn) < 2:
        return []
    labels = maps.abbreviations(drawn, words.lang)
    due = voice.meta.last_known
    ahead_start = cadence.shift(due, overview.focus)

    def now(view: PlaceView) -> maps.Tile:
        step = svg.tone(view.level, len(voice.levels))
        value = now_cell(voice, view)
        return step, words("map.tile", place=voice.name(view), level=voice.level(view.level), value=value), False

    def later(view: PlaceView) -> maps.Tile:
        ahead = view.outlook(overview.focus)
        if ahead is None:
            return None, words("colon", head=voice.name(view), body=words("trend.none")), False
        step = svg.tone(view.level_ahead(ahead.horizon), len(voice.levels))
        if ahead.trend == "withheld":
            return step, words("map.tile.held", place=voice.name(view), level=voice.level(view.level)), step is not None
        value = voice.ranges(view, ahead)["median"]
        return step, words("map.tile.ahead", place=voice.name(view), level=voice.level(ahead.level), value=value), False

    found = []
    for name, start, reading, key in (
        ("map-now", due, now, "map.now"),
        ("map-ahead", ahead_start, later, "map.ahead"),
    ):
        if key == "map.ahead" and not any(v.outlook(overview.focus) for v in drawn):
            continue
        period = words.period(cadence, start, brief=True)
        heading = words(key, when=voice.when(overview.focus), period=period)
        if key == "map.ahead" and overview.on_time:
            heading = words("colon", head=heading, body=period)
        alt = _map_alt(voice, drawn, key == "map.ahead", period)
        if shapes:
            picture = maps.shape_map(drawn, shapes, name, heading, alt, reading)
        else:
            picture = maps.tile_map(drawn, name, heading, alt, reading, labels)
        found.append({"heading": heading, "svg": Markup(picture)})  # noqa: S704 (drawn here, its words escaped)
    return found


def now_cell(voice: Voice, view: PlaceView) -> str:
    """The last value as tables and maps write it: also where it is missing, or left out to protect persons.

    Parameters
    ----------
    voice : Voice
        Language.
    view : PlaceView
        The place.
    """
    if view.veiled:
        return voice.words["table.veiled"]
    return view.now_text or voice.words["table.missing"]


def map_note(voice: Voice, shapes: Mapping[str, Mapping[str, Any]] | None) -> str:
    """What stands under the maps: how to read them, and what hatching means where there is some.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    shapes : mapping of str to mapping, optional
        GeoJSON geometries by location.
    """
    words = voice.words
    said = [words["map.note.shape"] if shapes else words("map.note", place=voice.kind(1))]
    if any(v.level is None or v.outlook(voice.overview.focus) is None for v in voice.overview.places):
        said.append(words["map.none"])
    if voice.overview.moving("withheld"):
        said.append(words["map.held"])
    return (" " if words.lang == "en" else "").join(said)


def _map_alt(voice: Voice, drawn: Sequence[PlaceView], later: bool, period: str) -> str:
    levels: list[int | None] = []
    held = 0
    for view in drawn:
        ahead = view.outlook(voice.overview.focus)
        levels.append(view.level_ahead(voice.overview.focus) if later else view.level)
        held += bool(later and ahead and ahead.trend == "withheld")
    items = [
        voice.words("map.count", n=levels.count(k), **voice.level_words(k))
        for k in reversed(range(len(voice.levels)))
        if levels.count(k)
    ]
    if levels.count(None):
        items.append(voice.words("map.unknown", n=levels.count(None)))
    said = [voice.words("map.alt", period=period, items=voice.words.join(items, most=9))]
    if held:
        said.append(voice.words("map.alt.held", n=held))
    return (" " if voice.words.lang == "en" else "").join(said)


def table(voice: Voice) -> Part:
    """The table of all places, highest level first; a place that holds the others stands on top.

    Parameters
    ----------
    voice : Voice
        Facts and language.

    Returns
    -------
    dict
        ``caption``, ``heads`` (one a horizon), ``levels`` (names), ``rows``, ``veiled`` (a count is left out),
        ``held`` (a forecast is withheld).
    """
    overview, words, cadence = voice.overview, voice.words, voice.meta.cadence
    horizons = overview.horizons
    heads = [
        {
            "horizon": h,
            "when": words.after(cadence, h) if overview.on_time else _last_day(voice, h),
            "label": _last_day(voice, h) if overview.on_time else "",
            "focus": h == overview.focus,
        }
        for h in horizons
    ]
    return {
        "caption": words(
            "table.caption",
            disease=voice.title,
            unit=voice.unit,
            when=words.during(cadence, voice.meta.last_known),
            span=words.span(cadence, max(horizons, default=overview.focus)),
        ),
        "heads": heads,
        "levels": list(voice.level_heads) if any(v.cuts for v in overview.all_places) else [],
        "rows": [_row(voice, view, horizons) for view in overview.all_places],
        "veiled": any(v.veiled for v in overview.all_places),
        "held": voice.meta.modelled
        and any(o.trend == "withheld" for v in overview.all_places for o in v.outlooks if o.horizon in horizons),
    }


def _last_day(voice: Voice, horizon: int) -> str:
    """The period of a horizon by its last day."""
    cadence = voice.meta.cadence
    return voice.words.until(cadence, cadence.shift(voice.meta.last_known, horizon))


def _row(voice: Voice, view: PlaceView, horizons: Sequence[int]) -> Part:
    ahead = view.outlook(voice.overview.focus)
    told = ahead is not None and ahead.probabilities and ahead.trend != "withheld"
    late = view.late and view.now_start and not view.veiled
    return {
        "name": voice.name(view),
        "anchor": view.anchor,
        "now": now_cell(voice, view),
        "late": voice.meta.cadence.label(view.now_start) if late and view.now_start else "",
        "badge": badge(voice, view.level, brief=True),
        "direction": direction(voice, ahead.trend if ahead else "none"),
        "cells": [outlook_cell(voice, view, view.outlook(h)) for h in horizons],
        "bar": chances(voice, ahead.probabilities) if ahead and told else "",
        "chances": chance_cells(voice, ahead),
        "trust": voice.trust_label(ahead.trust) if ahead else voice.words["trend.none"],
        "label": ahead.trust if ahead else "none",
    }


def outlook_cell(voice: Voice, view: PlaceView, ahead: Outlook | None) -> Part:
    """Median and ranges of a horizon as the tables write them; empty where there is none.

    Parameters
    ----------
    voice : Voice
        Language.
    view : PlaceView
        The place.
    ahead : Outlook or None
        What is expected.

    Returns
    -------
    dict
        ``median``, ``fifty``, ``ninety``, ``withheld`` ("no change" stands in for the model).
    """
    if ahead is None:
        return {"median": "", "fifty": "", "ninety": "", "withheld": False}
    numbers = voice.ranges(view, ahead)
    return {
        "median": numbers["median"],
        "fifty": voice.words("range.cell", low=numbers["low50"], high=numbers["high50"]),
        "ninety": voice.words("range.cell", low=numbers["low95"], high=numbers["high95"]),
        "withheld": ahead.trend == "withheld" and voice.meta.modelled,
    }


def chance_cells(voice: Voice, ahead: Outlook | None) -> list[str]:
    """The chance of each level as the tables write it; empty where the forecast is withheld.

    Parameters
    ----------
    voice : Voice
        Language.
    ahead : Outlook or None
        What is expected.
    """
    if ahead is None or not ahead.probabilities or ahead.trend == "withheld":
        return [""] * len(voice.levels)
    return [voice.words("percent.cell", p=percent(p)) for p in ahead.probabilities]


def multiples(voice: Voice) -> list[Part]:
    """Small charts of all places, by level now; a group shares its axis where all places share thresholds or rates.

    Parameters
    ----------
    voice : Voice
        Facts and language.

    Returns
    -------
    list of dict
        ``badge``, ``note``, ``charts`` (``name``, ``anchor``, ``value``, ``svg``, ``top``); highest level first.
    """
    overview, words, due, cadence = voice.overview, voice.words, voice.meta.last_known, voice.meta.cadence
    shared = same_axis(voice)
    found = []
    for level in [*reversed(range(len(voice.levels))), None]:
        views = [v for v in overview.places if v.level == level]
        if not views:
            continue
        together = charts.small_top(views, due, cadence)
        drawn = []
        for view in views:
            top = together if shared else charts.small_top([view], due, cadence)
            ahead = view.outlook(overview.focus)
            trend = words(f"trend.{ahead.trend if ahead else 'none'}")
            alt = words("multiples.alt", place=voice.name(view), value=now_cell(voice, view), trend=trend)
            picture = charts.small(view, f"s-{view.anchor}", alt, top, view.cuts, due, cadence)
            drawn.append(
                {
                    "name": voice.name(view),
                    "anchor": view.anchor,
                    "value": now_cell(voice, view),
                    "svg": Markup(picture),  # noqa: S704 (drawn here, its words escaped)
                    "top": "" if shared else words("multiples.top", top=threshold(top)),
                }
            )
        note = words("multiples.shared", top=threshold(together), unit=voice.unit) if shared else ""
        found.append({"badge": badge(voice, level), "count": len(views), "note": note, "charts": drawn})
    return found


def same_axis(voice: Voice) -> bool:
    """Whether the small charts of a group share their axis: places with the same thresholds, or rates, do.

    Parameters
    ----------
    voice : Voice
        Facts.
    """
    return bool(shared_cuts(voice)) or not any(v.scale.whole for v in voice.overview.places)
