"""What a reply amounts to: its text, what it cites, and whether it answers or abstains. The one rule for all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragtune.records import Outcome

_CITATION = re.compile(r"\s*\[(\d+(?:\s*,\s*\d+)*)\]")
_APOLOGY = re.compile(
    r"^\W*(?:(?:i am|i[’']m|we are) )?(?:very )?(?:sorry|afraid|unfortunately)\W+(?:but )?(?:that )?", re.IGNORECASE
)
_KNOWN = re.compile(
    r"^\W*(?:sorry,? (?:but )?)?(?:i (?:do not|don't|don’t) (?:know|have)|i(?: am|'m) not sure|"
    r"i (?:cannot|can't|can’t) (?:answer|find|tell)|unknown|unanswerable|"
    r"not (?:in|stated in|mentioned in|given in|found in) the (?:given |provided )?(?:contexts?|documents?)|"
    r"the (?:given |provided )?(?:contexts?|documents?) (?:do|does) not|no answer|(?:我)?不知道|无法回答)",
    re.IGNORECASE,
)
#: ways in which other systems say that the contexts hold no answer
_WITHHELD = re.compile(
    r"^\W*(?:i (?:do not|don[’']t|cannot|can[’']t|could not|couldn[’']t) (?:know|answer|find|determine|say|tell)|"
    r"i am unable|i[’']m (?:unable|not sure)|there is no (?:information|answer|mention)|no (?:answer|information)\b|"
    r"this (?:is|was) not (?:mentioned|stated|answered)|(?:based on )?(?:the |these |this )?(?:provided |given )?"
    r"(?:contexts?|documents?|texts?|passages?|information),? (?:provided |given )?"
    r"(?:do|does|did|it does|it is) ?not\b|n/a\b|unanswerable\b|not (?:enough|sufficient) information)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply read back: its text without citation marks, the numbers it cites, and its outcome."""

    text: str
    citations: tuple[int, ...]
    outcome: Outcome


def abstains(text: str, agreed: str = "I don't know.") -> bool:
    """True for an empty text, the sentence agreed on, and the common ways of withholding an answer."""
    text = text.strip()
    if not text or text.rstrip(".").lower() == agreed.rstrip(".").lower():
        return True
    return bool(_KNOWN.match(text) or _WITHHELD.match(_APOLOGY.sub("", text)))


def read_reply(raw: str, shown: int, agreed: str, confidence: float | None = None, least: float = 0.0) -> Reading:
    """Read a raw reply.

    Args:
        raw: what the generator said.
        shown: how many contexts it was shown; citations of others are dropped.
        agreed: the sentence for abstaining that its prompt names.
        confidence, least: where the confidence is known and below ``least``, the reply counts as abstaining.
    """
    cited = [int(n) for group in _CITATION.findall(raw) for n in group.split(",")]
    text = re.sub(r"\s+", " ", _CITATION.sub("", raw)).strip()
    citations = tuple(dict.fromkeys(n for n in cited if 1 <= n <= shown))
    if abstains(text, agreed):
        return Reading(text, citations, "abstained")
    if confidence is not None and confidence < least:
        return Reading(agreed, (), "abstained")
    return Reading(text, citations, "answered")
