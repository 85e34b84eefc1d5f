"""What an answer makes of the words it shares with a reference: it denies them, or gives something else in their place.

A long answer may name what is right and go on to say that it is not so ("Many say Canberra. It is not."), or give the right
thing another part ("Spain came second; the Netherlands won").
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import regex

from ragtune.text.names import alike, capitalised
from ragtune.text.polarity import content, denials, excepts, listed, pattern, stems
from ragtune.text.sentences import sentence_spans
from ragtune.text.values import comparable, same, values
from ragtune.text.words import Word, find_words, is_negation, limits, stem, stop_words, tokens

#: share of the question's words in a sentence that says something else in the reference's place: where the reference is a name or
#: a value (so that what stands there can be told to be of its kind), and where it is any phrase
NAMED, PHRASED = 0.3, 0.5
#: what a clause counts that speaks of nothing that was asked
_ASIDE = 0.1


@lru_cache(maxsize=1)
def _clause() -> regex.Pattern[str]:
    marks = r"(?<=[.!?;:](?=\s)|[。！？；，\n]|,(?!\d))\s*"
    return regex.compile(rf"{marks}|\s(?=(?:{pattern('turns')})\s)", regex.IGNORECASE)


def sentences(text: str) -> list[str]:
    return [part for a, b in sentence_spans(text) for part in regex.split(r"(?<=;)\s+", text[a:b])]


def denied(question: str, reference: str, answer: str, held: frozenset[str]) -> float:
    """Share of the clauses with the reference's words (stems ``held``) in which the answer denies them, or fails to deny them
    where the reference does; a clause counts by how much its sentence speaks of the question."""
    weekly = any(v.kind == "days" for v in values(reference))  # a set of days holds its exception
    if excepts(reference) and not weekly and not (excepts(answer) or any(denials(answer))):
        return 1.0
    wanted = any(denials(reference))
    if not wanted and any(denials(question)):
        return 0.0  # the answer may only repeat what the question denies
    asked = {stem(t.text) for t in content(question)} - {stem(t.text) for t in content(reference)}
    found: list[tuple[float, bool]] = []
    most: list[tuple[int, bool]] = []
    for sentence in sentences(answer):
        about = _ASIDE + len(asked & stems(sentence)) / max(1, len(asked))
        for clause in regex.split(_clause(), sentence):
            if not held & stems(clause):
                if found and not wanted and _takes_back(clause, asked | held):
                    found[-1] = (found[-1][0], True)
                continue
            denies = _denies(clause, held, wanted, asked)
            found.append((about, denies != wanted))
            most.append((len(held & stems(clause)), denies))
    if wanted and any(denies for size, denies in most if size == max(most)[0]):
        return 0.0
    total = sum(weight for weight, _ in found)
    return sum(weight for weight, against in found if against) / total if total else 0.0


def _denies(clause: str, held: frozenset[str], wanted: bool, asked: frozenset[str] | set[str]) -> bool:
    """The clause denies the words ``held``: before them with at most three other words between, function words and those that were
    ``asked`` not counted, or in the verb that follows them."""
    own, denying = tokens(clause), denials(clause)
    at = [i for i, t in enumerate(own) if stem(t.text) in held]
    if wanted:
        return any(denying) or bool(regex.search(r"\p{L}-free\b", clause))
    bare = [d and is_negation(t.text) for t, d in zip(own, denying, strict=True)]
    excepted = {end for phrase in listed("except_") for _, end in find_words(clause, phrase)}
    bare = [b or t.end in excepted for t, b in zip(own, bare, strict=True)]
    stop, before, room, last = stop_words(clause), [False], 3, at[-1]
    for i in range(at[0] - 1, -1, -1):
        before.append(bare[i])
        room -= own[i].text not in stop and stem(own[i].text) not in asked
        if room <= 0 and i <= at[0] - 3:
            break
    if own[last].kind == "single":
        return any([*before, *denying[last + 1 : last + 4]])
    behind = own[last + 1 : last + 4]
    verb = len(behind) > 1 and (behind[0].text in stop_words(clause) or is_negation(behind[0].text))
    reach = 1 + min((i for i, t in enumerate(behind[:2]) if is_negation(t.text)), default=-1) if verb else 0
    only = reach and reach < len(behind) and limits(behind[reach].text)
    return any(before) or bool(reach and not only) or bool(regex.search(r"\p{L}-free\b", clause))


def _takes_back(clause: str, known: frozenset[str] | set[str]) -> bool:
    """A clause that only says that what went before is not so ("but it is not", "that is not the right one")."""
    own = tokens(clause)
    if not any(is_negation(t.text) for t in own) or not any(t.text in listed("anaphors") for t in own):
        return False
    stop = stop_words(clause) | listed("anaphors") | listed("negations")
    new = [t for t in own if t.text not in stop and stem(t.text) not in known and not t.text.endswith("n't")]
    return len(new) <= 1


def instead(question: str, reference: str, answer: str) -> float:
    """1 where, behind the last sentence that holds the reference, one speaks more of the question and gives another of its kind.

    The kind is that of the reference's values, a name where it is one, else any word of content. Of a name that stands in part
    alone (a surname), also where such a sentence goes before and gives a whole other name.
    """
    parts = [s for s in sentences(answer) if len(tokens(s)) > 2]
    words = {stem(t.text) for t in content(reference)}
    asked = {stem(t.text) for t in content(question)}
    own = words - asked or words
    asked = asked - own
    if len(parts) < 2 or not asked:
        return 0.0
    wanted = values(reference)
    proper = all(capitalised(reference, t) for t in content(reference) if stem(t.text) in own)
    best, rival, earlier = -1.0, 0.0, 0.0
    partly = proper and len(own) > 1 and all(_shared(own, part) < len(own) for part in parts)
    for part in parts:
        about = len(asked & stems(part)) / len(asked)
        stated = bool(wanted) and any(same(w, v) for v in values(part) for w in wanted)
        if stated or _shared(own, part) >= 0.5 * len(own):
            best, rival = max(best, about), 0.0
            continue
        others = [t for t in content(part) if stem(t.text) not in asked | words]
        if wanted:
            there, least = any(comparable(w, v) for v in values(part) for w in wanted), NAMED
        elif proper:
            there, least = any(t.kind != "number" and _named(part, t, answer) for t in others), NAMED
        else:
            there, least = bool(others), PHRASED
        if best >= 0 and there and about >= least and about > best:
            rival = about
        if partly and about >= least and _whole_name(part, {t.start for t in others}):
            earlier = max(earlier, about)
    return float(rival > 0 or earlier > max(best, 0.0))


def _whole_name(part: str, starts: set[int]) -> bool:
    """Two capitals side by side among the words that begin at ``starts``."""
    own = [t for t in tokens(part) if t.start in starts and capitalised(part, t)]
    return any(not part[a.end : b.start].strip() for a, b in zip(own, own[1:], strict=False))


def _named(part: str, word: Word, answer: str) -> bool:
    """A capital that does not only begin the sentence."""
    if not capitalised(part, word):
        return False
    inner = any(c.isupper() for c in part[word.start + 1 : word.end])
    return (
        word.start > 0
        or inner
        or any(t.start and t.text == word.text and capitalised(answer, t) for t in tokens(answer)[1:])
    )


def _shared(wanted: set[str], part: str) -> int:
    own, read = [t for t in tokens(part) if t.kind == "word"], stems(part)
    return sum(w in read or any(alike(t.text, w) for t in own) for w in wanted)


def swapped(reference: str, answer: str) -> bool:
    """Two names of the reference stand in the answer the other way round, with the same words between them and no passive ("Bern beat
    Basel" for "Basel beat Bern")."""
    wanted = _around_names(reference)
    return (
        bool(wanted)
        and any((b, a, between) in _around_names(answer) for a, b, between in wanted)
        and not (wanted & _around_names(answer))
    )


def _around_names(text: str) -> set[tuple[str, str, tuple[str, ...]]]:
    """(name, next name, stems of the words between them) of a text; names that a list joins are left out."""
    own = tokens(text)
    at = [i for i, t in enumerate(own) if t.kind == "word" and capitalised(text, t)]
    found = set()
    for i, j in zip(at, at[1:], strict=False):
        between = tuple(stem(t.text) for t in own[i + 1 : j])
        joins = (listed("agents") | listed("conjunctions")) & {t.text for t in own[i + 1 : j]}
        if between and len(between) <= 5 and not joins:
            found.add((own[i].text, own[j].text, between))
    return found


def regnal(text: str) -> dict[str, str]:
    """Names with a number or a word behind that tells namesakes apart (Elizabeth II, World War I, Dumas Jr.): name -> what follows."""
    own = tokens(text)
    return {
        stem(a.text): b.text
        for a, b in zip(own, own[1:], strict=False)
        if capitalised(text, a) and _numbers_a_name(text, b) and not text[a.end : b.start].strip(" ,.")
    }


def _numbers_a_name(text: str, word: Word) -> bool:
    return bool(regex.fullmatch(r"[IVX]{1,5}|[JS]r", text[word.start : word.end]))


def namesake(reference: str, answer: str) -> bool:
    """The answer numbers a name of the reference otherwise, and nowhere as the reference does."""
    own, said = regnal(reference), regnal(answer)
    return any(name in said and said[name] != number for name, number in own.items()) and not _written(own, answer)


def _written(own: dict[str, str], answer: str) -> bool:
    read: Sequence[Word] = tokens(answer)
    pairs = {(stem(a.text), b.text) for a, b in zip(read, read[1:], strict=False)}
    return all(pair in pairs for pair in own.items())
