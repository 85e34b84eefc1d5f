"""Questions from real prose, by rule: a span of a sentence becomes the answer, the rest the question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from random import Random

from ragtune.models.nano.facts import Fact
from ragtune.models.nano.synonyms import vary
from ragtune.models.nano.words import capitalise

_AUX = "is|are|was|were|can|must|should|will|has|have|may|could|would|might|needs to|need to"
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)|\[([^\]]*)\]\[[^\]]*\]")
_MARKUP = re.compile(r"[*_`]{1,3}|<[^>]+>|\{[%{#].*?[%}#]\}|\{:.*?\}")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“])")
_NUMBER = re.compile(r"\b(?:\$?\d[\d,.]*\d|\$?\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)\b%?")
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][\w&’'-]+(?: (?:of |the |and )?[A-Z][\w&’'-]+)*")
_TAIL = re.compile(r"\b(by|with|in|on|for|from|to|through|during|after|before|at|as|using|about|into) ((?:[\w’'-]+ ?){1,7})(?=[.,;:]|$)")
_WEAK = {"that", "this", "your", "their", "with", "from", "have", "what", "when", "will", "they", "more", "than"}
_PRONOUN = re.compile(r"^(?:this|that|these|those|it|they|he|she|there|here|and|but|or|so|also)\b", re.I)


def paragraphs(folder: Path) -> list[str]:
    """Paragraphs of plain prose of 12 to 110 words from every Markdown or text file below ``folder``."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".md", ".txt"}:
            continue
        text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text("utf-8", "replace"), flags=re.S)
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        for block in re.split(r"\n\s*\n", text):
            block = _MARKUP.sub("", _LINK.sub(lambda m: m.group(1) or m.group(2) or "", block))
            lines = [re.sub(r"^\s*(?:[-*+>]|\d+\.)\s+", "", line).strip() for line in block.splitlines()]
            block = " ".join(line for line in lines if line)
            if block.startswith(("#", "|", "!", "http", "title:")) or "http" in block or "{" in block:
                continue
            if 12 <= len(block.split()) <= 110:
                found.append(block)
    return list(dict.fromkeys(found))


def sentences(paragraph: str) -> list[str]:
    return [s.strip() for s in _SENTENCE.split(paragraph) if 5 <= len(s.split()) <= 40]


def _lower(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if first == "I" or first[1:] != first[1:].lower() else text[:1].lower() + text[1:]


def _rules(sentence: str, rng: Random) -> Iterable[tuple[str, str]]:
    body = sentence.rstrip(".!?")
    words = body.split()
    aux = re.match(rf"^(.{{3,60}}?) ({_AUX}) (.+)$", body)
    if aux and not _PRONOUN.match(aux[1]) and "," not in aux[1]:
        subject, verb, rest = aux[1], aux[2], aux[3]
        yield f"{rng.choice(['What', 'Who', 'What'])} {verb} {rest}?", subject
        head = verb.split()[0]
        if head not in {"needs", "need", "have", "has"} and len(rest.split()) >= 2:
            plain = head in {"is", "are", "was", "were"}
            if len(rest.split()) <= 12:
                yield (f"What {head} {_lower(subject)}?" if plain else f"What {head} {_lower(subject)} do?"), rest
            object_ = re.match(r"^((?:not |be )?[\w-]+(?: (?:to|up|out|on))?) ((?:the|a|an|your|their|all|any|each) .+)$", rest)
            if object_ and len(object_[2].split()) <= 10:
                yield f"What {head} {_lower(subject)} {object_[1]}?", object_[2]
            tail = _TAIL.search(rest)
            if tail and tail.start() > 8:
                wh = {"by": "By whom or what", "in": "In what", "during": "When", "after": "After what", "before": "Before what"}.get(
                    tail[1], f"{capitalise(tail[1])} what"
                )
                yield f"{wh} {head} {_lower(subject)} {rest[: tail.start()].strip()}?", tail[2].strip()
    because = re.match(r"^(.{15,}?),? (?:because|so that|in order to) (.{10,90})$", body)
    if because and not _PRONOUN.match(because[1]):
        yield f"Why {rng.choice(['is it that ', ''])}{_lower(because[1])}?", because[2]
    condition = re.match(r"^(?:If|When) ([^,]{8,80}), (.{8,90})$", body)
    if condition:
        yield f"What {rng.choice(['happens', 'should you do', 'do I do'])} if {condition[1]}?", condition[2]
    for match in _NUMBER.finditer(body):
        unit = body[match.end() :].split()[:2]
        if unit and unit[0].isalpha():
            left = [x for x in (body[: match.start()] + " " + body[match.end() :]).split() if x.lower() not in unit]
            yield f"How many {' '.join(unit)} {' '.join(left)}?", match[0]
    for match in _NAME.finditer(body):
        whole = (body[: match.start()] + rng.choice(["what", "which one", "who"]) + body[match.end() :]).strip()
        if len(whole.split()) >= 5:
            yield capitalise(whole) + "?", match[0]
    if len(words) >= 8 and rng.random() < 0.35:  # cloze of any span: matching words, not grammar
        size = rng.randint(1, 5)
        start = rng.randint(1, len(words) - size)
        span = " ".join(words[start : start + size]).strip(',;:()“”"')
        if len(span) < 4 or span.lower() in _WEAK:
            return
        near = [*words[max(0, start - 8) : start], "what", *words[start + size : start + size + 6]]
        yield capitalise(" ".join(near)) + "?", span


def facts(paragraph: str, rng: Random) -> list[Fact]:
    """Question facts of one paragraph; the statement is the paragraph itself."""
    found: list[Fact] = []
    for sentence in sentences(paragraph):
        for question, answer in _rules(sentence, rng):
            if not 1 <= len(answer.split()) <= 16 or answer not in paragraph or len(question.split()) > 34:
                continue
            found.append(Fact("", paragraph, (loosen(question, rng),), answer, None, "prose"))
    return found


def loosen(question: str, rng: Random) -> str:
    """Drop and swap some words, so that question and text do not match word for word."""
    words = question.rstrip("?").split()
    if rng.random() < 0.7 and len(words) > 6:
        share = rng.uniform(0.0, 0.35)
        words = words[:2] + [x for x in words[2:] if rng.random() > share]
    return vary(rng, " ".join(words).rstrip(",;:") + "?", 0.4)
