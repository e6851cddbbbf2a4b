"""What was known on a day, out of the files of a workspace, and which of the files are damaged.

The rule is told in `salus.data.workspace`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from salus.data.engine import Engine, EngineError
from salus.data.imports import STORED
from salus.data.manifest import DataFile, Manifest
from salus.data.provenance import hash_file
from salus.errors import WorkspaceError
from salus.tables.contracts import SERIES
from salus.tables.names import resolve

_ROWS = f"""
WITH dated AS (
  SELECT rows.*, imports.number, imports.imported_on FROM rows JOIN imports ON rows.import_id = imports.id
), firsts AS (
  SELECT location, disease, signal, date, min(number) AS earliest FROM dated GROUP BY location, disease, signal, date
), known AS (
  SELECT dated.*, CASE WHEN as_of IS NOT NULL THEN as_of
                       WHEN number = earliest THEN period_end
                       ELSE greatest(period_end, imported_on) END AS of_itself
  FROM dated JOIN firsts USING (location, disease, signal, date)
), placed AS (
  SELECT *, CASE WHEN $by_import THEN greatest(of_itself, imported_on) ELSE of_itself END AS known_on FROM known
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY location, disease, signal, date, known_on ORDER BY number DESC, as_of DESC)
         AS within_day
  FROM placed WHERE known_on <= $day
), vintages AS (
  SELECT {", ".join(n for n in SERIES.names if n != "as_of")}, known_on AS as_of,
         (of_itself <> period_end OR as_of IS NOT NULL OR $by_import) AS stamped,
         row_number() OVER (PARTITION BY location, disease, signal, date ORDER BY known_on DESC) AS age
  FROM ranked WHERE within_day = 1
)
SELECT * FROM vintages WHERE age = 1 OR $every ORDER BY disease, signal, location, date, as_of
"""  # noqa: S608 (the names are the contract's own)


@dataclass(frozen=True)
class Damage:
    """A file of a workspace that is not as it was written.

    Attributes
    ----------
    path : str
        Relative to the workspace.
    problem : str
        What is wrong, in words.
    """

    path: str
    problem: str


def known(
    folder: Path,
    engine: Engine,
    content: Manifest,
    files: Sequence[DataFile],
    day: dt.date | None,
    *,
    every: bool,
    by_import: bool,
) -> pl.DataFrame:
    """Rows with the day from which each was known.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    engine : Engine
        What answers the question.
    content : Manifest
        What the workspace holds.
    files : sequence of DataFile
        Files to look at, as :func:`choose` finds them.
    day : datetime.date or None
        Nothing that became known later is looked at; None for no limit.
    every : bool
        All vintages, not only the last.
    by_import : bool
        Count no row as known before its import.

    Returns
    -------
    polars.DataFrame
        Columns of the `series` contract that hold anything, ``as_of`` being the day from which the row was known; it is
        left out where every row is known from the end of its period.

    Raises
    ------
    WorkspaceError
        A file is missing or damaged.
    """
    if not files:
        return SERIES.empty().select(SERIES.required)
    imports = pl.DataFrame(
        {
            "id": [i.id for i in content.imports],
            "number": range(len(content.imports)),
            "imported_on": [i.imported_on for i in content.imports],
        },
        schema={"id": pl.String, "number": pl.Int64, "imported_on": pl.Date},
    )
    asked = {"day": day or dt.date.max, "every": every, "by_import": by_import}
    table = ask(folder, engine, _ROWS, files, {"imports": imports}, asked)
    optional = [c.name for c in SERIES.columns if not c.required and c.name != "as_of"]
    left_out = {n for n in optional if table[n].is_null().all()}
    if not table["stamped"].any():
        left_out.add("as_of")
    return table.select(pl.col(n).cast(STORED[n]) for n in SERIES.names if n not in left_out)


def ask(
    folder: Path,
    engine: Engine,
    sql: str,
    files: Sequence[DataFile],
    tables: dict[str, pl.DataFrame] | None = None,
    parameters: dict[str, object] | None = None,
) -> pl.DataFrame:
    """Answer a question to some files of a workspace, or tell which of them is damaged.

    Files of a Salus that knew fewer columns have nothing in the others.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    engine : Engine
        What answers the question.
    sql : str
        Question; the files' rows are its table ``rows``.
    files : sequence of DataFile
        At least one.
    tables, parameters : dict, optional
        As :meth:`salus.data.engine.Engine.query` takes them.

    Returns
    -------
    polars.DataFrame
        The answer.

    Raises
    ------
    WorkspaceError
        A file is missing or damaged, or the question does not fit in memory.
    """
    for file in files:
        if not (folder / file.path).is_file():
            raise _broken(folder, [Damage(file.path, "it is missing")])
    try:
        paths = [folder / f.path for f in files]
        return engine.query(sql, files={"rows": paths}, columns={"rows": STORED}, tables=tables, parameters=parameters)
    except EngineError as error:
        damaged = [d for f in files if (d := compare(folder, f)) is not None]
        if damaged:
            raise _broken(folder, damaged) from error
        raise WorkspaceError(f"the question to {folder} can't be answered: {error}") from error


def compare(folder: Path, file: DataFile) -> Damage | None:
    """What is wrong with a file, or None where its bytes are those that were written.

    Parameters
    ----------
    folder : Path
        Folder of the workspace.
    file : DataFile
        What the manifest says of it.
    """
    path = folder / file.path
    if not path.is_file():
        return Damage(file.path, "it is missing")
    if path.stat().st_size != file.bytes:
        return Damage(file.path, f"it has {path.stat().st_size} bytes, {file.bytes} were written")
    if hash_file(path).sha256 != file.sha256:
        return Damage(file.path, "its bytes were changed after it was written")
    return None


def _broken(folder: Path, damaged: Sequence[Damage]) -> WorkspaceError:
    named = "; ".join(f"{folder / d.path}: {d.problem}" for d in damaged[:5])
    more = f"; and {len(damaged) - 5} more" if len(damaged) > 5 else ""
    return WorkspaceError(f"the workspace is damaged. {named}{more}. Put it back from a backup; nothing was changed.")


def choose(content: Manifest, disease: str | Sequence[str] | None, signal: str | None) -> list[DataFile]:
    """Files that hold some diseases and a signal.

    Parameters
    ----------
    content : Manifest
        What the workspace holds.
    disease : str, sequence of str or None
        One or several, case and punctuation aside; all where None.
    signal : str or None
        All where None.

    Raises
    ------
    NameNotFoundError
        There is no such disease, or none of them has the signal.
    """
    files = list(content.files)
    if disease is not None:
        labels = sorted({f.disease for f in files})
        wanted = {resolve("disease", d, labels) for d in ([disease] if isinstance(disease, str) else disease)}
        files = [f for f in files if f.disease in wanted]
    if signal is not None:
        name = resolve("signal", signal, sorted({f.signal for f in files}))
        files = [f for f in files if f.signal == name]
    return files
