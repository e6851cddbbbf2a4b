"""A hub's model-output folder: quantile forecasts of every model, read one model at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from salus.errors import InputError, NameNotFoundError
from salus.hub.submission import parse_name, read_submission
from salus.tables.contracts import LEVELS

TASK = ("reference_date", "location", "target_end_date")
"""Columns that name a task; the horizon follows from them."""

_ROUNDS = ("reference_date", "origin_date", "forecast_date")
_ENDS = ("target_end_date", "target_date")
_TARGETS = ("target", "target_variable")
_CROSSING = 1e-6
_WEEK = 7


@dataclass(frozen=True)
class ModelOutput:
    """What one model submitted for one target.

    Attributes
    ----------
    model : str
        Name of its folder.
    table : polars.DataFrame
        `reference_date`, `location`, `target_end_date`, `horizon`, `level`, `value`: the 23 quantiles of every task
        that can be scored.
    files : int
        How many files were read.
    left_out : tuple of str
        Files and tasks that can't be scored, and why.
    """

    model: str
    table: pl.DataFrame
    files: int
    left_out: tuple[str, ...]


def model_folders(folder: str | Path) -> list[Path]:
    """Folders of the models, by name.

    Parameters
    ----------
    folder : str or Path
        The hub's model-output folder, or the hub's own folder that holds one.

    Raises
    ------
    InputError
        It is no folder, or no folder in it holds CSV or Parquet files.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(f"there is no folder {folder}. Give the model-output folder of a hub.")
    if (root / "model-output").is_dir():
        root = root / "model-output"
    found = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".") and _files(p))
    if not found:
        raise InputError(
            f"{folder} holds no folder with CSV or Parquet files. Give a model-output folder: one folder a model."
        )
    return found


def read_model(folder: Path, target: str | None, only: Mapping[str, str]) -> ModelOutput:
    """The quantile forecasts of one model.

    Parameters
    ----------
    folder : Path
        The model's folder.
    target : str or None
        The hub's target; may be left out where the files have one with quantiles that has dates.
    only : mapping of str to str
        Further columns and the value to keep.

    Returns
    -------
    ModelOutput
        Tasks that can be scored; what can't is named.

    Raises
    ------
    InputError
        Several targets have quantiles and none was chosen, or a column to choose by is not there.
    """
    tables, left_out = [], []
    files = _files(folder)
    for path in files:
        try:
            raw = read_submission(path)
        except InputError as error:
            left_out.append(f"{path.name}: {error}")
            continue
        lacking = [n for n in ("location", "output_type", "output_type_id", "value") if n not in raw.columns]
        if lacking:
            left_out.append(f"{path.name}: there is no column {', '.join(lacking)}")
            continue
        tables.append(_quantiles(raw, path, target, only))
    table = pl.concat(tables) if tables else pl.DataFrame(schema=_SCHEMA)
    whole, faults = _scorable(table)
    return ModelOutput(folder.name, whole, len(files), (*left_out, *faults))


_SCHEMA: dict[str, type[pl.DataType]] = {
    "reference_date": pl.Date,
    "location": pl.String,
    "target_end_date": pl.Date,
    "level": pl.Float64,
    "value": pl.Float64,
}


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".parquet") and p.is_file())


def _quantiles(raw: pl.DataFrame, path: Path, target: str | None, only: Mapping[str, str]) -> pl.DataFrame:
    rows = raw.filter(pl.col("output_type").cast(pl.String) == "quantile")
    for name, value in only.items():
        if name not in rows.columns:
            raise NameNotFoundError("column", name, rows.columns, str(path))
        rows = rows.filter(pl.col(name).cast(pl.String) == value)
    named = next((n for n in _TARGETS if n in rows.columns), None)
    if named is not None and target is not None:
        rows = rows.filter(pl.col(named).cast(pl.String) == target)
    rows = _dated(rows, path).drop_nulls("target_end_date")
    if named is not None and target is None:
        found = rows[named].cast(pl.String).unique().sort().to_list()
        if len(found) > 1:
            some = ", ".join(f"'{n}'" for n in found)
            raise InputError(f"{path} has quantiles of {some}. Say with --target which of them to rank.")
    return rows.select(
        pl.col(name).cast(pl.Float64, strict=False) if kind == pl.Float64 else pl.col(name).cast(kind)
        for name, kind in _SCHEMA.items()
    )


def _dated(rows: pl.DataFrame, path: Path) -> pl.DataFrame:
    """With `reference_date`, `target_end_date` and `level`, from columns of any of their names, or the file's name."""
    start = next((n for n in _ROUNDS if n in rows.columns), None)
    name = parse_name(path)
    day = _date(rows, start) if start else pl.lit(None if name is None else name.round_id).str.to_date(strict=False)
    end = next((n for n in _ENDS if n in rows.columns), None)
    if end is not None:
        last = _date(rows, end)
    elif "horizon" in rows.columns:
        weeks = pl.col("horizon").cast(pl.Float64, strict=False).cast(pl.Int64)
        last = day + pl.duration(days=_WEEK * weeks)
    else:
        raise InputError(f"{path} has neither target_end_date nor horizon, so that no week can be told.")
    return rows.with_columns(
        day.alias("reference_date"),
        last.alias("target_end_date"),
        pl.col("output_type_id").cast(pl.Float64, strict=False).round(6).alias("level"),
    )


def _date(rows: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name)
    return column.str.to_date("%Y-%m-%d", strict=False) if rows.schema[name] == pl.String else column.cast(pl.Date)


def _scorable(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Tasks with the 23 levels, once each, finite and in order; and what is wrong with the others."""
    rows = table.filter(pl.col("level").is_in(LEVELS)).sort([*TASK, "level"])
    value = pl.col("value")
    tasks = rows.group_by(TASK, maintain_order=True).agg(
        pl.len().alias("rows"),
        pl.col("level").n_unique().alias("levels"),
        value.is_finite().fill_null(value=False).all().alias("finite"),
        (value.diff().min() >= -_CROSSING).fill_null(value=True).alias("ordered"),
    )
    reasons = {
        "a date or place is missing": pl.any_horizontal(pl.col(*TASK).is_null()),
        "a quantile stands twice": pl.col("rows") > pl.col("levels"),
        "not all 23 quantiles are there": pl.col("levels") < len(LEVELS),
        "a quantile is no number": ~pl.col("finite"),
        "quantiles decrease": ~pl.col("ordered"),
    }
    why = pl.coalesce([pl.when(test).then(pl.lit(reason)) for reason, test in reasons.items()])
    tasks = tasks.with_columns(why=why)
    bad = tasks.drop_nulls("why").group_by("why", maintain_order=True).agg(pl.len().alias("n"), pl.col(TASK[0]).first())
    faults = [f"{r['n']} tasks, the first of {r[TASK[0]]}: {r['why']}" for r in bad.iter_rows(named=True)]
    good = tasks.filter(pl.col("why").is_null()).select(TASK)
    return rows.join(good, on=TASK, how="semi", maintain_order="left"), faults


def each_model(
    folders: Sequence[Path], target: str | None, only: Mapping[str, str] | None = None
) -> Iterator[ModelOutput]:
    """Every model's forecasts, one after the other, so that memory holds one model at a time.

    Parameters
    ----------
    folders : sequence of Path
        From :func:`model_folders`.
    target : str or None
        The hub's target.
    only : mapping of str to str, optional
        Further columns and the value to keep.

    Yields
    ------
    ModelOutput
        In the order of the folders.
    """
    for folder in folders:
        yield read_model(folder, target, only or {})
