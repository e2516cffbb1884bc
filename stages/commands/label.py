"""`make label [WHO=anna] [PORT=8642]`: a page in the browser, on this computer alone, on which people label.

What the next round asks for is chosen first, where nothing waits for an answer. Every answer is in labels/answers/ANNOTATOR.csv
before the next row shows, so the page may be closed, and this process killed, at any time. Where the page runs already it is
opened once more, for another annotator too.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from stages.commands import ask, waiting
from stages.core.base import paths
from stages.core.base.errors import Refused
from stages.core.people.labelling import Labelling
from stages.core.people.records import journal

FOLDER = Path(".gleaner")
LOCK, ADDRESS = FOLDER / "page.lock", FOLDER / "page.json"  # who holds the lock is the server, and says in the other where it is
LOOPBACK, PORT = "127.0.0.1", 8642
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")  # one of these is set where a browser can be seen


def main(who: str = "", port: str = "") -> None:
    for note in journal.restore():
        print(note)
    who = who or journal.myself()
    journal.file_of(who)
    wanted = number(port)
    state = Labelling()
    if not alone():
        show(running(wanted), who, "The page runs already")
        return
    if not waits(state, who):
        ask.main()
    else:
        waiting.main()
    serve(listening(wanted), who)


def number(port: str) -> int | None:
    if not port:
        return None
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise Refused(f"PORT={port}: possible: a number from 1 to 65535, or none: then {PORT}, or one that is free")
    return int(port)


def waits(state: Labelling, who: str) -> bool:
    """Whether there is something to be answered before the next rows are chosen."""
    return paths.CLASSES.exists() and (who == journal.DECIDED or state.open_round() is not None)


def alone() -> bool:
    """Whether no other process serves the page of this folder; then this one does, until it ends, however it ends."""
    try:
        FOLDER.mkdir(exist_ok=True)
        held = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the lock goes with the process
    except OSError:
        return True  # where nothing can be written the page says so when an answer is given
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return False
    with suppress(OSError):
        ADDRESS.unlink(missing_ok=True)  # of one that was killed
    return True


def running(wanted: int | None) -> tuple[int, str]:
    """Port and token of the page that runs already. Raises Refused where it is another port than is wanted."""
    try:
        found = json.loads(ADDRESS.read_text(encoding="utf-8"))
        port, token = int(found["port"]), str(found["token"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused("make label is being started in another terminal: wait until it shows the page, then try again") from None
    if wanted not in (None, port):
        raise Refused(f"PORT={wanted}: the page runs already, at port {port}; leave PORT out, or end it first by Ctrl-C")
    return port, token


def listening(wanted: int | None) -> socket.socket:
    """A socket on loopback. Raises Refused where the port that is wanted is taken."""
    for port in [wanted] if wanted else [PORT, 0]:  # 0: one that is free
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((LOOPBACK, port))
        except OSError as error:
            bound.close()
            why = error.strerror
        else:
            bound.listen(128)
            return bound
    raise Refused(f"PORT={wanted}: {why}; possible: a port that no other program uses, or none: then {PORT}, or one that is free")


def serve(bound: socket.socket, who: str) -> None:
    """Until Ctrl-C."""
    try:
        import uvicorn

        from stages.core.people.labelling_page import server
    except ModuleNotFoundError as error:
        raise Refused(f"the page needs {error.name}, which is not installed; pip install -r requirements-label.txt") from None
    from stages.core.people.labelling_page.choosing import Choosing
    from stages.core.people.labelling_page.desk import Desk

    port, token = bound.getsockname()[1], secrets.token_urlsafe(24)
    with suppress(OSError):
        private = os.open(ADDRESS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(private, "w", encoding="utf-8") as file:
            json.dump({"port": port, "token": token}, file)
    config = uvicorn.Config(
        server.app(Desk(Choosing()), token, port),
        log_level="warning",
        access_log=False,  # addresses hold the token
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        timeout_graceful_shutdown=2,
    )
    show((port, token), who, "The page is open; Ctrl-C here ends it, and every answer is on disk before the next row shows")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # elsewhere Ctrl-C ends at once; here a word follows
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[bound])
    with suppress(OSError):
        ADDRESS.unlink(missing_ok=True)
    waiting.main()


def show(at: tuple[int, str], who: str, words: str) -> None:
    """Print the address, and open it where there is a screen."""
    port, token = at
    address = f"http://{LOOPBACK}:{port}/?token={token}&who={quote(who)}"
    print(f"{words}:\n{address}", flush=True)
    if sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")
    ):
        # In a thread: some browsers hold who opened them. On a bare terminal one in text would take the terminal, and is not asked.
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
