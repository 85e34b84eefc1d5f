"""What a server says of a request that it does not take: its sentence, its code, and the setting it takes instead."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragtune.text.fold import whole

#: statuses by which a server refuses a request for what it holds or how it is put
STATUSES = (400, 403, 413, 422, 451)
_MOST = 300
_FILTER = re.compile(r"content.?filter|content.?(?:management.?)?policy|responsible.?ai|moderation", re.IGNORECASE)
_LONG = re.compile(
    r"context.?(?:length|window)|maximum context|string_above_max_length|(?:prompt|input) is too long", re.I
)
_UNSUPPORTED = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed|extra input|deprecated", re.I
)
_INSTEAD = re.compile(r"\buse ['\"`]?(\w+)['\"`]? instead", re.IGNORECASE)
#: what the setting is called elsewhere, where the server does not say
_ELSEWHERE = {"max_tokens": "max_completion_tokens"}


@dataclass(frozen=True)
class Said:
    """The server's own sentence and code, the setting that it names, and the HTTP status."""

    status: int
    sentence: str
    code: str
    param: str

    @property
    def finish(self) -> str:
        """Why there is no answer: "content_filter", or the server's own code."""
        if self.filtered:
            return "content_filter"
        return self.code if self.code and self.code != "stop" else "refused"

    @property
    def filtered(self) -> bool:
        return bool(_FILTER.search(f"{self.code} {self.sentence}"))

    @property
    def about_the_question(self) -> bool:
        """It says itself that this one request is what it does not take, whatever the settings."""
        return self.filtered or bool(_LONG.search(f"{self.code} {self.sentence}"))


def said(status: int, body: Any) -> Said:
    """What the body of an answer with this status says; "" where it says nothing."""
    parts = list(_parts(body))
    sentence = _first(parts, "message", "msg", "detail", "error", "error_description", "title")
    if isinstance(body, str):
        sentence = re.sub(r"<[^>]*>", " ", body)
    codes = [str(p[k]) for k in ("code", "type") for p in parts if isinstance(p.get(k), str)]
    code = next((c for c in codes if re.fullmatch(r"[A-Za-z][\w.-]{0,63}", c)), "")
    param = _first(parts, "param")
    where = next((p["loc"] for p in parts if isinstance(p.get("loc"), list) and p["loc"]), [""])
    return Said(status, whole(" ".join(sentence.split()))[:_MOST], code, param or str(where[-1]))


def _parts(body: Any, depth: int = 4) -> Iterator[Mapping[str, Any]]:
    """The mappings in a body, outer ones first."""
    if isinstance(body, list):
        body = body[0] if body else None
    if isinstance(body, Mapping) and depth:
        yield body
        for name in ("error", "innererror", "detail"):
            yield from _parts(body.get(name), depth - 1)


def _first(parts: list[Mapping[str, Any]], *names: str) -> str:
    return next((p[n] for p in parts for n in names if isinstance(p.get(n), str) and p[n].strip()), "")


@dataclass
class Ways:
    """What a server takes in place of a setting that it refuses; None: nothing. Learned once, kept for the process."""

    instead: dict[str, str | None] = field(default_factory=dict)

    def suited(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options as the server takes them."""
        found = {}
        for name, value in options.items():
            known: str | None = name
            while known is not None and known in self.instead:
                known = self.instead[known]
            if known is not None:
                found[known] = value
        return found

    def learn(self, told: Said, sent: Mapping[str, Any]) -> bool:
        """Whether ``told`` says that one of the settings that were ``sent`` is not taken; then it is kept."""
        if not _UNSUPPORTED.search(f"{told.code} {told.sentence}"):
            return False
        quoted = (name for name in sent if re.search(rf"['\"`]{name}['\"`]|^{name}\b", told.sentence))
        name = told.param if told.param in sent else next(quoted, "")
        if not name:
            return False
        match = _INSTEAD.search(told.sentence)
        other = match[1] if match else _ELSEWHERE.get(name)
        self.instead[name] = None if other == name or other in self.instead else other
        return True


_KNOWN: dict[tuple[str, str], Ways] = {}


def ways(url: str, model: str) -> Ways:
    """What is known of this model of this server: the same object whenever it is asked for again."""
    return _KNOWN.setdefault((url, model), Ways())
