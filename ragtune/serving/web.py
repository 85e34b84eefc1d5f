"""Pages that ragtune serves to the person before the screen: one address, one secret, nothing from elsewhere.

Bound to this machine alone. Every request must carry the secret that the address holds when it is opened (then as a cookie), and the
Host it was opened under, so that no other page in the browser can ask; pages run their own script alone (Content-Security-Policy).
"""

from __future__ import annotations

import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ragtune.errors import RagtuneError

Next = Callable[[Request], Awaitable[Response]]
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def new_secret() -> str:
    """A secret nobody guesses."""
    return secrets.token_urlsafe(24)


def application(routes: Sequence[Route], secret: str) -> Starlette:
    """The application: ``routes`` behind the secret."""

    async def guarded(request: Request, call_next: Next) -> Response:
        host = request.headers.get("host", "").rsplit(":", 1)[0]
        given = request.query_params.get("token", "")
        cookie = f"ragtune-{request.url.port or 80}"  # cookies know no ports
        known = given or request.cookies.get(cookie, "")
        if host not in _HOSTS or not secrets.compare_digest(known.encode(), secret.encode()):
            return Response("Open the address that ragtune printed.", 403, headers=_HEADERS)
        if request.method != "GET" and request.headers.get("content-type", "").split(";")[0] != "application/json":
            return Response("JSON is expected.", 415, headers=_HEADERS)  # no form of another page can send it
        if given and request.method == "GET":
            answer: Response = RedirectResponse(request.url.path, 303)
            answer.set_cookie(cookie, secret, httponly=True, samesite="strict")
        else:
            try:
                answer = await call_next(request)
            except RagtuneError as error:
                answer = JSONResponse({"error": str(error)}, 409)
            except OSError as error:
                answer = JSONResponse({"error": f"{error.filename}: {error.strerror}."}, 409)
            except ValueError:
                answer = JSONResponse({"error": "this is not JSON"}, 400)
        answer.headers.update(_HEADERS)
        return answer

    return Starlette(routes=list(routes), middleware=[Middleware(BaseHTTPMiddleware, dispatch=guarded)])


def page(name: str, values: Mapping[str, Any]) -> HTMLResponse:
    """The page ``NAME.html.j2`` of this folder with its style and script, escaped, under a policy that lets nothing else run."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = resources.files("ragtune.serving")
    env = Environment(
        loader=FunctionLoader(lambda n: folder.joinpath(n).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
    )
    nonce = secrets.token_urlsafe(12)
    files = {kind: folder.joinpath(f"{name}.{kind}").read_text("utf-8") for kind in ("css", "js")}
    text = env.get_template(f"{name}.html.j2").render(**values, nonce=nonce, **files)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


def serve(made: Starlette, secret: str, port: int, opens: bool, what: str) -> None:
    """Serve until interrupted; the address is printed, and opened in a browser.

    Raises:
        RagtuneError: the port is taken.
    """
    import uvicorn

    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", port))
        held.listen(128)  # a browser that is opened now is answered as soon as the server stands
    except (OSError, OverflowError):
        raise RagtuneError(
            f"port {port} cannot be used.", where="--port", fix="Choose another, or leave it out."
        ) from None
    address = f"http://127.0.0.1:{held.getsockname()[1]}/?token={secret}"
    print(f"{what}: {address}\nEnd with Ctrl-C.", file=sys.stderr, flush=True)
    if opens:
        import webbrowser
        from threading import Thread

        Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # a browser in the terminal would wait
    with suppress(KeyboardInterrupt):  # that is how it ends
        uvicorn.Server(uvicorn.Config(made, log_level="warning", access_log=False)).run(sockets=[held])
