"""Lets only this computer's own browser speak to the page: at the page's address, with the token of this start.

The server listens on loopback only, but any web page can make a browser call any address, loopback too. So every request needs our
Host header (against DNS rebinding), our Origin or none, and the token.
"""

import secrets

from starlette.datastructures import Headers, MutableHeaders, QueryParams
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
    """Wraps the server; a refused request never reaches it.

    Starlette's TrustedHostMiddleware compares names without the port, and answers "Invalid host header" without a remedy.
    """

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
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """The response to a request that is refused."""

        def refused(status: int, words: str) -> Response:
            return PlainTextResponse(f"{words}\n", status) if scope["path"] == "/" else JSONResponse({"error": words}, status)

        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return refused(403, f"this page is at http://{self.hosts[0]} only; open the address that make label printed")
        if not {f"http://{host}" for host in self.hosts}.issuperset(headers.getlist("origin")):
            return refused(403, "another page called this one and is refused; open the address that make label printed")
        tokens = headers.getlist("x-gleaner-token") + QueryParams(scope["query_string"]).getlist("token")
        if not tokens or not all(secrets.compare_digest(token.encode(), self.token.encode()) for token in tokens):
            why = "the token in the address is missing or from an earlier start"
            return refused(403, f"{why}: open the address that make label printed last")
        if scope["method"] not in ("GET", "HEAD"):
            length = headers.get("content-length", "")
            if not length.isascii() or not length.isdigit():
                return refused(411, "the request does not state its length")
            if len(length) > 9 or int(length) > MOST_BYTES:
                return refused(413, f"the request has {length[:20]} bytes, possible: up to {MOST_BYTES:,}")
            if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
                return refused(415, "the request is not application/json")
        return None
