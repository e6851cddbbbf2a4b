"""Training on a made-up survey: reproducible, told apart from bad input, from a file or from NHANES tables."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers_survey import survey

from salus.copd.fitting import fit
from salus.copd.model import RiskModel
from salus.copd.nhanes_people import CYCLES, TABLES, people, read_training
from salus.copd.recipe import TERMS
from salus.copd.training import audit, cross_validated, prepare, train, train_files
from salus.errors import InputError, NameNotFoundError

REAL = Path(os.environ.get("SALUS_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
NHANES = REAL / "copd_nhanes" / "nhanes_spirometry_2007_2010.parquet"
SURVEY = survey(3000)


def test_training_finds_what_makes_people_ill_and_ignores_what_does_not() -> None:
    model = train(SURVEY, "y_llngl", "A", strengths=((30.0, 30.0),))
    people_ = SURVEY.head(1)
    healthy = people_.with_columns(smk_status=pl.lit("never"), smk_years=0.0, smk_cpd=0.0, wheeze_12mo=0.0)
    smoker = people_.with_columns(smk_status=pl.lit("current"), smk_years=40.0, smk_cpd=20.0, wheeze_12mo=1.0)
    p, q = (float(model.predict(t)["probability"][0]) for t in (healthy, smoker))
    assert q > p + 0.2
    shares = model.contributions(pl.concat([healthy, smoker]))
    assert shares["smoking"][1] - shares["smoking"][0] > 0.5
    assert abs(shares["education"][1]) < 0.4
    assert model.provenance["people"] == SURVEY.filter(pl.col("y_llngl").is_not_null()).height


def test_a_sign_is_kept_and_costs_the_least_that_it_can() -> None:
    """Where the data point the other way, the coefficient is 0 and the others are those of a fit without its column."""
    chance = np.random.default_rng(2)
    x = chance.standard_normal((800, 4))
    y = (chance.random(800) < 1 / (1 + np.exp(1 - x @ [1.0, -0.6, 0.4, 0.0]))).astype(float)
    weights, penalty = np.exp(chance.normal(0, 0.3, 800)), np.full(4, 2.0)
    free = fit(x, y, weights, penalty)
    bound = fit(x, y, weights, penalty, np.array([1, 1, -1, 0]))
    alone = fit(x[:, [0, 3]], y, weights, penalty[:2])
    assert free.coefficients[1] < -0.3
    assert bound.coefficients[1] == bound.coefficients[2] == 0
    assert np.allclose(bound.coefficients[[0, 3]], alone.coefficients, atol=1e-6)
    assert np.isclose(bound.intercept, alone.intercept, atol=1e-6)
    same = fit(x, y, weights, penalty, np.array([1, -1, 1, 0]))
    assert np.allclose(same.coefficients, free.coefficients, atol=1e-6)


def test_the_same_people_give_the_same_model_in_any_order() -> None:
    first, again = (train(SURVEY, "y_mod", "B", strengths=((30.0, 30.0), (60.0, 30.0))) for _ in range(2))
    assert first.as_text() == again.as_text()
    mixed = train(SURVEY.sample(fraction=1, shuffle=True, seed=1), "y_mod", "B", strengths=((30.0, 30.0), (60.0, 30.0)))
    assert np.allclose(mixed.predict(SURVEY), first.predict(SURVEY), atol=1e-6)


def test_cross_validation_never_sees_the_person() -> None:
    """Outcomes of the other fold turned round leave this fold's probabilities; its own turned round don't matter."""
    prepared = prepare(SURVEY, "y_070", TERMS["A"])
    plain = cross_validated(prepared, TERMS["A"], ((30.0, 30.0),))[30.0, 30.0]
    rows = prepared.fold == prepared.fold.min()
    poisoned = SURVEY.with_columns(
        pl.when((pl.col("cycle") == "2007-2008") & pl.col("y_070").is_not_null())
        .then(1 - pl.col("y_070"))
        .otherwise(pl.col("y_070"))
        .alias("y_070")
    )
    other = cross_validated(prepare(poisoned, "y_070", TERMS["A"]), TERMS["A"], ((30.0, 30.0),))[30.0, 30.0]
    assert np.allclose(plain[rows], other[rows])
    assert not np.allclose(plain[~rows], other[~rows])
    found = audit(prepared, plain)
    assert 0.8 < found[0]["observed_expected"] < 1.25
    assert found[0]["lower"] < found[0]["observed_expected"] < found[0]["upper"]


def test_one_cycle_is_split_by_sampling_units() -> None:
    one = SURVEY.filter(pl.col("cycle") == "2007-2008")
    prepared = prepare(one, "y_070", TERMS["A"])
    units = {unit: set(prepared.fold[prepared.design.unit == unit]) for unit in np.unique(prepared.design.unit)}
    assert all(len(folds) == 1 for folds in units.values())
    assert len(np.unique(prepared.fold)) > 1


def test_verification_makes_those_with_a_second_blow_stand_for_the_others() -> None:
    prepared = prepare(SURVEY, "y_post070", TERMS["A"])
    verified = prepared.verified
    assert verified is not None
    assert verified.verified < verified.obstructed
    obstructed = (prepared.frame["y_070"] == 1).to_numpy()
    before = SURVEY.filter(pl.col("y_070") == 1)["wt_mec_6yr"].sum()
    assert abs(prepared.design.weights[obstructed].sum() / before - 1) < 0.1
    assert train(SURVEY, "y_post070", "A", strengths=((60.0, 30.0),)).provenance["verification"]["verified"] > 0


def test_too_little_to_learn_from_is_told() -> None:
    with pytest.raises(InputError, match="wants more of both"):
        train(SURVEY.head(60), "y_mod", "A")
    with pytest.raises(InputError, match="no column y_mod"):
        train(SURVEY.drop("y_mod"), "y_mod", "A", name="ours.csv")
    with pytest.raises(InputError, match="no column fev1_l"):
        train(SURVEY.drop("fev1_l"), "y_mod", "A")
    with pytest.raises(InputError, match="no answer to diabetes, poverty_ratio among its"):
        train(SURVEY.drop("diabetes").with_columns(pl.lit(None, dtype=pl.Float64).alias("poverty_ratio")), "y_mod", "A")
    with pytest.raises(InputError, match="no outcome"):
        train(SURVEY, "y_odd", "A")
    with pytest.raises(InputError, match="same for everybody"):
        train(SURVEY.with_columns(pl.lit(0.0).alias("diabetes")), "y_mod", "A", strengths=((30.0, 30.0),))


def test_files_are_hashed_into_the_provenance(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    SURVEY.write_parquet(path)
    (model,) = train_files([path], ["y_070"], ["A"])
    (source,) = model.provenance["training"]
    assert source["file"] == "people.parquet"
    assert len(source["sha256"]) == 64
    with pytest.raises(NameNotFoundError, match="no tier"):
        train_files([path], ["y_070"], ["Z"])


def nhanes_tables() -> dict[str, pl.DataFrame]:
    """Four respondents as NHANES publishes them: a smoker, one who quit, one who never smoked, one who won't say."""
    columns: dict[str, list[float | str | None]] = {
        "SDMVPSU": [1, 2, 1, 2], "SDMVSTRA": [70, 70, 71, 71], "WTMEC2YR": [3e4, 3e4, 3e4, 3e4],
        "RIDAGEYR": [60, 70, 45, 50], "RIAGENDR": [1, 2, 2, 1], "RIDRETH1": [3, 4, 1, 5], "DMDEDUC2": [3, 5, 9, 7],
        "INDFMPIR": [1.5, 5, None, 2], "BMXHT": [175, 160, 158, 170], "BMXWT": [80, 70, 60, 75],
        "SMQ020": [1, 1, 2, 9], "SMQ040": [1, 3, None, None], "SMD030": [20, 16, None, None],
        "SMD055": [None, 46, None, None], "SMD057": [None, 999, None, None], "SMD641": [15, None, None, None],
        "SMD650": [20, None, None, None], "SMQ050Q": [None, 24, None, None], "SMQ050U": [None, 3, None, None],
        "RDQ031": [1, 2, 2, 9], "RDQ050": [2, 2, 2, 7], "RDQ070": [1, 2, 2, 2], "RDQ080": [4, None, None, None],
        "RDQ134": [2, None, None, None], "CDQ001": [1, 2, 2, 2], "CDQ010": [2, 1, 2, 2], "HUQ010": [4, 9, 1, 2],
        "MCQ010": [1, 2, 2, 2], "MCQ160G": [2, 2, 2, 2], "MCQ160K": [2, 1, 2, 2], "DIQ010": [3, 1, 2, 9],
        "AGQ030": [2, 1, 2, 2], "OCQ510": [1, 2, 1, 7], "OCQ520": [12, None, 99, None], "OCQ530": [2, 2, 2, 2],
        "OCQ540": [None] * 4, "OCQ550": [2, 2, 2, 2], "OCQ560": [None] * 4, "OCQ570": [2, 2, 2, 2],
        "OCQ580": [None] * 4, "SPXNFEV1": [1500, 2200, 2900, None], "SPXNFVC": [3000, 2800, 3500, None],
        "SPXNPEF": [5000, 6500, 7500, None], "SPXNQFVC": ["A", "B", "D", None], "SPXNQFV1": ["A", "C", "A", None],
        "SPXBFEV1": [1900, None, None, None], "SPXBFVC": [3100, None, None, None], "SPXBQFVC": ["A", None, None, None],
        "SPXBQFV1": ["F", None, None, None],
    }  # fmt: skip
    whole = pl.DataFrame(columns, strict=False).with_columns(
        pl.lit(CYCLES[0]).alias("cycle"), pl.Series("SEQN", [1, 2, 3, 4])
    )
    return {name: whole.select("cycle", pl.lit(name).alias("table"), "SEQN", *v) for name, v in TABLES.items()}


