"""The connection to a Ray cluster: one that runs, or one of this machine alone that ends with this process.

Ray is imported in functions alone, after what it reads from the environment is set.
"""

import importlib.util
import os
import secrets
import shlex
import socket
import sys
import tempfile
from pathlib import Path

from stages.core.base.errors import Refused, short

SECONDS = 3  # in which a machine that is there takes a connection
LOCAL = "or set machine.engine: local, which needs no cluster"
# A cluster is spoken to by gRPC, whose servers answer this with their settings (RFC 9113, sections 3.4 and 6.5).
HTTP2_SETTINGS = b"\x04"
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + HTTP2_SETTINGS + b"\0" * 5
STAGES = Path(__file__).parents[2]
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers of every start
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what the next version does; this one warns
}


def refuse_missing() -> None:
    if importlib.util.find_spec("ray") is None:
        raise Refused(f"machine.engine = ray: the package ray is not installed; pip install -r requirements-ray.txt, {LOCAL}")


def found(address: str) -> str | None:
    """host:port of a cluster that runs; None where `auto` finds none and one is to be started.

    address   of params machine.ray_address

    Raises Refused where nobody listens there.
    """
    told = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    if told in ("", "auto", "local"):
        here = "" if told == "local" else _of_this_user()
        return here if here and _problem(here) is None else None
    problem = _problem(told)
    if problem:
        name = "RAY_ADDRESS" if address == "auto" else "params.yaml: machine.ray_address"
        raise Refused(
            f"{name} = {told}: no Ray cluster is reached there ({problem}); start it or give host:port of another, {LOCAL}"
        )
    return told


def _of_this_user() -> str:
    """What `ray start` or Ray noted of the last cluster on this machine; "" where nothing is, or where another user wrote it."""
    note = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray/ray_current_cluster")
    try:
        return note.read_text(encoding="utf-8").strip() if note.stat().st_uid == os.getuid() else ""
    except OSError:
        return ""


def _problem(address: str) -> str | None:
    """Why nobody at host:port speaks as Ray does; None where somebody does. Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return "it is no host:port"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
                return None
            connection.sendall(HTTP2_HELLO)
            return None if connection.recv(9)[3:4] == HTTP2_SETTINGS else "what listens there is something else"
    except (OSError, OverflowError) as error:
        return short(error)


def connect(address: str) -> None:
    """Connect this process once; what it starts itself listens on loopback alone and wants a word that nobody else knows.

    Raises Refused where the cluster cannot be reached, or runs with another version of Ray or Python.
    """
    refuse_missing()
    if "ray" in vars(_Connected):
        return
    cluster = found(address)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    alone = cluster is None or cluster.rpartition(":")[0] in ("localhost", "127.0.0.1", "::1", "[::1]")
    if alone:  # for Ray's own name of it: the address of this machine is then 127.0.0.1, for all its processes
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if cluster is None:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    how = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if cluster is None else {}
    code = {"py_modules": [str(STAGES)], "excludes": ["**/__pycache__"]}  # that of this process, to the byte
    if alone and shlex.quote(sys.executable) != sys.executable:  # Ray puts the path into a line of bash as it is
        code["py_executable"] = shlex.quote(sys.executable)
    try:
        ray.init(address=cluster or "local", runtime_env=code, logging_level="warning", **how)
    except Exception as error:  # each failure another type, and often a bare RuntimeError
        what = f"machine.ray_address = {address}: the Ray cluster at {cluster or 'this machine'} cannot be used"
        raise Refused(f"{what}: {short(error)}; install the same versions of Ray and Python on both sides, {LOCAL}") from None
    _Connected.ray = ray


class _Connected:
    """`ray` stands here once this process is connected."""
