"""The written policy under which counts leave: a TOML file for everyone to read, checked before anything is counted."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from salus.errors import InputError, NameNotFoundError

FLOOR = 5
"""No policy may show counts below this."""

_CHOICES = {
    "kind": ("suppression", "differential_privacy"),
    "zeros": ("show", "hide"),
    "week_start": ("monday", "sunday"),
    "revisions": ("freeze", "allow"),
}
_BREAKDOWNS = ("age_group", "sex")
_CROSSED = "age_sex"
_OF_KIND = {
    "suppression": ("minimum_cell", "zeros", "minimum_interval", "round_to", "breakdowns", "breakdown_level"),
    "differential_privacy": (
        "epsilon",
        "contributions_per_person_year",
        "epsilon_limit",
        "breakdowns",
        "breakdown_level",
        "breakdown_share",
    ),
}
_OF_BREAKDOWNS = ("breakdowns", "breakdown_level", "breakdown_share")
_LARGEST_EPSILON = 10.0
_PLAIN = {"round_to": 1, "rates_per": 0}  # not written, nor are breakdowns with noise: older policies keep their id
_SHIPPED = ("default", "differential_privacy")


@dataclass(frozen=True)
class Policy:
    """What may be shown.

    Attributes
    ----------
    name : str
        What reports call it.
    kind : {'suppression', 'differential_privacy'}
        Counts are shown or left out, never changed; or all are shown, with noise.
    minimum_cell : int
        Smallest count shown, apart from zero; at least 5.
    zeros : {'show', 'hide'}
        Whether a zero is shown.
    minimum_interval : int
        Width of the interval in which a reader can place a count that was left out; at least ``minimum_cell``.
    round_to : {1, 5}
        Counts shown are the nearest multiple of it; 1 for as they are.
    rates_per : int
        Rates per so many inhabitants are released too, with the digits that their counts support; 0 for none.
    syndromes : tuple of str
        What is released; empty for all that the definitions have.
    levels : tuple of str
        Kinds of place that are released; empty for all.
    breakdowns : tuple of str
        ``age_group``, ``sex`` or both: each on its own, and under differential privacy also crossed. Under suppression
        ``age_sex``, which is both crossed, alone.
    breakdown_level : str
        The one kind of place for which breakdowns are released; under differential privacy also the places above.
    week_start : {'monday', 'sunday'}
        First day of a week.
    revisions : {'freeze', 'allow'}
        Whether a week that was released stays as it was, or is released anew with the records that came later.
    weeks_held_back : int
        Last whole weeks that are not released yet, because reports of them still come in; 0 to 52.
    epsilon : float
        Under differential privacy: what all releases under this policy may tell of one person in one year; above 0,
        at most 10. Nothing is added to it by chance (delta is 0).
    contributions_per_person_year : int
        Under differential privacy: counts (of a week and syndrome) that a person may be in, in one year; 1 to 52.
    epsilon_limit : float
        Under differential privacy: what all policies of a wall together may tell of one person in one year.
    breakdown_share : float
        Under differential privacy: share of epsilon that counts by age group and sex take, where they are released;
        above 0, below 1. The counts of places have the rest.
    version : int
        Of the file's format.

    Raises
    ------
    InputError
        A value is not allowed; the message says what is.

    Examples
    --------
    >>> Policy().minimum_cell
    11
    """

    name: str = "default"
    kind: str = "suppression"
    minimum_cell: int = 11
    zeros: str = "show"
    minimum_interval: int = 15
    round_to: int = 1
    rates_per: int = 0
    syndromes: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    breakdown_level: str = ""
    week_start: str = "monday"
    revisions: str = "freeze"
    weeks_held_back: int = 1
    epsilon: float = 1.0
    contributions_per_person_year: int = 2
    epsilon_limit: float = 2.0
    breakdown_share: float = 0.25
    version: int = 1

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise _refused(name, getattr(self, name), " or ".join(f'"{a}"' for a in allowed))
        if self.version != 1:
            raise _refused("version", self.version, "1")
        if self.minimum_cell < FLOOR:
            raise _refused("minimum_cell", self.minimum_cell, f"at least {FLOOR}; 11 is usual")
        if self.minimum_interval < self.minimum_cell:
            raise _refused("minimum_interval", self.minimum_interval, f"at least minimum_cell ({self.minimum_cell})")
        if self.round_to not in (1, 5):
            raise _refused("round_to", self.round_to, "5, or 1 for counts as they are")
        if self.rates_per not in (0, 1_000, 10_000, 100_000, 1_000_000):
            raise _refused("rates_per", self.rates_per, "0 for none, 1000, 10000, 100000 or 1000000")
        if not 0 <= self.weeks_held_back <= 52:
            raise _refused("weeks_held_back", self.weeks_held_back, "0 to 52")
        if not 0 < self.epsilon <= _LARGEST_EPSILON:
            raise _refused("epsilon", self.epsilon, f"above 0, at most {_LARGEST_EPSILON:g}; 1 is usual")
        if not self.epsilon <= self.epsilon_limit <= _LARGEST_EPSILON:
            raise _refused("epsilon_limit", self.epsilon_limit, f"from epsilon to {_LARGEST_EPSILON:g}")
        if not 1 <= self.contributions_per_person_year <= 52:
            raise _refused("contributions_per_person_year", self.contributions_per_person_year, "1 to 52")
        if self.noisy and self.revisions != "freeze":
            raise _refused("revisions", self.revisions, '"freeze": under differential privacy a week is paid for once')
        if not 0 < self.breakdown_share < 1:
            raise _refused("breakdown_share", self.breakdown_share, "above 0, below 1; 0.25 is usual")
        if _CROSSED in self.breakdowns and not self.noisy and len(self.breakdowns) > 1:
            raise _refused(
                "breakdowns", list(self.breakdowns), '"age_sex" alone: both crossed, beside either, tell more'
            )
        odd = [b for b in self.breakdowns if b not in _BREAKDOWNS and (self.noisy or b != _CROSSED)]
        if odd:
            raise _refused("breakdowns", odd[0], " and ".join(f'"{b}"' for b in _BREAKDOWNS))
        if len(set(self.breakdowns)) < len(self.breakdowns):
            raise _refused("breakdowns", list(self.breakdowns), "each once")
        if self.breakdowns and not self.breakdown_level:
            raise _refused("breakdown_level", "", "the one kind of place that breakdowns are for, such as 'province'")
        if self.levels and self.breakdowns and self.breakdown_level not in self.levels:
            raise _refused("breakdown_level", self.breakdown_level, "one of levels")

    @property
    def lowest_hidden(self) -> int:
        """The least that a count left out can be, as a reader knows: 1 where zeros are shown, else 0."""
        return 1 if self.zeros == "show" else 0

    @property
    def noisy(self) -> bool:
        """Whether counts are shown with noise."""
        return self.kind == "differential_privacy"

    @property
    def dimension(self) -> str:
        """What cells with noise are by: ``age_sex`` (crossed), ``age_group`` or ``sex``; empty for no breakdowns."""
        return "age_sex" if len(self.breakdowns) > 1 else "".join(self.breakdowns)

    @property
    def epsilon_of_breakdowns(self) -> float:
        """The part of epsilon that counts by age group and sex take."""
        return self.epsilon * self.breakdown_share if self.breakdowns else 0.0

    @property
    def epsilon_of_places(self) -> float:
        """The part of epsilon that counts of places take."""
        return self.epsilon - self.epsilon_of_breakdowns

    def as_dict(self) -> dict[str, Any]:
        """All settings of the policy's kind by name, lists as lists; what is not asked for is not always named."""
        other = {s for settings in _OF_KIND.values() for s in settings} - set(_OF_KIND[self.kind])
        if self.noisy and not self.breakdowns:
            other |= set(_OF_BREAKDOWNS)
        other |= {s for s, plain in _PLAIN.items() if getattr(self, s) == plain}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if k not in other}

    def as_toml(self) -> str:
        """The policy as a file that :func:`load` reads back."""
        shown = {k: v for k, v in self.as_dict().items() if k != "version"}
        return f"version = {self.version}\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in shown.items())


