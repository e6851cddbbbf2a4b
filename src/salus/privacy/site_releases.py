"""Releases with noise of several sites: each verified, and summed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.errors import InputError, WallError
from salus.privacy import breakdowns, certificate, guarded, noise, verification
from salus.privacy import policy as policies
from salus.tables.contracts import SERIES

_KEYS = ["location", "disease", "date"]
_SAME = ("places", "definitions")


@dataclass(frozen=True)
class SiteRelease:
    """A release that holds, and that can be summed.

    Attributes
    ----------
    folder : Path
        Where it is.
    public : str
        Public key of its site.
    content : dict
        Its certificate.
    policy : Policy
        Under which it was made.
    series : polars.DataFrame
        Its counts.
    breakdowns : polars.DataFrame or None
        Its counts by age group or sex.
    """

    folder: Path
    public: str
    content: dict[str, Any]
    policy: policies.Policy
    series: pl.DataFrame
    breakdowns: pl.DataFrame | None


def load(folder: Path, public_keys: Sequence[str]) -> SiteRelease:
    """A release that holds; else a refusal that says why.

    Parameters
    ----------
    folder : Path
        The release.
    public_keys : sequence of str
        Public keys of the sites.

    Raises
    ------
    WallError
        It is signed by none of the keys, was changed, or has counts left out.
    """
    content = certificate.read(folder)
    public = content["signer"]["public_key"] if content else ""
    if public not in public_keys:
        raise WallError(
            f"{folder} is signed by none of the public keys given. Give the key of its site, had from the site itself."
        )
    wrong = [f for f in verification.verify(folder, public_key=public) if f.fails]
    if content is None or wrong:
        raise WallError(
            f"{folder} is not as its site signed it ({wrong[0].claim if wrong else 'certificate'}). Nothing was "
            "combined; ask the site for its release anew."
        )
    policy = policies.load(folder / "policy.toml")
    if not policy.noisy:
        raise WallError(
            f"{folder} was released under suppression: counts that are left out can't be summed, and sums would tell "
            'them. Ask the site for a release under kind = "differential_privacy".'
        )
    series = SERIES.check(pl.read_parquet(folder / guarded.SERIES_FILE), f"{folder}/{guarded.SERIES_FILE}")
    broken = pl.read_parquet(folder / guarded.BREAKDOWNS_FILE) if policy.breakdowns else None
    return SiteRelease(folder, public, content, policy, series, broken)


def _stated(site: SiteRelease, claim: str) -> str:
    return next((r["value"] for r in site.content["claims"] if r["claim"] == claim), "")


def listed(site: SiteRelease) -> dict[str, Any]:
    """A site in the combined certificate.

    Parameters
    ----------
    site : SiteRelease
        Its release.
    """
    return {
        "public_key": site.public,
        "release": site.content["release"],
        "certificate_sha256": certificate.hash_of(site.folder / certificate.NAME),
        "epsilon": site.policy.epsilon,
        "contributions_per_person_year": site.policy.contributions_per_person_year,
    }


def summed(sites: Sequence[SiteRelease]) -> tuple[pl.DataFrame, int]:
    """Sums over the weeks of a disease that every site released.

    Parameters
    ----------
    sites : sequence of SiteRelease
        One of each site.

    Returns
    -------
    table : polars.DataFrame
        Columns of :data:`salus.tables.contracts.SERIES`.
    left : int
        Weeks of a disease that only some sites released.

    Raises
    ------
    InputError
        The releases don't fit each other.
    """
    first = sites[0]
    for site in sites[1:]:
        for claim in _SAME:
            if _stated(site, claim) != _stated(first, claim):
                raise InputError(
                    f"{site.folder} and {first.folder} were made with other {claim}, so their counts are not of the "
                    "same thing. Let the sites agree on one table and release again."
                )
    weeks = [s.series.select("disease", "date").unique() for s in sites]
    common = weeks[0]
    for other in weeks[1:]:
        common = common.join(other, on=["disease", "date"])
    if not common.height:
        raise InputError(
            "there is no week of a disease that every site released. Let the sites release the same weeks."
        )
    left = pl.concat(weeks).unique().height - common.height
    table = first.series.join(common, on=["disease", "date"], how="semi", maintain_order="left")
    for site in sites[1:]:
        other = site.series.select(*_KEYS, _other="value")
        joined = table.join(other, on=_KEYS, how="left", maintain_order="left")
        if joined["_other"].null_count():
            raise InputError(f"{site.folder} has not every place that {first.folder} has. Release the same levels.")
        table = joined.with_columns(value=pl.col("value") + pl.col("_other")).drop("_other")
    simulated = "SIMULATED case records" if any(s.content["simulated"] for s in sites) else "case records"
    said = f"{simulated}, sum of {len(sites)} sites, each with noise"
    return SERIES.check(table.with_columns(source=pl.lit(said)), "the combined series"), left


def summed_breakdowns(sites: Sequence[SiteRelease], table: pl.DataFrame) -> pl.DataFrame | None:
    """Sums of the counts by age group or sex, over the weeks of a disease that are in the sums of places.

    Parameters
    ----------
    sites : sequence of SiteRelease
        One of each site.
    table : polars.DataFrame
        As :func:`summed` gives it.

    Returns
    -------
    polars.DataFrame or None
        None where not every site has the same breakdowns of the same places; then there is no such sum.
    """
    keys = breakdowns.KEYS
    common = table.select("disease", "date").unique()
    parts = [
        s.breakdowns.join(common, on=["disease", "date"], how="semi", maintain_order="left")
        for s in sites
        if s.breakdowns is not None
    ]
    if len(parts) < len(sites):
        return None
    rows = parts[0].select(keys)
    total = parts[0].select("value", breakdowns.NOISY)
    for other in parts[1:]:
        same = rows.join(other.select(*keys, *total.columns), on=keys, how="left", maintain_order="left")
        if other.height != rows.height or same["value"].null_count():
            return None
        total = total + same.select(total.columns)
    return parts[0].with_columns(*total.get_columns(), source=pl.lit(table["source"][0]))


def claims(sites: Sequence[SiteRelease], table: pl.DataFrame, broken: pl.DataFrame | None = None) -> dict[str, str]:
    """What the combined certificate states.

    Parameters
    ----------
    sites : sequence of SiteRelease
        One of each site.
    table : polars.DataFrame
        Their sum.
    broken : polars.DataFrame, optional
        The same by age group or sex.
    """
    epsilons = sorted((s.policy.epsilon for s in sites), reverse=True)
    bounds = sorted((s.policy.contributions_per_person_year for s in sites), reverse=True)
    scales = [float(_stated(s, "noise_scale")) for s in sites]
    spread = math.sqrt(sum(noise.variance(s) for s in scales))
    more = {}
    if broken is not None:
        of_cells = [float(_stated(s, "noise_scale_of_breakdowns")) for s in sites]
        deviation = math.sqrt(sum(noise.variance(s) for s in of_cells))
        more = {
            "breakdown_counts_shown": str(broken.height),
            "noise_standard_deviation_of_breakdowns": f"{deviation:.4g}",
        }
    return {
        "sites": str(len(sites)),
        "counts_shown": str(table.height),
        "total": f"{table['value'].sum():.0f}",
        "epsilon_one_site": f"{epsilons[0]:g}",
        "epsilon_two_sites": f"{sum(epsilons[:2]):g}",
        "epsilon_all_sites": f"{sum(epsilons):g}",
        "delta": "0",
        "counts_of_a_person_and_year_one_site": str(bounds[0]),
        "counts_of_a_person_and_year_all_sites": str(sum(bounds)),
        "noise_standard_deviation": f"{spread:.4g}",
    } | more
