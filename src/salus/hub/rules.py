"""The rules by which a hub takes or refuses a submission, each by the name that hubValidations gives it.

Rules read facts of the hubverse's documentation (docs.hubverse.io, and the table of checks of the R package
hubValidations); the code is our own. All rules that can be looked at are, so that every fault is told at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from salus.errors import Fault, InputError
from salus.hub.content import assigned, col_types, derived_task_id_vals, rows_unique, valid_vals
from salus.hub.required import missing_rows
from salus.hub.samples import sample_faults
from salus.hub.submission import FileName, parse_name, read_submission
from salus.hub.tasks import Block, Hub, Round, canonical
from salus.hub.values import counts_lt_popn, horizon_timediff, value_col_non_desc, value_col_sum1, value_col_valid

RULES: dict[str, str] = {
    "file_name": "the file's name is ROUND-TEAM-MODEL.EXTENSION, of letters, digits and underscores",
    "file_location": "the file lies in the folder of its model, TEAM-MODEL",
    "round_id_valid": "the round in the file's name is one of the hub's",
    "submission_time": "the day of submission lies in the round's window; looked at when a day is given",
    "file_format": "the extension is one that the hub takes",
    "metadata_exists": "the hub's folder model-metadata, where there is one, describes the model",
    "file_read": "the file can be read",
    "colnames": "the columns are the task ids, output_type, output_type_id and value, and no others",
    "col_types": "each column has the hub's type; rows of CSV can be read as such",
    "valid_round_id_col": "the column that holds the round is there",
    "unique_round_id": "the file answers one round",
    "match_round_id": "the round in the file is the one in its name",
    "valid_vals": "each row is a combination of values that the hub allows",
    "derived_task_id_vals": "task ids that follow from others have values that the hub allows",
    "rows_unique": "no task, output type and id stands twice",
    "req_vals": "every combination that the hub demands is there",
    "value_col_valid": "each value is a number of the type and within the bounds that the hub states",
    "value_col_non_desc": "quantiles and cdf values of a task do not decrease with their id",
    "value_col_sum1": "probabilities of a task sum to 1",
    "spl_compound_taskid_set": "a sample spans the tasks that the hub wants it to span, or more",
    "spl_compound_tid": "task ids that are the same within one sample are so within every sample",
    "spl_non_compound_tid": "every sample spans the same tasks",
    "spl_n": "the number of samples of a task is within the hub's bounds",
    "horizon_timediff": "target_end_date is the round's date and the horizon's number of steps",
    "counts_lt_popn": "no count is as large as the place's population; looked at when populations are given",
}
"""What each rule demands, in the order in which faults are told."""


@dataclass(frozen=True)
class Terms:
    """How to look at a submission, beyond what the tasks say.

    Attributes
    ----------
    population : dict of str to float
        People in each place, by the hub's code; empty where counts are not compared with it.
    horizon_zero : int
        Days from the round's date to the end of horizon 0.
    in_folder : bool
        Whether the file must lie in its model's folder.
    submitted : datetime.date or None
        Day of submission, where the window is to be looked at.
    """

    population: dict[str, float] = field(default_factory=dict)
    horizon_zero: int = 0
    in_folder: bool = True
    submitted: dt.date | None = None


def check_file(path: str | Path, hub: Hub, terms: Terms | None = None) -> list[Fault]:
    """Everything that the hub would refuse in a submission.

    Parameters
    ----------
    path : str or Path
        CSV or Parquet file.
    hub : Hub
        What is asked.
    terms : Terms, optional
        Populations, the meaning of horizon 0, the day of submission.

    Returns
    -------
    list of Fault
        ``kind`` is the rule, one of :data:`RULES`; empty for a file that the hub takes.
    """
    path, terms = Path(path), terms or Terms()
    name = parse_name(path)
    faults = _name_faults(path, name, hub, terms)
    try:
        table = read_submission(path)
    except InputError as error:
        what, _, remedy = str(error).removesuffix(".").rpartition(". ")
        return _sorted([*faults, Fault("file_read", what, remedy)])
    return _sorted([*faults, *check_table(table, hub, None if name is None else name.round_id, terms)])


def check_table(table: pl.DataFrame, hub: Hub, round_id: str | None, terms: Terms | None = None) -> list[Fault]:
    """Everything that the hub would refuse in the rows of a submission.

    Parameters
    ----------
    table : polars.DataFrame
        As read: text from CSV, typed from Parquet.
    hub : Hub
        What is asked.
    round_id : str or None
        Round that the file's name gives; that of the rows where there is none.
    terms : Terms, optional
        As for :func:`check_file`.

    Returns
    -------
    list of Fault
        ``kind`` is the rule.
    """
    terms = terms or Terms()
    found, faults = _round_faults(table, hub, round_id)
    if found is None:
        return _sorted(faults)
    chosen, current = found
    missing = [n for n in chosen.columns if n not in table.columns]
    faults += _column_faults(table, chosen, missing)
    rows, misfits = col_types(table.select(n for n in chosen.columns if n in table.columns), hub.types)
    faults += misfits
    if not missing:
        faults += list(_row_faults(rows, chosen, current, terms, hub))
    return _sorted(faults)


def _row_faults(rows: pl.DataFrame, chosen: Round, current: str, terms: Terms, hub: Hub) -> Iterator[Fault]:
    blocks = chosen.of(current)
    ids = [n for n in chosen.columns if n != "value"]
    at = assigned(rows, blocks, chosen.derived)
    yield from valid_vals(rows, at, blocks, chosen.derived)
    yield from derived_task_id_vals(rows, blocks, chosen.derived)
    yield from rows_unique(rows, ids)
    fixed = {} if chosen.variable is None else {chosen.variable: current}
    for number, block in enumerate(blocks):
        yield from _missing(rows.filter(at == number), block, fixed, chosen.derived)
        yield from value_col_valid(rows, at == number, block)
        yield from sample_faults(rows.filter(at == number), block, chosen.derived)
    tasks = [n for n in chosen.columns if n in chosen.blocks[0].task_ids or n not in ("output_type_id", "value")]
    yield from value_col_non_desc(rows, tasks, blocks)
    yield from value_col_sum1(rows, tasks)
    if chosen.variable is not None and hub.types[chosen.variable] == "Date":
        yield from horizon_timediff(rows, at, blocks, chosen.variable, terms.horizon_zero)
    if terms.population:
        yield from counts_lt_popn(rows, at, blocks, terms.population)


def _missing(rows: pl.DataFrame, block: Block, fixed: dict[str, str], derived: tuple[str, ...]) -> Iterator[Fault]:
    lacking = missing_rows(rows, block, fixed, derived)
    if lacking.height == 0:
        return
    shown = []
    for name in lacking.columns:
        values = lacking[name].unique(maintain_order=True).to_list()
        words = ", ".join("NA" if v is None else v for v in values[:6])
        shown.append(f"{name} {words}{f' and {len(values) - 6} more' if len(values) > 6 else ''}")
    yield Fault(
        "req_vals",
        f"{lacking.height} rows that the hub demands are missing, with {'; '.join(shown)}",
        "Add them, or leave out the tasks that they belong to where those are optional",
        count=lacking.height,
    )


def _name_faults(path: Path, name: FileName | None, hub: Hub, terms: Terms) -> list[Fault]:
    if name is None:
        text = f"found {path.name}, wanted ROUND-TEAM-MODEL.csv such as 2024-01-06-delta-grove.csv"
        return [Fault("file_name", text, "Rename the file; letters, digits and underscores only")]
    faults = []
    folder = path.resolve().parent
    if terms.in_folder and folder.name != name.model_id:
        text = f"the file lies in {folder.name}, the folder {name.model_id} was wanted"
        faults.append(Fault("file_location", text, "Move the file into the folder of its model"))
    metadata = folder.parent.parent / "model-metadata"
    files = [metadata / f"{name.model_id}.{e}" for e in ("yml", "yaml")]
    if metadata.is_dir() and not any(f.is_file() for f in files):
        text = f"the hub's folder model-metadata has no {name.model_id}.yml"
        faults.append(Fault("metadata_exists", text, "Describe the model there, as the hub's own page says"))
    known = name.round_id in hub.round_ids
    if not known:
        near = ", ".join(hub.round_ids[:3])
        text = f"the hub has no round {name.round_id}; it has {near} ... {hub.round_ids[-1]}"
        faults.append(Fault("round_id_valid", text, "Name the file by the round that it answers"))
    takes = (hub.round(name.round_id).formats if known else ()) or hub.formats
    if name.format not in takes:
        text = f"found .{name.format}, the hub takes {', '.join(takes)}"
        faults.append(Fault("file_format", text, "Write the file in a format that the hub takes"))
    if known and terms.submitted is not None:
        faults += _time_faults(hub.round(name.round_id), name.round_id, terms.submitted)
    return faults


def _time_faults(chosen: Round, round_id: str, day: dt.date) -> list[Fault]:
    if chosen.due is None:
        return []
    relative, start, end = chosen.due
    if relative is None:
        first, last = dt.date.fromisoformat(str(start)[:10]), dt.date.fromisoformat(str(end)[:10])
    else:
        origin = dt.date.fromisoformat(round_id)
        first, last = (origin + dt.timedelta(days=int(n)) for n in (start, end))
    if first <= day <= last:
        return []
    text = f"{day} is outside the round's window, {first} to {last}"
    return [Fault("submission_time", text, "Submit within the window; the hub takes nothing late")]


def _round_faults(table: pl.DataFrame, hub: Hub, round_id: str | None) -> tuple[tuple[Round, str] | None, list[Fault]]:
    """The round that the rows answer, and what is wrong with how they say so."""
    named = round_id if round_id in hub.round_ids else None
    variables = [hub.round(named).variable] if named else hub.variables
    column = next((v for v in variables if v is not None and v in table.columns), None)
    if column is None:
        faults = []
        if any(v is not None for v in variables):
            wanted = " or ".join(f"'{v}'" for v in variables)
            text = f"there is no column {wanted}, which holds the round"
            faults.append(Fault("valid_round_id_col", text, "Add it, with the round in every row", column=variables[0]))
        return ((hub.round(named), named) if named else None), faults
    values = canonical(table[column], hub.types[column])[0].unique(maintain_order=True).to_list()
    rounds = [v for v in values if v in hub.round_ids]
    faults = []
    if len(values) != 1:
        some = f"{len(values)} rounds: {', '.join(str(v) for v in values[:4])}" if values else "no rows"
        text = f"found {some}; one round was wanted"
        faults.append(Fault("unique_round_id", text, "Write one file a round", column=column))
    elif round_id is not None and values[0] != round_id:
        text = f"the rows say {values[0]}, the file's name {round_id}"
        faults.append(Fault("match_round_id", text, "Name the file by the round that it answers", column=column))
    if round_id is None and not rounds:
        text = f"the hub has no round {values[0] if values else '(no rows)'}"
        faults.append(Fault("round_id_valid", text, "Give a round of the hub's", column=column))
    current = rounds[0] if len(values) == 1 and rounds else named or (rounds[0] if rounds else None)
    return ((hub.round(current), current) if current else None), faults


def _column_faults(table: pl.DataFrame, chosen: Round, missing: list[str]) -> list[Fault]:
    extra = [n for n in table.columns if n not in chosen.columns]
    if not missing and not extra:
        return []
    words = [f"{', '.join(missing)} missing"] if missing else []
    words += [f"{', '.join(extra)} not asked for"] if extra else []
    text = f"{' and '.join(words)}; the hub wants {', '.join(chosen.columns)}"
    return [Fault("colnames", text, "Write exactly these columns")]


def _sorted(faults: list[Fault]) -> list[Fault]:
    order = list(RULES)
    return sorted(faults, key=lambda fault: order.index(fault.kind))
