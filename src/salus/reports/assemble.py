"""From result tables to views of places: the only module of the reports that reads tables."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from salus.errors import InputError
from salus.reports.meta import Meta
from salus.reports.numbers import Scale
from salus.reports.view import Outlook, Overview, PlaceView, Trust, focus
from salus.surveillance.levels import LevelScheme
from salus.surveillance.panel import SILENT_AFTER
from salus.tables.contracts import FORECASTS, PLACES, STATUS, TRUST

_BANDS = ("value", "lower50", "upper50", "lower95", "upper95")


def place_views(
    history: pl.DataFrame,
    status: pl.DataFrame,
    trust: pl.DataFrame,
    forecasts: pl.DataFrame,
    scheme: LevelScheme,
    meta: Meta,
    places: pl.DataFrame,
    left_out: pl.DataFrame | None = None,
) -> tuple[PlaceView, ...]:
    """Views of all places of the history and the status table, by location.

    Parameters
    ----------
    history : polars.DataFrame
        Columns ``location``, ``date`` (first day of the period), ``value``: what was known on the day.
    status, trust, forecasts, places : polars.DataFrame
        In their contracts; ``forecasts`` holds the rows of the model that is shown for each place.
    scheme : LevelScheme
        Level names, thresholds and their source.
    meta : Meta
        What the bulletin says about itself.
    left_out : polars.DataFrame, optional
        ``location``, ``date`` of counts left out to protect persons.

    Returns
    -------
    tuple of PlaceView
        One a place.

    Raises
    ------
    TableError
        A table breaks its contract.
    InputError
        There is no place at all, a level has no name, or status and forecasts tell different numbers.
    """
    status, trust = STATUS.check(status), TRUST.check(trust)
    shorts = dict(places.select("location", "short").iter_rows()) if "short" in places.columns else {}
    places = PLACES.check(places)
    _agree(status, FORECASTS.check(forecasts))
    _named(status, scheme)
    known = {str(key[0]): group for key, group in history.drop_nulls("location").group_by("location")}
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in status.sort("horizon").iter_rows(named=True):
        rows.setdefault(row["location"], []).append(row)
    tested: dict[str, list[Trust]] = {}
    for row in trust.sort("horizon").iter_rows(named=True):
        tested.setdefault(row["location"], []).append(Trust(**{f: row[f] for f in Trust.__dataclass_fields__}))
    veiled: dict[str, set[dt.date]] = {}
    for location, start in left_out.iter_rows() if left_out is not None else ():
        veiled.setdefault(location, set()).add(start)
    about = {row["location"]: row for row in places.iter_rows(named=True)}
    locations = sorted(known.keys() | rows.keys() | meta.unforecast.keys())
    if not locations:
        raise InputError(
            "there is nothing to report: neither history nor status names a place. Give at least one place."
        )
    scales = _scales(history, locations)
    anchors = _anchors(locations)
    return tuple(
        _place(
            location,
            _grid(known.get(location), meta),
            rows.get(location, []),
            tuple(tested.get(location, ())),
            about.get(location, {}),
            scheme,
            meta,
            anchors[location],
            shorts.get(location) or "",
            scales,
            frozenset(veiled.get(location, ())),
        )
        for location in locations
    )


def overview(views: Sequence[PlaceView], scheme: LevelScheme, meta: Meta) -> Overview:
    """What is said about all places together.

    Parameters
    ----------
    views : sequence of PlaceView
        All places.
    scheme : LevelScheme
        Level names.
    meta : Meta
        What the bulletin says about itself.

    Returns
    -------
    Overview
        Counts, order and expected counts.
    """
    whole = _whole(views)
    holds_others = {v.parent for v in views}
    ordered = sorted(
        (v for v in views if v is not whole),
        key=lambda v: (-1 if v.level is None else v.level, -1.0 if v.now is None else v.now, v.name),
        reverse=True,
    )
    above = "country" if any(v.kind not in (None, "country") for v in views) else None  # a nation's second spelling
    counted = [v for v in ordered if v.location not in holds_others and (v.kind is None or v.kind != above)]
    number = len(scheme.names)
    counts, before = [0] * number, [0] * number
    for view in counted:
        if view.level is not None:
            counts[view.level] += 1
        if view.before is not None:
            before[view.before] += 1
    horizons = sorted({o.horizon for v in views for o in v.outlooks})
    far = focus(horizons, meta.cadence)
    ahead, given, graded = [], 0, [v for v in counted if v.level is not None]
    for view in graded:
        outlook = view.outlook(far)
        if outlook is not None and outlook.probabilities:
            good = outlook.trend != "withheld"
            given += good
            ahead.append(outlook.probabilities if good else tuple(float(k == view.level) for k in range(number)))
    complete = bool(graded) and len(ahead) == len(graded) and 2 * given > len(graded)
    shown = [v.level_ahead(far) for v in graded]
    return Overview(
        places=tuple(counted),
        wider=tuple(v for v in ordered if v.location not in {c.location for c in counted}),
        whole=whole,
        focus=far,
        on_time=meta.cadence.start(meta.reference_date) == meta.last_known,
        top=max((v.level for v in graded if v.level is not None), default=None),
        counts=tuple(counts),
        before=tuple(before),
        expected=tuple(sum(p[k] for p in ahead) for k in range(number)) if complete else None,
        likely=tuple(shown.count(k) for k in range(number)) if complete else None,
    )


def _place(
    location: str,
    grid: tuple[tuple[dt.date, ...], tuple[float | None, ...]],
    rows: list[dict[str, Any]],
    trusts: tuple[Trust, ...],
    about: Mapping[str, Any],
    scheme: LevelScheme,
    meta: Meta,
    anchor: str,
    short: str,
    scales: Mapping[str, Scale],
    left_out: frozenset[dt.date],
) -> PlaceView:
    starts, values = grid
    nowadays = next((r for r in rows if r["horizon"] == 0), None)
    now = nowadays["value"] if nowadays else None
    now_start = meta.cadence.start(nowadays["target_end_date"]) if nowadays and now is not None else None
    cuts = tuple(scheme.cuts.get(location, ()))
    previous = dict(zip(starts, values, strict=True)).get(meta.cadence.shift(now_start, -1)) if now_start else None
    name = about.get("name") or location
    late = max(0, meta.cadence.between(now_start, meta.last_known)) if now_start else 0
    veiled = any(now_start is None or start > now_start for start in left_out)
    current = now is not None and late <= SILENT_AFTER and not veiled  # a level so old says nothing of now
    return PlaceView(
        location=location,
        anchor=anchor,
        name=name,
        name_zh=about.get("name_zh") or name,
        short=short,
        parent=about.get("parent"),
        kind=about.get("location_level"),
        tile=(about["tile_row"], about["tile_column"])
        if about.get("tile_row") is not None and about.get("tile_column") is not None
        else None,
        starts=starts,
        values=values,
        now=now,
        now_start=now_start,
        level=nowadays["level"] if nowadays and current else None,
        before=scheme.level(location, previous) if previous is not None and cuts and current else None,
        late=late,
        outlooks=tuple(
            _outlook(r, len(cuts) + 1 if cuts else 0, meta) for r in rows if r["horizon"] > 0 and r["value"] is not None
        ),
        trusts=trusts,
        cuts=cuts,
        note="; ".join(n for n in ((nowadays["note"] if nowadays else ""), scheme.notes.get(location)) if n),
        reason=meta.unforecast.get(location),
        scale=scales[location],
        left_out=left_out,
        note_zh=scheme.notes_zh.get(location, ""),
    )


def _outlook(row: Mapping[str, Any], levels: int, meta: Meta) -> Outlook:
    missing = [name for name in _BANDS if row[name] is None]
    if missing:
        raise InputError(
            f"the status of {row['location']} at horizon {row['horizon']} has a median but no {', '.join(missing)}; "
            "a forecast needs all four limits. Leave the median out as well where there is no forecast."
        )
    probabilities = [row.get(f"probability_{k}") for k in range(levels)]
    return Outlook(
        horizon=row["horizon"],
        start=meta.cadence.start(row["target_end_date"]),
        end=row["target_end_date"],
        median=row["value"],
        lower50=row["lower50"],
        upper50=row["upper50"],
        lower95=row["lower95"],
        upper95=row["upper95"],
        level=row["level"],
        probabilities=tuple(float(p) for p in probabilities if p is not None) if None not in probabilities else (),
        higher=row["probability_higher"],
        trust=row["trust"] if row["trust"] != "observed" else "unknown",
        shown=row["shown"],
        note=row["note"] or "",
    )


def _grid(known: pl.DataFrame | None, meta: Meta) -> tuple[tuple[dt.date, ...], tuple[float | None, ...]]:
    """All periods from the first known to the last that is known or due, with their values."""
    values = (
        {}
        if known is None
        else {day: v for day, v in known.select("date", "value").iter_rows() if v is not None and v == v}
    )
    if not values:
        return (), ()
    starts = meta.cadence.grid(min(values), max(max(values), meta.last_known))
    return tuple(starts), tuple(values.get(start) for start in starts)


def _scales(history: pl.DataFrame, locations: Sequence[str]) -> dict[str, Scale]:
    """One scale a place; counts or rates for all alike."""
    values: dict[str, list[float]] = {location: [] for location in locations}
    for location, value in history.drop_nulls(["location", "value"]).select("location", "value").iter_rows():
        if value == value:
            values[location].append(value)
    whole = Scale.of(v for own in values.values() for v in own).whole
    return {location: Scale(whole, Scale.of(own).small and not whole) for location, own in values.items()}


def _whole(views: Sequence[PlaceView]) -> PlaceView | None:
    """The one place that all others lie in, if there is one."""
    if len(views) < 3:
        return None
    parent = {v.location: v.parent for v in views}
    held = Counter(above for v in views for above in _above(v.location, parent))
    for view in views:
        if held[view.location] == len(views) - 1:
            return view
    countries = [v for v in views if v.kind == "country"]
    return countries[0] if len(countries) == 1 else None


def _above(location: str, parent: Mapping[str, str | None]) -> set[str]:
    """The places of the bulletin that a place lies in, one within the other."""
    found: set[str] = set()
    step = parent.get(location)
    while step is not None and step in parent and step not in found:
        found.add(step)
        step = parent[step]
    return found - {location}


def _agree(status: pl.DataFrame, forecasts: pl.DataFrame) -> None:
    """Status and forecasts must tell the same medians, or chart and hub file would contradict each other."""
    medians = (
        forecasts.filter(
            (pl.col("output_type") == "quantile") & (pl.col("output_type_id").cast(pl.Float64, strict=False) == 0.5)
        )
        .select("location", "horizon", pl.col("value").alias("median"))
        .join(status.select("location", "horizon", "value"), on=["location", "horizon"])
        .filter(
            (pl.col("median") - pl.col("value")).abs() > 1e-6 * pl.max_horizontal(pl.lit(1.0), pl.col("median").abs())
        )
    )
    if medians.height:
        first = medians.sort("location", "horizon").row(0, named=True)
        raise InputError(
            f"status and forecasts disagree on {medians.height} medians, first {first['location']} at horizon "
            f"{first['horizon']}: {first['value']:g} in the status, {first['median']:g} in the forecasts. "
            "Give the forecasts of the model that is shown."
        )


def _named(status: pl.DataFrame, scheme: LevelScheme) -> None:
    highest = status["level"].max() if status.height else None
    if isinstance(highest, int) and highest >= len(scheme.names):
        raise InputError(
            f"the status table has level {highest}, but the level scheme names only {len(scheme.names)} levels "
            f"({', '.join(scheme.names)}). Make both with the same scheme."
        )


def _anchors(locations: Sequence[str]) -> dict[str, str]:
    """A name for each place's section, of ASCII letters, digits and hyphens, each once."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for number, location in enumerate(locations, 1):
        plain = re.sub(r"[^a-z0-9]+", "-", location.lower()).strip("-")[:40]
        anchor = f"place-{plain}" if plain else f"place-{number}"
        if anchor in taken:
            anchor = f"{anchor}-{number}"
        taken.add(anchor)
        found[location] = anchor
    return found
