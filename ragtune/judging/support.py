"""How much contexts support a statement, from words alone: a logistic model over a few signs.

Let every word of the statement weigh 1, a function word .35. For a window of the contexts (a sentence, or two that
follow one another) and the context around it:

- *held*: share of the weight whose stem stands in the context, and in the window;
- *missing*: log(1 + weight that stands in neither); long statements that add one word are told from short ones;
- *order*: share of the statement's words in pairs that stand side by side in the context too;
- *self*: the statement speaks of its speaker ("I", "my"), or asks: no context holds that;
- *numbers*, *names*: values of the statement that the context states in no notation, and names that it lacks;
- *negation* on one side only, or an opposite (open, closed) in place of a word;
- *only*: the statement says "only" and the context does not;
- *elsewhere*: a short answer stands in no sentence that speaks of the question (shares 30 % of the question's words that the
  sentence which shares most does).

``support = 1 / (1 + exp(-z))`` with ``z`` the weighted sum of `WEIGHTS`; the window that holds most decides. The weights
of held, missing, order and self follow a logistic regression on BEGIN (Dziri et al. 2022, TACL 10:1066), each of its
three parts predicted from the other two (``python -m benchmarks.judge``); those of numbers, names and negation are set by
hand, since that set has few of them. Facts from several contexts count through their union, at a discount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log, log1p

from ragtune.text.claims import is_phrase
from ragtune.text.numerals import Value
from ragtune.text.polarity import in_values, opposed, opposites
from ragtune.text.sentences import sentence_spans
from ragtune.text.values import same, values
from ragtune.text.words import (
    is_negation,
    limits,
    names,
    negated,
    negates,
    numbers,
    speaks_of_itself,
    tokens,
    weighted,
    words,
)

WEIGHTS = {
    "constant": -2.4,
    "held": 3.4,
    "held in window": 3.4,
    "missing": -1.2,
    "missing in window": -0.5,
    "order": 1.4,
    "self": -1.4,
    "question": -6.0,
    "number": -4.0,
    "otherwise": -8.0,
    "name": -3.5,
    "negation": -7.0,
    "only": -6.0,
    "several": -0.7,
    "elsewhere": -6.0,
}


#: share of a statement's words in a sentence from which a negation there speaks of the same matter; chosen on WiCE's development set
SAME_MATTER = 0.72
#: chosen on Natural Questions with their gold passage: 94 % of the right answers keep their support
ELSEWHERE = 0.3


@dataclass(frozen=True)
class Window:
    """One or two sentences of a context. ``sentence`` is the one shown as the reason; ``context`` counts from 0."""

    text: str
    sentence: str
    context: int
    parts: tuple[str, ...] = ()

    def denies(self, said: frozenset[str]) -> bool:
        """True if the sentence that shares most with ``said`` negates a content word of it, within three words."""
        closest = max(self.parts or (self.text,), key=lambda p: len(said & {s for s, _ in weighted(p)}))
        return negates(closest, said)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(s for s, _ in weighted(self.text))

    @cached_property
    def bare(self) -> frozenset[str]:
        """The stems without those of a title that goes with every sentence."""
        return frozenset(s for part in self.parts or (self.text,) for s, _ in weighted(part))

    def states(self, statement: str, own: frozenset[str]) -> bool:
        """True if its last sentence (or title) holds the words of a short statement, or its values: sentences speak of what
        went before them."""
        last = self.text.removesuffix(" ".join(self.parts)) + self.parts[-1] if self.parts else self.text
        wanted = values(statement)
        if wanted and all(any(same(v, k) for k in values(last)) for v in wanted):
            return True
        return len(own & {s for s, _ in weighted(last)}) >= 0.75 * len(own)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        stems = [s for s, _ in weighted(self.text)]
        return frozenset(zip(stems, stems[1:], strict=False))


def windows(contexts: Sequence[str]) -> list[Window]:
    """Sentences alone, then each with the next; a short first line (a title) goes with every sentence."""
    found = []
    for n, context in enumerate(contexts):
        parts = [context[a:b] for a, b in sentence_spans(context)]
        title = len(parts) > 1 and len(parts[0].split()) <= 12 and parts[0][-1] not in ".!?。！？"
        head = f"{parts[0]} " if title else ""
        found += [Window(head + p, p, n, (p,)) for p in parts]
        found += [
            Window(head + " ".join(two), max(two, key=len), n, two) for two in zip(parts, parts[1:], strict=False)
        ]
    return found


@dataclass(frozen=True)
class Found:
    """Support in [0, 1], the window that decided, and whether several contexts were needed."""

    support: float
    window: Window | None


@dataclass(frozen=True)
class _Around:
    """What a whole context (or all of them) holds."""

    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    values: tuple[Value, ...]


def _around(own: Sequence[Window]) -> _Around:
    stems: frozenset[str] = frozenset().union(*(w.stems for w in own))
    pairs: frozenset[tuple[str, str]] = frozenset().union(*(w.pairs for w in own))
    return _Around(stems, pairs, tuple(v for w in own for v in values(w.text)))


def _otherwise(value: Value, other: Value) -> bool:
    """The same digits with another unit, sign or bound."""
    if value.kind != "number" or other.kind != "number":
        return False
    return {abs(x) for way in value.plain for x in way} == {abs(x) for way in other.plain for x in way}


#: a word of a statement: stem, weight, the value it is part of
Said = tuple[str, float, Value | None]


def _read(statement: str) -> tuple[Said, ...]:
    inside = [v for t, v in zip(tokens(statement), in_values(statement), strict=True) if t.kind != "sign"]
    return tuple((stem, weight, value) for (stem, weight), value in zip(weighted(statement), inside, strict=True))


def support(statement: str, given: Sequence[Window], question: str = "", around: Sequence[Window] = ()) -> Found:
    """See the module's docstring.

    Args:
        question: what the statement answers. A short answer counts as read with it: what the contexts say elsewhere does not
            back it.
        around: windows of all contexts, where ``given`` are those of some.
    """
    asked = {w for w in words(question) if not is_negation(w)}
    # what a yes or no makes of its question holds the whole of it, and is a statement of its own
    short = bool(question) and is_phrase(statement) and not asked <= set(words(statement))
    found = _support(statement, given, short and negated(question))
    if short and found.window and _elsewhere(statement, question, given, around or given):
        z = log(found.support / (1 - found.support)) if 0 < found.support < 1 else 0.0
        return Found(1 / (1 + exp(-(z + WEIGHTS["elsewhere"]))), found.window)
    return found


def _elsewhere(statement: str, question: str, given: Sequence[Window], around: Sequence[Window]) -> bool:
    """No window that states the short answer shares `ELSEWHERE` of the question's words that some window shares."""
    own = frozenset(words(statement))
    asked = frozenset(words(question)) - own
    most = max((len(asked & w.bare) for w in around), default=0)
    here = max((len(asked & w.bare) for w in given if w.states(statement, own)), default=0)
    return here < ELSEWHERE * most


