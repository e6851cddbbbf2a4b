"""Time and peak memory of simulating 20 million encounters, beside the bare copying of the same rows.

    python benchmarks/simulator/run.py [--encounters 20000000] [--years 6] [--seed 1] [--keep DIR]

The limit to compare with: reading and writing the finished line list once with pyarrow, in the same run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).parents[1]))
import circumstances

HERE = Path(__file__).parent
MAKE = """
import json, resource, sys, time
from salus.sources.simulate import simulate
out, encounters, years, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
begun = time.perf_counter()
done = simulate(out, encounters, years, seed)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "rows": done.manifest["rows"],
    "visits": done.manifest["visits"],
    "people_registered": done.manifest["people_registered"],
    "seconds": round(time.perf_counter() - begun, 1),
    "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    "peak_rss_mb": round(used.ru_maxrss / 1024),
}))
"""


def main() -> None:
    """Run the benchmark and write ``result.json`` beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encounters", type=int, default=20_000_000)
    parser.add_argument("--years", type=float, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to leave the simulation in; else a temporary one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="salus-simulator-") as temporary:
        out = (options.keep or Path(temporary)) / "province"
        load_before = os.getloadavg()[0]
        arguments = [str(out), str(options.encounters), str(options.years), str(options.seed)]
        made = subprocess.run([sys.executable, "-c", MAKE, *arguments], check=True, capture_output=True, text=True)
        found = json.loads(made.stdout)
        files = sorted((out / "line_list_simulated").glob("*.parquet"))
        digest = hashlib.sha256()
        for file in files:
            digest.update(file.read_bytes())
        copy_seconds, copy_cpu = _copy(files, Path(temporary) / "copy")
        result = {
            "claim": "20 million simulated encounters in minutes, in bounded memory",
            "command": " ".join(
                [
                    "python benchmarks/simulator/run.py",
                    f"--encounters {options.encounters} --years {options.years:g} --seed {options.seed}",
                ]
            ),
            **found,
            "line_list_mb": round(sum(f.stat().st_size for f in files) / 1e6),
            "rows_per_second": round(found["rows"] / found["seconds"]),
            "limit": "reading and writing the same Parquet files once with pyarrow, same compression, same run",
            "limit_seconds": round(copy_seconds, 1),
            "limit_cpu_seconds": round(copy_cpu, 1),
            "times_the_limit": round(found["seconds"] / copy_seconds, 2),
            "cpu_times_the_limit": round(found["cpu_seconds"] / copy_cpu, 2),
            "data_sha256": digest.hexdigest(),
            "code": circumstances.code(),
            "machine": circumstances.machine()
            | {
                "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
                "load_before": round(load_before, 2),
                "pyarrow": pyarrow.__version__,
            },
        }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _copy(files: list[Path], folder: Path) -> tuple[float, float]:
    folder.mkdir()
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    for file in files:
        table = pyarrow.parquet.read_table(file)
        with (folder / file.name).open("wb") as handle:
            pyarrow.parquet.write_table(table, handle, compression="zstd", compression_level=1)
            os.fsync(handle.fileno())
    used = resource.getrusage(resource.RUSAGE_SELF)
    shutil.rmtree(folder)
    return time.perf_counter() - begun, used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
