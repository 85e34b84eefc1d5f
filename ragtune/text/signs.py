"""What is seen of a reference in an answer: the signs from which `agree` tells whether the answer is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import regex

from ragtune.text.discourse import denied, instead, namesake, swapped
from ragtune.text.fold import fold
from ragtune.text.names import abbreviated, alike, named_as
from ragtune.text.numerals import Value
from ragtune.text.polarity import content, in_values, listed, pattern, polarity, stems
from ragtune.text.values import comparable, conflicting, same, values
from ragtune.text.words import Word, is_negation, stem, stop_words, tokens

#: words of a phrase that count little: they stand in the question, or have no content
ASKED, PLAIN = 0.3, 0.15


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen of one reference in one answer, each in [0, 1] (``polarity`` in [-1, 1]).

    ``held``: weighted share of the reference's words in the answer; ``phrase``: they stand there as they stand in the
    reference; ``order``: share of them in the same order; ``core``: the answer's own words are the reference's (a last name);
    ``spelt``: as nearly spelt; ``value``: share of its values that the answer states; ``clash``: a value of its kind stands in
    its place; ``denied``: the answer denies what it holds, or holds what it denies; ``polarity``: the answer says yes or no as
    the reference does (1) or against it (-1); ``foreign``: a short answer's share of words that are none of the reference's
    nor the question's; ``misplaced``: a later sentence that speaks more of the question names something else in its place;
    ``named``: a name is given in another form (a surname, initials).
    """

    held: float = 0.0
    phrase: float = 0.0
    order: float = 0.0
    core: float = 0.0
    spelt: float = 0.0
    value: float = 0.0
    clash: float = 0.0
    denied: float = 0.0
    polarity: float = 0.0
    foreign: float = 0.0
    misplaced: float = 0.0
    named: float = 0.0


def signs_of(question: str, reference: str, answer: str) -> Signs:
    """The signs of one reference in one answer."""
    hits = _hits(question, reference, answer)
    if not hits:
        return Signs()
    said, reads = tokens(answer), stems(answer)
    held = sum(w for _, w, hit in hits if hit) / sum(w for _, w, _ in hits)
    key, text = [stem(t.text) for t, w, _ in hits if w > PLAIN], [stem(t.text) for t in said]
    phrase = float(bool(key) and any(_stands(key, text[i : i + len(key)]) for i in range(len(text) - len(key) + 1)))
    form = named_as(reference, answer)
    other_form = abbreviated(reference, answer)
    if other_form:
        held = phrase = 1.0
    stated, clash = _values(question, reference, answer)
    if stated == 1 and dialled(reference):
        held = phrase = 1.0
    if stated == 1 and held > 0.999:
        phrase = 1.0
    asked = {stem(t.text) for t in content(question)}
    new = [t for t in content(answer) if stem(t.text) not in asked]
    known = {stem(t.text) for t, _, hit in hits if hit}
    mine = [t for t in new if stem(t.text) in known or any(alike(t.text, r.text) for r, _, _ in hits)]
    short = len(new) <= 6
    core = 1.0 if other_form or (stated == 1 and held > 0.999) else len(mine) / len(new) if new and short else 0.0
    return Signs(
        held=held,
        phrase=phrase,
        order=1.0 if stated == 1 and held > 0.999 else _order(key, text),
        core=core,
        spelt=1.0 if held > 0.999 else 0.0 if values(reference) else _spelt(reference, answer),
        value=stated,
        named=float(form > 0),
        clash=max(clash, float((form < 0 and phrase < 1) or namesake(reference, answer) or swapped(reference, answer))),
        denied=denied(question, reference, answer, reads & {stem(t.text) for t, w, _ in hits if w > PLAIN}),
        polarity=_polarity(question, reference, answer),
        foreign=1 - core if short and new else 0.0,
        misplaced=instead(question, reference, answer),
    )


def _stands(key: Sequence[str], run: Sequence[str]) -> bool:
    """The run of words is the key; a particle behind a Korean word is none of it."""
    return all(a == b or (regex.match(r"\p{Hangul}", a) and alike(a, b)) for a, b in zip(key, run, strict=True))


def _weights(question: str, reference: str) -> list[tuple[Word, float]]:
    """The reference's words and what each counts."""
    stop, asked = stop_words(reference), {stem(t.text) for t in content(question)}
    found = [t for t in tokens(reference) if t.kind != "sign"]
    plain = all(t.text in stop and t.kind != "acronym" for t in found)
    made: list[tuple[Word, float]] = []
    for t in found:
        bare = is_negation(t.text) or (made and is_negation(made[-1][0].text) and t.text == "longer")
        weight = (
            PLAIN
            if bare or (t.kind != "acronym" and t.text in stop and not plain)
            else ASKED
            if stem(t.text) in asked
            else 1.0
        )
        made.append((t, weight))
    return made


