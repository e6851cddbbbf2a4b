"""What may be released beside what was released before: nothing twice in two ways, no codes shared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from salus.data import provenance
from salus.errors import WallError
from salus.privacy import ledger
from salus.privacy.policy import Policy
from salus.tables.codes import plain


def rules(definitions: pl.DataFrame, policy: Policy) -> dict[str, list[str]]:
    """Code rules of the syndromes that a policy releases.

    Parameters
    ----------
    definitions : polars.DataFrame
        ``code_system``, ``code``, ``match``, ``syndrome``.
    policy : Policy
        Which syndromes.

    Returns
    -------
    dict of str to list of str
        Syndrome -> its rules as texts.
    """
    chosen = definitions.filter(pl.col("syndrome").is_in(list(policy.syndromes or definitions["syndrome"].unique())))
    found: dict[str, list[str]] = {}
    for system, code, match, syndrome in chosen.select("code_system", "code", "match", "syndrome").iter_rows():
        found.setdefault(syndrome, []).append(f"{system} {match} {plain(code)}")
    return {s: sorted(r) for s, r in sorted(found.items())}


def scheme(places: pl.DataFrame, policy: Policy) -> str:
    """Id of what must stay the same from release to release, so that two never show what one leaves out.

    Parameters
    ----------
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    policy : Policy
        Under which is released.
    """
    tree = (
        places.select(c for c in ("location", "parent", "location_level") if c in places.columns)
        .sort("location")
        .to_dicts()
    )
    shown = {k: v for k, v in policy.as_dict().items() if k not in ("name", "syndromes")}
    return provenance.short_id([tree, shown])


def check_disjoint(known: ledger.Ledger, found: dict[str, list[str]]) -> None:
    """Refuse a syndrome that shares codes with another one, now or before.

    Parameters
    ----------
    known : Ledger
        What was released.
    found : dict of str to list of str
        As :func:`rules` gives them.

    Raises
    ------
    WallError
        Two share a code.
    """
    before = {s: r["rules"] for s, r in known.released.items() if s not in found}
    for number, (new, now) in enumerate(found.items()):
        others = list(found.items())[:number] + list(before.items())
        for old, was in others:
            if any(_overlap(a, b) for a in was for b in now):
                raise WallError(
                    f"'{new}' and '{old}'{'' if old in found else ', which was released before,'} "
                    f"share codes, so the difference of "
                    f"their counts would be a count of its own. Leave one of them out of the policy's syndromes."
                )


def check_scheme(known: ledger.Ledger, found: dict[str, list[str]], name: str) -> None:
    """Refuse to release anything twice in two ways.

    Parameters
    ----------
    known : Ledger
        What was released.
    found : dict of str to list of str
        As :func:`rules` gives them.
    name : str
        As :func:`scheme` gives it.

    Raises
    ------
    WallError
        A syndrome was released under another scheme or definition.
    """
    for syndrome, now in found.items():
        before = known.released.get(syndrome)
        if before is not None and (before["scheme"] != name or before["rules"] != now):
            what = "another definition" if before["rules"] != now else "another policy or other places"
            raise WallError(
                f"'{syndrome}' was released before under {what} ({_last(before)}), "
                f"and two tables of the same cases "
                "can show together what each leaves out. Keep to that policy (its policy.toml), "
                "those places and definitions."
            )


def _overlap(one: str, other: str) -> bool:
    (system, kind, code), (system_other, kind_other, code_other) = one.split(" "), other.split(" ")
    if system != system_other:
        return False
    below = kind == "prefix" and code_other.startswith(code)
    above = kind_other == "prefix" and code.startswith(code_other)
    return code == code_other or below or above


def listed(known: ledger.Ledger, found: dict[str, list[str]], name: str, release: str, kind: str) -> ledger.Ledger:
    """The list once a release is out.

    Parameters
    ----------
    known : Ledger
        What was released before.
    found : dict of str to list of str
        As :func:`rules` gives them.
    name : str
        As :func:`scheme` gives it.
    release : str
        Id of the release.
    kind : str
        Of the policy.
    """
    new = {s: _entry(known.released.get(s), r, name, release) | {"kind": kind} for s, r in found.items()}
    return replace(known, released=known.released | new)


def shared(known: ledger.Ledger, found: dict[str, list[str]], name: str, number: str, kind: str) -> ledger.Ledger:
    """The list once counts were shared in a round with other sites.

    Parameters
    ----------
    known : Ledger
        What was released and shared before.
    found : dict of str to list of str
        As :func:`rules` gives them.
    name : str
        As :func:`scheme` gives it, of the round.
    number : str
        Id of the round.
    kind : str
        Of the policy.
    """
    new = {}
    for syndrome, now in found.items():
        rounds = known.released.get(syndrome, {}).get("rounds", [])
        rounds = rounds if number in rounds else [*rounds, number]
        new[syndrome] = {"rules": now, "scheme": name, "releases": [], "rounds": rounds, "kind": kind}
    return replace(known, released=known.released | new)


def _last(before: dict[str, Any]) -> str:
    if before["releases"]:
        return f"release {before['releases'][-1]}"
    return f"round {before['rounds'][-1]} with other sites"


def _entry(before: dict[str, Any] | None, rules: list[str], scheme: str, name: str) -> dict[str, Any]:
    releases = list(before["releases"]) if before else []
    return {"rules": rules, "scheme": scheme, "releases": releases if name in releases else [*releases, name]}


def earlier(known: ledger.Ledger, found: dict[str, list[str]], name: str) -> list[str]:
    """Releases of these syndromes before this one, first one first.

    Parameters
    ----------
    known : Ledger
        What was released.
    found : dict of str to list of str
        As :func:`rules` gives them.
    name : str
        Id of this release.
    """
    before: dict[str, None] = {}
    for syndrome in found:
        releases = known.released.get(syndrome, {}).get("releases", [])
        before |= dict.fromkeys(releases[: releases.index(name)] if name in releases else releases)
    return list(before)
