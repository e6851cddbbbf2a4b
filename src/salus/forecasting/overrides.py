"""A person's word against a model's: forecasts replaced or widened, with a name and a reason, both kept.

The forecast stays as it is; what a person says stands in a file beside it, to which lines are only ever added. Each
line holds the hash of the line before: a line that is changed or taken out by mistake is noticed. Against somebody who
rewrites the whole file only a copy elsewhere helps.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import polars as pl
from scipy.stats import norm

from salus.data import durable, provenance
from salus.data.output import output_error
from salus.errors import InputError, NameNotFoundError, OutputError
from salus.forecasting.model import TAUS, Floats
from salus.forecasting.scale import root, unroot
from salus.tables.contracts import FORECASTS, LEVELS

MODEL = "override"
"""What stands in the column `model` of a person's forecast."""
WIDEST = 10.0
"""Greatest widening."""
FEWEST = 3
"""Quantiles that a replacement must name."""
LONGEST = 2000
"""Letters of a name or reason."""
_START = "0" * 64
_TASK = ["reference_date", "disease", "signal", "location", "horizon", "target_end_date"]


@dataclass(frozen=True)
class Override:
    """What a person says of one forecast.

    Attributes
    ----------
    number : int
        1, 2, 3 ...
    when : str
        In UTC.
    name, reason : str
        Whose word it is, and why.
    what : str
        ``widened by 1.5`` or ``replaced``.
    reference_date, disease, signal, location, horizon, target_end_date, model
        The forecast that it is about; days as ISO text.
    original, quantiles : tuple of float
        The 23 quantiles before and after.
    previous, hash : str
        Hash of the line before, and of all of the above.
    """

    number: int
    when: str
    name: str
    reason: str
    what: str
    reference_date: str
    disease: str
    signal: str
    location: str
    horizon: int
    target_end_date: str
    model: str
    original: tuple[float, ...]
    quantiles: tuple[float, ...]
    previous: str
    hash: str

    def line(self) -> str:
        """The override in words."""
        ahead = f"{self.location}, horizon {self.horizon} ({self.target_end_date})"
        middle = LEVELS.index(0.5)
        moved = f"median {self.original[middle]:.4g} -> {self.quantiles[middle]:.4g}"
        return f"{self.number}  {self.when}  {self.name}: {ahead} {self.what}, {moved}: {self.reason}"


def widened(quantiles: Floats, factor: float) -> Floats:
    """A forecast with wider ranges around the same median.

    Parameters
    ----------
    quantiles : numpy.ndarray, shape (23,)
        Not decreasing.
    factor : float
        Over 1, at most :data:`WIDEST`: how many times wider on the fourth-root scale.

    Returns
    -------
    numpy.ndarray, shape (23,)
        At least 0.

    Raises
    ------
    InputError
        The factor would not widen.

    Examples
    --------
    >>> widened(np.linspace(1, 3, 23) ** 4, 1.5)[[0, 11, 22]].round(3).tolist()
    [0.062, 16.0, 150.062]
    """
    if not 1 < factor <= WIDEST:
        raise InputError(
            f"a forecast can't be widened by {factor:g}: a factor over 1 and up to {WIDEST:g} was wanted. To narrow or "
            f"move a forecast, replace its quantiles."
        )
    spread = root(quantiles)
    answer = unroot(spread[11] + factor * (spread - spread[11]))
    answer[11] = quantiles[11]
    return np.concatenate([np.minimum(answer[:11], answer[11]), np.maximum(answer[11:], answer[11])])


