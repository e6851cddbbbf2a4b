"""Sites as processes of their own: each makes its key and its visits, ingests at home, and shares its counts."""

import datetime as dt
import subprocess
import sys

import numpy as np

from salus.privacy import keys, signatures

PLACES = "location,name,parent,location_level,population\nP,P,,province,300000\n" + "".join(
    f"{d},{d},P,district,100000\n" for d in ("A1", "A2", "A3")
)
_START = """
import sys, datetime as dt, polars as pl
from pathlib import Path
from salus.privacy import deidentify, keys, policy, release, sharing, signatures
from salus.sources.linelist import open_linelist
from salus.surveillance import syndromes
from salus.tables import door
from salus.tables.contracts import PLACES
home = Path(sys.argv[1])
DAYS = dt.date(2024, 1, 1), dt.date(2024, 1, 28)
key = keys.load(home / "site.key")
"""
RELEASE = (
    _START
    + """
deidentify.ingest(open_linelist([home / "visits.csv"]), home / "wall", key)
for name in sys.argv[2:]:
    places = door.read(home / "places.csv", PLACES)
    made = release.release(home / "wall", syndromes.definitions(), places, policy.load(name), key=key, weeks=DAYS)
    print(made.folder)
"""
)
SHARE = (
    _START
    + """
deidentify.ingest(open_linelist([home / "visits.csv"]), home / "wall", key)
known = [signatures.load_public(f) for f in sys.argv[3:]]
made = sharing.share(home / "wall", sys.argv[2], home / "share.salus", syndromes.definitions(), known, key=key)
print(made.persons)
"""
)


def begun(folder, seed, persons=600):
    """Home of a site: its key, its visits to four weeks of 2024."""
    folder.mkdir()
    keys.create(folder / "site.key")
    signatures.write_public(keys.load(folder / "site.key"), folder / "site.pub")
    (folder / "places.csv").write_text(PLACES)
    rng = np.random.default_rng(seed)
    rows = ["person_id,visit_date,district,icd10"]
    for n in range(persons):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=int(rng.integers(0, 28)))
        rows.append(f"p{n},{day},A{rng.integers(1, 4)},{rng.choice(['J10.1', 'B08.4'])}")
    rows += [f"edge{n},2024-01-{n},A1,I10" for n in (1, 28)] + ["late,2024-02-04,A1,I10"]
    (folder / "visits.csv").write_text("\n".join(rows) + "\n")
    return folder


def process(work, folder, *arguments):
    """A site at work, in a process of its own."""
    command = [sys.executable, "-c", work, str(folder), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(processes):
    """What each printed; all must have ended well."""
    said = [one.communicate(timeout=300) for one in processes]
    for one, (_, errors) in zip(processes, said, strict=True):
        assert one.returncode == 0, errors
    return [out.strip() for out, _ in said]