def test_people_of_nhanes_tables(tmp_path: Path) -> None:
    found = people(nhanes_tables())
    rows = found.to_dicts()
    assert [r["smk_status"] for r in rows] == ["current", "former", "never", None]
    assert [r["smk_years"] for r in rows] == [40, 30, 0, None]
    assert [r["smk_cpd"] for r in rows] == [10, None, 0, None]
    assert [r["quit_years"] for r in rows] == [0, 2, None, None]
    assert [r["education"] for r in rows] == [3, 5, None, None]
    assert [r["cough_3mo"] for r in rows] == [1, 0, 0, None]
    assert [r["wheeze_rx"] for r in rows] == [0, 0, 0, 0]
    assert [r["diabetes"] for r in rows] == [0, 1, 0, None]
    assert [r["occ_mineral_dust_yrs"] for r in rows] == [12, 0, None, None]
    assert [r["spiro_ok"] for r in rows] == [1, 1, 0, 0]
    assert [r["y_070"] for r in rows] == [1, 0, None, None]
    assert [r["y_mod"] for r in rows] == [1, 0, None, None]
    assert [r["y_post070"] for r in rows] == [None, 0, None, None]  # the second blow of the first is not readable
    assert rows[0]["wt_mec_6yr"] == 1e4
    for name, table in nhanes_tables().items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    files = sorted(tmp_path.iterdir())
    assert read_training(files).sort("seqn").equals(found.sort("seqn"))
    with pytest.raises(InputError, match="NHANES table SPX is not among the files"):
        read_training([f for f in files if f.stem != "SPX"])
    with pytest.raises(InputError, match="no variable RDQ134"):
        people(nhanes_tables() | {"RDQ": nhanes_tables()["RDQ"].drop("RDQ134")})
    SURVEY.write_parquet(tmp_path / "other.parquet")
    with pytest.raises(InputError, match=r"other\.parquet is no table of NHANES"):
        read_training([*files, tmp_path / "other.parquet"])


