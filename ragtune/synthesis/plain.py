"""Questions from plain English statements by rule: who does, when, where, how much, how often, with what, why.

Each rule asks for one phrase of a clause, whose place its pattern knows; what hangs behind a comma is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

from ragtune.synthesis import english
from ragtune.synthesis.drafts import Casing, Draft, Passage
from ragtune.synthesis.grammar import (
    AMOUNT,
    CLAUSE_WORDS,
    CLOCK,
    FINITE,
    IMPERATIVES,
    NO_SUBJECT,
    NUMBER,
    ODD,
    is_person,
    make,
    words,
)

_BE = r"(?P<be>is|are|was|were)"
_SUBJECT = r"(?P<subject>\p{Lu}[^,;:()]{2,70}?)"
_DONE = r"(?P<done>(?:\w+ly )?(?!open\b|often\b|even\b|then\b|green\b|golden\b|wooden\b)\w+(?:ed|en|wn|ght|lt|un|ung|ept|eld|ent|ade|old|aid|ut|et|uilt|ead|ound))"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DAY = r"(?:Mondays?|Tuesdays?|Wednesdays?|Thursdays?|Fridays?|Saturdays?|Sundays?)"
_MOMENT = rf"(?:about |the )?(?:\d{{1,2}}(?:[{CLOCK}.]\d\d)?(?: ?[ap]\.?m\.?)?(?= |$|[,;])|noon|midnight|(?:first |last |second |third )?{_DAY}|(?:early |late |mid-)?{_MONTH}|\d{{1,2}} {_MONTH}(?: \d{{4}})?|{_MONTH} \d{{1,2}}|(?:1[5-9]|20)\d\d\b|spring|summer|autumn|winter|weekends|weekdays)"
_TIME = rf"(?P<prep>at|on|in|from|between|until|by|before|after|since) {_MOMENT}(?: (?:and|or|to|until|at|from|on|in) (?:at |on |in )?{_MOMENT})*(?: (?:of|before|after) (?:the |each )?[\w'’-]+(?: [\w'’-]+)?)?"
_OFTEN = rf"(?:(?:once|twice|{NUMBER} times) (?:a|an|every|each|per) (?:day|week|month|year|hour|quarter|shift)|every (?:other |second |{NUMBER} )?(?:day|days|week|weeks|month|months|year|years|hour|hours|morning|evening|quarter|{_DAY})|daily|weekly|monthly|yearly|annually|each (?:year|month|week|day))"
_PLACE = r"(?:in|at|on|behind|under|next to|beside|above|below|near|inside|outside|opposite|between) (?:the |a |an |our |\p{Lu})(?:(?! (?:for|since|until|every|by|and|so) )[^,;:]){2,60}"
_KEPT = r"(?:kept|stored|found|located|held|parked|placed|displayed|served|hung|posted|buried|written down)"
_NO_PLACE = regex.compile(
    rf"{_TIME}|(?:in|on|at) (?:the|a) (?:charge|way|risk|moment|time|same|best|middle|process|rise|future|past|case|course)"
)
#: what follows "by" and does nothing
_NO_AGENT = regex.compile(
    rf"(?:hand|mail|e-?mail|post|courier|phone|car|train|bus|air|default|law|accident|mistake|appointment|\d|{NUMBER}\b|the end|noon|midnight|{_DAY}|{_MONTH}|\w+ing\b)",
    regex.I,
)
_MONEY = rf"(?:[€$£] ?\d[\d,.]*|{NUMBER} (?:euros?|dollars?|pounds?|cents?))(?: (?:a|an|per|each) \w+| each)?"
_COUNT = rf"(?P<number>(?:about |over |more than |up to |at least |at most )?{NUMBER})"
_LENGTH = rf"(?:about |over |up to |at least |at most )?{AMOUNT}|half an hour|an hour(?: and a half)?|a (?:day|week|month|year)"
_PERSON = r"(?:\p{Lu}[\w'’-]+ ){1,2}\p{Lu}[\w'’-]+"


def _subject(text: str, case: Casing) -> str:
    """A noun phrase as it stands inside a sentence; "" where it is none, or points at what was said before."""
    said = words(text)
    if (
        not said
        or said[0] in IMPERATIVES
        or said[0] in NO_SUBJECT | {"your", "his", "her", "my"}
        or set(said[1:]) & (CLAUSE_WORDS - {"to"})
    ):
        return ""
    if said[-1] in ("and", "or", "of", "which", "that", "who", "not") or FINITE & set(said):
        return ""
    return case.inside(text)


def _matched(pattern: str, text: str, case: Casing) -> tuple[dict[str, str], str] | None:
    """The parts of ``text`` by the pattern's names, and its subject as it stands inside a sentence."""
    found = regex.match(
        pattern + r"(?P<after>$|[,;:]| and (?:it |they |is |are |was |runs? |must )| so | because )", text
    )
    if not found or regex.search(r"\bnot\b|n't\b", found[0]):
        return None
    subject = _subject(found["subject"], case)
    return ({k: v or "" for k, v in found.groupdict().items()}, subject) if subject else None


