"""Places: codes, names in English and Chinese, nesting, population and tile maps.

Built in: Japan's prefectures, the states and territories of the United States by FIPS code, China's provinces,
Germany's states, South Korea. The files in `data/places` can be read and extended by anybody; populations are of the
year named in `sources.csv` there. Any other place needs no entry: its own name is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from salus.errors import Fault, NameNotFoundError, TableError
from salus.tables import door
from salus.tables.contracts import PLACES
from salus.tables.names import fold

_RECOGNISED_SHARE = 0.8
_CODES_FOR_COUNTRY = 8


def _folder() -> Traversable:
    return files("salus.surveillance").joinpath("data", "places")


@cache
def _nations() -> dict[str, str]:
    """Code of each built-in nation by two-letter country code."""
    table = pl.read_csv(_folder().joinpath("sources.csv").read_bytes(), infer_schema=False)
    return dict(zip(table["country"], table["nation"], strict=True))


@cache
def known(country: str | None = None) -> pl.DataFrame:
    """Built-in places.

    Parameters
    ----------
    country : {'JP', 'US', 'CN', 'DE', 'KR'}, optional
        Only this country's.

    Returns
    -------
    polars.DataFrame
        Places contract, each nation first.

    Examples
    --------
    >>> known("JP").filter(pl.col("location_level") == "prefecture").height
    47
    """
    if country is None:
        return PLACES.check(pl.concat([known(c) for c in _nations()], how="diagonal"), "built-in places")
    if country not in _nations():
        raise NameNotFoundError("country with built-in places", country, _nations())
    raw = pl.read_csv(_folder().joinpath(f"places_{country.lower()}.csv").read_bytes(), infer_schema=False)
    return verify(PLACES.check(raw, f"places_{country.lower()}.csv"), f"places_{country.lower()}.csv")


def read(source: str | Path) -> pl.DataFrame:
    """A department's own places.

    Parameters
    ----------
    source : str or Path
        Table file with the columns of the places contract; `location` and `name` are required.

    Returns
    -------
    polars.DataFrame
        Places contract.

    Raises
    ------
    TableError
        The table breaks the contract, a parent is not among the places, places lie in a circle, or two share a tile.
    """
    return verify(door.read(source, PLACES), str(source))


def verify(table: pl.DataFrame, label: str = "places") -> pl.DataFrame:
    """The places, if their nesting and tiles make sense.

    Parameters
    ----------
    table : polars.DataFrame
        Places contract.
    label : str
        What messages call the table.

    Returns
    -------
    polars.DataFrame
        The table given.

    Raises
    ------
    TableError
        With every fault found.
    """
    faults: list[Fault] = []
    parents = _parents(table)
    lost = sorted({p for p in parents.values() if p is not None and p not in parents})
    if lost:
        remedy = "Add a row for it, or leave the parent empty"
        faults.append(
            Fault("unknown parent", f"the parent '{lost[0]}' is not a place here", remedy, "parent", count=len(lost))
        )
    circle = _circle(parents)
    if circle:
        what = f"places lie in each other in a circle: {' in '.join(circle)}"
        faults.append(Fault("circle", what, "Correct the parent of one of them", "parent"))
    if {"tile_row", "tile_column"} <= set(table.columns):
        tiled = table.drop_nulls(["tile_row", "tile_column"])
        twice = tiled.filter(tiled.select("tile_row", "tile_column", *_if_there(tiled, "parent")).is_duplicated())
        if twice.height:
            at = f"row {twice['tile_row'][0]}, column {twice['tile_column'][0]}"
            what = f"{' and '.join(twice['location'].head(2))} lie on one tile ({at})"
            faults.append(Fault("shared tile", what, "Give each its own row and column", "tile_column"))
    if faults:
        raise TableError(label, faults)
    return table


def children(location: str, table: pl.DataFrame | None = None) -> list[str]:
    """Places that lie directly in a place.

    Parameters
    ----------
    location : str
        Code of a place.
    table : polars.DataFrame, optional
        Places contract; default the built-in places.

    Examples
    --------
    >>> children("Deutschland")[:2]
    ['Baden-Württemberg', 'Bayern']
    """
    return [place for place, parent in _parents(known() if table is None else table).items() if parent == location]


def ancestors(location: str, table: pl.DataFrame | None = None) -> list[str]:
    """Places that a place lies in, the nearest first.

    Parameters
    ----------
    location : str
        Code of a place.
    table : polars.DataFrame, optional
        Places contract; default the built-in places.

    Raises
    ------
    TableError
        The places lie in a circle.

    Examples
    --------
    >>> ancestors("New York City")
    ['36', 'US']
    """
    parents = _parents(known() if table is None else table)
    found: list[str] = []
    place = parents.get(location)
    while place:
        if place in found or place == location:
            what = f"places lie in each other in a circle: {' in '.join([location, *found])}"
            raise TableError("places", [Fault("circle", what, "Correct the parent of one of them", "parent")])
        found.append(place)
        place = parents.get(place)
    return found


def name(location: str, lang: str = "en") -> str:
    """Name of a built-in place, nation or two-letter country; any other place's own label.

    Parameters
    ----------
    location : str
        Code of a place.
    lang : {'en', 'zh'}
        Language.

    Examples
    --------
    >>> name("06"), name("Tokyo", "zh"), name("DE"), name("North district")
    ('California', '东京都', 'Germany', 'North district')
    """
    return _names()[lang].get(_nations().get(location, location), location)


names = name


@cache
def spoken(country: str | None = None) -> tuple[str, ...]:
    """Names that people write for the built-in places, in English and Chinese; no codes.

    Parameters
    ----------
    country : str, optional
        Only this country's.

    Examples
    --------
    >>> spoken("JP")[:2], "東京都" in spoken("JP")
    (('Japan', 'Hokkaido'), True)
    """
    table = known(country)
    synonyms = pl.read_csv(_folder().joinpath("synonyms.csv").read_bytes(), infer_schema=False)
    written = [table["location"], table["name"], table["name_zh"]]
    written.append(synonyms.filter(synonyms["location"].is_in(table["location"].to_list()))["synonym"])
    return tuple(x for column in written for x in column.drop_nulls().unique(maintain_order=True) if not _is_code(x))


def labels(locations: Iterable[str], lang: str = "en") -> dict[str, str]:
    """Names to show for the places of one table, told by all of them together.

    A department's own code, such as `01`, is not taken for that of a state unless the other places are states too.

    Parameters
    ----------
    locations : iterable of str
        All places of the table.
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    dict of str to str
        Name by label, in the order given.

    Examples
    --------
    >>> labels(["US", "01"]), labels(["01", "02", "03"])["01"]
    ({'US': 'United States', '01': 'Alabama'}, '01')
    """
    given = list(dict.fromkeys(locations))
    where = country(given)
    shown = {}
    for label, place in harmonise(given).items():
        meant = where is not None or not _is_code(label)
        shown[label] = _names()[lang].get(place, label) if meant else label
    return shown


def harmonise(locations: Iterable[str]) -> dict[str, str]:
    """One code for each place, whatever spelling it comes in.

    Abbreviations and words such as `Total` are understood only where the other places tell the country.

    Parameters
    ----------
    locations : iterable of str
        Labels as a table has them, of all its rows.

    Returns
    -------
    dict of str to str
        Code by label, in the order given; a label that is not known stands for itself.

    Examples
    --------
    >>> harmonise(["Baden-Wuerttemberg", "Thueringen", "Bundesweit"])
    {'Baden-Wuerttemberg': 'Baden-Württemberg', 'Thueringen': 'Thüringen', 'Bundesweit': 'Deutschland'}
    >>> harmonise(["Shanxi", "Shaanxi", "Total"]), harmonise(["Total"])
    ({'Shanxi': 'Shanxi', 'Shaanxi': 'Shaanxi', 'Total': 'China'}, {'Total': 'Total'})
    """
    given = list(dict.fromkeys(locations))
    where = country(given)
    found = {}
    for label in given:
        meant = [(place, sure) for place, home, sure in _index().get(fold(label), ()) if where in (None, home)]
        sure = {place for place, certain in meant if certain or where is not None}
        found[label] = sure.pop() if len(sure) == 1 else label
    return found


def country(locations: Sequence[str]) -> str | None:
    """Country that the places of a table lie in, or None where they don't tell.

    Parameters
    ----------
    locations : sequence of str
        Labels as the table has them. At least four fifths must be known places of the country, and one of them
        must be told by name; numbers alone count when there are eight or more and each is a state's.

    Returns
    -------
    str or None
        Two-letter code.

    Examples
    --------
    >>> country(["Tokyo", "Osaka"]), country(["Total", "Beijing"]), country(["01", "02", "03"])
    ('JP', 'CN', None)
    """
    given = list(dict.fromkeys(locations))
    best: tuple[int, str | None] = (0, None)
    for code in _nations():
        hits = [[sure for _, home, sure in _index().get(fold(label), ()) if home == code] for label in given]
        matched = sum(bool(h) for h in hits)
        by_name = sum(any(h) and not _is_code(label) for h, label in zip(hits, given, strict=True))
        codes = [bool(h) for h, label in zip(hits, given, strict=True) if _is_code(label)]
        told = by_name > 0 or (len(codes) >= _CODES_FOR_COUNTRY and all(codes))
        if told and matched >= _RECOGNISED_SHARE * len(given) and matched > best[0]:
            best = (matched, code)
    return best[1]


def _is_code(label: str) -> bool:
    return label.isdigit()


@cache
def _names() -> dict[str, dict[str, str]]:
    table = known()
    english = dict(zip(table["location"], table["name"], strict=True))
    chinese = dict(zip(table["location"], table["name_zh"], strict=True))
    return {"en": english, "zh": {place: text or english[place] for place, text in chinese.items()}}


@cache
def _index() -> dict[str, tuple[tuple[str, str, bool], ...]]:
    """Folded label -> (place, country, whether the label alone is sure)."""
    found: dict[str, dict[tuple[str, str], bool]] = {}
    for code in _nations():
        for place, *labels_ in (
            known(code).select("location", pl.col("location").alias("label"), "name", "name_zh").rows()
        ):
            for label in filter(None, labels_):
                found.setdefault(fold(label), {})[place, code] = True
    synonyms = pl.read_csv(_folder().joinpath("synonyms.csv").read_bytes(), infer_schema=False)
    for place, label, code, beside in synonyms.rows():
        found.setdefault(fold(label), {}).setdefault((place, code), beside is None)
    return {label: tuple((*place, sure) for place, sure in places.items()) for label, places in found.items()}


def _parents(table: pl.DataFrame) -> dict[str, str | None]:
    parent = table["parent"] if "parent" in table.columns else [None] * table.height
    return dict(zip(table["location"], parent, strict=True))


def _circle(parents: dict[str, str | None]) -> list[str]:
    cleared: set[str] = set()
    for start in parents:
        path: list[str] = []
        place: str | None = start
        while place is not None and place in parents and place not in cleared:
            if place in path:
                return [*path[path.index(place) :], place]
            path.append(place)
            place = parents[place]
        cleared.update(path)
    return []


def _if_there(table: pl.DataFrame, column: str) -> list[str]:
    return [column] if column in table.columns else []
