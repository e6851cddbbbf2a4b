"""The written rule of an extract: how many persons must read the same, and how columns are made coarser."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from salus.errors import InputError, NameNotFoundError

STEPS: dict[str, tuple[str, ...]] = {
    "places": ("district", "above", "all"),
    "dates": ("week", "month", "quarter", "year", "all"),
    "ages": ("recorded", "wide", "all"),
    "sexes": ("recorded", "all"),
}
"""What each column's way from fine to coarse can have, in its order; ``above`` is every place above in turn."""

_WANTED = {str: "a text", int: "a whole number", float: "a number", tuple: "a list of texts"}


@dataclass(frozen=True)
class ExtractRule:
    """How rows of single persons may be put together for use inside.

    Attributes
    ----------
    name : str
        What reports call it.
    k_anonymity : int
        Least number of persons whose whole history reads the same; at least 2.
    l_diversity : int
        Least number of different syndromes among them at each visit; at least 1.
    t_closeness : float
        Largest total variation distance between the shares of syndromes among them and in the whole extract; 0 to 1.
    most_dropped : float
        Largest share of persons who are dropped before everything is made coarser; 0 to 1.
    syndromes : tuple of str
        What a row tells of a visit; empty for all that the definitions have.
    places, dates, ages, sexes : tuple of str
        Steps from fine to coarse, some of :data:`STEPS` in their order.
    week_start : {'monday', 'sunday'}
        First day of a week.
    version : int
        Of the file's format.

    Raises
    ------
    InputError
        A value is not allowed; the message says what is.

    Examples
    --------
    >>> ExtractRule(k_anonymity=5).k_anonymity
    5
    """

    name: str = "extract"
    k_anonymity: int = 11
    l_diversity: int = 2
    t_closeness: float = 0.6
    most_dropped: float = 0.1
    syndromes: tuple[str, ...] = ()
    places: tuple[str, ...] = STEPS["places"]
    dates: tuple[str, ...] = STEPS["dates"]
    ages: tuple[str, ...] = STEPS["ages"]
    sexes: tuple[str, ...] = STEPS["sexes"]
    week_start: str = "monday"
    version: int = 1

    def __post_init__(self) -> None:
        if self.version != 1:
            raise _refused("version", self.version, "1")
        if self.k_anonymity < 2:
            raise _refused("k_anonymity", self.k_anonymity, "at least 2; 11 is usual")
        if self.l_diversity < 1:
            raise _refused("l_diversity", self.l_diversity, "at least 1")
        if not 0 <= self.t_closeness <= 1:
            raise _refused("t_closeness", self.t_closeness, "0 to 1")
        if not 0 <= self.most_dropped < 1:
            raise _refused("most_dropped", self.most_dropped, "0 to below 1")
        if self.week_start not in ("monday", "sunday"):
            raise _refused("week_start", self.week_start, '"monday" or "sunday"')
        for column, known in STEPS.items():
            chosen = getattr(self, column)
            if not chosen or list(chosen) != [s for s in known if s in chosen]:
                raise _refused(column, list(chosen), f"some of {', '.join(known)}, in this order")

    def as_dict(self) -> dict[str, Any]:
        """All settings by name, lists as lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def as_toml(self) -> str:
        """The rule as a file that :func:`load` reads back."""
        return "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in self.as_dict().items())


def load(path: str | Path | None = None) -> ExtractRule:
    """Rule from a TOML file, or the one that comes with Salus.

    Parameters
    ----------
    path : str or Path, optional
        File; without one the rule that comes with Salus.

    Raises
    ------
    InputError
        The file can't be read, has a setting that is not known, or a value that is not allowed.

    Examples
    --------
    >>> load().k_anonymity
    11
    """
    source = resources.files("salus.privacy").joinpath("policies/extract.toml") if path is None else Path(path)
    try:
        content = tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"there is no rule file {path}. Check the name, or leave it out for the usual rule."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"the rule file {path} can't be read: {error}. Correct it.") from error
    kinds = {f.name: type(f.default) for f in fields(ExtractRule)}
    chosen: dict[str, Any] = {}
    for name, value in content.items():
        if name not in kinds:
            raise NameNotFoundError("setting of a rule", name, kinds)
        if kinds[name] is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
            chosen[name] = tuple(value)
        elif kinds[name] is float and type(value) in (int, float):
            chosen[name] = float(value)
        elif kinds[name] is not tuple and type(value) is kinds[name]:
            chosen[name] = value
        else:
            raise _refused(name, value, _WANTED[kinds[name]])
    return ExtractRule(**chosen)


def _refused(name: str, value: object, wanted: str) -> InputError:
    return InputError(f"the rule says {name} = {value!r}; wanted {wanted}. Correct the rule.")
