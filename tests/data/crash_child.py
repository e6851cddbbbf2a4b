"""Runs imports that die at the N-th system call, for every N; started by test_workspace_crash as a process of its own.

The process imports the libraries once and forks a child for each N, before any table work has started threads.
    crash_child.py each BASE TARGETS     children die at call N, in a copy TARGETS/N of BASE; prints a line for each
    crash_child.py add WORKSPACE NAMES   adds imports one after the other
    crash_child.py hold WORKSPACE        takes the lock, says so, and waits to be killed
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

from helpers_workspace import origin, rows

from salus.data.workspace import Workspace

CALLS = ("open", "write", "fsync", "replace", "mkdir", "unlink")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def armed(moment: int) -> list[str]:
    """Replace the system calls by ones that die: before the call, half way through a write, or after the call."""
    seen: list[str] = []

    def wrap(name: str, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **kwargs)
            seen.append(name)
            if len(seen) == moment:
                die()
            if name == "write":
                seen.append("half a write")
                if len(seen) == moment:
                    real(args[0], args[1][: len(args[1]) // 2])
                    die()
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(os, name, wrap(name, getattr(os, name)))
    return seen


def each(base: Path, targets: Path) -> None:
    moment, died = 0, True
    while died:
        moment += 1
        folder = targets / str(moment)
        if base.exists():
            shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            armed(moment)
            done = Workspace(folder).add(rows(4, 7.0), origin("second"))
            os._exit(0 if done.added else 3)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status)
        if not died and os.WEXITSTATUS(status) != 0:
            sys.exit(f"the import at moment {moment} ended with {os.WEXITSTATUS(status)}")
        print(moment, "died" if died else "done", flush=True)


def hold(folder: Path) -> None:
    with Workspace(folder)._writing():
        print("held", flush=True)
        time.sleep(60)


if __name__ == "__main__":
    if sys.argv[1] == "each":
        each(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1] == "hold":
        hold(Path(sys.argv[2]))
    else:
        for name in sys.argv[3:]:
            Workspace(sys.argv[2]).add(rows(2, 1.0), origin(name))
