"""Who started this process, and whether they are still there: DVC, and the shell that may stand between."""

from __future__ import annotations  # it may be an old Python

import os
import subprocess


def of_this_process() -> list[int]:
    """Its parent; and the parent's, where a shell only waits for this command: dash stays, as /bin/sh of Debian, where bash and zsh
    become the command.
    """
    parent = os.getppid()
    try:
        grandparent, words, _ = about(parent)
    except (OSError, ValueError):
        return [parent]
    waits = os.path.basename(words[0]).endswith("sh") and "-c" in words
    return [parent, grandparent] if waits else [parent]


def gone(started_by: list[int]) -> bool:
    """Whether one of those that `of_this_process` gave has ended: what it had started has another parent since."""
    parent, *more = started_by
    if os.getppid() != parent:
        return True
    try:
        return more != [] and about(parent)[0] != more[0]
    except (OSError, ValueError):
        return True


def about(process: int) -> tuple[int, list[str], str]:
    """(parent, words of the command line, folder) of a process. Raises OSError or ValueError where it is gone."""
    try:
        with open(f"/proc/{process}/cmdline", "rb") as command, open(f"/proc/{process}/status") as status:
            parent = next(line.split()[1] for line in status if line.startswith("PPid:"))
            return int(parent), os.fsdecode(command.read()).rstrip("\0").split("\0"), os.readlink(f"/proc/{process}/cwd")
    except FileNotFoundError:
        return by_ps(process)


def by_ps(process: int) -> tuple[int, list[str], str]:
    """The same where the system has no /proc; words that hold blanks come in pieces, and the folder is this process's own."""
    command = ["ps", "-ww", "-o", "ppid=", "-o", "args=", "-p", str(process)]
    parent, _, line = subprocess.run(command, capture_output=True, text=True).stdout.strip().partition(" ")  # noqa: S603
    return int(parent), line.strip().split(" "), os.getcwd()
