"""Outcomes that contain each other: nobody is likelier to have the narrower one than the wider one.

Moderate or worse, and below .70 after a bronchodilator, are by definition among those below .70 before it; models that
were fitted apart know nothing of that. The wider probability is raised to the narrower one: on the cycle left out this
had the better log score than lowering the narrower one, than meeting in the middle, and than a model of the narrower
outcome among those with the wider one. Only where the wider model is of the department's own and the narrower one is
not does the narrower one yield.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from salus.copd.model import RiskModel

WITHIN = {"y_mod": "y_070", "y_post070": "y_070"}
"""Outcomes that are part of another one, by definition."""


def companions(asked: Sequence[RiskModel], local: Sequence[RiskModel] = ()) -> tuple[RiskModel, ...]:
    """Models that it takes to say the probabilities of some of them coherently.

    Parameters
    ----------
    asked : sequence of RiskModel
        Models of one tier, one an outcome.
    local : sequence of RiskModel
        Models in place of packaged ones.

    Returns
    -------
    tuple of RiskModel
        Those that were asked for, then those of the outcomes that contain theirs or are contained.

    Examples
    --------
    >>> [model.outcome for model in companions([RiskModel.load("y_070", "A")])]
    ['y_070', 'y_mod', 'y_post070']
    >>> [model.outcome for model in companions([RiskModel.load("y_llngl", "A")])]
    ['y_llngl']
    """
    have = {model.outcome for model in asked}
    own = {(model.outcome, model.tier): model for model in local}
    more: dict[str, RiskModel] = {}
    for model in asked:
        for pair in WITHIN.items():
            if model.outcome in pair:
                more |= {o: own.get((o, model.tier)) or RiskModel.load(o, model.tier) for o in pair if o not in have}
    return (*asked, *more.values())


def coherent(said: Mapping[str, pl.DataFrame], models: Sequence[RiskModel]) -> dict[str, pl.DataFrame]:
    """Probabilities of which none of a narrower outcome is above that of the wider one.

    Parameters
    ----------
    said : mapping of str to polars.DataFrame
        By outcome, what :meth:`salus.copd.model.RiskModel.predict` gave for the same people.
    models : sequence of RiskModel
        The models that said it: :func:`companions` of those that are asked for.

    Returns
    -------
    dict of str to polars.DataFrame
        The same with `y_070` raised, its interval with it; or the narrower ones lowered, as said above.

    Examples
    --------
    >>> models = [RiskModel.load("y_070", "A"), RiskModel.load("y_mod", "A")]
    >>> said = {"y_070": pl.DataFrame({"probability": [0.2, 0.4]}), "y_mod": pl.DataFrame({"probability": [0.3, 0.1]})}
    >>> coherent(said, models)["y_070"]["probability"].to_list()
    [0.3, 0.4]
    """
    by = {model.outcome: model for model in models}
    found = dict(said)
    pairs = [(narrow, wide) for narrow, wide in WITHIN.items() if narrow in said and wide in said]
    yields = {narrow: _own(by[wide]) and not _own(by[narrow]) for narrow, wide in pairs}
    for narrow, wide in pairs:
        if not yields[narrow]:
            found[wide] = _each(np.maximum, found[wide], found[narrow])
    for narrow, wide in pairs:
        if yields[narrow]:
            found[narrow] = _each(np.minimum, found[narrow], found[wide])
    return found


def _own(model: RiskModel) -> bool:
    """Whether it is another than the packaged one, be that read from a copy or sent to another process."""
    packaged = RiskModel.load(model.outcome, model.tier)
    return (model.provenance, model.calibration) != (packaged.provenance, packaged.calibration)


def _each(take: np.ufunc, moved: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({name: take(moved[name].to_numpy(), other[name].to_numpy()) for name in moved.columns})
