"""The certificate of a release: what is stated about it, and the check that a stranger can make.

First version: the claims that the release alone can show are recomputed by :func:`verify`; the others say so. The
commitment to the inputs is keyed, so nobody without the key can try out guesses at the records against it. How many
counts were left out for being small, and how many to protect those, is known inside only: together with the sums, that
could pin some of them down.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from salus.errors import InputError
from salus.privacy import policy as policies
from salus.privacy import suppression
from salus.privacy.counts import categories
from salus.privacy.policy import Policy
from salus.tables.contracts import CERTIFICATES, SERIES

FORMAT = 1
NAME = "certificate.json"

NOT_CLAIMED = ("What a reader knows from elsewhere about single persons, beyond the counts shown.",)
"""What no release promises."""

NOT_CLAIMED_REVISED = (
    "Weeks are released anew with the records that came later: the difference of two releases is not guarded."
)
"""What is not promised under a policy that allows revisions."""


@dataclass(frozen=True)
class Finding:
    """One claim and whether it holds.

    Attributes
    ----------
    claim : str
        Name of the claim.
    stated : str
        Its value in the certificate.
    found : str
        Its value as recomputed.
    """

    claim: str
    stated: str
    found: str

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.stated == self.found


def claims(series: pl.DataFrame, breakdown: pl.DataFrame | None, policy: Policy) -> dict[str, str]:
    """Claims that the release alone can show.

    Parameters
    ----------
    series : polars.DataFrame
        The series released; a count left out is null.
    breakdown : polars.DataFrame or None
        The breakdowns released.
    policy : Policy
        Under which they were.

    Returns
    -------
    dict of str to str
        Claim -> value: ``counts_shown``, ``counts_left_out``, ``smallest_count_shown`` (zeros apart),
        ``narrowest_interval`` of a count left out, and the same for breakdowns.
    """
    order = series.select("location", "parent").unique(maintain_order=True)
    row = {p: n for n, p in enumerate(order["location"])}
    tree = suppression.tree([-1 if p is None else row[p] for p in order["parent"]])
    wide = series.with_columns(n=pl.col("location").replace_strict(row, return_dtype=pl.Int64)).sort(
        "disease", "date", "n"
    )
    values = wide["value"].to_numpy().reshape(-1, tree.size)
    said = _described("", values, *_interval(tree, values, policy), policy)
    if breakdown is not None:
        for dimension in policy.breakdowns:
            names = categories(dimension)
            part = breakdown.filter(dimension=dimension).with_columns(
                n=pl.col("category").replace_strict({c: k for k, c in enumerate(names)}, return_dtype=pl.Int64)
            )
            keys = ["disease", "date", "location"]
            part = part.join(series.select(*keys, total="value"), on=keys).sort(*keys, "n")
            family = np.column_stack(
                [part["total"].to_numpy()[:: len(names)], part["value"].to_numpy().reshape(-1, len(names))]
            )
            whole = np.isnan(family[:, 1:]).all(axis=1)  # nothing of it is shown: no more is known than the total
            tree = suppression.tree([-1] + [0] * len(names))
            low, high = _interval(tree, family[~whole], policy)
            said |= _described(f"{dimension}_", family[:, 1:], low[:, 1:], high[:, 1:], policy, family[~whole][:, 1:])
    return said


def make(
    release: str,
    stated: dict[str, str],
    commitments: dict[str, str],
    files: dict[str, Path],
    policy: Policy,
    *,
    simulated: bool,
) -> dict[str, Any]:
    """The certificate as it is written.

    Parameters
    ----------
    release : str
        Id of the release.
    stated : dict of str to str
        Claims that anyone can recompute.
    commitments : dict of str to str
        Claims that only the department can show.
    files : dict of str to Path
        Name -> file, of everything else in the release.
    policy : Policy
        Under which it was made.
    simulated : bool
        Whether the records were simulated.

    Returns
    -------
    dict
        Claims with the columns of :data:`salus.tables.contracts.CERTIFICATES`.
    """
    rows = [{"release": release, "claim": c, "value": v, "recomputable": True} for c, v in stated.items()]
    rows += [{"release": release, "claim": c, "value": v, "recomputable": False} for c, v in commitments.items()]
    checked = CERTIFICATES.check(
        pl.DataFrame(rows, schema={c.name: c.dtype for c in CERTIFICATES.columns}), "certificate"
    )
    return {
        "format": FORMAT,
        "release": release,
        "simulated": simulated,
        "claims": checked.to_dicts(),
        "not_claimed": [*NOT_CLAIMED, *([NOT_CLAIMED_REVISED] if policy.revisions == "allow" else [])],
        "files": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())},
    }


def verify(folder: str | Path) -> list[Finding]:
    """Recompute what a release's certificate states, from the release alone.

    Parameters
    ----------
    folder : str or Path
        Folder of one release.

    Returns
    -------
    list of Finding
        Every claim that can be recomputed, and every file's hash; one that does not hold means that something was
        changed.

    Raises
    ------
    InputError
        The folder holds no release that this version can read.
    """
    folder = Path(folder)
    try:
        content = json.loads((folder / NAME).read_bytes())
        if content["format"] != FORMAT:
            raise InputError(
                f"{folder / NAME} is of format {content['format']}, this version reads {FORMAT}. Use a newer Salus."
            )
        stated = {c["claim"]: c["value"] for c in content["claims"] if c["recomputable"]}
        findings = [
            Finding(f"file {name}", wanted, hashlib.sha256((folder / name).read_bytes()).hexdigest())
            for name, wanted in content["files"].items()
        ]
        if not all(f.holds for f in findings):
            return findings
        policy = policies.load(folder / "policy.toml")
        breakdown = folder / "breakdowns.parquet"
        series = SERIES.check(pl.read_parquet(folder / "series.parquet"), "series.parquet")
        found = claims(series, pl.read_parquet(breakdown) if breakdown.exists() else None, policy)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} holds no release that can be read ({error}). Give the folder that holds {NAME}."
        ) from error
    return findings + [
        Finding(c, stated.get(c, "not stated"), found.get(c, "not found")) for c in sorted(set(stated) | set(found))
    ]


def _interval(tree: suppression.Tree, values: np.ndarray, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
    return suppression.intervals(tree, values, np.isnan(values), policy.lowest_hidden)


def _described(
    prefix: str, shown: np.ndarray, low: np.ndarray, high: np.ndarray, policy: Policy, bounded: np.ndarray | None = None
) -> dict[str, str]:
    hidden = np.isnan(shown)
    positive = shown[~hidden & (shown > 0)]
    width = suppression.narrowest(low, high, np.isnan(shown if bounded is None else bounded))
    return {
        f"{prefix}counts_shown": str(int((~hidden).sum())),
        f"{prefix}counts_left_out": str(int(hidden.sum())),
        f"{prefix}smallest_count_shown": str(int(positive.min())) if positive.size else "none",
        f"{prefix}narrowest_interval": "unbounded" if np.isinf(width) else f"{width:g}",
        f"{prefix}minimum_cell": str(policy.minimum_cell),
    }