def _hits(question: str, reference: str, answer: str) -> list[tuple[Word, float, bool]]:
    """(word, weight, whether the answer holds it) for every word of the reference; a value is held as a whole."""
    said, reads, given = tokens(answer), stems(answer), values(answer)
    pairs = {a.text + b.text for a, b in zip(said, said[1:], strict=False) if a.kind == b.kind == "single"}
    spelt: dict[str, set[str]] = {}  # words that are alike begin alike
    for word in said:
        if word.kind == "word":
            spelt.setdefault(word.text[0], set()).add(word.text)
    inside = {t.start: v for t, v in zip(tokens(reference), in_values(reference), strict=True)}
    weights = _weights(question, reference)
    found = []
    for i, (token, weight) in enumerate(weights):
        value = inside.get(token.start)
        if value is not None:
            hit, weight = any(same(value, g) for g in given), max(weight, 1.0)
        elif token.kind == "single":
            near = [weights[j][0] for j in (i - 1, i + 1) if 0 <= j < len(weights) and weights[j][0].kind == "single"]
            two = {"".join(x.text for x in sorted((token, n), key=lambda w: w.start)) for n in near}
            hit = bool(two & pairs) if near else token.text in reads
        else:
            hit = stem(token.text) in reads or any(alike(token.text, w) for w in spelt.get(token.text[0], ()))
        found.append((token, weight, hit))
    return found


def _order(key: Sequence[str], text: Sequence[str]) -> float:
    """Share of the reference's words that the answer holds which stand there in the reference's order."""
    there = [k for k in key if k in text]
    if len(there) < 2:
        return 1.0 if there else 0.0
    own = [t for t in text if t in set(there)]
    row = [0] * (len(own) + 1)
    for x in there:
        corner = 0
        for j, y in enumerate(own, 1):
            corner, row[j] = row[j], corner + 1 if x == y else max(row[j], row[j - 1])
    return row[-1] / len(there)


def _spelt(reference: str, answer: str) -> float:
    """How nearly the best run of the answer's letters is spelt as the reference."""
    wanted = "".join(t.text for t in content(reference))
    own = [t.text for t in tokens(answer)][:80]
    if not wanted or not own or len(wanted) > 40:
        return 0.0
    count, best = len(content(reference)), 0.0
    for size in {max(1, count - 1), count, count + 1}:
        for i in range(max(1, len(own) - size + 1)):
            run = "".join(own[i : i + size])
            if abs(len(run) - len(wanted)) * 3 <= len(wanted):
                best = max(best, SequenceMatcher(None, wanted, run, autojunk=False).ratio())
    return best


def values_agree(question: str, reference: str, answer: str) -> bool:
    """The answer states every value of the reference, and none of its kind in the place of one."""
    stated, clash = _values(question, reference, answer)
    return stated == 1 and not clash


def _values(question: str, reference: str, answer: str) -> tuple[float, float]:
    """(share of the reference's values that the answer states, whether another of its kind stands in the place of one)."""
    if dialled(reference):
        right = dialled(reference) <= dialled(answer)
        return float(right), float(not right and bool(dialled(answer)))
    wanted, given = values(reference), values(answer)
    if not wanted:
        return 0.0, 0.0
    stated = [any(same(w, g) for g in given) for w in wanted]
    lost = [w for w, s in zip(wanted, stated, strict=True) if not s]
    asked = values(question)
    free = [g for g in given if not any(same(g, q) for q in asked)]
    clash = float(any(conflicting(w, g) for w in lost for g in free))
    hedged = all(stated) and _hedged(wanted, given, answer)
    return sum(stated) / len(stated), max(clash, float(hedged))


def listed_more(reference: str, answer: str) -> bool:
    """A short answer lists a second value beside the one that the reference gives ("Monday and Tuesday")."""
    wanted, given, folded = values(reference), values(answer), fold(answer)
    if len(tokens(answer)) > 6:
        return False
    for a, b in zip(given, given[1:], strict=False):
        joined = folded[a.end : b.start].strip() in {",", *listed("joins")}
        if joined and comparable(a, b) and sum(any(same(w, v) for w in wanted) for v in (a, b)) == 1:
            return True
    return False


def dialled(text: str) -> frozenset[str]:
    """Digits of what is written as telephone numbers are: seven digits or more in groups, whatever stands between them."""
    if any(v.kind == "date" for v in values(text)):
        return frozenset()
    found = regex.findall(r"(?<![\d.,])(?:\+|0|\(0)\d*(?:[ ()/.-]{1,2}\d+)+(?![\d])", fold(text))
    digits = (regex.sub(r"\D", "", number) for number in found)
    return frozenset(d for d in digits if len(d) >= 7)


def _hedged(wanted: Sequence[Value], given: Sequence[Value], answer: str) -> bool:
    """The answer offers another value beside the right one ("27 or 28")."""
    folded = fold(answer)
    for a, b in zip(given, given[1:], strict=False):
        right = [any(same(w, v) for w in wanted) for v in (a, b)]
        if right.count(True) == 1 and comparable(a, b):
            between = folded[a.end : b.start].strip() if a.end <= b.start else ""
            if regex.fullmatch(rf"(?:\w+ )?(?:{pattern('alternatives')})(?: maybe| perhaps| even)?", between):
                return True
    return False


def _polarity(question: str, reference: str, answer: str) -> float:
    wanted = polarity(reference)
    if not wanted:
        return 0.0
    said = polarity(answer, question)
    return float(wanted * said) if said else -0.5
