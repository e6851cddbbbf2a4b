"""Killed at any byte, a workspace is as it was before the import or as it is after it; two writers never mix."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers_workspace import origin, rows, tree

from salus.data import manifest
from salus.data.workspace import Workspace
from salus.errors import OutputError, WorkspaceError

CHILD = Path(__file__).with_name("crash_child.py")


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHILD.parent,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


@pytest.mark.parametrize("begun", [False, True], ids=["first import", "second import"])
def test_a_kill_at_every_system_call_leaves_before_or_after(tmp_path: Path, begun: bool) -> None:
    base, targets = tmp_path / "base", tmp_path / "targets"
    targets.mkdir()
    if begun:
        Workspace(base).add(rows(3, 1.0), origin("first"))
    old = tree(base)
    lines = finish(start("each", base, targets)).split("\n")[:-1]
    last = len(lines)
    assert lines[-1] == f"{last} done"
    assert last > 25, "the calls of a whole import were not all seen"

    outcomes = []
    for moment in range(1, last + 1):
        workspace = Workspace(targets / str(moment))
        content = manifest.load(workspace.path)
        files = {} if content is None else {f.path: f.sha256 for f in content.files}
        now = tree(workspace.path)
        assert files.items() <= now.items(), f"moment {moment}: a file of the manifest is not as it says"
        assert {k: v for k, v in old.items() if k != manifest.NAME}.items() <= now.items(), f"moment {moment}"
        after = content is not None and content.find(origin("second").import_id) is not None
        outcomes.append(after)
        if not after:
            assert now.get(manifest.NAME) == old.get(manifest.NAME), f"moment {moment}: neither before nor after"
        if content is not None:
            assert workspace.verify() == [], f"moment {moment}"
        # the next writer gets through and leaves nothing behind
        again = workspace.add(rows(4, 7.0), origin("second"))
        assert again.added is not after
        listed = {f.path for f in workspace.manifest().files} | {manifest.NAME}
        if not after:
            assert set(tree(workspace.path)) == listed, f"moment {moment}: leftovers"
        assert len(listed) == (5 if begun else 3)
    assert outcomes == sorted(outcomes), "once after, always after"
    assert not outcomes[0]
    assert outcomes[-1]


def test_reads_are_the_same_while_a_dead_writers_files_lie_about(tmp_path: Path) -> None:
    base, targets = tmp_path / "base", tmp_path / "targets"
    targets.mkdir()
    Workspace(base).add(rows(3, 1.0), origin("first"))
    before = Workspace(base).read()
    finish(start("each", base, targets))
    strewn = [
        folder
        for folder in targets.iterdir()
        if len(list(folder.rglob("*.parquet"))) > 2 and len(Workspace(folder).manifest().imports) == 1
    ]
    assert strewn, "no moment left a data file that the manifest does not name"
    for folder in strewn[:3]:
        assert Workspace(folder).read().equals(before)


def test_kills_at_random_times_never_damage(tmp_path: Path) -> None:
    names = [f"file {k}" for k in range(200)]
    started = time.monotonic()
    for round_ in range(4):
        process = start("add", tmp_path / "w", *names)
        while not (tmp_path / "w" / manifest.NAME).exists() and time.monotonic() - started < 60:
            time.sleep(0.05)
        time.sleep(0.6 + 0.13 * round_)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert Workspace(tmp_path / "w").verify() == []
    done = Workspace(tmp_path / "w").manifest().imports
    assert [i.source for i in done] == names[: len(done)]


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    one = start("add", tmp_path / "w", *[f"a{k}" for k in range(15)], "both")
    two = start("add", tmp_path / "w", "both", *[f"b{k}" for k in range(15)])
    finish(one)
    finish(two)
    workspace = Workspace(tmp_path / "w")
    assert sorted(i.source for i in workspace.manifest().imports) == sorted(
        [f"a{k}" for k in range(15)] + [f"b{k}" for k in range(15)] + ["both"]
    )
    assert workspace.verify() == []
    assert len(list((tmp_path / "w").rglob("*.parquet"))) == 62


def test_a_second_writer_is_told_to_wait_and_a_dead_one_blocks_nobody(tmp_path: Path) -> None:
    Workspace(tmp_path).add(rows(), origin("first"))
    holder = start("hold", tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(WorkspaceError, match=r"another import is writing to the workspace .*; waited 0\.2 seconds"):
        Workspace(tmp_path, wait=0.2).add(rows(), origin("second"))
    assert Workspace(tmp_path).read().height == 12, "readers do not wait"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert Workspace(tmp_path, wait=0.2).add(rows(), origin("second")).added


def test_each_file_is_on_the_disk_before_the_manifest_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[tuple[str, str]] = []
    names: dict[int, str] = {}
    real_open, real_fsync, real_replace = os.open, os.fsync, os.replace

    def opened(path: object, flags: int, mode: int = 0o777) -> int:
        handle = real_open(path, flags, mode)
        names[handle] = str(path)
        return handle

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", lambda h: (log.append(("fsync", names[h])), real_fsync(h))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (log.append(("replace", str(b))), real_replace(a, b))[1])
    Workspace(tmp_path / "w").add(rows(), origin("first"))
    committed = log.index(("replace", str(tmp_path / "w" / manifest.NAME)))
    noted = log.index(("replace", str(tmp_path / "w" / "import.json")))
    for file in (tmp_path / "w").rglob("*.parquet"):
        assert noted < log.index(("fsync", str(file))) < committed
        assert log.index(("fsync", str(file.parent))) < committed
        assert log.index(("fsync", str(file.parent.parent))) < committed
    assert ("fsync", f"{tmp_path / 'w' / manifest.NAME}.part") in log[:committed]
    assert log[committed + 1] == ("fsync", str(tmp_path / "w"))


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "mkdir"])
def test_a_disk_that_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    new = rows(diseases=("Measles", "Mumps"))
    real = getattr(os, call)
    moment, seen = 0, 0
    while seen >= moment:
        moment, seen = moment + 1, 0
        workspace = Workspace(tmp_path / str(moment))
        workspace.add(rows(), origin("first"))
        before = tree(workspace.path)

        def refuse(*args: object, stop: int = moment) -> object:
            nonlocal seen
            harmless = call == "open" and not args[1] & os.O_CREAT
            if not harmless and not (call == "mkdir" and os.path.isdir(str(args[0]))):
                seen += 1
                if seen == stop:
                    raise OSError(28, "No space left on device")
            return real(*args)

        monkeypatch.setattr(os, call, refuse)
        told = ""
        try:
            workspace.add(new, origin("second"))
        except OutputError as error:
            told = str(error)
        finally:
            monkeypatch.setattr(os, call, real)
        assert ("the disk is full; make room" in told) == (seen >= moment)
        assert workspace.verify() == []
        if workspace.find(origin("second")) is None:
            assert tree(workspace.path) == before, f"{call} {moment}"
        else:
            assert seen < moment or call == "fsync", "only the last wait for the disk may fail after the commit"
        workspace.add(new, origin("second"))
        assert len(workspace.manifest().imports) == 2
    assert moment > 2
