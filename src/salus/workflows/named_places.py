"""Names, tiles and nesting of the places of a series: the user's own table, else what is built in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from salus.errors import InputError
from salus.surveillance import places
from salus.surveillance.panel import Panel
from salus.surveillance.totals import within_totals
from salus.tables.contracts import PLACES


def named_places(panel: Panel, own: pl.DataFrame | None = None) -> pl.DataFrame:
    """Names and tiles of the panel's places: the user's own, else the built-in ones, else the label itself.

    Parameters
    ----------
    panel : Panel
        What was known.
    own : polars.DataFrame, optional
        `places` contract.

    Returns
    -------
    polars.DataFrame
        `places` contract, a row for each place of the panel; each that lies in no other is put into the total that
        stands beside it, where there is one.

    Raises
    ------
    InputError
        None of the places given is of the panel.
    """
    labels = list(panel.locations)
    if own is not None:
        table = PLACES.check(own, "the table of places")
        some_shown(panel, table["location"].to_list(), "places", "column")
        table = table.filter(pl.col("location").is_in(labels))
    else:
        country = places.country(labels)
        same = places.harmonise(labels)
        known = places.known(country) if country else places.known().clear()
        names = pl.DataFrame({"label": labels, "location": [same.get(x, x) for x in labels]})
        table = names.join(known, on="location").drop("location").rename({"label": "location"}).select(known.columns)
    missing = [x for x in labels if x not in set(table["location"])]
    rest = pl.DataFrame({"location": missing, "name": missing}, schema={"location": pl.String, "name": pl.String})
    return within_totals(pl.concat([table, rest], how="diagonal"))


def parents_of(named: pl.DataFrame) -> dict[str, str | None]:
    """Place that each place lies in.

    Parameters
    ----------
    named : polars.DataFrame
        As :func:`named_places` gives it.

    Examples
    --------
    >>> parents_of(pl.DataFrame({"location": ["A", "N"], "name": ["A", "N"], "parent": ["N", None]}))
    {'A': 'N', 'N': None}
    """
    return dict(named.select("location", "parent").iter_rows()) if "parent" in named.columns else {}


def some_shown(panel: Panel, given: Iterable[str], what: str, where: str) -> None:
    """Refuse names or shapes of none of the places: they were written in other codes.

    Parameters
    ----------
    panel : Panel
        What was known.
    given : iterable of str
        Places as given.
    what, where : str
        What is given of them, and in which column or property, for the message.

    Raises
    ------
    InputError
        None is of the panel.
    """
    codes = list(given)
    if set(codes).isdisjoint(panel.locations):
        raise InputError(
            f"none of the {what} given ({_first(codes)}) is of a place in {panel.label} ({_first(panel.locations)}). "
            f"Write them in the {where} 'location' as they stand in {panel.label}."
        )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
