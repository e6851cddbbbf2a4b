"""Under which circumstances a benchmark ran: the code, the machine and how busy it was; for every ``result.json``."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def code() -> dict[str, Any]:
    """Version of Salus, git commit, and the files of the product and the benchmarks that differ from it."""
    if not (ROOT / ".git").exists():
        return {"version": version("salus"), "commit": None, "changed_since": None}
    changed = _git("status", "--porcelain", "--", "src", "benchmarks", "pyproject.toml").splitlines()
    names = sorted(line[3:] for line in changed if not line.endswith("result.json"))
    return {"version": version("salus"), "commit": _git("rev-parse", "HEAD").strip(), "changed_since": names}


def machine() -> dict[str, Any]:
    """System, processors and Python."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def load() -> float:
    """Processes that wanted a processor, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout
