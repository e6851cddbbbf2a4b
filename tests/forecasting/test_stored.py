"""Stored models: the same answers without the data, and a file that was changed or is for something else is refused."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest

from salus.errors import InputError
from salus.forecasting import pooled, stored, trees
from salus.forecasting.answer import new_model
from salus.surveillance.panel import Panel
from salus.surveillance.weeks import Cadence

WEEK = Cadence("week", 0)


def panel(weeks: int = 200, places: int = 5) -> Panel:
    rng = np.random.default_rng(1)
    season = 40 * np.exp(2 * np.sin(2 * np.pi * np.arange(weeks) / 52))
    values = rng.poisson(season * rng.uniform(0.5, 2, (places, 1))).astype(float)
    starts = tuple(WEEK.shift(dt.date(2016, 1, 4), k) for k in range(weeks))
    names = tuple(f"P{i}" for i in range(places))
    return Panel("influenza", "cases", WEEK, WEEK.end(starts[-1]), starts, names, values, np.full(places, np.nan))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "TREES", 15)
        patch.setattr(pooled, "ROWS", 2_000)
        model = new_model("combination")
        model.fit(panel())
    path = tmp_path_factory.mktemp("model") / "model.json"
    path.write_text(stored.dumps(model, panel()), encoding="utf-8")
    return path, model


def test_a_stored_model_answers_to_the_bit_as_the_one_that_was_trained(trained):
    path, model = trained
    later = panel(204)  # a month after the training: it is held against what has come since
    for asked in (panel(), later):
        again = stored.load(path, asked).predict(asked, [1, 2, 3, 4])
        assert np.array_equal(again, model.predict(asked, [1, 2, 3, 4]))
    elsewhere = dataclasses.replace(later, locations=("Q1", "Q2"), values=later.values[:2] * 3,
                                    population=later.population[:2])  # fmt: skip
    assert np.isfinite(stored.load(path, elsewhere).predict(elsewhere, [1])).all()


def test_the_file_says_what_it_was_trained_on_and_holds_no_row_of_it(trained):
    whole = json.loads(trained[0].read_text(encoding="utf-8"))
    told = whole["trained_on"]
    assert (told["disease"], told["places"], told["last"]) == ("influenza", 5, "2019-10-28")
    assert told["as_of"] == "2019-11-03"
    other = panel()
    other.values[0, 0] += 1
    assert stored.origin(other).data_sha256 != told["data_sha256"] == stored.origin(panel()).data_sha256
    assert not {"values", "locations", "population"} & set(json.dumps(whole["state"])[:200].replace('"', " ").split())


@pytest.mark.parametrize("kind", ["cut", "changed", "other format", "no json", "binary", "array", "missing"])
def test_a_file_that_is_no_model_is_refused_with_one_clear_error(trained, tmp_path, kind):
    text = trained[0].read_text(encoding="utf-8")
    spoiled = {
        "cut": text[:-50],
        "changed": text.replace('"factors":[1', '"factors":[2', 1),
        "other format": text.replace(stored.FORMAT, "salus-model-0"),
        "no json": "not a model",
        "binary": "\x00\x01",
        "array": "[1, 2]",
    }
    path = tmp_path / "model.json"
    if kind != "missing":
        assert spoiled[kind] != text
        path.write_text(spoiled[kind], encoding="utf-8")
    with pytest.raises(InputError, match=r"model\.json: .+\. [A-Z]"):
        stored.load(path, panel())


def test_a_model_for_something_else_or_from_the_future_is_refused(trained):
    asked = panel()
    with pytest.raises(InputError, match="trained for influenza, cases, week"):
        stored.load(trained[0], dataclasses.replace(asked, disease="measles"))
    with pytest.raises(InputError, match="would know the future"):
        stored.load(trained[0], dataclasses.replace(asked, reference_date=dt.date(2019, 1, 1)))


def test_a_model_of_other_features_is_refused_when_asked(trained):
    model = stored.load(trained[0], panel())
    model._names = model._names[:-1]
    with pytest.raises(InputError, match="Train it again"):
        model.predict(panel(), [1])


def test_what_learns_nothing_is_not_stored():
    with pytest.raises(InputError, match="nothing to store"):
        stored.dumps(new_model("persistence"), panel())
    with pytest.raises(InputError, match="nothing that could be taken up"):
        new_model("persistence").restore({})
