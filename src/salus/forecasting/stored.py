"""Trained models as one JSON file: what was learned, from what, and by which version; never a pickle.

A file is read on a machine that has never seen the training data. It holds numbers and the texts of trees, nothing that
is run; a changed byte is found by its SHA-256, which guards against damage, not against a forger: take model files from
where you would take programs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm.basic import LightGBMError

from salus.errors import InputError
from salus.forecasting.answer import new_model
from salus.forecasting.model import Model
from salus.surveillance.panel import Panel

FORMAT = "salus-model-1"
"""Named in every file; another one is not read."""
LARGEST = 256 * 2**20
"""Bytes from which a file is not taken for a model."""


@dataclass(frozen=True)
class Origin:
    """What a stored model was trained on.

    Attributes
    ----------
    disease, signal, cadence : str
        What it forecasts, and the length of a period: ``day``, ``week`` or ``month``.
    places : int
        Places that it was trained on.
    first, last : str
        First days of the first and the last period, ISO.
    as_of : str
        The day on which that was known, ISO.
    also : tuple of str
        Other diseases and signals that it learned from.
    data_sha256 : str
        Of the values, places and periods of all of them.
    salus : str
        Version of the program that trained it.
    """

    disease: str
    signal: str
    cadence: str
    places: int
    first: str
    last: str
    as_of: str
    also: tuple[str, ...]
    data_sha256: str
    salus: str


def origin(panel: Panel) -> Origin:
    """What a panel is, for the record.

    Parameters
    ----------
    panel : Panel
        What a model is trained on.

    Returns
    -------
    Origin
        With the hash of its data.
    """
    digest = hashlib.sha256()
    for each in (panel, *panel.also):
        head = [each.disease, each.signal, each.cadence.kind, list(each.locations), [str(s) for s in each.starts]]
        digest.update(json.dumps(head).encode())
        digest.update(np.ascontiguousarray(each.values, dtype="<f8").tobytes())
        for driver in each.drivers:
            digest.update(driver.name.encode())
            for values in (driver.values, *driver.later):
                digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return Origin(
        panel.disease, panel.signal, panel.cadence.kind, len(panel.locations), str(panel.starts[0]),
        str(panel.starts[-1]), str(panel.reference_date), tuple(f"{o.disease}, {o.signal}" for o in panel.also),
        digest.hexdigest(), version("salus"),
    )  # fmt: skip


def dumps(model: Model, panel: Panel) -> str:
    """A fitted model as text.

    Parameters
    ----------
    model : Model
        Fitted on the panel.
    panel : Panel
        What it was fitted on.

    Returns
    -------
    str
        JSON; :func:`loads` reads it.

    Raises
    ------
    InputError
        The model keeps nothing of its training, so that there is nothing to store.
    """
    state = model.state()
    if not state:
        raise InputError(
            f"the model '{model.name}' has nothing to store: it learns nothing ahead of a forecast, or had too little "
            "to learn from. Forecast with --model, or train 'combination' on a longer series."
        )
    body = {"model": model.name, "trained_on": asdict(origin(panel)), "state": state}
    return json.dumps({"format": FORMAT, "sha256": _hash(body), **body}, ensure_ascii=False, separators=(",", ":"))


def read(path: str | Path) -> tuple[str, Origin, dict[str, Any]]:
    """What a model file holds.

    Parameters
    ----------
    path : str or Path
        File that `salus train` wrote.

    Returns
    -------
    name, origin, state
        Registered name of the model, what it was trained on, and what :meth:`Model.restore` takes.

    Raises
    ------
    InputError
        The file is not there, is no model, or was changed since it was written.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        text = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}). Give a file that `salus train` wrote.") from error
    if size > LARGEST:
        raise InputError(f"{path}: {size:,} bytes; a model file has at most {LARGEST:,}. Give one of `salus train`.")
    try:
        whole = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not a model file ({error}). Give a file that `salus train` wrote.") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        found = whole.get("format") if isinstance(whole, dict) else type(whole).__name__
        raise InputError(f"{path}: the format is {found!r}, {FORMAT!r} was wanted. Train the model again.")
    body = {key: value for key, value in whole.items() if key not in ("format", "sha256")}
    if set(body) != {"model", "trained_on", "state"} or whole.get("sha256") != _hash(body):
        raise InputError(f"{path}: changed or cut short since it was written. Copy it again, or train anew.")
    try:
        told = Origin(**(body["trained_on"] | {"also": tuple(body["trained_on"]["also"])}))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: doesn't say what it was trained on ({error}). Train the model again.") from error
    return str(body["model"]), told, body["state"]


def fits(path: str | Path, stored: Origin, panel: Panel) -> None:
    """Refuse a panel that a stored model was not trained for.

    Parameters
    ----------
    path : str or Path
        Of the file, for the message.
    stored : Origin
        What the model was trained on.
    panel : Panel
        What is to be forecast; other places than those of the training are welcome.

    Raises
    ------
    InputError
        Another disease, signal or cadence; or the model was trained on data later than the panel's day.
    """
    asked = (panel.disease, panel.signal, panel.cadence.kind)
    if asked != (stored.disease, stored.signal, stored.cadence):
        raise InputError(
            f"{path}: trained for {stored.disease}, {stored.signal}, {stored.cadence}; {panel.label} has "
            f"{', '.join(asked)}. Give the model of this series, or train one with `salus train`."
        )
    if stored.as_of > str(panel.reference_date):
        raise InputError(
            f"{path}: trained on what was known on {stored.as_of}; a forecast as of {panel.reference_date} would know "
            "the future. Ask for a later day, or train with an earlier --as-of."
        )


def load(path: str | Path, panel: Panel) -> Model:
    """The stored model, ready to forecast a panel.

    Parameters
    ----------
    path : str or Path
        File that `salus train` wrote.
    panel : Panel
        What is to be forecast.

    Returns
    -------
    Model
        As if it had been fitted.

    Raises
    ------
    InputError
        The file is no model, or not one for this panel.
    """
    name, trained_on, state = read(path)
    fits(path, trained_on, panel)
    model = new_model(name)
    try:
        model.restore(state)
    except (KeyError, TypeError, ValueError, LightGBMError) as error:
        raise InputError(f"{path}: does not hold the model '{name}' ({error}). Train it again.") from error
    return model


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
