"""Questions from English instructions by rule: duties, conditions, purposes, whom to ask, until when.

After the idea of Heilman and Smith 2010 (overgenerate simple transformations, then keep few): a clause is a subject, a modal verb
and the rest, which is enough to ask who, what, when, how long and whether; "if" and "to" at the beginning ask what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

from ragtune.synthesis.drafts import Casing, Draft, Passage
from ragtune.synthesis.grammar import (
    AMOUNT,
    CLAUSE_WORDS,
    IMPERATIVES,
    NO_DEED,
    NO_SUBJECT,
    NUMBER,
    PARTS,
    SUBJECT,
    WHEN,
    clause_of,
    is_person,
    make,
    words,
)


def _starts_imperative(text: str) -> str:
    """What to do, where ``text`` says it as an imperative; else ""."""
    bare = regex.sub(
        r"^(?:please|then|also|just|be sure to|make sure to|make sure you|always)\s+", "", text, flags=regex.I
    )
    return bare if words(bare[:40])[:1] and words(bare[:40])[0] in IMPERATIVES else ""


def _condition(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "If you lose your badge, you must report it.": what must you do if you lose your badge?"""
    found = regex.fullmatch(
        r"(?P<word>if|when|before|after|once|during|while) (?P<what>[^,;:]{8,140}), (?P<then>[^;:]{6,220})",
        text,
        regex.I,
    )
    if not found or len(words(found["what"])) < 3:
        return
    when = f"{found['word'].lower()} {found['what']}"
    then = regex.sub(r"^(?:then|please) ", "", found["then"], flags=regex.I)
    told = regex.fullmatch(
        r"(?:please )?(?P<how>email|contact|call|ask|message|notify|tell|reach out to) (?P<who>(?:the |your |our |a )?[\w@.#'’/ -]{2,60}?)(?: (?:to|for|about|with|at|in|on|by|so|via|through|before|if|when|as)\b.*)?",
        then,
        regex.I | regex.DOTALL,
    )
    if told and _reachable(told["who"]):
        yield make(passage, "contact", f"Who should you {told['how'].lower()} {when}", told["who"])
    elif do := _starts_imperative(then):
        yield make(passage, "condition", f"What should you do {when}", do)
        return
    clause = clause_of(then, case)
    duty = (
        clause
        and clause.subject in ("you", "we", "employees", "staff")
        and not clause.denied
        and clause.modal != "will"
    )
    if clause and duty and not told and not NO_DEED.match(clause.rest):
        yield make(passage, "condition", f"What {clause.asked('do')} {when}", clause.rest)


