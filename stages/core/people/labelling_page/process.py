"""The process that serves the page: at most one per folder, on loopback, until Ctrl-C.

Whoever holds the lock serves the page, and writes its port and token to ADDRESS, where a second start finds them.
"""

import fcntl
import html
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

from stages.core.base.errors import Refused

FOLDER = Path(".gleaner")
LOCK, ADDRESS = FOLDER / "page.lock", FOLDER / "page.json"
DOOR = Path("labels/open.html")  # git ignores it; some browsers may not read hidden folders
LOOPBACK, PORT = "127.0.0.1", 8642
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")  # one of these is set where a browser can open
PORTS = f"or none: then {PORT}, or a free one"


def port_number(port: str) -> int | None:
    """Raises Refused for what is no port; None for ""."""
    if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise Refused(f"PORT={port}: possible: a number from 1 to 65535, {PORTS}")
    return int(port) if port else None


def take_lock() -> bool:
    """Whether no other process serves the page of this folder. If so, this process is the one from now until it ends."""
    try:
        FOLDER.mkdir(exist_ok=True)
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the lock ends with the process
    except OSError:
        return True  # nothing can be written here; the page says so at the first answer
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    with suppress(OSError):
        ADDRESS.unlink(missing_ok=True)  # of a page that was killed
    return True


def running(wanted: int | None) -> tuple[int, str]:
    """Port and token of the running page. Raises Refused if another port is wanted."""
    try:
        address = json.loads(ADDRESS.read_text(encoding="utf-8"))
        port, token = int(address["port"]), str(address["token"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused("make label is starting in another terminal: wait until it shows the page, then try again") from None
    if wanted not in (None, port):
        raise Refused(f"PORT={wanted}: the page is already running at port {port}; leave PORT out, or end it first with Ctrl-C")
    return port, token


def listening(wanted: int | None) -> socket.socket:
    """A socket on loopback. Raises Refused if the wanted port is taken."""
    for port in [wanted] if wanted else [PORT, 0]:  # 0: a free one
        try:
            return socket.create_server((LOOPBACK, port), backlog=128)
        except OSError as error:
            why = os.strerror(error.errno)  # create_server adds the address to strerror
    raise Refused(f"PORT={wanted}: {why}; possible: a port that no other program uses, {PORTS}")


def serve(bound: socket.socket, who: str) -> None:
    """Until Ctrl-C."""
    try:
        import uvicorn

        from stages.core.people.labelling_page import server
    except ModuleNotFoundError as error:
        raise Refused(f"the page needs {error.name}, which is not installed; pip install -r requirements-label.txt") from None
    from stages.core.people.labelling_page.background import Choosing
    from stages.core.people.labelling_page.desk import Desk

    port, token = bound.getsockname()[1], secrets.token_urlsafe(24)
    with suppress(OSError):
        write_private(ADDRESS, json.dumps({"port": port, "token": token}))
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
    show((port, token), who, "The page is open. Ctrl-C here ends it; every answer is on disk before the next row shows")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # elsewhere Ctrl-C ends at once; here the command has a last word
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[bound])
    for file in (ADDRESS, DOOR):
        with suppress(OSError):
            file.unlink(missing_ok=True)


def write_private(file: Path, text: str) -> None:
    """Only the user can read the file."""
    file.unlink(missing_ok=True)  # an older one may have other permissions
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)


def show(address: tuple[int, str], who: str, words: str) -> None:
    """Print the address (port, token), and open it if there is a screen.

    The browser gets a private file that sends it on, as in Jupyter: other users see command lines, which must not tell the token.
    """
    port, token = address
    url = f"http://{LOOPBACK}:{port}/?token={token}&who={quote(who)}"
    print(f"{words}:\n{url}", flush=True)
    if sys.platform == "darwin" or any(map(os.environ.get, SCREEN)):
        with suppress(OSError):
            write_private(DOOR, f'<meta http-equiv="refresh" content="0;url={html.escape(url)}"><title>Gleaner</title>\n')
            # In a thread, since some browsers block their opener. Not without a screen: a text browser would take the terminal.
            threading.Thread(target=webbrowser.open, args=[DOOR.resolve().as_uri()], daemon=True).start()
