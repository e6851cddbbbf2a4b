"""The section of one place: sentence, two charts, table, trust."""

from __future__ import annotations

import datetime as dt
from typing import Any

from markupsafe import Markup

from salus.reports import charts
from salus.reports.marks import badge, direction
from salus.reports.numbers import threshold
from salus.reports.sentences import Voice
from salus.reports.summary import chance_cells, outlook_cell, shared_cuts
from salus.reports.view import PlaceView

RECENT = {"week": 8, "month": 12, "day": 14}


def section(voice: Voice, view: PlaceView, month: int, size: tuple[float, float]) -> dict[str, Any]:
    """Everything that the section of a place shows.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    view : PlaceView
        The place.
    month : int
        Month in which seasons begin.
    size : (float, float)
        View box of each chart.

    Returns
    -------
    dict
        Texts, finished charts and table rows, for the template.
    """
    words, meta = voice.words, voice.meta
    ahead = view.outlook(voice.overview.focus)
    trend = ahead.trend if ahead else "none"
    span = words.span(meta.cadence, charts.FAN_PERIODS[meta.cadence.kind])
    title = words("fan.title" if view.outlooks else "fan.title.none", span=span)
    fan = charts.fan(
        view,
        f"f-{view.anchor}",
        title,
        voice.fan_alt(view),
        voice.levels,
        (meta.last_known, meta.arriving),
        meta.cadence,
        words,
        size,
    )
    overlay, alt = _season(voice, view, month, size)
    own = view.note_zh if words.lang == "zh" and view.note_zh else view.note
    note = "; ".join(dict.fromkeys(n for n in (own, *(o.note for o in view.outlooks)) if n))
    return {
        "anchor": view.anchor,
        "name": voice.name(view),
        "other": view.name if words.lang == "zh" and view.name != view.name_zh else "",
        "badge": badge(voice, view.level),
        "direction": direction(voice, trend),
        "sentence": voice.place(view),
        "support": voice.support(view),
        "fan_title": title,
        "fan": Markup(fan),  # noqa: S704 (drawn here, its words escaped)
        "fan_key": _fan_key(voice, view),
        "season_title": words("season.title"),
        "season": Markup(overlay),  # noqa: S704 (drawn here, its words escaped)
        "season_note": alt,
        "caption": words("table.place.caption", place=voice.name(view), unit=voice.unit),
        "levels": list(voice.level_heads) if view.cuts else [],
        "rows": rows(voice, view),
        "cuts": _cuts(voice, view),
        "trust": voice.trust(view) if view.outlooks else [],
        "note": note,
        "note_lang": "zh-Hans" if own != view.note else "en",
    }


def _fan_key(voice: Voice, view: PlaceView) -> str:
    """What the lines and bands of the forecast chart mean; empty where there is no forecast."""
    if not view.outlooks:
        return ""
    if view.mixed:
        return voice.words["fan.key.mixed"]
    return voice.words["fan.key.nochange" if view.outlooks[0].trend == "withheld" else "fan.key"]


def rows(voice: Voice, view: PlaceView) -> list[dict[str, Any]]:
    """Rows of the place's table: the last periods as known, then the forecast.

    Parameters
    ----------
    voice : Voice
        Facts and language.
    view : PlaceView
        The place.

    Returns
    -------
    list of dict
        ``period``, ``day``, ``known``, ``value``, ``fifty``, ``ninety``, ``badge``, ``chances``, ``trust``.
    """
    words, cadence = voice.words, voice.meta.cadence
    found = []
    recent = list(zip(view.starts, view.values, strict=True))[-RECENT[cadence.kind] :]
    for start, value in recent:
        level = voice.scheme.level(view.location, value) if value is not None and view.cuts else None
        found.append(
            {
                "period": cadence.label(start),
                "day": words.day(cadence.end(start)) if cadence.kind == "week" else "",
                "known": True,
                "value": view.scale.observed(value, view.cuts) if value is not None else _missing(voice, view, start),
                "fifty": "",
                "ninety": "",
                "badge": badge(voice, level) if level is not None else "",
                "chances": [""] * len(voice.levels),
                "trust": words("table.known") if value is not None else "",
                "withheld": False,
            }
        )
    for ahead in view.outlooks:
        cell = outlook_cell(voice, view, ahead)
        found.append(
            {
                "period": cadence.label(ahead.start),
                "day": words.day(ahead.end) if cadence.kind == "week" else "",
                "known": False,
                "value": cell["median"],
                "fifty": cell["fifty"],
                "ninety": cell["ninety"],
                "badge": badge(voice, ahead.level) if ahead.level is not None else "",
                "chances": chance_cells(voice, ahead),
                "trust": voice.trust_label(ahead.trust),
                "withheld": cell["withheld"],
            }
        )
    return found


def _missing(voice: Voice, view: PlaceView, start: dt.date) -> str:
    return voice.words("table.veiled" if start in view.left_out else "table.missing")


def _cuts(voice: Voice, view: PlaceView) -> str:
    """The place's own thresholds, where they are not everybody's."""
    if not view.cuts or shared_cuts(voice):
        return ""
    items = [voice.words("fan.cut", level=voice.level(k + 1), cut=threshold(c)) for k, c in enumerate(view.cuts)]
    return voice.words("fan.alt.cuts", items=voice.words["list.comma"].join(items))


def _season(voice: Voice, view: PlaceView, month: int, size: tuple[float, float]) -> tuple[str, str]:
    """The overlay and the sentence that compares; no chart where there is no earlier season."""
    words, cadence = voice.words, voice.meta.cadence
    found, position = charts.seasons(view, cadence, month)
    if len(found) < 2:
        return "", words("season.none")
    usual = charts.same_time(found, position)
    compare = ""
    if usual is not None:
        low, middle, high = (view.scale.observed(v) for v in usual[:3])
        key = "season.compare.late" if view.late or view.veiled else "season.compare"
        compare = words(key, low=low, middle=middle, high=high, now=view.now_text, n=usual[3])
    if view.left_out:
        share = len(view.left_out) / (len(view.known) + len(view.left_out))
        gap = " " if compare and words.lang == "en" else ""
        compare += gap + words("season.veiled", p=words.percent(share))
    alt = words("season.alt", place=voice.name(view), season=found[-1].name, n=len(found) - 1, compare=compare)
    drawn = charts.season_overlay(
        view, found, position, f"y-{view.anchor}", words("season.title"), alt, month, cadence, words, size
    )
    return drawn, compare
