"""`salus records`: the wall. Records come in, only guarded counts go out."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from pathlib import Path

import typer

from salus.cli import options, records_sites
from salus.cli.wall_options import ENGINE, JSON, KEY, ROOT, WHY, show
from salus.errors import WallError
from salus.privacy import attack as attacks
from salus.privacy import deidentify, extract_rule, federated, keys, ledger, signatures, verification, zones
from salus.privacy import extract as extracts
from salus.privacy import log as logs
from salus.privacy import policy as policies
from salus.privacy import release as releases
from salus.sources.adt import open_adt
from salus.sources.china_card import open_china_card
from salus.sources.fhir import open_fhir
from salus.sources.linelist import open_linelist
from salus.sources.omop import open_omop
from salus.surveillance import syndromes
from salus.tables import door
from salus.tables.contracts import PLACES

app = typer.Typer(name="records", help="The wall: de-identify, count, release, certify.", no_args_is_help=True)


class Dates(StrEnum):
    """How exactly days are kept in records."""

    day = "day"
    week_monday = "week-monday"
    week_sunday = "week-sunday"


class Format(StrEnum):
    """Kinds of case records."""

    linelist = "linelist"
    fhir = "fhir"
    omop = "omop"
    hl7 = "hl7"
    china_card = "china-card"


@app.command()
def key(
    file: Path = typer.Argument(..., help="File to make; beside it FILE.pub, the public key."),
    public: bool = typer.Option(False, "--public", help="Make nothing: show the public key of this key file."),
) -> None:
    """Make a new random key in a file that only you can read, and its public key for everybody.

    The key makes the surrogates of persons and signs each release; with the public key anyone can check who signed.

    Example: `salus records key office.key`
    """
    if public:
        typer.echo(signatures.public_pem(keys.load(file)), nl=False)
        return
    other = file.with_name(file.name + ".pub")
    if other.exists():
        raise WallError(f"{other} is there already, and a key is never replaced. Choose another name.")
    made = keys.load(keys.create(file))
    signatures.write_public(made, other)
    typer.echo(
        f"A new key is in {file}. Keep a copy in a safe place: without it nothing can be joined to old records.\n"
        f"Its public key is in {other}: give it to everybody who is to check your releases.\n"
        f"Fingerprint: {signatures.fingerprint(signatures.public_key(made))}"
    )


@app.command()
def ingest(
    paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Files or folders of case records."),
    kind: Format = typer.Option(
        ...,
        "--format",
        help="linelist (CSV, Parquet), fhir (R4 bulk NDJSON), omop (5.4), hl7 (v2 ADT) or china-card (传染病报告卡).",
    ),
    root: Path = ROOT,
    key_file: Path | None = KEY,
    column: list[str] = typer.Option(
        [], "--column", help="FIELD=COLUMN of a table, such as district=镇街编码; of hl7 district=PID-11.5 alone."
    ),
    encoding: options.EncodingOption = None,
    simulated: bool = typer.Option(
        False, "--simulated", help="The records are simulated; everything made of them says so."
    ),
    places: Path | None = typer.Option(
        None,
        "--places",
        help="Table of places: rows of districts that it does not have are set aside. Without it those are whose "
        "district does not look like a code, nor like a name of a place.",
    ),
    dates: Dates | None = typer.Option(
        None,
        "--dates",
        help="Keep days, or the first day of their week only; the wall's first ingest decides. Usual: day.",
    ),
    engine: str = ENGINE,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Take case records across the wall: listed fields only, surrogates, age bands.

    Example: `salus records ingest visits.csv --format linelist --root wall --key-file office.key`
    """
    mapping = dict(_pair(c) for c in column)
    if mapping and (kind in (Format.fhir, Format.omop) or (kind is Format.hl7 and set(mapping) != {"district"})):
        raise typer.BadParameter(f"{kind.value} has no such column to map", param_hint="--column")
    if encoding and kind is Format.fhir:
        raise typer.BadParameter("FHIR resources are UTF-8", param_hint="--encoding")
    source: deidentify.Source
    if kind is Format.linelist:
        source = open_linelist(paths, mapping=mapping, simulated=simulated, encoding=encoding)
    elif kind is Format.china_card:
        source = open_china_card(paths, mapping=mapping, simulated=simulated, encoding=encoding)
    elif kind is Format.fhir:
        source = open_fhir(paths, simulated=simulated)
    elif kind is Format.hl7:
        source = open_adt(paths, simulated=simulated, encoding=encoding, district=mapping.get("district"))
    else:
        source = open_omop(paths, simulated=simulated, encoding=encoding)
    report = deidentify.ingest(
        source,
        root,
        keys.load(key_file),
        places=None if places is None else door.read(places, PLACES),
        dates=None if dates is None else dates.value,
        engine=engine,
        why=why,
    )
    show(report, as_json=as_json)


