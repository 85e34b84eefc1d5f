"""A completion that comes in chunks, put together as one that came whole looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from ragtune.text.fold import whole

#: what asks for chunks, and for the count of tokens at their end
ASKED: dict[str, object] = {"stream": True, "stream_options": {"include_usage": True}}
#: fields of a message whose texts are pieces
_TEXTS = ("reasoning_content", "reasoning", "refusal")


def text_of(content: Any) -> str:
    """The text of a reply: as it is, the texts of its parts, or a bare number or truth value as it is written."""
    if isinstance(content, list):
        return "".join(map(text_of, content))
    if isinstance(content, dict):
        return text_of(content.get("text"))
    return "" if content is None else str(content)


def gathered(chunks: Iterable[Any], hear: Callable[[str], None]) -> Any:
    """The completion; ``hear`` is told the text so far whenever there is more of it. None where there is no chunk, as from a
    server that passes over the wish for chunks."""
    message = SimpleNamespace(content=[], tool_calls=None, **dict.fromkeys(_TEXTS, ""))
    usage = finish = None
    found = False
    for chunk in chunks:
        found = True
        usage = getattr(chunk, "usage", None) or usage
        for choice in (getattr(chunk, "choices", None) or [])[:1]:
            finish = choice.finish_reason or finish
            if _add(message, choice.delta):
                hear(whole(text_of(message.content)).lstrip())
    if not found:
        return None
    # one that ends without a reason broke off: what came of it is no whole answer
    return SimpleNamespace(choices=[SimpleNamespace(message=message, finish_reason=finish or "length")], usage=usage)


def _add(message: SimpleNamespace, delta: Any) -> bool:
    """Whether the piece holds words of the reply."""
    for name in _TEXTS:
        setattr(message, name, getattr(message, name) + text_of(getattr(delta, name, None)))
    message.tool_calls = getattr(delta, "tool_calls", None) or message.tool_calls
    content = getattr(delta, "content", None)
    message.content += content if isinstance(content, list) else [content]
    return bool(text_of(content))
