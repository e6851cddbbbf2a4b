import pytest

from salus.errors import InputError, NameNotFoundError
from salus.privacy import policy
from salus.privacy.policy import Policy


def test_the_policy_that_comes_with_salus_is_safe():
    given = policy.load()
    assert given.minimum_cell == 11
    assert given.minimum_interval >= 11
    assert given.revisions == "freeze"
    assert given.kind == "suppression"


def test_a_policy_survives_being_written(tmp_path):
    given = Policy(name='our "own"', minimum_cell=20, minimum_interval=30, syndromes=("influenza",), levels=("a", "b"))
    (tmp_path / "p.toml").write_text(given.as_toml())
    assert policy.load(tmp_path / "p.toml") == given


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minimum_cell = 3", "at least 5"),
        ("minimum_cell = 11\nminimum_interval = 4", "at least minimum_cell"),
        ('zeros = "maybe"', '"show" or "hide"'),
        ("minimum_cell = true", "a whole number"),
        ('syndromes = "influenza"', "a list of texts"),
        ("syndromes = [1]", "a list of texts"),
        ('breakdowns = ["age_group"]', "breakdown_level"),
        ('breakdowns = ["name"]\nbreakdown_level = "x"', "age_group"),
        ("weeks_held_back = -1", "0 to 52"),
        ("version = 9", "version"),
        ("minimum_cell = ", "can't be read"),
    ],
)
def test_a_policy_that_is_not_safe_or_not_clear_is_refused(tmp_path, text, said):
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        policy.load(tmp_path / "p.toml")


def test_a_setting_with_a_typo_suggests_the_right_one(tmp_path):
    (tmp_path / "p.toml").write_text("minimun_cell = 11")
    with pytest.raises(NameNotFoundError, match="minimum_cell"):
        policy.load(tmp_path / "p.toml")
    with pytest.raises(InputError, match="no policy file"):
        policy.load(tmp_path / "q.toml")