def _support(statement: str, given: Sequence[Window], asked_denied: bool = False) -> Found:
    """``asked_denied``: the statement is a phrase that answers a question which denies ("What did he not know?")."""
    said = _read(statement)
    total = sum(weight for _, weight, _ in said)
    if not given or not total:
        return Found(0.0, None)
    by: dict[int, list[Window]] = {}
    for window in given:
        by.setdefault(window.context, []).append(window)
    scenes = [(_around(own), own, 0.0) for own in by.values()]
    if len(by) > 1:
        scenes.append((_around(given), list(given), WEIGHTS["several"]))
    base = (
        WEIGHTS["constant"]
        + WEIGHTS["self"] * speaks_of_itself(statement)
        + WEIGHTS["question"] * ("?" in statement or "？" in statement)
    )
    counted = [v for v in values(statement) if v.kind != "number" or v.unit or v.plain[0][0] > 1]
    called = names(statement)
    own_stems = frozenset(s for s, _, _ in said)
    denied = negates(statement, own_stems) != asked_denied
    narrowed = limits(statement)
    best = Found(-1.0, None)
    for around, own, extra in scenes:
        stated = {v for v in counted if any(same(v, k) for k in around.values)}
        lost = sum(weight for s, weight, v in said if s not in around.stems and v not in stated)
        z = (
            base
            + extra
            + WEIGHTS["held"] * (1 - lost / total)
            + WEIGHTS["missing"] * log1p(lost)
            + WEIGHTS["order"] * _order(said, around)
        )
        forgiven = {s for s, _, v in said if v in stated}
        strange = len(numbers(statement) - around.stems - forgiven)
        twisted = sum(v not in stated and any(_otherwise(v, k) for k in around.values) for v in counted)
        z += (
            WEIGHTS["number"] * strange
            + WEIGHTS["otherwise"] * twisted
            + WEIGHTS["name"] * len(called - around.stems - forgiven)
        )
        found = max(((_here(said, total, w, stated), w) for w in own), key=lambda pair: pair[0])
        turned = found[1].denies(own_stems) != bool(opposed(statement, found[1].sentence))
        alike = _same_matter(said, found[1], stated) >= SAME_MATTER
        z += found[0] + WEIGHTS["negation"] * (alike and denied != turned)
        z += WEIGHTS["only"] * (alike and narrowed and not limits(found[1].text))
        share = 1 / (1 + exp(-max(-60.0, min(60.0, z))))
        if share > best.support + 1e-12:
            best = Found(share, found[1])
    return best


def _here(said: Sequence[Said], total: float, window: Window, stated: set[Value]) -> float:
    held = _held(said, total, window, stated)
    return WEIGHTS["held in window"] * held + WEIGHTS["missing in window"] * log1p((1 - held) * total)


def _held(said: Sequence[Said], total: float, window: Window, stated: set[Value]) -> float:
    """Share of the statement's weight that the window holds."""
    here = {v for v in stated if any(same(v, k) for k in values(window.text))}
    lost = sum(weight for s, weight, v in said if (v not in here if v in stated else s not in window.stems))
    return 1 - lost / total


def _same_matter(said: Sequence[Said], window: Window, stated: set[Value]) -> float:
    """Share of the statement's weight, denials left out, that the window holds, or holds the opposite of."""
    stems = frozenset(s for s, _, _ in said)
    longer = {"longer"} if "no" in stems else set()
    kept = [row for row in said if not is_negation(row[0]) and row[0] not in longer]
    total = sum(weight for _, weight, _ in kept)
    held = sum(
        weight
        for s, weight, v in kept
        if s in window.stems or v in stated or any(o in window.stems for o in opposites(s))
    )
    return held / total if total else 1.0


def _order(said: Sequence[Said], around: _Around) -> float:
    """Share of words that stand in a pair which the context holds too; 1 for a single word that it holds."""
    if len(said) == 1:
        return float(said[0][0] in around.stems)
    inside = [False] * len(said)
    for i in range(len(said) - 1):
        if (said[i][0], said[i + 1][0]) in around.pairs:
            inside[i] = inside[i + 1] = True
    return sum(inside) / len(said)