@pytest.mark.real_data
def test_the_packaged_models_come_from_the_training_file_and_nothing_else() -> None:
    if not NHANES.is_file():
        pytest.skip("the NHANES file is not there (SALUS_REAL_DATA)")
    for model in train_files([NHANES], ["y_mod"]):
        packaged = RiskModel.load(model.outcome, model.tier)
        made, kept = (json.loads(m.as_text()) for m in (model, packaged))
        assert made["provenance"] == kept["provenance"]
        assert np.allclose(model.coefficients, packaged.coefficients, rtol=1e-5, atol=1e-8)
        assert made["provenance"]["cycles"] == ["2007-2008", "2009-2010"]


@pytest.mark.real_data
def test_the_outcomes_are_those_of_the_training_file() -> None:
    if not NHANES.is_file():
        pytest.skip("the NHANES file is not there (SALUS_REAL_DATA)")
    from salus.copd.nhanes_people import with_outcomes

    table = pl.read_parquet(NHANES)
    readable = pl.col("q_post_fvc", "q_post_fev1").is_in(["A", "B", "C"])
    made = with_outcomes(table.with_columns(pl.when(pl.all_horizontal(readable)).then(pl.col("post_fev1_fvc"))))
    for outcome in ("y_070", "y_mod", "y_llngl", "y_lln12", "y_post070"):
        assert made[outcome].cast(pl.Float32).equals(table[outcome].cast(pl.Float32), null_equal=True)
