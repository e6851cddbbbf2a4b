"""Writes a folder or a file and dies at the N-th system call, for every N; started by test_output.

The libraries are imported once, and a child is forked for each N.
    output_child.py folder|file BASE begun|new       works on BASE/N/out; prints a line for each N
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from salus.data.output import replaced_file, replaced_folder

seen = 0


def count(stop: int) -> None:
    global seen
    seen += 1
    if seen == stop:
        os.kill(os.getpid(), signal.SIGKILL)


def wrap(real: Any, stop: int) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        count(stop)
        return real(*args, **kwargs)

    return call


def work(kind: str, path: Path, begun: bool, stop: int) -> None:
    path.parent.mkdir()
    if begun and kind == "file":
        path.write_text("old")
    elif begun:
        (path / "sub").mkdir(parents=True)
        (path / "run.json").write_text("old")
        (path / "sub" / "a.csv").write_text("old")
    for name in ("mkdir", "rename", "replace", "rmdir", "unlink", "fsync", "write"):
        setattr(os, name, wrap(getattr(os, name), stop))
    if kind == "file":
        with replaced_file(path) as file:
            file.write_text("new")
            count(stop)
    else:
        with replaced_folder(path) as out:
            for name in ("bulletin.html", "run.json"):
                (out / name).write_text("new")
                count(stop)
            (out / "sub").mkdir()
            (out / "sub" / "a.csv").write_text("new")


def main(kind: str, base: Path, begun: bool) -> None:
    stop, died = 0, True
    while died:
        stop += 1
        child = os.fork()
        if child == 0:
            work(kind, base / str(stop) / "out", begun, stop)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status)
        if not died and os.WEXITSTATUS(status) != 0:
            sys.exit(f"the run at moment {stop} ended with {os.WEXITSTATUS(status)}")
        print(stop, "died" if died else "done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "begun")