def replaced(given: Mapping[float, float]) -> Floats:
    """All quantiles from some: straight lines between them on the normal and the fourth-root scale, their slope beyond.

    Parameters
    ----------
    given : mapping of float to float
        Value of each quantile level that is named: the median, one below and one above it at least.

    Returns
    -------
    numpy.ndarray, shape (23,)
        Those named exactly as given.

    Raises
    ------
    InputError
        Too few, a level that forecasts don't have, a negative value, or values that fall while the level rises.

    Examples
    --------
    >>> replaced({0.025: 1.0, 0.5: 16.0, 0.975: 81.0})[[1, 11, 21]].tolist()
    [1.0, 16.0, 81.0]
    """
    levels = sorted(given)
    strange = [x for x in levels if round(x, 3) not in LEVELS]
    if strange:
        known = ", ".join(f"{x:g}" for x in LEVELS)
        raise InputError(f"there is no quantile level {strange[0]:g}. Forecasts have {known}.")
    if len(levels) < FEWEST or 0.5 not in levels or not levels[0] < 0.5 < levels[-1]:
        named = ", ".join(f"{x:g}" for x in levels) or "none"
        raise InputError(f"the quantiles {named} tell no distribution. Give 0.5, one below and one above at least.")
    values = np.array([given[x] for x in levels], dtype=float)
    if not np.isfinite(values).all() or (values < 0).any():
        raise InputError(f"a quantile is {values[~(values >= 0)][0]:g}. Give numbers from 0.")
    fall = np.flatnonzero(np.diff(values) < 0)
    if fall.size:
        low, high = levels[fall[0]], levels[fall[0] + 1]
        raise InputError(
            f"the quantiles cross: {given[low]:g} at {low:g} is more than {given[high]:g} at {high:g}. "
            f"Let them rise with the level."
        )
    known, asked = norm.ppf(levels), norm.ppf(TAUS)
    at = np.clip(np.searchsorted(known, asked), 1, known.size - 1)
    line = root(values)
    found = line[at - 1] + (asked - known[at - 1]) / (known[at] - known[at - 1]) * (line[at] - line[at - 1])
    answer = unroot(found)
    before = np.searchsorted(known, asked, side="right")  # rounding must not carry a value past one that is named
    low, high = np.concatenate([[0.0], values])[before], np.concatenate([values, [np.inf]])[before]
    answer = np.clip(answer, low, high)
    answer[[LEVELS.index(round(x, 3)) for x in levels]] = values
    return np.maximum.accumulate(answer)


def add(
    log: str | Path,
    forecasts: pl.DataFrame,
    location: str,
    horizon: int,
    *,
    name: str,
    reason: str,
    widen: float | None = None,
    quantiles: Mapping[float, float] | None = None,
) -> Override:
    """Write down what a person says of one forecast.

    Parameters
    ----------
    log : str or Path
        The file of overrides; made where it is not there, else a line is added.
    forecasts : polars.DataFrame
        `forecasts` contract, of one reference date, disease, signal and model.
    location : str
        Place.
    horizon : int
        Periods ahead.
    name, reason : str
        Whose word it is, and why.
    widen : float, optional
        Widen by this factor; what an earlier override says is widened, where there is one.
    quantiles : mapping of float to float, optional
        Replace by these quantiles; see :func:`replaced`.

    Returns
    -------
    Override
        On the disk when this returns.

    Raises
    ------
    InputError
        There is no name, reason, place or horizon, neither or both of widening and replacing are asked for, the
        quantiles are none, or the file was changed by somebody.
    OutputError
        It can't be written.
    """
    if (widen is None) == (quantiles is None):
        raise InputError("say either how to widen the forecast or which quantiles replace it.")
    signed = {"name": _said(name, "name"), "reason": _said(reason, "reason")}
    task, original = _forecast(forecasts, location, horizon)
    path = Path(os.path.realpath(log))
    try:
        with filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=10):
            before = read(path) if path.exists() else []
            same = [o for o in before if _key(o) == tuple(str(task[c]) for c in _TASK)]
            base = np.array(same[-1].quantiles) if same else original
            after = widened(base, widen) if widen is not None else replaced(quantiles or {})
            plain: dict[str, Any] = {
                "number": len(before) + 1,
                "when": provenance.utc_text(),
                **signed,
                "what": "replaced" if widen is None else f"widened by {widen:g}",
                **{c: task[c] if c == "horizon" else str(task[c]) for c in (*_TASK, "model")},
                "original": [float(x) for x in original],
                "quantiles": [float(x) for x in after],
                "previous": before[-1].hash if before else _START,
            }
            whole = plain | {"hash": _hash(plain)}
            content = path.read_bytes() if before else b""
            line = json.dumps(whole, ensure_ascii=False, separators=(", ", ": ")) + "\n"
            durable.replace(path, content + line.encode())
    except filelock.Timeout as error:
        raise OutputError(f"can't write {log}: another process is writing it now. Wait for its end.") from error
    except OSError as error:
        raise output_error(log, error) from error
    return _entry(whole)


