"""Servers that speak the OpenAI API and say what they are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Say = Callable[[str], object]


def start(answer: Callable[[Body], tuple[int, str]]) -> tuple[ThreadingHTTPServer, str]:
    """A running server and its address; ``answer`` maps the JSON that was posted to a status and a text."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, text = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    return http, f"http://127.0.0.1:{http.server_address[1]}/v1"


class Server:
    """``say`` gets the message and returns a JSON value, a text as is, "RAW" and a body, or an int: that HTTP status."""

    def __init__(self, say: Say, schema: bool = True) -> None:
        self.messages: list[str] = []
        self._say, self._schema = say, schema
        self.http, self.url = start(self._answer)

    def _answer(self, body: Body) -> tuple[int, str]:
        if not self._schema and "response_format" in body:
            return 400, "no schemas here"
        message = body["messages"][0]["content"]
        self.messages.append(message)
        found = self._say(message)
        if isinstance(found, int):
            return found, "{}"
        if isinstance(found, str) and found.startswith("RAW"):
            return 200, found[3:]
        content = found if isinstance(found, str) else json.dumps(found)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        return 200, json.dumps(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        )


def in_pieces(pieces: list[str], finish: str = "stop") -> Callable[[Body], tuple[int, str]]:
    """Answers with these pieces: as events where they are asked for (``stream``), else as one completion."""

    def answer(body: Body) -> tuple[int, str]:
        whole = {"role": "assistant", "content": "".join(pieces)}
        usage = {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 7 + len(pieces)}
        head = {"id": "1", "created": 1, "model": "m"}
        if not body.get("stream"):
            choice = {"index": 0, "finish_reason": finish, "message": whole}
            return 200, json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        deltas: list[tuple[Body, str | None]] = [({"content": piece}, None) for piece in pieces]
        events = [
            {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": d, "finish_reason": why}]}
            for d, why in [({"role": "assistant", "content": ""}, None), *deltas, ({}, finish)]
        ]
        events.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        return 200, "".join(f"data: {json.dumps(e)}\n\n" for e in events) + "data: [DONE]\n\n"

    return answer
