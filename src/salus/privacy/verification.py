"""The check of a release that a stranger can make, on any machine, without the records; and with them the rest.

Every claim of the certificate is listed: it holds, it fails, or it was not checked and why not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import provenance
from salus.errors import InputError, WallError
from salus.privacy import bounds, certificate, claims, noised, page, recount, rounding, rounds, signatures
from salus.privacy import policy as policies
from salus.privacy.keys import Key
from salus.privacy.policy import Policy
from salus.tables.contracts import CERTIFICATES, SERIES

_CHANGED = "something in the release was changed, so nothing that it states is looked at"


@dataclass(frozen=True)
class Finding:
    """One claim, and whether it holds.

    Attributes
    ----------
    claim : str
        Name of the claim.
    stated : str
        Its value in the certificate.
    found : str or None
        Its value as recomputed; None where it was not checked.
    why : str
        Why it was not checked.
    """

    claim: str
    stated: str
    found: str | None
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was checked and is as stated."""
        return self.stated == self.found

    @property
    def fails(self) -> bool:
        """Whether it was checked and is not as stated."""
        return self.found is not None and not self.holds

    def line(self) -> str:
        """The finding in words."""
        if self.holds:
            return f"holds        {self.claim}: {self.stated}"
        if self.fails:
            return f"FAILS        {self.claim}: stated {self.stated}, found {self.found}"
        return f"NOT checked  {self.claim}: {self.stated} ({self.why})"


def verify(
    folder: str | Path,
    *,
    public_key: str | None = None,
    definitions: pl.DataFrame | None = None,
    places: pl.DataFrame | None = None,
    root: str | Path | None = None,
    key: Key | None = None,
) -> list[Finding]:
    """Recompute what a release's certificate states, from the release alone, and with the records the rest.

    Parameters
    ----------
    folder : str or Path
        Folder of one release.
    public_key : str, optional
        The department's public key, 64 hexadecimal digits, had from the department by another way than the release.
        Without it nobody can say who signed.
    definitions : polars.DataFrame, optional
        Case definitions to compare with those that the release states.
    places : polars.DataFrame, optional
        Table of places to compare with the one that the release states.
    root : str or Path, optional
        Folder of the wall, for those who have it; needs all of the others.
    key : Key, optional
        The wall's key.

    Returns
    -------
    list of Finding
        Form, signature, signer, every file's hash, every claim. One that fails means that something was changed.

    Raises
    ------
    InputError
        The folder is no release, or one that this version can't read.
    """
    folder = Path(folder)
    content = certificate.read(folder)
    if content is None or not _has_form(content):
        return [Finding("form of the certificate", "as Salus writes it", "another")]
    signer = content["signer"]["public_key"]
    signed = signatures.holds(signer, content["signature"], certificate.signed_part(content))
    findings = [
        Finding("form of the certificate", "as Salus writes it", "as Salus writes it"),
        Finding("signature", "by the key in the certificate", "by the key in the certificate" if signed else "none"),
        _signer(signer, public_key),
        *_files(folder, content["files"]),
    ]
    rows = content["claims"]
    if any(f.fails for f in findings):
        return findings + [Finding(r["claim"], r["value"], None, _CHANGED) for r in rows]
    try:
        policy, found = _recomputed(folder)
    except (InputError, WallError) as error:
        return [*findings, Finding("tables", "as the certificate says", str(error))]
    found["policy"] = provenance.short_id(policy.as_dict())
    if any(r["claim"] == "days" and r["needs"] != "release" for r in rows):
        del found["days"]  # older versions stated an id of what was asked for
    findings += [
        Finding(r["claim"], r["value"], found.pop(r["claim"], "nothing")) for r in rows if r["needs"] == "release"
    ]
    findings += [Finding(c, "nothing", v) for c, v in found.items()]
    rest = [_elsewhere(r, definitions, places) for r in rows if r["needs"] != "release"]
    if root is not None:
        if key is None or definitions is None or places is None:
            raise InputError(
                "to check a release against the records, give the key, the places and the definitions too."
            )
        stated = {r["claim"]: r["value"] for r in rows}
        inside = {"counts": "not counted"}
        if all(f.holds for f in rest if f.claim in ("definitions", "places")):
            inside |= recount.recounted(folder, content["release"], stated, root, key, definitions, places)
        rest = [Finding(f.claim, f.stated, inside.get(f.claim, f.found), f.why) for f in rest]
        rest.append(Finding("counts", "as counted", inside["counts"]))
    findings += rest
    return [*findings, *_pages(folder, content, policy)]


def summary(findings: list[Finding]) -> str:
    """The outcome in one sentence.

    Parameters
    ----------
    findings : list of Finding
        As :func:`verify` gives them.
    """
    holds, fails = sum(f.holds for f in findings), sum(f.fails for f in findings)
    rest = f"{len(findings) - holds - fails} were NOT checked."
    if fails:
        return f"{fails} of {len(findings)} statements FAIL: do not use this release. {holds} hold, {rest}"
    return f"All {holds} statements that were checked hold; {rest}"