def load(path: str | Path | None = None) -> Policy:
    """Policy from a TOML file, or the one that comes with Salus.

    Parameters
    ----------
    path : str or Path, optional
        File, or the name of a policy that comes with Salus (``default``, ``differential_privacy``); without one the
        default policy.

    Raises
    ------
    InputError
        The file can't be read, has a setting that is not known, or a value that is not allowed.

    Examples
    --------
    >>> load().name
    'default'
    """
    name = "default" if path is None else str(path)
    comes = resources.files("salus.privacy").joinpath(f"policies/{name}.toml")
    shipped = path is None or (not Path(path).exists() and name in _SHIPPED)
    source = comes if shipped else Path(name)
    try:
        return parsed(source.read_text(encoding="utf-8"), f"the policy file {path}")
    except FileNotFoundError as error:
        raise InputError(
            f"there is no policy file {path}. Check the name, leave it out for the default policy, or give "
            f"the name of one that comes with Salus: {', '.join(_SHIPPED)}."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the policy file {path} can't be read: {error}. Correct it.") from error


def parsed(text: str, where: str) -> Policy:
    """Policy from the text of a policy file.

    Parameters
    ----------
    text : str
        TOML, such as :meth:`Policy.as_toml` writes it.
    where : str
        What messages call it.

    Raises
    ------
    InputError
        It can't be read, has a setting that is not known, or a value that is not allowed.

    Examples
    --------
    >>> parsed(Policy().as_toml(), "the policy") == Policy()
    True
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} can't be read: {error}. Correct it.") from error
    kinds = {f.name: type(f.default) for f in fields(Policy)}
    chosen: dict[str, Any] = {}
    for name, value in content.items():
        if name not in kinds:
            raise NameNotFoundError("setting of a policy", name, kinds)
        if kinds[name] is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
            chosen[name] = tuple(value)
        elif kinds[name] is float and type(value) in (int, float):
            chosen[name] = float(value)
        elif kinds[name] is not tuple and type(value) is kinds[name]:
            chosen[name] = value
        else:
            raise _refused(
                name,
                value,
                {"tuple": "a list of texts", "int": "a whole number", "float": "a number", "str": "a text"}[
                    kinds[name].__name__
                ],
            )
    policy = Policy(**chosen)
    strange = [
        s for s in content if s in {s for settings in _OF_KIND.values() for s in settings} - set(_OF_KIND[policy.kind])
    ]
    if strange:
        raise InputError(
            f'the policy says {strange[0]}, which has no meaning under kind = "{policy.kind}". Take it out, or choose '
            f"another kind."
        )
    return policy


def _refused(name: str, value: object, wanted: str) -> InputError:
    return InputError(f"the policy says {name} = {value!r}; wanted {wanted}. Correct the policy.")


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