def _purpose(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "To request leave, use form 71.": how do you request leave?"""
    found = regex.fullmatch(r"(?:in order )?to (?P<what>[a-z][^,;:]{8,110}), (?P<then>[^;:]{8,220})", text, regex.I)
    if (
        not found
        or words(found["what"])[:1] == ["be"]
        or regex.search(r"\b(?:learn|read|more|see|view|further)\b", found["what"])
    ):
        return
    then = found["then"]
    if do := _starts_imperative(then):
        yield make(passage, "purpose", f"How do you {found['what']}", do)
        return
    clause = clause_of(then, case)
    if clause and not clause.denied and clause.subject in ("you", "we") and not NO_DEED.match(clause.rest):
        yield make(passage, "purpose", f"What {clause.asked('do')} to {found['what']}", clause.rest)


def _contact(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "Email the help desk if your token is lost.": who should you email if your token is lost?"""
    found = regex.fullmatch(
        r"(?:please )?(?P<how>email|contact|call|ask|message|notify) (?P<who>(?:the |your |our )?[\w@.#'’/ -]{2,50}?) (?P<when>(?:if|when|before|for help with|for questions about|with questions about|with any questions about|about) [^;:]{8,120})",
        text,
        regex.I,
    )
    if found and _reachable(found["who"]):
        when = regex.sub(r"^with any ", "with ", found["when"])
        yield make(passage, "contact", f"Who should you {found['how'].lower()} {when}", found["who"])
    asked = regex.fullmatch(
        r"(?:for|if you have) (?:any )?(?:more information|questions|help) (?P<prep>about|on|with|regarding) (?P<what>[^,;:]{6,80}), (?:please )?(?:email|contact|call|ask|message) (?P<who>[\w@.#'’/ -]{2,60})",
        text,
        regex.I,
    )
    if asked and _reachable(asked["who"]):
        yield make(passage, "contact", f"Who should you contact with questions about {asked['what']}", asked["who"])


def _reachable(who: str) -> bool:
    """Whether somebody is named: an address, a channel, a person, a role with its article."""
    said = words(who)
    return said[0] not in ("us", "them", "me", "or", "and", "for", "if") and (
        "@" in who
        or "#" in who
        or is_person(who)
        or who[:1].isupper()
        or (said[0] in ("the", "your", "our") and len(said) > 1)
    )


def _who(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "Supervisors must approve overtime.": who must approve overtime?"""
    clause = clause_of(text, case)
    duty = clause and clause.modal not in ("may", "can", "will") and not clause.denied
    if clause and duty and is_person(clause.subject) and len(words(clause.rest)) >= 4:
        yield make(
            passage,
            "who",
            f"Who {clause.modal.replace('have to', 'has to').replace('need to', 'needs to').replace('are ', 'is ')} {clause.rest}",
            clause.subject,
        )
    found = regex.fullmatch(
        rf"(?P<who>{SUBJECT}) (?:is|are) (?P<what>(?:responsible for|in charge of|eligible for|required to|entitled to) .{{8,110}})",
        text,
        regex.I,
    )
    if found and is_person(found["who"]) and words(found["who"])[0] not in NO_SUBJECT:
        yield make(passage, "who", f"Who is {found['what']}", case.inside(found["who"]))


def _amount(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "You must submit it within 30 days.": within how many days must you submit it?"""
    clause = clause_of(text, case)
    if not clause or clause.denied:
        return
    found = regex.fullmatch(
        rf"(?P<what>.{{6,90}}?) (?P<prep>within|for up to|for at least|for no more than|at least|for|up to|no later than|every) (?P<amount>{AMOUNT})(?P<after> (?:of|before|after|from|prior to|in advance of?|per|a|each|in|following)\b(?:(?! and |,).){{0,80}})?",
        clause.rest,
        regex.I,
    )
    if not found or regex.search(rf"\b{NUMBER} ", found["what"]) or "," in found["what"]:
        return
    unit = found["amount"].split(" ", 1)[1]
    unit = unit if unit.endswith(("s", "people", "percent")) else unit + "s"
    prep, after = found["prep"].lower(), found["after"] or ""
    if prep in ("within", "for", "every"):
        lead = {"within": "Within how many", "for": "For how many", "every": "Every how many"}[prep]
        question = f"{lead} {unit}{after} {clause.asked(found['what'])}"
    elif prep in ("for up to", "for at least", "for no more than"):
        question = f"For how many {unit}{after} {clause.asked(found['what'])}"
    elif prep == "no later than" or regex.match(r" (?:before|after|prior|in advance)", after):
        question = f"How many {unit}{after} {clause.asked(found['what'])}"
    else:
        return
    yield make(
        passage,
        "amount",
        question,
        f"{prep} {found['amount']}" if prep not in ("for", "every", "within") else found["amount"],
    )


def _time(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "Timesheets must be submitted by Friday.": when must timesheets be submitted?"""
    clause = clause_of(text, case)
    if not clause or clause.denied:
        return
    found = regex.fullmatch(
        rf"(?P<what>[^,]{{8,90}}?) (?P<time>(?:by|before|at|on|until|every) (?:the )?(?:\w+ )?{WHEN}(?: .{{1,40}})?)",
        clause.rest,
    )
    if found:
        yield make(passage, "time", f"When {clause.asked(found['what'])}", found["time"])


def _way(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "You can request a laptop through ServiceNow.": how can you request a laptop?"""
    clause = clause_of(text, case)
    if not clause or clause.denied:
        return
    found = regex.fullmatch(r"(?P<what>[^,]{8,80}?) (?P<way>(?:through|via|using|by \w+ing) .{3,110})", clause.rest)
    plain = found and clause.modal in ("can", "must", "should") and clause.subject.split()[-1] != "now"
    if (
        found
        and plain
        and not regex.match(r"be |feel |ensure |.*\bonly\b|.* (?:before|after|by|with|to|for|of|in|on)$", found["what"])
        and len(words(found["what"])) <= 8
    ):
        yield make(passage, "way", f"How {clause.asked(found['what'])}", found["way"])


def _why(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "You should not share passwords because ...": why?"""
    found = regex.fullmatch(r"(?P<what>[^;]{10,110}),? because (?!of)(?P<why>[^;]{8,160})", text)
    clause = clause_of(found["what"], case) if found else None
    if found and clause:
        rest = f"not {clause.rest}" if clause.denied else clause.rest
        yield make(passage, "why", f"Why {clause.asked(rest)}", f"because {found['why']}")


def _definition(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "The purpose of the guild is to share what works.": what is the purpose of the guild?"""
    found = regex.fullmatch(
        r"(?P<what>(?:[\w'’/&().-]+ ){0,7}?[\w'’/&)-]+) (?P<verb>is|are) (?P<said>(?:a|an|the|any|to) [^;]{12,220})",
        text,
    )
    if not found:
        return
    said = words(found["what"])
    if (
        said[0] in NO_SUBJECT
        or set(said) & (CLAUSE_WORDS | {"your", "you", "our", "all"})
        or any(w in ("is", "are", "was") for w in said)
    ):
        return
    named = case.is_name(found["what"].split()[0]) or regex.match(r"\p{Lu}{2,}", found["what"])
    of = regex.match(r"[Tt]he [\w-]+(?: [\w-]+)? of (?:the |our |a )?\w{3,}", found["what"])
    if PARTS & set(said):
        return
    if not (named or of) or (found["said"].startswith("to ") and not of):
        return
    yield make(passage, "definition", f"What {found['verb']} {case.inside(found['what'])}", found["said"])


def _whether(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "You may not use personal email for work.": may you use personal email for work? No."""
    clause = clause_of(text, case)
    if not clause or len(words(clause.rest)) > 13 or (clause.modal in ("will", "should") and not clause.denied):
        return
    if (
        "," in clause.rest
        or regex.match(r"be able|have |understand|feel|make sure|ensure|know", clause.rest)
        or (clause.modal == "may" and clause.rest.startswith("be "))
    ):
        return  # may and can that say what is likely, not what is allowed; aims that are no rule
    if regex.search(
        r"\b(?:only|also|still|sometimes|or|unless|except|but|always|even|either|just|however|find|see|help|read)\b|[:;]",
        clause.rest,
    ):
        return
    yield make(passage, "whether", clause.asked(clause.rest), "No" if clause.denied else "Yes", "yes/no")


RULES: tuple[Callable[[Passage, str, Casing], Iterator[Draft | None]], ...] = (
    _condition, _purpose, _contact, _who, _amount, _time, _way, _why, _definition, _whether,
)  # fmt: skip
