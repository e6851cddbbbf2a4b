"""A file into the workspace: checked at the door, its periods recognised, its rows kept with where they came from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from salus.data.imports import Imported, Origin
from salus.data.provenance import hash_file
from salus.data.workspace import Workspace
from salus.errors import Fault, InputError, TableError
from salus.surveillance import diseases
from salus.surveillance.findings import running_totals
from salus.surveillance.weeks import ends, recognise
from salus.tables import door
from salus.tables.columns import ColumnMap
from salus.tables.contracts import SERIES
from salus.tables.names import resolve
from salus.tables.profiles import fingerprint, load_profile, save_profile


def import_series(
    workspace: Workspace,
    source: str | Path,
    *,
    disease: str | None = None,
    signal: str | None = None,
    as_of: dt.date | None = None,
    mapping: Mapping[str, str] | None = None,
    remember: bool = False,
    encoding: str | None = None,
    command: str | None = None,
    imported_on: dt.date | None = None,
    on_file: Callable[[int, int], None] | None = None,
) -> Imported:
    r"""Import a file of series into a workspace; all of it or nothing.

    Parameters
    ----------
    workspace : Workspace
        Where to keep it; the folder is made where it is not there.
    source : str or Path
        File that the door can read into the `series` contract.
    disease, signal : str, optional
        Import these rows only; case, punctuation and known synonyms of the disease do not matter. The rows keep the
        file's own labels. Faults in other rows do not matter then.
    as_of : datetime.date, optional
        Day on which the file's values were what was known; for a file without a column ``as_of``.
    mapping : mapping of str to str, optional
        Column of the file -> column of the contract; where left out, the profile remembered for the header counts.
    remember : bool
        Remember the mapping for files with the same header.
    encoding : str, optional
        Encoding of a text file, where it can't be told.
    command : str, optional
        The command, fit to be shown.
    imported_on : datetime.date, optional
        Day of the import; today where it is left out.
    on_file : callable, optional
        Called with files written and files in all.

    Returns
    -------
    Imported
        With ``added`` False, and nothing changed, where the same file was imported in the same way before: the same
        bytes in the same encoding, each column from the same place, the same rows chosen, the same stamp.

    Raises
    ------
    InputError
        The file can't be read, breaks its contract, holds nothing that was asked for, or changed meanwhile.
    WorkspaceError
        The workspace is busy or damaged.
    OutputError
        The workspace or the profile can't be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "flu.csv"
    ...     _ = file.write_text("location,disease,signal,date,value\nA,Influenza,cases,2024-01-01,3\n")
    ...     done = import_series(Workspace(Path(folder) / "workspace"), file)
    ...     done.added, done.record.rows
    (True, 1)
    """
    path = Path(source)
    workspace.check_place()
    before = hash_file(path)
    filters: dict[str, str] = {}

    def select(frame: pl.DataFrame) -> pl.DataFrame:
        if disease is not None:
            labels = diseases.match(disease, _labels(frame, "disease"), str(path))
            filters["disease"] = " | ".join(labels)
            frame = frame.filter(pl.col("disease").cast(pl.String).is_in(labels))
        if signal is not None:
            filters["signal"] = resolve("signal", signal, _labels(frame, "signal"), str(path))
            frame = frame.filter(pl.col("signal").cast(pl.String) == filters["signal"])
        return frame

    found = door.inspect(path, SERIES, mapping=mapping, select=select, label=str(path), encoding=encoding)
    _refuse(path, found.faults)
    if hash_file(path) != before:
        raise InputError(f"{path} was changed while it was read. Wait until it is complete, then try again.")
    table = _with_ends(found.table, workspace, str(path))
    totals = running_totals(found.table)
    _refuse(path, totals)
    profile = None
    if mapping and remember:
        profile = save_profile(found.header, SERIES.name, mapping).stem
    elif mapping is None and load_profile(found.header, SERIES.name) is not None:
        profile = fingerprint(found.header, SERIES.name)
    origin = Origin(before, as_of, _written(found.columns), filters, profile, command, found.encoding)
    done = workspace.add(table, origin, imported_on=imported_on, on_file=on_file)
    return dataclasses.replace(done, warnings=(*(f for f in found.faults if f.severity != "error"), *totals))


def _refuse(path: Path, faults: Sequence[Fault]) -> None:
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise TableError(str(path), errors)


def _labels(frame: pl.DataFrame, column: str) -> list[str]:
    return frame[column].cast(pl.String).unique().drop_nulls().sort().to_list()


def _written(columns: ColumnMap) -> dict[str, str]:
    """Where each column came from, as a mapping is written; so a mapping, a profile and a good guess count alike."""
    styles = {name: f":{style.word}" for name, style in columns.styles.items()}
    return {name: target + styles.get(target, "") for target, name in columns.columns.items()} | {
        f"={text}": target for target, text in columns.constants.items()
    }


def _with_ends(table: pl.DataFrame, workspace: Workspace, label: str) -> pl.DataFrame:
    """Rows with the last day of their period; the periods that the workspace has of a series help to recognise them."""
    keys = ["disease", "signal"]
    there = workspace.periods(table.select(keys).unique().iter_rows())
    parts = []
    for (disease, signal), rows in table.select(*keys, "date").unique().sort(*keys, "date").group_by(keys):
        seen = there.filter((pl.col("disease") == disease) & (pl.col("signal") == signal))
        cadence = recognise(pl.concat([rows["date"], seen["date"]]), f"{label}, {disease}, {signal}")
        parts.append(rows.with_columns(pl.Series("period_end", ends(cadence, rows["date"].to_list()), dtype=pl.Date)))
    if not parts:
        return table.with_columns(pl.lit(None, dtype=pl.Date).alias("period_end"))
    return table.join(pl.concat(parts), on=[*keys, "date"], how="left", maintain_order="left")
