"""`salus records round`, `share`, `combine` and `rotate`: several sites, and a new key."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from salus.cli import options
from salus.cli.wall_options import ENGINE, JSON, KEY, ROOT, WHY, show
from salus.errors import InputError
from salus.privacy import federated, joint, keys, rotation, rounds, sharing, signatures
from salus.privacy import policy as policies
from salus.surveillance import syndromes
from salus.tables import door
from salus.tables.contracts import PLACES

ROUND_EXAMPLE = (
    "Example: salus records round --site a.pub --site b.pub --site c.pub --places places.csv "
    "--days 2024-01-01:2024-03-31 --key-file ours.key --out round.json"
)
SHARE_EXAMPLE = (
    "Example: salus records share --round round.json --root wall --key-file a.key --public-key ours.pub "
    "--public-key b.pub --public-key c.pub --out a.share"
)
ROUND = typer.Option(..., "--round", help="File of the round, as the combiner sent it.")


def make_round(
    site: list[Path] = typer.Option(
        ...,
        "--site",
        help="Public key file of a site, had from it; at least three; the site is called by its name.",
    ),
    places: Path = typer.Option(
        ..., "--places", help="Table of places: location, name, parent, location_level, population."
    ),
    days: str = typer.Option(..., "--days", metavar="FIRST:LAST", help="First and last day; whole weeks are counted."),
    policy: Path | None = typer.Option(
        None, "--policy", help="Policy (TOML), or differential_privacy, for the sum; without it the default policy."
    ),
    key_file: Path | None = KEY,
    out: Path = typer.Option(..., "--out", help="File to write."),
    as_json: bool = JSON,
) -> None:
    """Agree on what several sites will share: sites, days, places, definitions, and the policy for the sum.

    Send the file to every site. Who makes it will combine, with the same key.
    """
    made = rounds.make(
        out,
        [(f.name.removesuffix(".pub").removesuffix(".key"), signatures.load_member(f)) for f in site],
        syndromes.definitions(),
        door.read(places, PLACES),
        policies.load(policy),
        options.period(days, "--days"),
        key=keys.load(key_file),
    )
    if as_json:
        found = {"round": made.id, "sites": len(made.sites), "weeks": len(made.weeks), "cells": made.cells}
        typer.echo(json.dumps(found | {"file": str(out)}, ensure_ascii=False, indent=1))
        return
    typer.echo(
        f"Round {made.id}: {len(made.sites)} sites, {len(made.weeks)} weeks, {made.cells:,} cells, to be released "
        f"under the policy '{made.policy.name}'.\nSend {out} to every site, and your public key by another way."
    )


def share(
    round_file: Path = ROUND,
    root: Path = ROOT,
    public_key: list[Path] = typer.Option(
        ..., "--public-key", help="Public keys of the combiner and of every other site, had from them; one each."
    ),
    out: Path = typer.Option(..., "--out", help="File to write, to be sent to the combiner."),
    key_file: Path | None = KEY,
    engine: str = ENGINE,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Count for a round, and write a file in which every cell is masked: only the sum of all sites can be read.

    What was shared is never shared in another round, nor released by this site itself.
    """
    known = [signatures.load_public(f) for f in public_key]
    report = sharing.share(
        root, round_file, out, syndromes.definitions(), known, key=keys.load(key_file), engine=engine, why=why
    )
    show(report, as_json=as_json)


def combine(
    parts: list[Path] = typer.Argument(
        ..., metavar="RELEASE...", help="Folder of one release of each site; with --round the file of each site."
    ),
    public_key: list[Path] = typer.Option(
        [], "--public-key", help="Public key of a site, had from it by another way than the release; one a site."
    ),
    out: Path | None = typer.Option(None, "--out", help="Folder to write."),
    round_file: Path | None = typer.Option(None, "--round", help="File of the round, for masked counts."),
    root: Path | None = typer.Option(
        None, "--root", help="With --round: folder of a wall for the sum, which holds no records."
    ),
    key_file: Path | None = KEY,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Sum what several sites send that count at home: noisy releases, or masked counts of a round. No row moves.

    A release or file that was changed, a second one of a site, and counts left out are refused. The exact sum of a
    round goes through its policy before anything can leave.

    Example: `salus records combine a/release/1f0c b/release/77ab --public-key a.pub --public-key b.pub --out both`
    """
    secret = keys.load(key_file)
    if round_file is None:
        if out is None or not public_key or root is not None:
            raise InputError(
                "releases are combined into a folder and checked by the keys of their sites: give --out and "
                "--public-key. For masked counts give --round and --root."
            )
        known = [signatures.load_public(f) for f in public_key]
        show(federated.combine(parts, known, out, key=secret), as_json=as_json)
        return
    if root is None or out is not None or public_key:
        raise InputError(
            "masked counts of a round are combined inside a wall of their own: give --root, and neither --out nor "
            "--public-key, for the round names the keys."
        )
    show(joint.combine(parts, round_file, root, syndromes.definitions(), key=secret, why=why), as_json=as_json)


def rotate(
    root: Path = ROOT,
    new_key_file: Path = typer.Option(..., "--new-key-file", help="File of the key to come; make it first."),
    key_file: Path | None = KEY,
    why: str = WHY,
    as_json: bool = JSON,
) -> None:
    """Put a new key into force: persons and visits get new numbers, new releases a new signature.

    Old certificates hold under the old public key. If it is interrupted, run it again: either key is whole.

    Example: `salus records rotate --root wall --key-file old.key --new-key-file new.key --why "yearly change"`
    """
    show(rotation.rotate(root, keys.load(key_file), keys.load(new_key_file), why=why), as_json=as_json)
