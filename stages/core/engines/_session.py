"""Connect to a Ray cluster: one that runs, or one on this machine that ends with this process.

Ray is imported inside functions only, after the environment variables that it reads are set.
"""

import functools
import importlib.util
import os
import secrets
import shlex
import socket
import sys
import tempfile
from pathlib import Path

from stages.core.base.errors import Refused, short

SECONDS = 3  # a running machine takes a connection within this time
LOCAL = "or set machine.engine: local, which needs no cluster"
# Ray uses gRPC, whose servers answer this hello with their settings (RFC 9113, sections 3.4 and 6.5).
HTTP2_SETTINGS = b"\x04"
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + HTTP2_SETTINGS + b"\0" * 5
STAGES = Path(__file__).parents[2]
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # else it reports every start to its makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the default of the next version; this one warns
}


def refuse_missing() -> None:
    if importlib.util.find_spec("ray") is None:
        raise Refused(f"machine.engine = ray: the package ray is not installed; pip install -r requirements-ray.txt, {LOCAL}")


def found(address: str) -> str | None:
    """host:port of a running cluster; None where `auto` finds none and one has to be started.

    address   params machine.ray_address

    Raises Refused where no cluster answers there.
    """
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    if named in ("", "auto", "local"):
        here = "" if named == "local" else _of_this_user()
        return here if here and _problem(here) is None else None
    problem = _problem(named)
    if problem:
        setting = "RAY_ADDRESS" if address == "auto" else "params.yaml: machine.ray_address"
        raise Refused(f"{setting} = {named}: no Ray cluster answers there ({problem}); start it or give another host:port, {LOCAL}")
    return named


def _of_this_user() -> str:
    """Address that Ray noted of the last cluster on this machine; "" where there is none, or another user wrote it."""
    note = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray/ray_current_cluster")
    try:
        return note.read_text(encoding="utf-8").strip() if note.stat().st_uid == os.getuid() else ""
    except OSError:
        return ""


def _problem(address: str) -> str | None:
    """Why host:port is no Ray cluster; None where it is one. Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        return "it is no host:port"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), SECONDS) as connection:
            if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
                return None
            connection.sendall(HTTP2_HELLO)
            return None if connection.recv(9)[3:4] == HTTP2_SETTINGS else "another program listens there"
    except (OSError, OverflowError) as error:
        return short(error)


@functools.cache
def connect(address: str) -> None:
    """Connect this process, once. A cluster that it starts itself listens on loopback only and requires a secret token.

    Raises Refused where the cluster cannot be reached, or runs another version of Ray or Python.
    """
    refuse_missing()
    cluster = found(address)
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    alone = cluster is None or cluster.rpartition(":")[0] in ("localhost", "127.0.0.1", "::1", "[::1]")
    if alone:  # makes Ray call this machine 127.0.0.1 in all its processes
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if cluster is None:
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    how = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if cluster is None else {}
    code = {"py_modules": [str(STAGES)], "excludes": ["**/__pycache__"]}  # workers run this process's code
    if alone and shlex.quote(sys.executable) != sys.executable:  # Ray puts the path into a bash command unquoted
        code["py_executable"] = shlex.quote(sys.executable)
    try:
        ray.init(address=cluster or "local", runtime_env=code, logging_level="warning", **how)
    except Exception as error:  # many types, often a bare RuntimeError
        what = f"machine.ray_address = {address}: the Ray cluster at {cluster or 'this machine'} cannot be used"
        raise Refused(f"{what}: {short(error)}; install the same versions of Ray and Python on both sides, {LOCAL}") from None
