"""Why this week's forecast is another than last week's."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data.output import check_place, replaced_file
from salus.errors import InputError
from salus.evaluation.backtest import stepped
from salus.forecasting import stored
from salus.forecasting.answer import new_model
from salus.forecasting.change import split
from salus.forecasting.nowcast import needed
from salus.reports import change_words
from salus.surveillance.panel import Panel
from salus.surveillance.series import ALSO_LAG, open_series
from salus.workflows.named_places import named_places
from salus.workflows.outlook import around


@dataclass(frozen=True)
class Explained:
    """A forecast beside an earlier one of the same periods.

    Attributes
    ----------
    table : polars.DataFrame
        `changes` contract: the difference in parts.
    panel : Panel
        What is known now.
    places : polars.DataFrame
        `places` contract, for their names.
    left_out : dict of str to (str, str)
        Places that were not forecast on both days, and why.
    """

    table: pl.DataFrame
    panel: Panel
    places: pl.DataFrame
    left_out: dict[str, tuple[str, str]]

    def words(self, lang: str = "en") -> list[str]:
        """The difference in sentences: of all places together, then one a place, the largest difference first.

        Parameters
        ----------
        lang : str
            ``en`` or ``zh``.
        """
        return change_words.said(self.table, self.panel, self.places, self.left_out, lang)

    def write(self, out: str | Path) -> None:
        """Write the table, as JSON where the name ends so, else as CSV.

        Parameters
        ----------
        out : str or Path
            File; replaced in one step.
        """
        with replaced_file(out) as temporary:
            if Path(out).suffix.lower() == ".json":
                temporary.write_text(self.json() + "\n", encoding="utf-8")
            else:
                self.table.write_csv(temporary)

    def json(self) -> str:
        """The table and the words of both languages, for a machine."""
        found = {"rows": self.table.to_dicts(), "en": self.words("en"), "zh": self.words("zh")}
        return json.dumps(found, ensure_ascii=False, default=str)


def change(
    source: Any,
    disease: str | None = None,
    signal: str | None = None,
    *,
    also: Sequence[Any] = (),
    also_lag: int = ALSO_LAG,
    drivers: Sequence[Any] = (),
    as_of: dt.date | None = None,
    since: dt.date | None = None,
    earlier: Any = None,
    horizons: Sequence[int] = (1, 2, 3, 4),
    model: str = "combination",
    model_file: str | Path | None = None,
    nowcast: str = "auto",
    mapping: dict[str, str] | None = None,
    encoding: str | None = None,
    out: str | Path | None = None,
) -> Explained:
    """The difference between a forecast and an earlier one of the same periods, in parts that add up.

    Parameters
    ----------
    source : path or frame
        `series` contract.
    disease, signal, also, also_lag, drivers, as_of, model, nowcast, mapping, encoding
        As for :func:`salus.workflows.forecasting.forecast`.
    since : datetime.date, optional
        Day of the earlier forecast; one period before by default.
    earlier : path or frame, optional
        The table as it stood then, where ``source`` does not say when each value was known.
    horizons : sequence of int
        Periods ahead as counted now.
    model_file : str or Path, optional
        One trained model for both days, instead of one fitted on each.
    out : str or Path, optional
        File to write, CSV or JSON.

    Returns
    -------
    Explained
        Table and words.

    Raises
    ------
    InputError
        The earlier day is not before the other one.
    """
    if out is not None:
        check_place(out, (source, *also, *drivers, *([] if earlier is None else [earlier])))
    options: dict[str, Any] = {"also": also, "also_lag": also_lag, "mapping": mapping, "encoding": encoding}
    options |= {"drivers": drivers}
    series, others = open_series(source, disease, signal, **options)
    series, day = series.standing(as_of)
    old = series
    if earlier is not None:
        old, _ = open_series(
            earlier, series.disease, series.signal, mapping=mapping, encoding=encoding, drivers=drivers
        )
        old, before = old.standing(since)
    else:
        before = since or stepped(series, day, -1)
    if before > day or (before == day and earlier is None):
        raise InputError(f"the earlier forecast is of {before}, the later one of {day}. Give an earlier day.")
    then, now = old.learning_panel(before, others), series.learning_panel(day, others)
    models = []
    for panel in (then, now):
        inside = new_model(model) if model_file is None else stored.load(model_file, panel)
        made = around(inside, nowcast)
        if model_file is None:
            made.fit(panel)
        models.append(made)
    used = nowcast == "on" or (nowcast == "auto" and (needed(then) or needed(now)))
    found = split(
        models[0], models[1], then, now, horizons,
        revisions=series.has_vintages or earlier is not None, nowcast=used and series.has_vintages,
    )  # fmt: skip
    whole = Explained(found.table, now, named_places(now), found.left_out)
    if out is not None:
        whole.write(out)
    return whole
