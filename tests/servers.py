"""A server that speaks the OpenAI API and says what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Say = Callable[[str], object]


class Server:
    """``say`` gets the message and returns a JSON value, a text as is, or an int: that HTTP status."""

    def __init__(self, say: Say, schema: bool = True) -> None:
        self.messages: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not schema and "response_format" in body:
                    self.reply(400, "no schemas here")
                    return
                message = body["messages"][0]["content"]
                outer.messages.append(message)
                found = say(message)
                if isinstance(found, int):
                    self.reply(found, "{}")
                    return
                if isinstance(found, str) and found.startswith("RAW"):
                    self.reply(200, found[3:])
                    return
                content = found if isinstance(found, str) else json.dumps(found)
                choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
                self.reply(200, json.dumps({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}))

            def reply(self, status: int, text: str) -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
