"""A table of single persons for use inside: k-anonymous by persons, and never in the zone that leaves.

A row is a person and a syndrome of a visit; rows of one person have one number, new in each extract. What the table
tells of place, time, age group and sex is as coarse as its rule needs (:mod:`salus.privacy.anonymity`); persons whom no
class takes in are dropped, and counted.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from salus.data import durable, provenance
from salus.data.engines import DUCKDB, StepEngine
from salus.data.output import output_error
from salus.errors import InputError, NameNotFoundError, WallError
from salus.privacy import anonymity, certificate, hierarchies, ledger, log, stored, zones
from salus.privacy import extract_rule as rules
from salus.privacy.extract_report import ExtractReport
from salus.privacy.extract_rule import ExtractRule
from salus.privacy.keys import Key
from salus.privacy.steps import calendar, counting
from salus.privacy.steps import classes as steps
from salus.privacy.trajectories import SAMPLED, Uniqueness
from salus.privacy.whole import Whole
from salus.tables import codes

if TYPE_CHECKING:
    import ibis.expr.types as ir

FOLDER, TABLE, REPORT = "extracts", "extract.parquet", "extract.json"
"""Folder of extracts in the record zone, and the files of one."""

COLUMNS = ("person", "place", "age_group", "sex", "period", "syndrome")
"""Columns of the table."""

_SAMPLED_AFTER = 200  # each of them shares each visit with thousands
_README = """# Extract {id}: INSIDE ONLY
{simulated}Rows of single persons, made coarser so that each is one of at least {k} who read the same in everything but
the syndromes. That is for work inside, by those who may see records. It is no anonymous table for the public: whoever
knows diagnoses of a person knows more than is counted here. Nothing of it is ever copied out.

