"""A process that is killed at a given step of what it does to the disk."""

import os

STEPS = ("open", "write", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir")


class Killed(BaseException):
    """The process is gone: nothing that would tidy up can touch the disk."""


def armed(monkeypatch, moment):
    """At the given step, and ever after, every change to the disk fails; a write is cut in half."""
    seen = []

    def wrap(name, real):
        def call(*args, **kwargs):
            path = str(args[0]) if args else ""
            reading = name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR)
            if reading or path.endswith(".lock"):
                return real(*args, **kwargs)
            seen.append(name)
            if len(seen) == moment and name == "write":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            if len(seen) >= moment:
                raise Killed
            return real(*args, **kwargs)

        return call

    for name in STEPS:
        monkeypatch.setattr(os, name, wrap(name, getattr(os, name)))
    return seen
