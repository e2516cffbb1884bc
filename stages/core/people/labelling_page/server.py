"""The page's addresses.

GET   /            page.html, and /page.js, /page.css
GET   /show        what a window shows: who, window, at_once, guess, again, key
GET   /hold        a window that is looked at keeps its rows: window
GET   /earlier     what was answered: who, words
POST  /answer      {who, key, label, at}; the answer is on disk before this returns
POST  /choose      {who}: ask for the next rows
POST  /doubt       {who}: look for answers that a model doubts
GET   /doubts      those that it found: who
"""

import json
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.core.base.errors import Refused
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.labelling_page.guard import Guard
from stages.core.people.records import journal

FOLDER = Path(__file__).parent
KINDS = {"page.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}


def app(desk: Desk, token: str, port: int) -> Guard:
    """The server as an ASGI application, behind its guard."""

    def file(name: str) -> Response:
        text = (FOLDER / name).read_text(encoding="utf-8")
        if name == "page.html":
            text = text.replace("TOKEN", token)  # of letters, digits, - and _
        return Response(text, media_type=KINDS[name])

    def page(request: Request) -> Response:
        return file("page.html")

    def script(request: Request) -> Response:
        return file("page.js")

    def style(request: Request) -> Response:
        return file("page.css")

    def show(request: Request) -> Response:
        asks = request.query_params
        at_once = asks.get("at_once", "1")
        return JSONResponse(
            desk.show(
                _who(asks.get("who")),
                asks.get("window", "")[:64],
                int(at_once) if at_once.isascii() and at_once.isdigit() and len(at_once) < 3 else 1,
                asks.get("guess") == "1",
                asks.get("again") == "1",
                asks.get("key", ""),
            )
        )

    def hold(request: Request) -> Response:
        return JSONResponse(desk.hold(request.query_params.get("window", "")[:64]))

    def earlier(request: Request) -> Response:
        return JSONResponse(desk.earlier(_who(request.query_params.get("who")), request.query_params.get("words", "")))

    async def answer(request: Request) -> Response:
        given = await _words_of(request, "who", "key", "label", "at")
        return JSONResponse(await run_in_threadpool(desk.answer, _who(given["who"]), given["key"], given["label"], given["at"]))

    async def choose(request: Request) -> Response:
        given = await _words_of(request, "who")
        return JSONResponse(await run_in_threadpool(desk.choose, _who(given["who"])))

    async def doubt(request: Request) -> Response:
        given = await _words_of(request, "who")
        return JSONResponse(await run_in_threadpool(desk.doubt, _who(given["who"])))

    def doubts(request: Request) -> Response:
        return JSONResponse(desk.doubts(_who(request.query_params.get("who"))))

    routes = [
        Route("/", page),
        Route("/page.js", script),
        Route("/page.css", style),
        Route("/show", show),
        Route("/hold", hold),
        Route("/earlier", earlier),
        Route("/answer", answer, methods=["POST"]),
        Route("/choose", choose, methods=["POST"]),
        Route("/doubt", doubt, methods=["POST"]),
        Route("/doubts", doubts),
    ]
    handlers = {Refused: _refused, HTTPException: _no_such}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, port)


def _who(name: Any) -> str:
    journal.file_of(name or "")
    return name


async def _words_of(request: Request, *names: str) -> dict[str, str]:
    """The texts of a JSON object that bear these names. Raises Refused where one is missing or is no text."""
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refused("the request is no JSON") from None
    if not isinstance(given, dict) or any(not isinstance(given.get(name), str) for name in names):
        raise Refused(f"the request lacks a text; possible: an object with {', '.join(names)}")
    return {name: given[name] for name in names}


def _refused(request: Request, refusal: Exception) -> Response:
    words = str(refusal).encode(errors="backslashreplace").decode()  # half a character, as JSON may hold, goes in no reply
    return JSONResponse({"error": words}, 409)


def _no_such(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{request.method} {request.url.path[:60]}: {error.detail}"}, error.status_code)
