"""The workspace: every series that was imported, in every vintage, and what was known on any day.

    WORKSPACE/
      manifest.json                                   what counts; see `salus.data.manifest`
      series/DISEASE/SIGNAL/IMPORT.parquet            rows of one import; written once, never changed
      import.json                                     only while an import is under way: the files that it may leave
      writer.lock                                     held by the one writer; readers never lock

**When a row was known.** Each row is known from one day on:

- a row with `as_of` (in the file, or stamped on import): from its `as_of`;
- a row without: from the last day of its period, as if it had been reported without delay. But where an earlier import
  already brought a value of the same place, disease, signal and period, the new one is a revision, and nobody knew it
  before it was imported: from the day of that import (or the end of the period, where that is later).

On a day D the known value is the one that became known last, no later than D; of two that became known on the same
day, the one imported later. So an import never changes the answer for a day before it, except for rows of which
nothing had been imported. Who wants to know what this workspace itself held on a day asks with ``by_import=True``:
then no row is known before the day on which it was imported.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import polars as pl

from salus.data import durable, layout, manifest
from salus.data.engine import DuckEngine, Engine, remove_stale_spill
from salus.data.imports import Imported, Origin, record, stored_rows
from salus.data.known import Damage, ask, choose, compare, known
from salus.data.manifest import DataFile, Import, Manifest
from salus.data.output import check_place, output_error
from salus.errors import WorkspaceError

_PERIODS = "SELECT DISTINCT disease, signal, date FROM rows ORDER BY disease, signal, date"


class Workspace:
    """A folder of imported series, safe against crashes and against a second writer.

    Parameters
    ----------
    path : str or Path
        Folder; it need not exist before the first import.
    wait : float
        Seconds to wait for another writer.
    engine : Engine, optional
        What answers questions; DuckDB where it is left out.

    Examples
    --------
    >>> import tempfile
    >>> from salus.data.provenance import InputFile
    >>> rows = pl.DataFrame({"location": "A", "disease": "Influenza", "signal": "cases",
    ...                      "date": [dt.date(2024, 1, 1), dt.date(2024, 1, 8)], "value": [3.0, 5.0],
    ...                      "period_end": [dt.date(2024, 1, 7), dt.date(2024, 1, 14)]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     workspace = Workspace(folder)
    ...     first = workspace.add(rows, Origin(InputFile("flu.csv", "0" * 64, 100)))
    ...     again = workspace.add(rows, Origin(InputFile("flu.csv", "0" * 64, 100)))
    ...     workspace.read("Influenza", as_of=dt.date(2024, 1, 10))["value"].to_list(), first.added, again.added
    ([3.0], True, False)
    """

    def __init__(self, path: str | Path, *, wait: float = 30.0, engine: Engine | None = None) -> None:
        self.path = Path(path)
        self.wait = wait
        self.engine: Engine = engine or DuckEngine(self.path)

    def manifest(self) -> Manifest:
        """What the workspace holds at this moment.

        Raises
        ------
        WorkspaceError
            There is no workspace, its manifest is damaged or missing, or it is of a newer format.
        """
        found = self._manifest_or_none()
        if found is None:
            raise WorkspaceError(
                f"there is no workspace at {self.path}. Check the name, or make one: "
                f"salus data import FILE --workspace {self.path}"
            )
        return found

    def check_place(self) -> None:
        """Refuse at once a folder to which :meth:`add` could not write; nothing is left there.

        Raises
        ------
        WorkspaceError
            It is a file, or holds other things than a workspace.
        OutputError
            It can't be written.
        """
        layout.refuse_strange(self.path)
        check_place(self.path / layout.LOCK, shown=self.path)

    def find(self, origin: Origin) -> Import | None:
        """The import that was made of an origin, or None; a workspace that is not there yet has none.

        Parameters
        ----------
        origin : Origin
            What would be imported.

        Raises
        ------
        WorkspaceError
            The manifest is damaged, missing or of a newer format.
        """
        found = self._manifest_or_none()
        return None if found is None else found.find(origin.import_id)

    def add(
        self,
        frame: pl.DataFrame,
        origin: Origin,
        *,
        imported_on: dt.date | None = None,
        on_file: Callable[[int, int], None] | None = None,
    ) -> Imported:
        """Add the rows of one import; all of them or, where anything goes wrong, none.

        Parameters
        ----------
        frame : polars.DataFrame
            Checked rows of the `series` contract, and ``period_end`` (Date), the last day of each row's period.
        origin : Origin
            Where they come from.
        imported_on : datetime.date, optional
            Day of the import; today where it is left out.
        on_file : callable, optional
            Called with files done and files in all, to show progress.

        Returns
        -------
        Imported
            With ``added`` False, and nothing changed, where the same import was there.

        Raises
        ------
        InputError
            There are no rows, or they can't be stamped with the day asked for.
        WorkspaceError
            Another writer does not finish, or the workspace is damaged.
        OutputError
            The folder can't be written, or the disk is full.
        """
        layout.refuse_strange(self.path)
        there = self.find(origin)
        if there is not None:
            return Imported(there, added=False)
        today = imported_on or dt.datetime.now().astimezone().date()
        table = stored_rows(frame, origin, today)
        new = durable.missing_folders(self.path / layout.LOCK)
        try:
            with self._writing() as before:
                there = before.find(origin.import_id)
                if there is not None:
                    return Imported(there, added=False)
                made = record(origin, table.height, today)
                self._write(before, made, table, on_file)
                return Imported(made, added=True)
        except OSError as error:
            raise output_error(self.path, error) from error
        finally:
            durable.remove_empty(new)

    def read(
        self,
        disease: str | Sequence[str] | None = None,
        signal: str | None = None,
        as_of: dt.date | None = None,
        *,
        by_import: bool = False,
    ) -> pl.DataFrame:
        """What was known on a day.

        Parameters
        ----------
        disease : str or sequence of str, optional
            One or several diseases, case and punctuation aside; all where it is left out.
        signal : str, optional
            Signal; all where it is left out.
        as_of : datetime.date, optional
            Day; all that is known by now where it is left out.
        by_import : bool
            Count a row as known only from the day of its import on; see the module's text.

        Returns
        -------
        polars.DataFrame
            Columns of the `series` contract without ``as_of``, optional ones where they hold anything; one row a place,
            disease, signal and period, in that order.

        Raises
        ------
        NameNotFoundError
            There is no such disease or signal; the message suggests the near ones.
        WorkspaceError
            The workspace is missing or damaged.
        """
        return self._known(disease, signal, as_of, every=False, by_import=by_import).drop("as_of", strict=False)

    def vintages(
        self, disease: str | Sequence[str] | None = None, signal: str | None = None, *, by_import: bool = False
    ) -> pl.DataFrame:
        """Every value with the day from which it was known.

        Parameters
        ----------
        disease, signal, by_import
            As for :meth:`read`.

        Returns
        -------
        polars.DataFrame
            Columns of the `series` contract. ``as_of`` is left out where every row is known from the end of its period.

        Raises
        ------
        NameNotFoundError
            There is no such disease or signal; the message suggests the near ones.
        WorkspaceError
            The workspace is missing or damaged.
        """
        return self._known(disease, signal, None, every=True, by_import=by_import)

    def periods(self, series: Iterable[tuple[str, str]]) -> pl.DataFrame:
        """First days of the periods that are there.

        Parameters
        ----------
        series : iterable of tuple of str
            Disease and signal, exactly as the workspace names them; others are passed over.

        Returns
        -------
        polars.DataFrame
            ``disease``, ``signal``, ``date``, each once, sorted; no rows where there is no workspace yet.

        Raises
        ------
        WorkspaceError
            The workspace is damaged.
        """
        wanted = set(series)
        content = self._manifest_or_none() or Manifest()
        files = [f for f in content.files if (f.disease, f.signal) in wanted]
        if not files:
            return pl.DataFrame(schema={"disease": pl.String, "signal": pl.String, "date": pl.Date})
        return ask(self.path, self.engine, _PERIODS, files)

    def contents(self) -> pl.DataFrame:
        """What is there, a row for each disease and signal.

        Returns
        -------
        polars.DataFrame
            ``disease``, ``signal``, ``rows`` (all vintages), ``first``, ``last`` (first days of the earliest and latest
            period), ``imports``.

        Raises
        ------
        WorkspaceError
            The workspace is missing or damaged.
        """
        rows = [(f.disease, f.signal, f.rows, f.first, f.last, f.import_id) for f in self.manifest().files]
        table = pl.DataFrame(
            rows,
            schema={"disease": pl.String, "signal": pl.String, "rows": pl.Int64, "first": pl.Date, "last": pl.Date}
            | {"import_id": pl.String},
            orient="row",
        )
        return (
            table.group_by("disease", "signal")
            .agg(
                pl.col("rows").sum(),
                pl.col("first").min(),
                pl.col("last").max(),
                pl.col("import_id").n_unique().cast(pl.Int64).alias("imports"),
            )
            .sort("disease", "signal")
        )

    def verify(self) -> list[Damage]:
        """Compare every file with its hash in the manifest.

        Returns
        -------
        list of Damage
            Empty where all is as it was written. A data file that the manifest does not name is reported, too.

        Raises
        ------
        WorkspaceError
            The workspace or its manifest is missing, or the manifest is damaged.
        """
        found = [d for f in self.manifest().files if (d := compare(self.path, f)) is not None]
        # in this order: an import that ends meanwhile is then named by the note or by the manifest
        present, pending = layout.present(self.path), layout.pending(self.path)
        strange = set(present) - set(pending) - {f.path for f in self.manifest().files}
        return found + [Damage(p, "the manifest does not name it; it is not read") for p in sorted(strange)]

    def _known(
        self,
        disease: str | Sequence[str] | None,
        signal: str | None,
        day: dt.date | None,
        *,
        every: bool,
        by_import: bool,
    ) -> pl.DataFrame:
        content = self.manifest()
        files = choose(content, disease, signal)
        return known(self.path, self.engine, content, files, day, every=every, by_import=by_import)

    def _manifest_or_none(self) -> Manifest | None:
        found = manifest.load(self.path)
        if found is not None:
            return found
        present, pending = layout.present(self.path), layout.pending(self.path)
        found = manifest.load(self.path)  # the first import may have ended meanwhile
        if found is None and set(present) - set(pending):
            raise WorkspaceError(
                f"{self.path / manifest.NAME} is missing, but there are data files. Put the manifest back from a "
                f"backup, or import the source files into a new workspace; the data files were not touched."
            )
        return found

    @contextmanager
    def _writing(self) -> Iterator[Manifest]:
        """Hold the lock of the one writer, with the manifest after any dead writer's leftovers are gone."""
        durable.make_folder(self.path)
        lock = filelock.FileLock(self.path / layout.LOCK, timeout=self.wait)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise WorkspaceError(
                f"another import is writing to the workspace {self.path}; waited {self.wait:g} seconds. "
                f"Try again when it is done; nothing was changed."
            ) from error
        try:
            before = self._manifest_or_none() or Manifest()
            layout.clean(self.path, before)
            remove_stale_spill(self.path)
            yield before
        finally:
            with suppress(OSError):  # where the system forbids to remove an open file, it stays
                layout.forget(self.path)
            lock.release()

    def _write(
        self, before: Manifest, made: Import, table: pl.DataFrame, on_file: Callable[[int, int], None] | None
    ) -> None:
        parts = table.sort("disease", "signal", "location", "date", "as_of").partition_by("disease", "signal")
        paths = [layout.data_path(p["disease"][0], p["signal"][0], made.id) for p in parts]
        try:
            layout.announce(self.path, paths)
            files = []
            for part, path in zip(parts, paths, strict=True):
                files.append(self._write_file(part, path, made.id))
                if on_file is not None:
                    on_file(len(files), len(parts))
            manifest.save(before.plus(made, files), self.path)
            layout.clean(self.path, before.plus(made, files))
        except BaseException:
            # what counts is what the manifest on the disk says, even where the failure came after its change
            with suppress(OSError, WorkspaceError):
                layout.clean(self.path, manifest.load(self.path) or Manifest())
            raise

    def _write_file(self, part: pl.DataFrame, path: str, import_id: str) -> DataFile:
        buffer = io.BytesIO()
        part.with_columns(pl.lit(import_id).alias("import_id")).write_parquet(buffer, compression="zstd")
        data = buffer.getvalue()
        durable.make_folder((self.path / path).parent)
        durable.write(self.path / path, data)
        durable.sync_folder((self.path / path).parent)
        dates = part["date"]
        return DataFile(
            path=path,
            sha256=layout.hash_bytes(data),
            bytes=len(data),
            rows=part.height,
            disease=part["disease"][0],
            signal=part["signal"][0],
            first=dates.sort()[0],
            last=dates.sort()[-1],
            import_id=import_id,
        )