def _has_form(content: dict[str, Any]) -> bool:
    """Whether a certificate has all parts, each of its kind."""
    kinds = {
        "format": int,
        "release": str,
        "certified_utc": str,
        "simulated": bool,
        "claims": list,
        "not_claimed": list,
        "files": dict,
        "signer": dict,
        "signature": str,
    }
    if set(content) != set(kinds) or any(type(content[name]) is not kind for name, kind in kinds.items()):
        return False
    columns = {c.name for c in CERTIFICATES.columns}
    rows = [
        isinstance(r, dict) and set(r) == columns and all(isinstance(v, str) for v in r.values())
        for r in content["claims"]
    ]
    signer = content["signer"]
    return (
        all(rows)
        and all(isinstance(t, str) for t in content["not_claimed"])
        and all(isinstance(v, str) for v in content["files"].values())
        and set(signer) == {"algorithm", "public_key"}
        and signer["algorithm"] == signatures.ALGORITHM
        and isinstance(signer["public_key"], str)
    )


def _signer(found: str, wanted: str | None) -> Finding:
    try:
        shown = signatures.fingerprint(found)
    except ValueError:
        return Finding("signer", "an Ed25519 key", "none")
    if wanted is None:
        why = "whose key that is only its owner can say: give the public key that you have from them, --public-key FILE"
        return Finding("signer", shown, None, why)
    return Finding("signer", signatures.fingerprint(wanted), shown)


def _files(folder: Path, stated: dict[str, str]) -> list[Finding]:
    """Every file that the certificate names, and everything else that is there."""
    there = {p.name: p for p in folder.iterdir() if p.name != certificate.NAME}
    plain = {name for name, p in there.items() if p.is_file() and not p.is_symlink()}
    findings = []
    for name, wanted in stated.items():
        try:
            found = certificate.hash_of(there[name]) if name in plain else "no such file"
        except OSError:
            found = "a file that can't be read"
        findings.append(Finding(f"file {name}", wanted, found))
    return findings + [
        Finding(f"file {name}", "not in the certificate", "there") for name in sorted(set(there) - set(stated))
    ]


def _recomputed(folder: Path) -> tuple[Policy, dict[str, str]]:
    try:
        policy = policies.load(folder / "policy.toml")
        breakdown = folder / "breakdowns.parquet"
        series = SERIES.check(pl.read_parquet(folder / "series.parquet"), "series.parquet")
        agreed = rounds.load(folder / rounds.NAME) if (folder / rounds.NAME).exists() else None
        sites = 1 if agreed is None else len(agreed.sites)
        broken = pl.read_parquet(breakdown) if breakdown.exists() else None
        if policy.noisy:
            found = noised.claims(series, policy, sites, broken)
        else:
            found = claims.claims(series, broken, policy, bounds.intervals(series, broken, policy))
        found["days"] = claims.days(series)
        if policy.rates_per:
            same = (folder / rounding.RATES_FILE).read_bytes() == rounding.rates(series, policy).encode()
            found["rates"] = claims.RATES if same else "others"
        if agreed is not None:
            found["round"] = agreed.id if agreed.policy == policy else "of another policy"
        return policy, found | claims.of_sites(found, policy, sites)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            "its tables are not as this version writes them; check it with the version of Salus that made it"
        ) from error


def _elsewhere(row: dict[str, str], definitions: pl.DataFrame | None, places: pl.DataFrame | None) -> Finding:
    """A statement that the release alone can't show."""
    claim, value = row["claim"], row["value"]
    if claim == "places":
        if places is not None:
            return Finding(claim, value, certificate.places_id(places))
        return Finding(claim, value, None, "give the table of places, --places FILE")
    if claim == "definitions":
        found = None if definitions is None else certificate.definitions_id(definitions)
        if found == value:
            return Finding(claim, value, found)
        return Finding(claim, value, None, "not the case definitions of this version; ask the department for its own")
    if claim == "code_version":
        why = f"which program ran can be stated, not shown; this is {provenance.versions()['salus']}"
        return Finding(claim, value, None, why)
    return Finding(claim, value, None, "needs the records and the department's key")


def _pages(folder: Path, content: dict[str, Any], policy: Policy) -> list[Finding]:
    """Whether the pages in words say what the certificate says."""
    version = next((r["value"] for r in content["claims"] if r["claim"] == "code_version"), "")
    inner = content | {"files": {n: h for n, h in content["files"].items() if n not in certificate.PAGES.values()}}
    findings = []
    for language, name in certificate.PAGES.items():
        claim, stated = f"words of {name}", "those of the certificate"
        if version != provenance.versions()["salus"]:
            findings.append(Finding(claim, stated, None, f"made by version {version}, which may use other words"))
            continue
        same = (folder / name).read_bytes() == page.render(inner, policy, language).encode()
        findings.append(Finding(claim, stated, stated if same else "others"))
    return findings