@app.command()
def release(
    root: Path = ROOT,
    places: Path = typer.Option(
        ..., "--places", help="Table of places: location, name, parent, location_level, population."
    ),
    policy: Path | None = typer.Option(
        None, "--policy", help="Policy file (TOML), or differential_privacy; without it the default policy."
    ),
    days: str | None = typer.Option(
        None,
        "--days",
        metavar="FIRST:LAST",
        help="First and last day; whole weeks are counted. Without it the weeks in which at least the minimum cell of "
        "persons was seen. The first release under differential privacy needs it; later ones go on to the last ingest.",
    ),
    key_file: Path | None = KEY,
    engine: str = ENGINE,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Count what is inside, and release what the policy allows, with a certificate.

    Example: `salus records release --root wall --places places.csv --key-file office.key`
    """
    report = releases.release(
        root,
        syndromes.definitions(),
        door.read(places, PLACES),
        policies.load(policy),
        key=keys.load(key_file),
        weeks=None if days is None else options.period(days, "--days"),
        engine=engine,
        why=why,
    )
    show(report, as_json=as_json)


@app.command()
def log(
    root: Path = ROOT,
    verify: bool = typer.Option(
        False, "--verify", help="Check every line; exit status 1 when one was changed or is missing."
    ),
    noted: str | None = typer.Option(
        None,
        "--noted",
        metavar="HASH",
        help="With --verify: hash of the last line as it was noted elsewhere; tells an old copy of the whole wall.",
    ),
    key_file: Path | None = KEY,
    as_json: bool = JSON,
) -> None:
    """Show who did what inside the wall, when and why; each line is chained to the one before.

    Example: `salus records log --root wall --key-file office.key --verify`
    """
    if noted and not verify:
        raise typer.BadParameter("a noted hash is looked for by --verify alone", param_hint="--noted")
    wall, secret = zones.existing(root), keys.load(key_file)
    ledger.read(wall, secret)
    entries = logs.read(wall, secret)
    problems = logs.verify(wall, secret, noted=noted) if verify else []
    if as_json:
        found = {"entries": [dataclasses.asdict(e) for e in entries]} | ({"problems": problems} if verify else {})
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        said = [f"FAILS  {p}" for p in problems] or (
            [
                f"All {len(entries)} lines are as they were written. The last is {entries[-1].number}, "
                f"{entries[-1].hash}: note it elsewhere, for an old copy of the whole wall can't be told from inside."
            ]
            if verify and entries
            else []
        )
        typer.echo("\n".join([*said, *(e.line() for e in entries)]))
    if problems:
        raise typer.Exit(1)


@app.command()
def verify(
    folder: Path = typer.Argument(..., metavar="RELEASE", help="Folder of one release."),
    public_key: Path | None = typer.Option(
        None, "--public-key", help="The department's public key, had from it by another way than the release."
    ),
    places: Path | None = typer.Option(None, "--places", help="Table of places, to compare with the one stated."),
    root: Path | None = typer.Option(None, "--root", help="Folder of the wall, to check against the records as well."),
    key_file: Path | None = KEY,
    as_json: bool = JSON,
) -> None:
    """Check a release: signature, files, and every statement that needs no records; nothing else is needed.

    Each statement holds, FAILS, or was NOT checked, and then why. Exit status 1 when one fails; one byte is enough.

    Example: `salus records verify wall/release/1f0c2d3e4b5a6978 --public-key office.key.pub`
    """
    signer = signatures.load_public(public_key) if public_key else None
    if federated.is_combined(folder):
        findings = federated.verify(folder, public_key=signer)
    else:
        findings = verification.verify(
            folder,
            public_key=signer,
            definitions=syndromes.definitions(),
            places=door.read(places, PLACES) if places else None,
            root=root,
            key=keys.load(key_file) if root else None,
        )
    if as_json:
        found = [dataclasses.asdict(f) | {"holds": f.holds, "fails": f.fails} for f in findings]
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join([verification.summary(findings), *(f.line() for f in findings)]))
    if any(f.fails for f in findings):
        raise typer.Exit(1)


@app.command()
def attack(
    root: Path = ROOT,
    places: Path = typer.Option(
        ..., "--places", help="Table of places; its populations are the register that an attacker would have."
    ),
    release: str | None = typer.Option(None, "--release", help="Id of a release; without it the last one."),
    key_file: Path | None = KEY,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Attack a release of your own: subtraction, linkage, trajectories, membership. INSIDE ONLY.

    What is found is made of exact records; it is written into the count zone and nowhere else.

    Example: `salus records attack --root wall --places places.csv --key-file office.key`
    """
    report = attacks.attack(root, door.read(places, PLACES), release, key=keys.load(key_file), why=why)
    if as_json:
        typer.echo(json.dumps(report.as_dict() | {"file": str(report.file)}, ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(report.lines()))


@app.command()
def extract(
    root: Path = ROOT,
    places: Path = typer.Option(
        ..., "--places", help="Table of places; what lies above a district is a coarser place."
    ),
    rule: Path | None = typer.Option(None, "--rule", help="Rule file (TOML); without it k 11, l 2, t 0.6."),
    out: Path | None = typer.Option(
        None, "--out", help="Folder to write, in the wall's record zone; no other is taken."
    ),
    key_file: Path | None = KEY,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Write a table of single persons, made coarse until each reads like others. INSIDE ONLY, in the record zone.

    Persons, not rows, are counted (k); syndromes vary (l), near the shares of all (t); who fits nowhere is dropped.

    Example: `salus records extract --root wall --places places.csv --key-file office.key --why "audit of August"`
    """
    report = extracts.extract(
        root,
        syndromes.definitions(),
        door.read(places, PLACES),
        extract_rule.load(rule),
        key=keys.load(key_file),
        out=out,
        why=why,
    )
    if as_json:
        typer.echo(json.dumps(report.as_dict() | {"file": str(report.file)}, ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(report.lines()))


def _pair(text: str) -> tuple[str, str]:
    name, _, column = text.partition("=")
    if not name or not column:
        raise typer.BadParameter(f"'{text}' is not of the form FIELD=COLUMN", param_hint="--column")
    return name, column


app.command("round", epilog=records_sites.ROUND_EXAMPLE)(records_sites.make_round)
app.command("share", epilog=records_sites.SHARE_EXAMPLE)(records_sites.share)
app.command("combine")(records_sites.combine)
app.command("rotate")(records_sites.rotate)