`extract.parquet` is the table, `rule.toml` the rule, `extract.json` what was found.
"""


def extract(
    root: str | Path,
    definitions: pl.DataFrame,
    places: pl.DataFrame,
    rule: ExtractRule | None = None,
    *,
    key: Key,
    out: str | Path | None = None,
    memory_limit: str = "1200MB",
    why: str = "",
) -> ExtractReport:
    """Write a table of single persons, inside.

    Parameters
    ----------
    root : str or Path
        Folder of the wall.
    definitions : polars.DataFrame
        Case definitions, as for :func:`salus.privacy.release.release`.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`, nested by ``parent``.
    rule : ExtractRule, optional
        Default: the one that comes with Salus.
    key : Key
        The wall's key; the numbers of persons are made with it, anew for each extract.
    out : str or Path, optional
        Folder to write, in the record zone of this wall; without it one of the extract's id.
    memory_limit : str
        Memory for the engine.
    why : str
        Reason, for the log.

    Returns
    -------
    ExtractReport

    Raises
    ------
    WallError
        `out` lies elsewhere than in the record zone.
    InputError
        There are no records, a syndrome is not defined, or no extract holds what the rule wants.
    """
    wall = zones.existing(root)
    chosen_rule = rule or rules.load()
    target = None if out is None else _inside(wall, Path(out))
    with ledger.locked(wall):
        known = ledger.read(wall, key)
        if not known.entries:
            raise InputError(f"there are no records in {root} yet. Ingest some first.")
        ledger.check_weeks(wall, known, chosen_rule.week_start)
        named = [[i["sha256"] for i in e.inputs] for e in known.entries]
        commitment = [named, certificate.definitions_id(definitions), certificate.places_id(places)]
        name = key.commitment(provenance.canonical([*commitment, chosen_rule.as_dict()]))[: provenance.ID_LENGTH]
        folder = target or wall.path("record") / FOLDER / name
        with (
            log.act(wall, key, "extract", why=why, extract=name, rule=chosen_rule.name),
            stored.opened(ledger.parts(wall, known), wall.path("count"), DUCKDB, memory_limit) as (machine, records),
        ):
            seen = _visits(machine, records, definitions, chosen_rule)
            table, found = anonymised(seen, places, chosen_rule)
            after = table.select("person", "age_group", "sex", district="place", week="period")
            before = seen.select("person", "district", "age_group", "sex", "week")
            report = ExtractReport(
                id=name,
                file=folder / TABLE,
                simulated=any(e.simulated for e in known.entries),
                before=[asdict(u) for u in _uniqueness(machine, before, SAMPLED)],
                after=[asdict(u) for u in _uniqueness(machine, after, _SAMPLED_AFTER)],
                **found,
            )
            try:
                durable.make_folder(folder.parent)
                with Whole(folder) as part:
                    _numbered(table, key, name).write_parquet(part / TABLE)
                    durable.write(part / REPORT, json.dumps(report.as_dict(), indent=1, ensure_ascii=False).encode())
                    durable.write(part / "rule.toml", chosen_rule.as_toml().encode())
                    simulated = "SIMULATED records. " if report.simulated else ""
                    words = _README.format(id=name, k=report.k_anonymity, simulated=simulated)
                    durable.write(part / "README.md", words.encode())
            except OSError as error:
                raise output_error(folder, error) from error
    return report


def anonymised(visits: pl.DataFrame, places: pl.DataFrame, rule: ExtractRule) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Visits of persons as coarse as a rule needs.

    Parameters
    ----------
    visits : polars.DataFrame
        ``person``, ``district``, ``age_group``, ``sex``, ``week`` (first day, a date), ``syndrome``.
    places : polars.DataFrame
        Columns of :data:`salus.tables.contracts.PLACES`.
    rule : ExtractRule
        k, l, t and the ways to coarser columns.

    Returns
    -------
    table : polars.DataFrame
        :data:`COLUMNS`, sorted, each row once; ``person`` as given.
    found : dict
        Fields of :class:`ExtractReport` from ``rows`` to ``loss``.

    Raises
    ------
    InputError
        No extract holds what the rule wants.

    Examples
    --------
    >>> seen = pl.DataFrame({"person": [1, 2, 3, 4], "district": ["A"] * 3 + ["B"], "age_group": "65+", "sex": "male"})
    >>> seen = seen.with_columns(week=pl.date(2024, 1, 1), syndrome=pl.Series(["rsv", "rsv", "hfmd", "rsv"]))
    >>> rule = ExtractRule(k_anonymity=3, t_closeness=0.5, most_dropped=0.5)
    >>> table, found = anonymised(seen, pl.DataFrame({"location": ["A", "B"]}), rule)
    >>> table["person"].to_list(), table["place"].to_list(), found["dropped"]
    ([1, 2, 3], ['A', 'A', 'A'], {'too few persons': 1, 'too few syndromes': 0, 'too far from the whole': 0})
    """
    if not visits.height:
        raise InputError("nobody was seen with a syndrome of the rule. Ingest more records, or list other syndromes.")
    base = {c: visits[c].unique().sort() for c in ("person", "district", "age_group", "sex", "week", "syndrome")}
    ways = (
        hierarchies.of_places(base["district"].to_list(), places, rule.places),
        hierarchies.of_ages(base["age_group"].to_list(), rule.ages),
        hierarchies.of_sexes(base["sex"].to_list(), rule.sexes),
        hierarchies.of_weeks(base["week"].to_list(), rule.dates),
    )
    number = {c: _positions(visits[c], values) for c, values in base.items()}
    told = np.array([number[c] for c in ("district", "age_group", "sex", "week")])
    rows = anonymity.Rows(number["person"], told, number["syndrome"])
    chosen = anonymity.choose(rows, ways, rule)
    here = chosen.kept[rows.person]
    read = {
        way.column: pl.Series(way.labels[step]).gather(chosen.told[n][here])
        for n, (way, step) in enumerate(zip(ways, chosen.steps, strict=True))
    }
    table = pl.DataFrame({"person": visits["person"].filter(here), "syndrome": visits["syndrome"].filter(here)} | read)
    table = table.select(COLUMNS).unique().sort(COLUMNS)
    return table, {
        "rows": table.height,
        "persons": int(chosen.kept.sum()),
        "rows_seen": visits.height,
        "persons_seen": chosen.kept.size,
        "dropped": chosen.dropped,
        "coarseness": {w.column: w.steps[s] for w, s in zip(ways, chosen.steps, strict=True)},
        "k_anonymity": int(chosen.judged.persons.min()),
        "l_diversity": int(chosen.judged.syndromes.min()),
        "t_closeness": float(chosen.judged.distance.max()),
        "classes": chosen.judged.persons.size,
        "wanted": {n: getattr(rule, n) for n in ("k_anonymity", "l_diversity", "t_closeness")},
        "loss": {w.column: w.loss(s, values) for w, s, values in zip(ways, chosen.steps, told, strict=True)},
    }


def _inside(wall: zones.Zones, out: Path) -> Path:
    zone = zones.zone_of(out)
    record = wall.path("record").resolve()
    if zone != "record" or not out.resolve().is_relative_to(record) or out.resolve() == record:
        where = "outside the wall" if zone is None else f"in the zone '{zone}'"
        if zone == "record":
            where = "not in a folder of its own in this wall"
        raise WallError(
            f"{out} lies {where}, and rows of single persons are written into the record zone of their wall alone. "
            f"Leave --out away, or give a new folder in {wall.path('record') / FOLDER}."
        )
    if out.exists() and not (out / REPORT).exists():
        raise WallError(f"{out} is there already and is no extract, so it is not replaced. Give another folder.")
    return out


def _visits(machine: StepEngine, records: ir.Table, definitions: pl.DataFrame, rule: ExtractRule) -> pl.DataFrame:
    """First visit of each person, week and syndrome: person, district, age group, sex, week, syndrome."""
    known = set(definitions["syndrome"])
    missing = [s for s in rule.syndromes if s not in known]
    if missing:
        raise NameNotFoundError("syndrome", missing[0], known)
    wanted = definitions.filter(pl.col("syndrome").is_in(list(rule.syndromes or known)))
    only = pl.col("encounter_class") if "encounter_class" in wanted.columns else pl.lit(None, dtype=pl.String)
    wanted = wanted.select("code_system", "code", "match", "syndrome", encounter_class=only)
    names = wanted["syndrome"].unique().sort()
    number = pl.DataFrame({"syndrome": names, "_n": range(names.len())}, schema_overrides={"_n": pl.Int64})
    found = codes.match(machine.answer(counting.codes_seen(records)), wanted).join(number, on="syndrome")
    found = found.select("code_system", "code", syndrome="_n", only_class="encounter_class").unique()
    districts = machine.answer(counting.districts_seen(records)).sort("district").with_row_index("number")
    districts = districts.select("district", pl.col("number").cast(pl.Int64))
    first, last = machine.answer(counting.days_seen(records)).row(0)
    shift = 0 if rule.week_start == "monday" else 1
    start, end = (calendar.first_day(calendar.number_of_week(d, shift), shift) for d in (first, last))
    grid = [start + dt.timedelta(days=7 * n) for n in range((end - start).days // 7 + 1)]
    size = max(districts.height, 1)
    visits = counting.first_visits(records, machine.frame(found), machine.frame(districts), size, grid, shift)
    many = counting.kinds().height
    table = machine.answer(visits).select(
        "person",
        number=(pl.col("at") // many) % size,
        kind=pl.col("at") % many,
        week=pl.lit(calendar.first_day(0, shift)) + pl.duration(days=7 * pl.col("week")),
        _n="syndrome",
    )
    table = table.join(districts, on="number").join(counting.kinds(), on="kind").join(number, on="_n")
    return table.select("person", "district", "age_group", "sex", "week", "syndrome")


def _positions(values: pl.Series, sorted_: pl.Series) -> np.ndarray:
    at = pl.DataFrame({"value": sorted_, "at": np.arange(sorted_.len())})
    return pl.DataFrame({"value": values}).join(at, on="value", maintain_order="left")["at"].to_numpy()


def _uniqueness(machine: StepEngine, seen: pl.DataFrame, sampled: int) -> list[Uniqueness]:
    """Persons alone with one, two or three visits, without and with age group and sex."""
    held = machine.frame(seen)
    found = []
    for also in (False, True):
        known = ("district", "week", *(("age_group", "sex") if also else ()))
        staying = machine.keep(steps.stays(held, known))
        for number in (1, 2, 3):
            persons, alone = machine.answer(steps.alone(staying, known, number, sampled)).row(0)
            found.append(Uniqueness(number, also, persons, alone / persons if persons else 0.0))
    return found


def _numbered(table: pl.DataFrame, key: Key, name: str) -> pl.DataFrame:
    """The table with numbers of persons that no other extract has."""
    secret = key.derived(f"extract {name}")
    persons = table["person"].unique().sort()
    made = [int.from_bytes(hmac.digest(secret, str(p).encode(), "sha256")[:8], "big", signed=True) for p in persons]
    new = pl.DataFrame({"person": persons, "_new": pl.Series(made, dtype=pl.Int64)})
    return table.join(new, on="person").with_columns(person="_new").drop("_new").sort(COLUMNS)
