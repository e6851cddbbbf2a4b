"""One table from several sites, each of which counts at home: signed releases with noise are verified and summed.

No row moves. Each site releases under differential privacy with its own key; whoever combines needs the releases and
the sites' public keys, had from them by another way. Refused are a release that fails its check, one under suppression
(a count that is left out can't be summed), and a second one of the same site.

**A person seen at two sites** is one person at each. Each site bounds and pays for its own counts, and sites share no
noise, so what everything released tells of that person adds up: the certificate states epsilon for a person of one
site, of two, and of all. In the sum such a person may count twice in a week.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from salus.data import provenance
from salus.data.output import replaced_folder
from salus.errors import InputError, WallError
from salus.privacy import certificate, guarded, signatures, site_releases
from salus.privacy.keys import Key
from salus.privacy.verification import Finding
from salus.tables.contracts import SERIES

NAME = "combined.json"
"""The certificate of a combined table."""

SITES = "sites"
"""Folder of a combined table that holds the sites' releases as they came."""

NOT_CLAIMED = (
    "Anything that a site's own release does not claim; each is in the folder with its certificate.",
    "That a person counts once: one who is seen at two sites in a week counts at both.",
    "That sites are independent of each other: who sees two sites' records knows what both know.",
    "Counts near zero: each site's are a little too high, and their sum is so for every site.",
)
"""What no combined table promises."""

_FORMAT = 1


@dataclass(frozen=True)
class CombineReport:
    """What was combined.

    Attributes
    ----------
    folder : Path
        The combined table with its certificate and the releases that it was made of.
    sites : int
        How many.
    counts : int
        Counts in the table.
    weeks, weeks_left : int
        Weeks that every site released, and those that only some did, which are in no sum.
    epsilon_one_site, epsilon_all_sites : float
        What is told of a person and year who is seen at one site, and at every site.
    signer : str
        Fingerprint of the key that signed.
    simulated : bool
        Whether a site's records were simulated.
    breakdowns : int
        Sums by age group or sex.
    sites_with_breakdowns : int
        Sites that released such counts; they are summed only where all of them did, in the same way.
    """

    folder: Path
    sites: int
    counts: int
    weeks: int
    weeks_left: int
    epsilon_one_site: float
    epsilon_all_sites: float
    signer: str
    simulated: bool
    breakdowns: int = 0
    sites_with_breakdowns: int = 0

    def lines(self) -> list[str]:
        """The report in words, a line each."""
        said = [
            f"{self.sites} sites, {self.weeks} weeks of all diseases, {self.counts:,} sums of counts with noise.",
            f"Told of a person and year: epsilon {self.epsilon_one_site:g} who is seen at one site, at most "
            f"{self.epsilon_all_sites:g} who is seen at all.",
            f"Combined: {self.folder}",
            f"Signed by the key with the fingerprint {self.signer}",
        ]
        if self.weeks_left:
            said.append(f"{self.weeks_left} weeks of a disease that not every site released are in no sum.")
        if self.breakdowns:
            said.append(f"{self.breakdowns:,} sums by age group or sex beside them.")
        elif self.sites_with_breakdowns:
            said.append(
                "Counts by age group or sex are in no sum: not every site released the same of the same places."
            )
        return ["SIMULATED records.", *said] if self.simulated else said