def _do(subject: str) -> str:
    last = words(regex.split(r" (?:of|for|from|in|at|on|to|with|by|between|behind) ", subject)[0])[-1]
    many = (last.endswith("s") and not last.endswith("ss")) or last in ("people", "staff", "children")
    return "do" if many or " and " in subject else "does"


def _state(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """What "is", "are", "was" or "were" say of the subject."""
    rest = r"(?P<what>(?: [\w'’-]+){0,7}?)"
    m = _matched(rf"{_SUBJECT} {_BE}{rest} (?P<answer>{_TIME})", text, case)
    if m and not (m[0]["prep"] == "by" and m[0]["be"] in ("was", "were")) and " and " not in m[0]["what"]:
        yield make(passage, "when", f"When {m[0]['be']} {m[1]}{m[0]['what']}", m[0]["answer"])
    m = _matched(rf"{_SUBJECT} {_BE}{rest} (?P<answer>{_OFTEN})", text, case)
    if m and not regex.search(r" (?:of|on|in|at|for|to|least|most|about)$", m[0]["what"]):
        yield make(passage, "often", f"How often {m[0]['be']} {m[1]}{m[0]['what']}", m[0]["answer"])
    if m := _matched(rf"{_SUBJECT} {_BE} (?P<answer>{_MONEY})", text, case):
        yield make(passage, "amount", f"How much {m[0]['be']} {m[1]}", m[0]["answer"])
    if m := _matched(
        rf"{_SUBJECT} {_BE} {_DONE}(?P<what>(?: [\w'’-]+){{0,3}}?) by (?P<answer>(?:(?! by )[^,;:]){{3,50}}?)(?P<more> (?:once|twice|every|each|in|on|at|from|before|after|during|within|for|via|until|to|with|under) [^,;:]*)?",
        text,
        case,
    ):
        who = is_person(m[0]["answer"]) or regex.match(rf"(?:Dr|Prof|Mr|Ms|Mrs)\b|{_PERSON}$", m[0]["answer"])
        asked = f"{m[0]['be']} {m[1]} {m[0]['done']}{m[0]['what']}"
        if not _NO_AGENT.match(m[0]["answer"]):
            yield make(passage, "agent", f"{'By whom' if who else 'By whom or what'} {asked}", m[0]["answer"])
    if m := _matched(
        rf"{_SUBJECT} {_BE} {_DONE} (?P<prep>with|of|from|into) (?P<answer>(?!each|one another|January|February|March|April|May|June|July|August|September|October|November|December|\d)[^,;:]{{3,60}}?)",
        text,
        case,
    ):
        yield make(passage, "with", f"What {m[0]['be']} {m[1]} {m[0]['done']} {m[0]['prep']}", m[0]["answer"])
    m = _matched(rf"{_SUBJECT} {_BE} (?P<done>{_KEPT} )?(?P<answer>{_PLACE})", text, case)
    if m and not _NO_PLACE.match(m[0]["answer"]):
        yield make(passage, "where", f"Where {m[0]['be']} {m[1]} {m[0]['done']}".strip(), m[0]["answer"])
    if m := _matched(rf"{_SUBJECT} {_BE} (?:called|named) (?P<answer>(?:(?! or\b| and\b)[^,;:]){{3,50}}?)", text, case):
        yield make(passage, "name", f"What {m[0]['be']} {m[1]} called", m[0]["answer"])
    if m := _matched(
        rf"{_SUBJECT} {_BE} (?P<what>(?:allowed|permitted|forbidden|required|needed|included|free|compulsory|mandatory|optional|closed|open|paid|refunded)(?: [^,;:]{{2,50}}?)?)",
        text,
        case,
    ):
        yield make(passage, "whether", f"{m[0]['be'].capitalize()} {m[1]} {m[0]['what']}", "Yes", "yes/no")
    denied = regex.match(
        rf"{_SUBJECT} {_BE} not (?P<what>(?:allowed|permitted|required|needed|included|refunded|covered|paid|insured|open)(?: [^,;:]{{2,50}}?)?)(?:$|[,;:]| because | and )",
        text,
    )
    if denied and (subject := _subject(denied["subject"], case)):
        yield make(passage, "whether", f"{denied['be'].capitalize()} {subject} {denied['what']}", "No", "yes/no")


def _deed(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """What a verb says of the subject: costs, lengths, counts, times, places."""
    if m := _matched(rf"{_SUBJECT} costs? (?P<answer>{_MONEY})", text, case):
        yield make(passage, "amount", f"How much {_do(m[1])} {m[1]} cost", m[0]["answer"])
    if m := _matched(rf"{_SUBJECT} (?P<verb>takes?|lasts?|runs? for|goes? on for) (?P<answer>{_LENGTH})", text, case):
        base = {
            "takes": "take",
            "lasts": "last",
            "goes on for": "go on",
            "runs for": "run",
            "run for": "run",
            "go on for": "go on",
        }
        yield make(
            passage, "length", f"How long {_do(m[1])} {m[1]} {base.get(m[0]['verb'], m[0]['verb'])}", m[0]["answer"]
        )
    if m := _matched(
        rf"{_SUBJECT} (?P<verb>has|have|holds?|counts?|seats?|contains?|needs?|employs?|serves?|owns?|includes?) {_COUNT} (?!million|billion|thousand|hundred)(?P<things>(?:\w+ )?[a-z]{{3,}}s\b(?: of [\w-]+(?: (?!a\b|an\b|per\b|each\b|every\b)[\w-]+)?)?)(?: (?!of )[^,;:]{{0,50}}?)?",
        text,
        case,
    ):
        bare = "have" if m[0]["verb"] in ("has", "have") else m[0]["verb"].removesuffix("s")
        yield make(passage, "count", f"How many {m[0]['things']} {_do(m[1])} {m[1]} {bare}", m[0]["number"])
    if m := _matched(
        rf"{_SUBJECT} (?P<verb>opens?|closes?|starts?|begins?|ends?|leaves?|arrives?|expires?|goes out|go out) (?P<answer>{_TIME})",
        text,
        case,
    ):
        verb = m[0]["verb"].replace("goes", "go")
        verb = verb if " " in verb else verb.removesuffix("s")
        yield make(passage, "when", f"When {_do(m[1])} {m[1]} {verb}", m[0]["answer"])
    if m := _matched(
        rf"{_SUBJECT} (?P<verb>stands?|hangs?|lies?|lives?|sits?|stays?) (?P<answer>{_PLACE})", text, case
    ):
        yield make(passage, "where", f"Where {_do(m[1])} {m[1]} {m[0]['verb'].removesuffix('s')}", m[0]["answer"])


#: what ends like a verb and is none, or does nothing
_NO_VERB = regex.compile(r"(?:is|was|has|does|as|his|its|this|includes|means|\w+ss)$")
#: a verb that shows that the first was a noun
_SECOND_VERB = regex.compile(r" (?:may|must|should|will|can|are|is|was|were|has|have|requires?|needs?) ")


def _doer(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "The guard rings the flood team.": who rings the flood team?"""
    role = regex.match(
        r"(?P<who>(?:The |An? )?(?:[\w'’-]+ ){0,3}?[\w'’-]+) (?P<rest>(?P<verb>[a-z]{2,}(?:s|ed)) [^,;:]{8,90}?)"
        r"(?:$|;|, (?:which|who|and|so|but|where|while|when|if|because|including|such|led)\b)",
        text,
    )
    if (
        role
        and not _NO_VERB.match(role["verb"])
        and not case.is_noun(role["verb"])
        and not _SECOND_VERB.search(role["rest"])
    ):
        named = regex.fullmatch(_PERSON, role["who"]) or (case.is_name(role["who"]) and " " not in role["who"])
        many = words(role["who"])[-1] in ("staff", "people") or role["who"].endswith("s")
        plural = many and role["verb"].endswith("s")
        if (is_person(role["who"]) or named) and not plural and words(role["who"])[0] not in NO_SUBJECT | IMPERATIVES:
            yield make(passage, "who", f"Who {role['rest']}", case.inside(role["who"]))
    apposed = regex.search(
        rf"\b(?P<role>(?:the|our) [a-z][\w' -]{{2,40}}?(?: (?:of|for) (?:the )?\w+)?), (?P<name>{_PERSON})(?=[,.;]|$| and )",
        text,
    )
    if apposed and is_person(apposed["role"].split(" of ")[0].split(" for ")[0]):
        yield make(passage, "who", f"Who is {apposed['role']}, by name", apposed["name"])
    phone = regex.search(
        r"\b[Tt]he (?P<what>[\w'-]+(?: (?!on\b|and\b|at\b|call\b)[\w'-]+){0,3}?),? (?:is |has the number |can be reached (?:on|at) )?(?P<number>\+?\d[\d -]{6,16}\d)(?=[,.;]|$| and )",
        text,
    )
    if phone:
        yield make(
            passage,
            "number",
            f"What is the phone number of the {phone['what'].removesuffix(' number')}",
            phone["number"],
        )


def _reason(passage: Passage, text: str, case: Casing) -> Iterator[Draft | None]:
    """ "Mattresses are not allowed because of the floor heating.": why are mattresses not allowed?"""
    found = regex.match(rf"{_SUBJECT} {_BE} (?P<what>[^,;:]{{4,70}}?),? because (?P<answer>[^;:]{{6,120}})$", text)
    if found and (subject := _subject(found["subject"], case)):
        yield make(passage, "why", f"Why {found['be']} {subject} {found['what']}", f"because {found['answer']}")


#: two sentences that were not told apart: a full stop before a capital, but for titles and initials of names
_TWO = regex.compile(r"(?<!\b(?:Dr|Mr|Ms|Mrs|Prof|St|No|Art|Sec|vs))\. (?=\p{Lu})")
RULES: tuple[Callable[[Passage, str, Casing], Iterator[Draft | None]], ...] = (
    *english.RULES,
    _state,
    _deed,
    _doer,
    _reason,
)


def drafts(passage: Passage, case: Casing) -> list[Draft]:
    """Every question that the rules make of one English sentence."""
    text = passage.text
    if not text.endswith((".", "!")) and not passage.listed:
        return []
    text = regex.sub(r"\s*\([^()]*\)", "", text.rstrip(".!").strip())  # asides are left out
    text = regex.sub(r"(?<=\d):(?=\d\d)", CLOCK, text)
    if _TWO.search(text) or not 4 <= len(words(text)) <= 45 or ODD.search(text) or not text[:1].isupper():
        return []
    return [made for rule in RULES for made in rule(passage, text, case) if made]
