"""Why a forecast is another than it was, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import polars as pl

from salus.reports.view import focus
from salus.reports.words import language
from salus.surveillance.panel import Panel


def said(
    changes: pl.DataFrame, panel: Panel, places: pl.DataFrame, left_out: Mapping[str, tuple[str, str]], lang: str = "en"
) -> list[str]:
    """Sentences on the medians: all places together, then one a place at the horizon that a bulletin speaks of.

    Parameters
    ----------
    changes : polars.DataFrame
        `changes` contract.
    panel : Panel
        What is known now.
    places : polars.DataFrame
        `places` contract, for their names.
    left_out : mapping of str to (str, str)
        Places that were not forecast on both days, with the reason in English and Chinese.
    lang : str
        ``en`` or ``zh``.

    Returns
    -------
    list of str
        The largest difference first; what could not be told last.

    Raises
    ------
    NameNotFoundError
        There is no such language.
    """
    words = language(lang)
    own = pl.coalesce("name_zh", "name") if lang == "zh" and "name_zh" in places.columns else pl.col("name")
    names = dict(places.select("location", own.alias("name")).iter_rows())
    ahead = focus(changes["horizon"].unique().sort().to_list(), panel.cadence)
    rows = changes.filter(pl.col("output_type_id") == "0.5", pl.col("horizon") == ahead)
    rows = rows.with_columns(difference=pl.col("now") - pl.col("before"))
    rows = rows.sort(pl.col("difference").abs(), "location", descending=[True, False])
    found = []
    if rows.height:
        up, down = (int((rows["difference"] * sign > 0).sum()) for sign in (1, -1))
        day = words.day(rows["earlier_date"][0])
        found.append(words("change.all", up=up, down=down, total=rows.height, day=day))
    known = panel.values[np.isfinite(panel.values)]
    counts = bool((known == known.round()).all())
    for row in rows.iter_rows(named=True):
        digits = _digits(counts, max(row["now"], row["before"], abs(row["difference"])))
        start = panel.cadence.start(row["target_end_date"])
        parts = {name: _signed(row[name], digits) for name in ("difference", "new_data", "model_change")}
        key = "change.place" if row["revised_data"] is not None else "change.place.unrevised"
        if row["revised_data"] is not None:
            parts["revised_data"] = _signed(row["revised_data"], digits)
        found.append(
            words(
                key,
                place=names.get(row["location"]) or row["location"],
                period=words.period(panel.cadence, start, brief=True),
                now=f"{row['now']:,.{digits}f}",
                before=f"{row['before']:,.{digits}f}",
                day=words.day(row["earlier_date"]),
                **parts,
            )
        )
    if rows.height and rows["revised_data"].is_null().all():
        found.append(words["change.unrevised"])
    for place, reason in left_out.items():
        found.append(words("change.left", place=names.get(place) or place, reason=reason[lang == "zh"]))
    return found


def _digits(counts: bool, size: float) -> int:
    """Decimals of three significant digits; of counts one at most, and none from ten on."""
    if counts:
        return int(size < 10)
    return 0 if size >= 100 or size <= 0 else min(6, 2 - math.floor(math.log10(size)))


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    if not text.strip("0.,"):
        return "0"
    return f"+{text}" if value > 0 else f"\u2212{text}"
