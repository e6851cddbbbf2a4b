"""What a hub asks for: its `tasks.json`, schema versions 2 to 6, read into rounds, blocks of tasks and output types.

Names follow the hubverse (docs.hubverse.io). A hub compares task ids as text; so does everything here: numbers, dates
and text are written one way, the way that the hub's column type gives them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import InputError, NameNotFoundError

STANDARD = ("output_type", "output_type_id", "value")
"""Columns that every submission has beside the task ids."""

POINTS = ("mean", "median")
"""Output types without an id."""

_VERSION = re.compile(r"/v(\d+)\.(\d+)\.(\d+)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Allowed:
    """Values that a task id, or an output type's id, may have, as text; null stands for "does not apply".

    Attributes
    ----------
    required : tuple of (str or None)
        Values that must be there.
    optional : tuple of (str or None)
        Values that may be there.
    """

    required: tuple[str | None, ...]
    optional: tuple[str | None, ...]

    @property
    def all(self) -> tuple[str | None, ...]:
        """Every value that is allowed; null alone where none is named."""
        return tuple(dict.fromkeys((*self.required, *self.optional))) or (None,)


@dataclass(frozen=True)
class Samples:
    """What a hub wants of sample trajectories.

    Attributes
    ----------
    least, most : int
        Samples of a task, or of the tasks that one sample spans.
    text : bool
        Sample ids are text, else whole numbers.
    longest : int or None
        Most characters of an id.
    compound : tuple of str or None
        Task ids that are the same within a sample; all of them where the hub does not say.
    """

    least: int
    most: int
    text: bool
    longest: int | None
    compound: tuple[str, ...] | None


@dataclass(frozen=True)
class OutputType:
    """One form in which a hub takes predictions of a block of tasks.

    Attributes
    ----------
    name : str
        ``quantile``, ``pmf``, ``cdf``, ``sample``, ``mean`` or ``median``.
    ids : Allowed
        Its ids; empty for samples.
    required : bool
        Whether whoever answers the tasks must give it.
    whole : bool
        Values are whole numbers.
    minimum, maximum : float or None
        Bounds of the value, included.
    samples : Samples or None
        For samples.
    """

    name: str
    ids: Allowed
    required: bool
    whole: bool
    minimum: float | None
    maximum: float | None
    samples: Samples | None = None


@dataclass(frozen=True)
class Block:
    """Tasks that are every combination of the values of their ids (an entry of `model_tasks`).

    Attributes
    ----------
    task_ids : mapping of str to Allowed
        In the order of the file.
    outputs : mapping of str to OutputType
        By name.
    target_id : str or None
        Task id that names the target.
    targets : tuple of str
        Names of its targets, as the submission has them.
    kind : str
        ``continuous``, ``discrete``, ``ordinal``, ``nominal``, ``binary``, ``date``, ``time`` or empty.
    step_ahead : bool
        Whether the target is a step of a sequence, such as week after week.
    unit : str
        Length of a step: ``day``, ``week``, ``month`` ...; empty where there is none.
    """

    task_ids: Mapping[str, Allowed]
    outputs: Mapping[str, OutputType]
    target_id: str | None
    targets: tuple[str, ...]
    kind: str
    step_ahead: bool
    unit: str


@dataclass(frozen=True)
class Round:
    """A round of submissions.

    Attributes
    ----------
    blocks : tuple of Block
        What is asked.
    variable : str or None
        Task id that holds the round's id; null where the id is fixed.
    ids : tuple of str
        Ids of the rounds that are asked alike.
    derived : tuple of str
        Task ids that follow from others; combinations with them are not demanded.
    due : (str, int, int) or (None, str, str) or None
        Task id and first and last day relative to it; or first and last day as text.
    formats : tuple of str
        File formats that the round takes; empty where it leaves that to the hub.
    """

    blocks: tuple[Block, ...]
    variable: str | None
    ids: tuple[str, ...]
    derived: tuple[str, ...]
    due: tuple[str | None, Any, Any] | None
    formats: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of a submission, in order."""
        return [*dict.fromkeys(name for block in self.blocks for name in block.task_ids), *STANDARD]

    def of(self, round_id: str) -> tuple[Block, ...]:
        """The blocks that are asked in one round.

        Parameters
        ----------
        round_id : str
            One of ``ids``.
        """
        if self.variable is None:
            return self.blocks
        return tuple(b for b in self.blocks if round_id in b.task_ids[self.variable].all)


