"""Who may speak to the page: this computer's own browser, at this address, with the token of its start.

The server listens on loopback alone, but a browser that visits a stranger's page can be made to call any address, loopback too:
hence a Host header that is ours (against DNS rebinding), an Origin that is ours or none, and the token in every request.
"""

import secrets
from urllib.parse import parse_qs

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024  # of a request
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Around the whole server: what is refused never comes to it."""

    def __init__(self, app: ASGIApp, token: str, port: int):
        self.app, self.token = app, token
        self.hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((n.lower().encode(), v.encode()) for n, v in HEADERS.items())]
            await send(message)

        refusal = self.refused(scope)
        await (refusal or self.app)(scope, receive, with_headers)

    def refused(self, scope: Scope) -> Response | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host, origin = headers.get("host", []), headers.get("origin", [])
        if len(host) != 1 or host[0] not in self.hosts:
            return _words(scope, 403, f"this page is at http://{self.hosts[0]} alone; open the address that make label printed")
        if any(each not in {f"http://{name}" for name in self.hosts} for each in origin):
            return _words(scope, 403, "another page called this one: that is refused; open the address that make label printed")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        given = [*headers.get("x-gleaner-token", []), *query.get("token", [])]
        if not given or not all(secrets.compare_digest(each.encode(), self.token.encode()) for each in given):
            why = "the token in the address is missing, or of an earlier start"
            return _words(scope, 403, f"{why}: open the address that make label printed last")
        if scope["method"] not in ("GET", "HEAD"):
            length = headers.get("content-length", [""])[0]
            if not length.isascii() or not length.isdigit():
                return _words(scope, 411, "the request does not tell its length")
            if len(length) > 9 or int(length) > MOST_BYTES:
                return _words(scope, 413, f"the request has {length[:20]} bytes, possible: up to {MOST_BYTES:,}")
            if headers.get("content-type", [""])[0].split(";")[0].strip().lower() != "application/json":
                return _words(scope, 415, "the request is of another type than application/json")
        return None


def _words(scope: Scope, status: int, words: str) -> Response:
    if scope["path"] == "/":
        return PlainTextResponse(f"{words}\n", status)
    return JSONResponse({"error": words}, status)