def read(log: str | Path) -> list[Override]:
    """All overrides of a file, the first one first.

    Parameters
    ----------
    log : str or Path
        The file.

    Raises
    ------
    InputError
        It can't be read, or a line was changed, added or taken out by anybody but Salus.
    """
    try:
        lines = Path(log).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"there is no file {log}. `salus override` makes it with the first one.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"can't read {log}: {error}. Check that it is a file of overrides.") from error
    found: list[Override] = []
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
            entry = _entry(content)
            plain = {k: v for k, v in content.items() if k != "hash"}
            sound = entry.number == number and entry.hash == _hash(plain)
        except (ValueError, TypeError, KeyError, AttributeError):
            sound = False
        if not sound or entry.previous != (found[-1].hash if found else _START):
            raise InputError(
                f"line {number} of {log} is not as Salus wrote it: it was changed, or one before it was taken out. "
                f"Restore the file from a copy."
            )
        found.append(entry)
    return found


def rows(overrides: Sequence[Override]) -> pl.DataFrame:
    """The forecasts of persons as a table; of several for one task the latest.

    Parameters
    ----------
    overrides : sequence of Override
        As :func:`read` gives them.

    Returns
    -------
    polars.DataFrame
        `forecasts` contract with the model :data:`MODEL`.
    """
    latest = {_key(o): o for o in overrides}
    names = [f"{t:g}" for t in LEVELS]
    table = [
        (MODEL, *key[:4], o.horizon, key[5], "quantile", name, value)
        for key, o in latest.items()
        for name, value in zip(names, o.quantiles, strict=True)
    ]
    frame = pl.DataFrame(
        table,
        schema={n: pl.String if FORECASTS[n].dtype == pl.Date else FORECASTS[n].dtype for n in FORECASTS.names},
        orient="row",
    )
    return frame.with_columns(pl.col("reference_date", "target_end_date").str.to_date())


def applied(forecasts: pl.DataFrame, overrides: Sequence[Override]) -> pl.DataFrame:
    """Forecasts as they are to be shown: a person's in the place of the model's.

    Parameters
    ----------
    forecasts : polars.DataFrame
        `forecasts` contract, one model a task.
    overrides : sequence of Override
        Those of other tasks are left aside.

    Returns
    -------
    polars.DataFrame
        Quantile rows; those of a person have the model :data:`MODEL`.
    """
    said = rows(overrides).join(forecasts.select(_TASK).unique(), on=_TASK, how="semi")
    return pl.concat([forecasts.join(said.select(_TASK).unique(), on=_TASK, how="anti"), said])


def _forecast(forecasts: pl.DataFrame, location: str, horizon: int) -> tuple[dict[str, Any], Floats]:
    """The task that is meant, and its quantiles."""
    table = forecasts.filter((pl.col("output_type") == "quantile") & (pl.col("model") != MODEL))
    if table["reference_date"].n_unique() > 1:
        days = table["reference_date"].unique().sort()
        raise InputError(
            f"the forecasts are of {len(days)} days, {days[0]} to {days[-1]}. Give those of one day, as "
            f"`salus forecast` and `salus run` write them."
        )
    if location not in table["location"].to_list():
        raise NameNotFoundError("forecast of a place", location, table["location"])
    mine = table.filter(pl.col("location") == location)
    one = mine.filter(pl.col("horizon") == horizon)
    if one.height == 0:
        there = ", ".join(str(h) for h in mine["horizon"].unique().sort())
        raise InputError(f"{location} has no forecast at horizon {horizon}; it has {there}.")
    if one.select("model", *_TASK).n_unique() > 1:
        raise InputError(f"the forecasts of {location} are of several models, diseases or signals. Give those of one.")
    ordered = one.sort(pl.col("output_type_id").cast(pl.Float64))
    return ordered.row(0, named=True), ordered["value"].to_numpy()


def _said(text: str, what: str) -> str:
    plain = " ".join(text.split())
    if not plain or len(plain) > LONGEST:
        raise InputError(
            f"an override needs a {what} of 1 to {LONGEST} letters, and {len(plain)} were given. Say "
            + ("who answers for it." if what == "name" else "why the forecast is to be read otherwise.")
        )
    return plain


def _key(override: Override) -> tuple[str, ...]:
    return tuple(str(getattr(override, c)) for c in _TASK)


def _entry(content: dict[str, Any]) -> Override:
    plain = dict(content) | {k: tuple(float(x) for x in content[k]) for k in ("original", "quantiles")}
    if {f.name for f in fields(Override)} != set(plain) or len(plain["quantiles"]) != len(LEVELS):
        raise ValueError("not an override")
    return Override(**plain)


def _hash(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(provenance.canonical(dict(plain))).hexdigest()
