"""What a reply amounts to: its text, what it cites, and whether it answers or abstains. The one rule for all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ragtune.records import Outcome
from ragtune.text.languages import CODES, language
from ragtune.text.thoughts import apart, said_so_far

#: one mark: [1], [1, 2], [1-3], [Context 2], 【1】; of no-break or full-width signs alike
_WORD = r"(?:(?:contexts?|documents?|docs?|sources?|passages?|refs?|references?|citations?|kontext|quelle|来源|文档|上下文)\s*[#:：]?\s*)?"
_NUMBERS = rf"{_WORD}\d{{1,3}}(?:\s*(?:[,;，、；]|and|und|和|&|[-–—~])\s*{_WORD}\d{{1,3}})*"
_CITATION = re.compile(rf"(?<!\s)\s*[\[［【]\s*({_NUMBERS})\s*[\]］】]", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\s*[-–—~]\s*\D*?(\d+)|(\d+)")
#: what follows an index into a list, a[1].name, or a link, [1](…), and never a citation
_CODE_AFTER = re.compile(r"[\w(=\[]|\.\w|:\s*http|\s*[-+*/]?=")
_LABEL = re.compile(r"^\W*(?:(?:final )?answer|response|antwort|答案|回答)\s*[:：]\s*", re.IGNORECASE)
#: the name of a part in a pattern; {2,} is none
_PART = re.compile(r"\{([a-z_]+)\}")
#: scripts that write no spaces
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")


#: an end that may yet become a mark of the end, or a tag; and one that may become a citation, or an index into a list
_OPEN_END = re.compile(r"(?:<[^<>]{0,30}(?:>\s*)?)+$")
_OPEN_CITATION = re.compile(r"[\[［【][^\]］】]*(?:[\]］】](?:\.|:\s*(?:h|ht|htt)?|\s*[-+*/]?)?)?$")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply read back: its text without thoughts and citation marks, the numbers it cites, and its outcome.

    ``cut``: it ends within a thought.
    """

    text: str
    citations: tuple[int, ...]
    outcome: Outcome
    thought: str = ""
    cut: bool = False


@lru_cache(maxsize=8)
def _said(name: str) -> re.Pattern[str]:
    """Any of the patterns ``name`` of all languages."""
    found = [_filled(p, known.reply_parts) for known in map(language, CODES) for p in getattr(known, name)]
    return re.compile("|".join(f"(?:{p})" for p in found), re.IGNORECASE | re.DOTALL)


def _filled(pattern: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda m: _filled(parts[m[1]], parts), pattern)


@lru_cache(maxsize=1)
def _turn() -> re.Pattern[str]:
    """Where a reply turns: at a semicolon, or at a word of contrast."""
    words = [w for code in CODES for w in language(code).contrasts]
    spaced = "|".join(w for w in words if not _UNSPACED.match(w))
    tight = "|".join(w for w in words if _UNSPACED.match(w))
    return re.compile(rf"\s*[;；]\s*|[,\s]\s*\b(?:{spaced})\b[,\s]\s*|[，、,。\s]*(?:{tight})[，、,]?", re.IGNORECASE)


#: marks of the end that a system left on its answer
_END = re.compile(r"<\|[a-z_]{2,20}\|>|</s>|<end_of_turn>|<eos>")


def _unended(text: str) -> str:
    while (text := text.rstrip()).endswith(">") and _END.fullmatch(text, at := text.rfind("<")):
        if text[at:] == "</s>" and "<s>" in text:
            break  # it is the text's own
        text = text[:at]
    return text


def abstains(text: str, agreed: str = "I don't know.") -> bool:
    """True for an empty text, the sentence agreed on, and the common ways of withholding an answer.

    The first sentence decides, with a second one that turns against it ("However, ..."): it must withhold an answer in
    one of its clauses and give one in none. A clause that only tells what the sources are about, or where else to ask, gives none.
    """
    text = _LABEL.sub("", text.strip().replace("’", "'")).strip().lstrip("*_ ")
    if not text or _bare(text) == _bare(agreed):
        return True
    sentences = [s for s in _SENTENCE.split(_opened(text)) if s.strip()]
    said = sentences[:1] + [s for s in sentences[1:2] if _turn().match(" " + s)]
    clauses = [c for s in said for c in map(_bare, map(_opened, _turn().split(" " + s))) if c]
    given = [c for c in clauses if not any(_said(kind).fullmatch(c) for kind in ("withheld", "about", "referrals"))]
    return not given and any(_said("withheld").fullmatch(c) for c in clauses)


def _opened(text: str) -> str:
    """The text without apologies and phrases that open it and say nothing."""
    for name in ("apologies", "openings"):
        match = _said(name).match(text := text.strip().lstrip("\"'“*_,: "))
        text = text[match.end() :].strip() if match else text
    return text


def _bare(text: str) -> str:
    return text.strip().strip("\"'“”*_ ").rstrip(".!。！ ").replace("’", "'").lower()


def _cited(raw: str, shown: int) -> tuple[str, tuple[int, ...]]:
    """The text without its citation marks, and the contexts they name; indices, years and footnotes stay text."""
    found: list[int] = []

    def taken(match: re.Match[str]) -> str:
        said = [
            n
            for first, last, single in _RANGE.findall(match[1])
            for n in (range(int(first), int(last) + 1) if first else [int(single)])
        ]
        attached = match.start() > 0 and raw[match.start()] in "[［【" and re.match(r"\w", raw[match.start() - 1])
        code = (attached and _CODE_AFTER.match(raw, match.end())) or raw.count("`", 0, match.start()) % 2
        if code or not said or not any(1 <= n <= shown for n in said):
            return match[0]
        found.extend(n for n in said if 1 <= n <= shown)
        return ""

    text = re.sub(r"\s+", " ", _CITATION.sub(taken, raw)).strip()
    return text, tuple(dict.fromkeys(found))


def read_reply(
    raw: str, shown: int, agreed: str, confidence: float | None = None, least: float = 0.0, finish: str = "stop"
) -> Reading:
    """Read a raw reply.

    Args:
        raw: what the generator said.
        shown: how many contexts it was shown; numbers in brackets that are none of theirs stay text.
        agreed: the sentence for abstaining that its prompt names.
        finish: why the reply ended; one without text that did not simply stop, or that ends in a thought, is no answer and no
            abstention.
        confidence, least: where the confidence is known and below ``least``, the reply counts as abstaining.
    """
    told = apart(raw)
    text, citations = _cited(_unended(told.text), shown)
    if told.cut or (not text and finish != "stop"):
        return Reading("", (), "none", told.thought, told.cut)
    if abstains(text, agreed):
        return Reading(text, citations, "abstained", told.thought)
    if confidence is not None and confidence < least:
        return Reading(agreed, (), "abstained", told.thought)
    return Reading(text, citations, "answered", told.thought)


def certain(raw: str, shown: int) -> str:
    """What the text of a reply that goes on begins with, whatever follows.

    ``raw`` is what was said so far, ``shown`` as in `read_reply`. Two things alone may follow that change it: a lone end of a
    thought, which makes a thought of all before it, and a rule on the reply's confidence.
    """
    text = said_so_far(raw)
    while open_ := _OPEN_END.search(text) or _OPEN_CITATION.search(text):  # one may stand before the other
        text = text[: open_.start()]
    return _cited(text, shown)[0]
