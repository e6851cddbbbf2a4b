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
    "kind": ("suppression",),
    "zeros": ("show", "hide"),
    "week_start": ("monday", "sunday"),
    "revisions": ("freeze", "allow"),
}
_BREAKDOWNS = ("age_group", "sex")


@dataclass(frozen=True)
class Policy:
    """What may be shown.

    Attributes
    ----------
    name : str
        What reports call it.
    kind : {'suppression'}
        Counts are shown or left out, never changed.
    minimum_cell : int
        Smallest count shown, apart from zero; at least 5.
    zeros : {'show', 'hide'}
        Whether a zero is shown.
    minimum_interval : int
        Width of the interval in which a reader can place a count that was left out; at least ``minimum_cell``.
    syndromes : tuple of str
        What is released; empty for all that the definitions have.
    levels : tuple of str
        Kinds of place that are released; empty for all.
    breakdowns : tuple of str
        ``age_group``, ``sex`` or both, each on its own.
    breakdown_level : str
        The one kind of place for which breakdowns are released.
    week_start : {'monday', 'sunday'}
        First day of a week.
    revisions : {'freeze', 'allow'}
        Whether a week that was released stays as it was, or is released anew with the records that came later.
    weeks_held_back : int
        Last whole weeks that are not released yet, because reports of them still come in; 0 to 52.
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
    syndromes: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    breakdown_level: str = ""
    week_start: str = "monday"
    revisions: str = "freeze"
    weeks_held_back: int = 1
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
        if not 0 <= self.weeks_held_back <= 52:
            raise _refused("weeks_held_back", self.weeks_held_back, "0 to 52")
        odd = [b for b in self.breakdowns if b not in _BREAKDOWNS]
        if odd:
            raise _refused("breakdowns", odd[0], " and ".join(f'"{b}"' for b in _BREAKDOWNS))
        if self.breakdowns and not self.breakdown_level:
            raise _refused("breakdown_level", "", "the one kind of place that breakdowns are for, such as 'province'")
        if self.levels and self.breakdowns and self.breakdown_level not in self.levels:
            raise _refused("breakdown_level", self.breakdown_level, "one of levels")

    @property
    def lowest_hidden(self) -> int:
        """The least that a count left out can be, as a reader knows: 1 where zeros are shown, else 0."""
        return 1 if self.zeros == "show" else 0

    def as_dict(self) -> dict[str, Any]:
        """All settings by name, lists as lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def as_toml(self) -> str:
        """The policy as a file that :func:`load` reads back."""
        shown = {k: v for k, v in self.as_dict().items() if k != "version"}
        return f"version = {self.version}\n" + "".join(f"{k} = {_toml(v)}\n" for k, v in shown.items())


def load(path: str | Path | None = None) -> Policy:
    """Policy from a TOML file, or the one that comes with Salus.

    Parameters
    ----------
    path : str or Path, optional
        File; without one the default policy.

    Raises
    ------
    InputError
        The file can't be read, has a setting that is not known, or a value that is not allowed.

    Examples
    --------
    >>> load().name
    'default'
    """
    source = resources.files("salus.privacy").joinpath("policies/default.toml") if path is None else Path(path)
    try:
        content = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"there is no policy file {path}. Check the name, or leave it out for the default policy."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the policy file {path} can't be read: {error}. Correct it.") from error
    kinds = {f.name: type(f.default) for f in fields(Policy)}
    chosen: dict[str, Any] = {}
    for name, value in content.items():
        if name not in kinds:
            raise NameNotFoundError("setting of a policy", name, kinds)
        if kinds[name] is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
            chosen[name] = tuple(value)
        elif kinds[name] is not tuple and type(value) is kinds[name]:
            chosen[name] = value
        else:
            raise _refused(
                name,
                value,
                {"tuple": "a list of texts", "int": "a whole number", "str": "a text"}[kinds[name].__name__],
            )
    return Policy(**chosen)


def _refused(name: str, value: object, wanted: str) -> InputError:
    return InputError(f"the policy says {name} = {value!r}; wanted {wanted}. Correct the policy.")


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
