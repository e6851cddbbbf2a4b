"""The bulletin: one object from which sentence, charts, tables and alt text are made, in English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from salus.reports import assemble, page, pdf
from salus.reports.asides import Aside
from salus.reports.meta import Meta, SourceFile
from salus.reports.reasons import reasoned
from salus.reports.sentences import Voice
from salus.reports.since import Since
from salus.reports.view import Overview, PlaceView
from salus.reports.words import language
from salus.surveillance.levels import LevelScheme

__all__ = ["Bulletin", "Meta", "SourceFile", "build"]


@dataclass(frozen=True)
class Bulletin:
    """Everything that a bulletin says, before it is put into a language.

    Attributes
    ----------
    meta : Meta
        What it says about itself.
    scheme : LevelScheme
        Level names, thresholds and their source.
    views : tuple of PlaceView
        All places, by location.
    overview : Overview
        All places together.
    shapes : mapping of str to mapping, optional
        GeoJSON geometries by location.
    since : Since, optional
        What changed since an earlier run.
    """

    meta: Meta
    scheme: LevelScheme
    views: tuple[PlaceView, ...]
    overview: Overview
    shapes: Mapping[str, Mapping[str, Any]] | None = field(default=None, repr=False)
    since: Since | None = field(default=None, repr=False)

    def voice(self, lang: str = "en") -> Voice:
        """What says the facts of this bulletin in a language.

        Parameters
        ----------
        lang : str
            ``en`` or ``zh``.

        Raises
        ------
        NameNotFoundError
            There is no such language.
        """
        return Voice(language(lang), self.meta, self.scheme, self.overview)

    def first_sentence(self, lang: str = "en") -> str:
        """The sentence that stands first.

        Parameters
        ----------
        lang : str
            ``en`` or ``zh``.

        Returns
        -------
        str
            Level now and where it is going.
        """
        return self.voice(lang).sentence

    def html(self, lang: str = "en") -> str:
        """One self-contained page: no script, no outside file, light and dark, phone and desktop.

        Parameters
        ----------
        lang : str
            ``en`` or ``zh``.

        Returns
        -------
        str
            HTML.
        """
        return page.html(self.voice(lang), self.views, self.shapes, printed=False, since=self.since)

    def pdf(self, path: str | Path, lang: str = "en") -> Path:
        """An A4 PDF with its fonts embedded, one page a place.

        Parameters
        ----------
        path : str or Path
            File to write; replaced in one step.
        lang : str
            ``en`` or ``zh``.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OutputError
            The file can't be written, or no font on this machine has the characters.
        """
        return pdf.write(
            page.html(self.voice(lang), self.views, self.shapes, printed=True, since=self.since), Path(path)
        )


def build(
    history: pl.DataFrame,
    status: pl.DataFrame,
    trust: pl.DataFrame,
    forecasts: pl.DataFrame,
    scheme: LevelScheme,
    meta: Meta,
    places: pl.DataFrame,
    shapes: Mapping[str, Mapping[str, Any]] | None = None,
    left_out: pl.DataFrame | None = None,
    reasons: pl.DataFrame | None = None,
    asides: Mapping[str, Aside] | None = None,
) -> Bulletin:
    """A bulletin from the result tables; nothing is computed anew but rounding, counting and words.

    Parameters
    ----------
    history : polars.DataFrame
        Columns ``location``, ``date`` (first day of the period), ``value``: what was known on the day.
    status : polars.DataFrame
        Status table: a row a place and horizon, horizon 0 the last known period.
    trust : polars.DataFrame
        Trust table: a row a place and horizon.
    forecasts : polars.DataFrame
        Forecasts table, the rows of the model that is shown for each place; checked to tell the same as ``status``.
    scheme : LevelScheme
        Level names, thresholds and their source.
    meta : Meta
        What the bulletin says about itself.
    places : polars.DataFrame
        Places table: names and tile positions; a further column ``short`` gives abbreviations for tiles.
    shapes : mapping of str to mapping, optional
        GeoJSON geometries by location; a shape map is drawn in place of tiles.
    left_out : polars.DataFrame, optional
        ``location``, ``date`` of counts that were left out to protect persons; said wherever they would stand.
    reasons : polars.DataFrame, optional
        Reasons table: what moves the forecasts, said of each place.
    asides : mapping of str to Aside, optional
        What stands around the forecast of a place: nowcast, peak, a person's word.

    Returns
    -------
    Bulletin
        Ready to be written in any language.

    Raises
    ------
    TableError
        A table breaks its contract.
    InputError
        There is no place at all, a level has no name, or status and forecasts tell different numbers.
    """
    views = assemble.place_views(history, status, trust, forecasts, scheme, meta, places, left_out)
    told = asides or {}
    views = tuple(replace(v, aside=told[v.location]) if v.location in told else v for v in views)
    overview = assemble.overview(views, scheme, meta)
    if reasons is not None:
        views = reasoned(views, reasons, overview.focus)
        overview = assemble.overview(views, scheme, meta)
    return Bulletin(meta, scheme, views, overview, shapes or None)
