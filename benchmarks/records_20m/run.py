"""Twenty million simulated visits across the wall: ingest, count, release and certify, beside the cost of reading them.

    python benchmarks/records_20m/run.py --rows 20000000 --out result.json [--scaling 1000000 5000000] [--keep DIR]

Each part runs in a process of its own, so that its peak memory is its own. The floor is reading every column of the
same files once with DuckDB, in the same run. FHIR is beside DuckDB's own parsing of the same files. Peers get the first
million rows: plain DuckDB SQL and Polars do the count alone, without surrogates, bound or guard; anonymisation packages
get the very rows that `salus records extract` makes coarse, where `--peers-python` names a Python that has them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CLAIM = "20 million visits ingested, de-identified, counted, released and certified in under 60 s and 2 GB on two cores"
PEER_ROWS = 1_000_000
FHIR_ROWS = 500_000
PACKAGES = ("anjana", "anonypyx", "pycanon")
PARTS = ("wall", "scaling", "fhir", "peers")


def main() -> None:
    """Run all parts, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--years", type=float, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure anew")
    parser.add_argument(
        "--scaling", type=int, nargs="*", default=[1_000_000, 5_000_000], help="sizes of the part scaling"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder of simulated data to keep and use again; else a temporary one"
    )
    parser.add_argument("--peers-python", default=sys.executable, help="a Python with anjana, anonypyx or pycanon")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with tempfile.TemporaryDirectory(prefix="salus-records-") as temporary:
        data = options.keep or Path(temporary)
        data.mkdir(parents=True, exist_ok=True)
        known = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else {}
        result: dict[str, Any] = known | {
            "claim": CLAIM,
            "command": f"python benchmarks/records_20m/run.py --rows {options.rows}",
            "machine": _machine(options.cores),
        }
        for part in options.parts:
            load = round(os.getloadavg()[0], 2)
            if part == "wall":
                source = _data(data, options.rows, options, "parquet")
                result |= _wall(source, Path(temporary), options.cores)
                result["data_hash"] = _hash(sorted((source / "line_list_simulated").glob("*.parquet")))
            elif part == "scaling":
                result["scaling"] = []
                for rows in options.scaling:
                    load = round(os.getloadavg()[0], 2)
                    other = _wall(_data(data, rows, options, "parquet"), Path(temporary), options.cores)
                    kept = {k: other[k] for k in ("rows", "wall_s", "cpu_s", "peak_rss_mb", "decode_floor_cpu_s")}
                    result["scaling"].append(kept | {"load_before": load})
            elif part == "fhir":
                bulk = _data(data, min(FHIR_ROWS, options.rows), options, "fhir")
                result["fhir"] = _fhir(bulk, Path(temporary), options.cores)
            else:
                small = _data(data, min(PEER_ROWS, options.rows), options, "parquet")
                result["peers"] = _peers(small, Path(temporary), options)
            result.setdefault("load", {})[part] = [load, round(os.getloadavg()[0], 2)]
            result.setdefault("code_version", {})[part] = _code_version()
            options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def _wall(source: Path, temporary: Path, cores: int) -> dict[str, Any]:
    """Ingest and release of one line list, part by part and in all."""
    root = temporary / f"wall-{source.name}"
    floor = _part("floor", source, root, cores)
    ingest, release = (_part(name, source, root, cores) for name in ("ingest", "release"))
    verify = _part("verify", source, root, cores)
    subprocess.run(["rm", "-rf", str(root)], check=True)
    both = [ingest, release]
    return {
        "rows": ingest["rows"],
        "wall_s": round(sum(p["wall_s"] for p in both), 1),
        "cpu_s": round(sum(p["cpu_s"] for p in both), 1),
        "peak_rss_mb": max(p["peak_rss_mb"] for p in both),
        "decode_floor_cpu_s": floor["cpu_s"],
        "decode_floor_wall_s": floor["wall_s"],
        "steps": [*ingest["steps"], *release["steps"]],
        "parts": {"ingest": _short(ingest), "release_and_certify": _short(release), "verify": _short(verify)},
    }


def _fhir(source: Path, temporary: Path, cores: int) -> dict[str, Any]:
    """Ingest of FHIR beside DuckDB's own parsing of the same files."""
    parse = _part("parse_fhir", source, temporary / "wall-fhir", cores)
    ingest = _part("ingest_fhir", source, temporary / "wall-fhir", cores)
    speed = parse["cpu_s"] / ingest["cpu_s"]
    return {"ingest": ingest, "duckdb_parses": _short(parse), "speed_of_parsing": round(speed, 3)}


def _peers(source: Path, temporary: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Others on a million rows."""
    root = temporary / "wall-peers"
    _part("ingest", source, root, options.cores)
    found = {
        name: _short(_part(name, source, root, options.cores))
        for name in ("salus_count", "duckdb_sql", "polars", "salus_extract")
    }
    for name in PACKAGES:
        there = subprocess.run([options.peers_python, "-c", f"import {name}"], capture_output=True, check=False)
        found[name] = (
            {"left_out": "not installed"}
            if there.returncode
            else _short(_part(name, source, root, options.cores, options.peers_python))
        )
    return found


def _part(name: str, source: Path, root: Path, cores: int, python: str = sys.executable) -> dict[str, Any]:
    """One part in a process of its own: its rows, wall_s, cpu_s, peak_rss_mb, and what else it says."""
    script = HERE / ("peers.py" if name in PACKAGES else "parts.py")
    command = [python, str(script), name, str(source), str(root), str(cores)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(f"{name} failed:\n{made.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    print(name, {k: v for k, v in found.items() if k != "steps"}, flush=True)
    return found


def _data(folder: Path, rows: int, options: argparse.Namespace, kind: str) -> Path:
    out = folder / f"{kind}-{rows}-{options.years:g}-{options.seed}"
    if not (out / "simulation.json").exists():
        code = "import sys; from salus.sources.simulate import simulate; a = sys.argv; simulate(a[1], int(a[2]), "
        code += "float(a[3]), int(a[4]), format=a[5])"
        arguments = [str(out), str(rows), str(options.years), str(options.seed), kind]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True)
    return out


def _hash(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()


def _short(part: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in part.items() if k != "steps"}


def _code_version() -> str:
    ran = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    return f"{version('salus')} {ran.stdout.strip()}".strip()


def _machine(cores: int) -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores_used": cores,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "polars", "ibis-framework", "pyarrow")},
    }


if __name__ == "__main__":
    main()