@dataclass(frozen=True)
class Hub:
    """A hub's tasks.

    Attributes
    ----------
    label : str
        Path of the file.
    rounds : tuple of Round
        In the order of the file.
    types : mapping of str to str
        Type of each column but the value: ``integer``, ``double``, ``Date`` or ``character``.
    formats : tuple of str
        File formats that the hub takes.
    """

    label: str
    rounds: tuple[Round, ...]
    types: Mapping[str, str]
    formats: tuple[str, ...] = ("csv", "parquet")

    def round(self, round_id: str) -> Round:
        """The round with an id.

        Parameters
        ----------
        round_id : str
            As in a file's name.

        Raises
        ------
        NameNotFoundError
            The hub has no such round.
        """
        for found in self.rounds:
            if round_id in found.ids:
                return found
        raise NameNotFoundError("round", round_id, self.round_ids, self.label)

    @property
    def round_ids(self) -> list[str]:
        """Ids of all rounds."""
        return [i for r in self.rounds for i in r.ids]

    @property
    def variables(self) -> list[str]:
        """Task ids that hold the round's id in some round."""
        return list(dict.fromkeys(r.variable for r in self.rounds if r.variable is not None))


def read_tasks(path: str | Path) -> Hub:
    """A hub's `tasks.json`, and the file formats of the `admin.json` beside it, where there is one.

    Parameters
    ----------
    path : str or Path
        The file, as a rule `hub-config/tasks.json` of the hub.

    Returns
    -------
    Hub
        Rounds, tasks, output types and column types.

    Raises
    ------
    InputError
        The file is not there, is no JSON, or is not a `tasks.json` of schema version 2 to 6.
    """
    path = Path(path)
    raw = _json(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("rounds"), list) or not raw["rounds"]:
        raise InputError(f"{path} has no list of rounds. Give a hub's tasks.json, as a rule in its folder hub-config.")
    major = _major(raw.get("schema_version"), path)
    try:
        types = _types(raw)
        rounds = tuple(_round(item, raw.get("derived_task_ids"), types, major) for item in raw["rounds"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"can't be understood ({error})"
        raise InputError(f"{path} {what}. Give the hub's own tasks.json, unchanged.") from error
    admin = path.with_name("admin.json")
    formats = tuple(_json(admin).get("file_format", ())) if admin.is_file() else ()
    return Hub(str(path), rounds, types, formats or ("csv", "parquet"))


def canonical(values: pl.Series, kind: str) -> tuple[pl.Series, pl.Series]:
    """Values of a column as the text by which the hub compares them.

    Parameters
    ----------
    values : polars.Series
        Of any type.
    kind : {'integer', 'double', 'Date', 'character'}
        The hub's type of the column.

    Returns
    -------
    text : polars.Series of str
        Null where the value is missing or does not fit the type.
    misfit : polars.Series of bool
        Where it does not fit.

    Examples
    --------
    >>> canonical(pl.Series(["0.10", "x", None]), "double")[0].to_list()
    ['0.1', None, None]
    """
    text = values if values.dtype == pl.String else values.cast(pl.String)
    if kind == "integer":
        found = text.str.strip_chars().cast(pl.Int64, strict=False).cast(pl.String)
    elif kind == "double":
        found = text.str.strip_chars().cast(pl.Float64, strict=False).cast(pl.String)
    elif kind == "Date":
        found = text.str.strip_chars().str.to_date("%Y-%m-%d", strict=False).cast(pl.String)
    else:
        found = text
    return found, text.is_not_null() & found.is_null()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"there is no file {path}. Check the name and the folder.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"can't read {path}: {error}. Give the hub's tasks.json.") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is no JSON: {error}. Give the hub's own file, unchanged.") from error


def _major(version: object, path: Path) -> int:
    found = _VERSION.search(str(version))
    if found is None or not 2 <= int(found[1]) <= 6:
        raise InputError(
            f"{path} is of schema version {version!r}; a hubverse tasks.json of version 2 to 6 was wanted. "
            "Its 'schema_version' names the version."
        )
    return int(found[1])


def _types(raw: Mapping[str, Any]) -> dict[str, str]:
    """Type of each column over all rounds, as the hub infers it: text before double before whole before date."""
    values: dict[str, list[Any]] = {}
    ids: list[Any] = []
    for task in (t for r in raw["rounds"] for t in r["model_tasks"]):
        for name, allowed in task["task_ids"].items():
            values.setdefault(name, []).extend(v for part in allowed.values() for v in part or ())
        for name, output in task["output_type"].items():
            if name == "sample":
                params = output.get("output_type_id_params") or {}
                ids.append("s" if params.get("type") == "character" else 1)
            elif name not in POINTS:
                ids.extend(v for part in output["output_type_id"].values() for v in part or ())
    types = {name: _type(found, dates=True) for name, found in values.items()}
    stated = raw.get("output_type_id_datatype") or "auto"
    types["output_type"] = "character"
    types["output_type_id"] = _type(ids, dates=False) if stated == "auto" else stated
    return types


def _type(values: Iterable[Any], *, dates: bool) -> str:
    found = [v for v in values if v is not None]
    if any(isinstance(v, str) for v in found) or not found:
        whole = bool(found) and all(isinstance(v, str) and _DATE.fullmatch(v) for v in found)
        return "Date" if whole and dates else "character"
    return "double" if any(isinstance(v, float) for v in found) else "integer"


def _round(item: Mapping[str, Any], everywhere: Any, types: Mapping[str, str], major: int) -> Round:
    blocks = tuple(_block(task, types, major) for task in item["model_tasks"])
    variable = item["round_id"] if item["round_id_from_variable"] else None
    if variable is None:
        ids: tuple[str, ...] = (str(item["round_id"]),)
    else:
        ids = tuple(dict.fromkeys(v for b in blocks for v in b.task_ids[variable].all if v is not None))
    due = item.get("submissions_due") or {}
    when = (due.get("relative_to"), due["start"], due["end"]) if due else None
    derived = item.get("derived_task_ids") or everywhere or ()
    return Round(blocks, variable, ids, tuple(derived), when, tuple(item.get("file_format") or ()))


def _block(task: Mapping[str, Any], types: Mapping[str, str], major: int) -> Block:
    ids = {name: _allowed(part, types[name]) for name, part in task["task_ids"].items()}
    outputs = {n: _output(n, o, types["output_type_id"], major) for n, o in task["output_type"].items()}
    about = task["target_metadata"]
    keys = [(name, value) for a in about for name, value in (a.get("target_keys") or {}).items()]
    targets = tuple(dict.fromkeys(str(v) for _, value in keys for v in (value if isinstance(value, list) else [value])))
    return Block(
        ids,
        outputs,
        keys[0][0] if keys else None,
        targets or tuple(str(a["target_id"]) for a in about),
        str(about[0].get("target_type") or ""),
        bool(about[0].get("is_step_ahead")),
        str(about[0].get("time_unit") or ""),
    )


def _allowed(part: Mapping[str, Any], kind: str) -> Allowed:
    return Allowed(_texts(part.get("required"), kind), _texts(part.get("optional"), kind))


def _texts(values: Any, kind: str) -> tuple[str | None, ...]:
    if not values:
        return ()
    if kind == "double":
        return tuple(canonical(pl.Series(values, dtype=pl.Float64), kind)[0])
    return tuple(f"{v:.15g}" if isinstance(v, float) else str(v) for v in values)


def _output(name: str, item: Mapping[str, Any], kind: str, major: int) -> OutputType:
    value = item.get("value") or {}
    limits = (value.get("minimum"), value.get("maximum"))
    whole = value.get("type") == "integer"
    if name == "sample":
        params = item.get("output_type_id_params") or {}
        needed = bool(item.get("is_required", params.get("is_required", False)))
        compound = params.get("compound_taskid_set")
        samples = Samples(
            int(params.get("min_samples_per_task", 1)),
            int(params.get("max_samples_per_task", 1)),
            params.get("type") == "character",
            params.get("max_length"),
            None if compound is None else tuple(compound),
        )
        return OutputType(name, Allowed((), ()), needed, whole, *limits, samples)
    part = item["output_type_id"]
    if name in POINTS:  # version 3 writes ["NA"] where later ones write null
        needed = bool(item["is_required"]) if major >= 4 else bool(part.get("required"))
        return OutputType(name, Allowed((None,), ()), needed, whole, *limits)
    ids = _allowed(part, kind)
    needed = bool(item["is_required"]) if major >= 4 else bool(ids.required)
    return OutputType(name, ids, needed, whole, *limits)
