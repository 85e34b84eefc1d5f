"""What the grammar of an English sentence shows without a parser: its subject, its modal verb, whether it can stand alone.

A clause is a subject, a modal verb and the rest, which is enough to turn it into a question.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex

from ragtune.synthesis.drafts import Casing, Draft, Passage

_MODAL = r"must|should|may|can|will|cannot|can't|(?:need|needs|have|has) to|(?:are|is) (?:required|expected) to"
SUBJECT = r"(?:[\w'’/&.#-]+ ){0,6}?[\w'’/&)#-]+"
_CLAUSE = regex.compile(rf"(?P<subject>{SUBJECT}) (?P<modal>{_MODAL})(?P<not> not|n't)? (?P<rest>.+)")
#: a subject that begins so is no noun phrase, or points at something said before
NO_SUBJECT = frozenset(
    "it this that these those they he she there here which who what where when while if as in on at for from with by after before "
    "and but or so then also however additionally please note once until unless although though because since to i some one "
    "another others both each either neither such following instead rather yes no not only how why whether nobody none nothing few hardly never all just simply".split()
)
#: words that ask for something outside the question
_POINTING = frozenset(
    "it its this these those they them he she him his here there above below following former latter such another both i "
    "mentioned described listed aforementioned otherwise therefore however also too instead".split()
)
#: what turns a statement round without a "not"
_TURNS = frozenset("rarely seldom hardly scarcely never barely nobody none nothing neither nor".split())
#: finite verbs: a noun phrase holds none
FINITE = frozenset(
    "is are was were must should may can will shall would could might has have had does do did don't doesn't didn't isn't aren't wasn't weren't won't".split()
)
#: words of an answer that stand for something beside it: a link that is text now, a list
_POINTERS = frozenset("here below following above these this".split())
CLAUSE_WORDS = frozenset("if when that which who because while whose whom where to".split())
#: what is not told by its definition
PARTS = frozenset(
    "start end beginning rest first last part kind example result number any point next best key only".split()
)
_PERSONS = frozenset(
    "supervisor manager employee staff lead team director officer administrator user traveler traveller member people person "
    "contractor vendor owner author developer designer researcher engineer student teacher customer client citizen resident visitor "
    "applicant candidate participant volunteer leadership everyone anyone somebody someone nobody parent child guest guard nurse doctor "
    "driver organizer organiser facilitator approver reviewer executive secretary chair coordinator specialist partner cashier mayor "
    "committee board council department personnel hr supporter tester editor writer writers pm leadership".split()
)
IMPERATIVES = frozenset(
    "add ask attach avoid be begin book bring call cancel change check choose click close complete consider contact continue "
    "copy create delete discuss do document download email ensure enter explain file fill find follow forward get give go "
    "include inform install keep leave let list log look make mark meet move notify open pay pick place plan post prepare provide put "
    "read record refer remove reply report request research return review run save schedule select send set share sign speak start state "
    "stop submit switch take talk tell test try turn type update upload use verify visit wait work write request reach respond "
    "note remember allow bring enable disable apply upgrade replace press define specify collect identify".split()
)
_UNITS = r"(?:minutes?|hours?|days?|weeks?|months?|years?|percent|people|pages?|characters?|words?|dollars?|euros?|miles|pounds?|points?)"
NUMBER = r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|sixty|ninety)"
AMOUNT = rf"{NUMBER} (?:(?:business|working|calendar|work|consecutive|full) )?{_UNITS}"
WHEN = r"(?:\d{1,2}(?::\d\d)? ?[ap]\.?m\.?|noon|midnight|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2})"
NO_DEED = regex.compile(r"(?:be|also|only|still|not|have|see|find|want|need|likely|probably|always)\b")
#: stands for the colon of a time of day, so that no clause ends there
CLOCK = "\u2236"
_TAIL = regex.compile(r"[\s,;:]+$")
ODD = regex.compile(r"[\[\]{}<>|*_=~\\\"“”]|https?:|\.\w+/|\s-\s|—|…")
_WORDS = regex.compile(r"[\w'’#@./-]+")


@dataclass(frozen=True)
class Clause:
    """A subject, its modal verb and what follows. ``front`` and ``back`` stand around the subject in a question."""

    subject: str
    modal: str
    front: str
    back: str
    denied: bool
    rest: str

    def asked(self, after: str) -> str:
        """The words of a question behind its first: modal, subject and ``after``."""
        return " ".join(filter(None, (self.front, self.subject, self.back, after)))


def words(text: str) -> list[str]:
    """The words of ``text`` in small letters."""
    return [w.lower().strip(".,") for w in _WORDS.findall(text)]


def clause_of(text: str, case: Casing) -> Clause | None:
    """The clause that a sentence (without its full stop) is, if it begins with its subject."""
    found = _CLAUSE.fullmatch(text)
    if not found:
        return None
    subject, modal, rest = case.inside(found["subject"]), found["modal"].lower(), found["rest"]
    said = words(subject)
    if (
        not said
        or said[0] in NO_SUBJECT
        or set(said) & (CLAUSE_WORDS | FINITE)
        or any(w.endswith("ing") for w in said[:1])
    ):
        return None
    if "," in subject or said[-1].endswith("ly") or subject.endswith(("'", "’")) or said[0] in IMPERATIVES:
        return None
    denied = bool(found["not"]) or modal in ("cannot", "can't")
    simple = {"cannot": "can", "can't": "can"}.get(modal, modal)
    front, back = simple, ""
    if " to" in simple:
        first = simple.split()[0]
        if first in ("need", "needs", "have", "has"):
            front = "do" if first in ("need", "have") else "does"
            back = "need to" if first.startswith("need") else "have to"
        else:
            front, back = first, simple.split(" ", 1)[1]
    return Clause(subject, simple, front, back, denied, rest)


def pointing(text: str) -> bool:
    """Whether a question's words point at something that it does not name."""
    found = words(text)
    return any(w in _POINTING for w in found) or (bool(found) and found[-1] in ("this", "that", "so"))


def make(passage: Passage, rule: str, question: str, answer: str, kind: str = "single fact") -> Draft | None:
    """The draft of a question, if it is one that can stand alone, and its answer is a phrase."""
    question, answer = (_TAIL.sub("", part).replace(CLOCK, ":") for part in (question, answer))
    if pointing(question) or set(words(question)) & _TURNS:
        return None
    if not 3 <= len(words(question)) <= 26 or ODD.search(question) or not answer:
        return None
    if question.count("(") != question.count(")") or len(words(answer)) > 30:
        return None
    if _POINTERS & set(words(answer)):
        return None
    answer = answer if answer.count("(") == answer.count(")") else answer.strip("()")
    topic = passage.title or passage.heading
    return Draft(question[0].upper() + question[1:] + "?", (answer,), (passage.span,), kind, rule, topic=topic)


def is_person(subject: str) -> bool:
    """Whether a noun phrase names people by a role."""
    said = words(subject)
    if not said or said[0] in ("many", "most", "some"):
        return False
    if said[-1] in ("people", "person", "participants", "participant"):
        return False
    return said[-1] in _PERSONS or said[-1].removesuffix("s") in _PERSONS