def combine(folders: Sequence[str | Path], public_keys: Sequence[str], out: str | Path, *, key: Key) -> CombineReport:
    """Verify the releases of several sites, and sum their counts.

    Parameters
    ----------
    folders : sequence of str or Path
        Releases under differential privacy, one a site.
    public_keys : sequence of str
        Public keys of the sites, each had from its site by another way than the release.
    out : str or Path
        Folder to write.
    key : Key
        Key of whoever combines; it signs.

    Returns
    -------
    CombineReport

    Raises
    ------
    InputError
        Fewer than two releases are given, or they don't fit each other.
    WallError
        A release is not as it was signed, is signed by none of the keys, is a second one of a site, or has counts left
        out; nothing is written.
    """
    if len(folders) < 2:
        raise InputError("there is nothing to combine: give the releases of at least two sites.")
    sites = sorted((site_releases.load(Path(f), public_keys) for f in folders), key=lambda s: s.public)
    for one, other in itertools.pairwise(sites):
        if one.public == other.public:
            raise WallError(
                f"{one.folder} and {other.folder} are both of the site with the key "
                f"{signatures.fingerprint(one.public)}: its persons would count twice. Give one release a site."
            )
    table, left = site_releases.summed(sites)
    broken = site_releases.summed_breakdowns(sites, table)
    stated = site_releases.claims(sites, table, broken)
    with replaced_folder(out) as part:
        for site in sites:
            shutil.copytree(site.folder, part / SITES / site.content["release"])
        tables = {guarded.SERIES_FILE: table} | ({} if broken is None else {guarded.BREAKDOWNS_FILE: broken})
        for name, sums in tables.items():
            sums.write_parquet(part / name)
        content: dict[str, Any] = {
            "format": _FORMAT,
            "simulated": any(s.content["simulated"] for s in sites),
            "sites": [site_releases.listed(s) for s in sites],
            "claims": stated,
            "not_claimed": list(NOT_CLAIMED),
            "files": {name: certificate.hash_of(part / name) for name in tables},
            "signer": {"algorithm": signatures.ALGORITHM, "public_key": signatures.public_key(key)},
        }
        content["signature"] = signatures.sign(key, certificate.signed_part(content))
        (part / NAME).write_bytes(certificate.rendered(content))
        record = provenance.run_record("records combine", [], {"sites": len(sites)})
        (part / "run.json").write_text(json.dumps(record, indent=2, default=str) + "\n", encoding="utf-8")
    return CombineReport(
        folder=Path(out),
        sites=len(sites),
        counts=table.height,
        weeks=table["date"].n_unique(),
        weeks_left=left,
        epsilon_one_site=float(stated["epsilon_one_site"]),
        epsilon_all_sites=float(stated["epsilon_all_sites"]),
        signer=signatures.fingerprint(signatures.public_key(key)),
        simulated=content["simulated"],
        breakdowns=0 if broken is None else broken.height,
        sites_with_breakdowns=sum(s.breakdowns is not None for s in sites),
    )


def is_combined(folder: str | Path) -> bool:
    """Whether a folder is a combined table, not a site's release.

    Parameters
    ----------
    folder : str or Path
        Any folder.
    """
    return (Path(folder) / NAME).is_file()


def verify(folder: str | Path, *, public_key: str | None = None) -> list[Finding]:
    """Check a combined table: its signature, each site's release, and every sum and statement made of them.

    Parameters
    ----------
    folder : str or Path
        As :func:`combine` wrote it.
    public_key : str, optional
        Public key of whoever combined, had by another way.

    Returns
    -------
    list of Finding
        Whose key a site's is can be told by the site alone; so it is not checked here.

    Raises
    ------
    InputError
        The folder holds no combined table.
    """
    folder = Path(folder)
    try:
        raw = (folder / NAME).read_bytes()
        content = json.loads(raw)
        same = certificate.rendered(content) == raw and content["format"] == _FORMAT
        signer, listed = content["signer"]["public_key"], content["sites"]
        names = {s["release"]: s["certificate_sha256"] for s in listed}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} holds no combined table that this version can read.") from error
    signed = same and signatures.holds(signer, content["signature"], certificate.signed_part(content))
    whole = "by the key in the certificate"
    findings = [Finding("signature", whole, whole if signed else "none")]
    if not signed:
        return findings
    shown = signatures.fingerprint(signer)
    why = "whose key that is only its owner can say: give the public key that you have from them, --public-key FILE"
    wanted = shown if public_key is None else signatures.fingerprint(public_key)
    findings.append(Finding("signer", wanted, None if public_key is None else shown, why))
    there = sorted(p.name for p in (folder / SITES).iterdir())
    findings.append(Finding("releases", ", ".join(sorted(names)), ", ".join(there)))
    for name, stated in names.items():
        path = folder / SITES / name / certificate.NAME
        findings.append(
            Finding(f"release {name}", stated, certificate.hash_of(path) if path.is_file() else "no such release")
        )
    if any(f.fails for f in findings):
        return findings
    try:
        sites = [site_releases.load(folder / SITES / s["release"], [s["public_key"]]) for s in listed]
        table, _ = site_releases.summed(sites)
        broken = site_releases.summed_breakdowns(sites, table)
        found = site_releases.claims(sites, table, broken)
        same_table = table.equals(SERIES.check(pl.read_parquet(folder / guarded.SERIES_FILE), "the combined series"))
        beside = folder / guarded.BREAKDOWNS_FILE
        if broken is None or not beside.exists():
            same_table &= broken is None and not beside.exists()
        else:
            same_table &= broken.equals(pl.read_parquet(beside))
    except (InputError, WallError, OSError, pl.exceptions.PolarsError) as error:
        return [*findings, Finding("sites", "as each signed", str(error))]
    findings.append(Finding("sums", "of the sites' counts", "of the sites' counts" if same_table else "others"))
    return findings + [Finding(c, v, found.get(c, "nothing")) for c, v in content["claims"].items()]
