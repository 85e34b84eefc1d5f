"""What a reply amounts to: its text, what it cites, and whether it answers or abstains. The one rule for all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragtune.records import Outcome

#: one mark: [1], [1, 2], [1-3], [Context 2], 【1】; of no-break or full-width signs alike
_WORD = r"(?:(?:contexts?|documents?|docs?|sources?|passages?|refs?|references?|citations?|kontext|quelle|来源|文档|上下文)\s*[#:：]?\s*)?"
_NUMBERS = rf"{_WORD}\d{{1,3}}(?:\s*(?:[,;，、；]|and|und|和|&|[-–—~])\s*{_WORD}\d{{1,3}})*"
_CITATION = re.compile(rf"(?<!\s)\s*[\[［【]\s*({_NUMBERS})\s*[\]］】]", re.IGNORECASE)
_RANGE = re.compile(r"(\d+)\s*[-–—~]\s*\D*?(\d+)|(\d+)")
#: what follows an index into a list, a[1].name, or a link, [1](…), and never a citation
_CODE_AFTER = re.compile(r"[\w(=\[]|\.\w|:\s*http|\s*[-+*/]?=")
_LABEL = re.compile(r"^\W*(?:(?:final )?answer|response|antwort|答案|回答)\s*[:：]\s*", re.IGNORECASE)
_APOLOGY = re.compile(
    r"^\W*(?:(?:i am|i'm|we are|we're) )?(?:(?:very|so|truly) )?(?:sorry|afraid|unfortunately|i apologi[sz]e)\b\W*(?:(?:but|that|for this)\b\W*)*"
    r"|^\W*(?:unfortunately|regrettably|leider)\W+",
    re.IGNORECASE,
)
_SOURCE = r"(?:contexts?|documents?|documentation|texts?|passages?|information|sources?|excerpts?|paragraphs?|snippets?|articles?|materials?)"
_NOT = r"(?:do not|does not|did not|don't|doesn't|didn't|is not|isn't|are not|aren't|was not|wasn't|cannot|can't|could not|couldn't)"
_TOLD = r"(?:found|given|mentioned|stated|provided|specified|answered|contained|included|available|present|determined|covered|discussed)"
#: a first sentence that withholds an answer; each describes the whole of it
_WITHHELD = re.compile(
    "|".join(
        (
            r"(?:i|we) (?:really |simply |just |honestly )?(?:do not|don't) know\b.*",
            rf"(?:i|we) (?:really )?{_NOT} (?:answer|find|determine|locate|confirm)\b.*",
            r"i (?:cannot|can't|could not|couldn't) (?:say|tell|provide|give|see)\b.*",
            r"(?:i|we)(?:'m| am|'re| are) (?:unable|not able) to\b.*",
            r"(?:i|we) (?:do not|don't) have (?:\w+ ){0,3}(?:information|answer|data|knowledge|details|access|context)\b.*",
            r"(?:i'm|i am|we're|we are) not (?:sure|certain)\b(?!.*\b(?:but|however|probably|maybe|think)\b).*",
            r"(?:unknown|unanswerable|unclear|n/?a|none given|no answer|no information|no idea|not (?:known|available|applicable|sure))",
            rf"not {_TOLD}(?: (?:in|by|from|here)\b.*)?",
            rf"not in the (?:given |provided )?{_SOURCE}",
            rf"(?:the |an? |this |that )?(?:answer|question|information)\b(?: (?:to|for|about|on|in) .*?)? {_NOT} "
            rf"(?:be )?(?:explicitly |directly |clearly )?(?:{_TOLD}|in the (?:given |provided )?{_SOURCE})\b.*",
            rf"(?:this|that|it) {_NOT} (?:be )?(?:explicitly |directly |clearly )?{_TOLD}"
            rf"(?: (?:in|by|from|within) (?:any of )?(?:the |these |this |your )?(?:\w+ ){{0,2}}{_SOURCE}\b.*| here| anywhere.*)?",
            rf"(?:based on |according to |from |in )?(?:the |these |this |your |any of the )?(?:provided |given |above |available |supplied )*{_SOURCE}"
            rf"(?: (?:provided|given|above|you provided))*,? {_NOT} (?:explicitly |directly |clearly )?"
            r"(?:say|mention|contain|state|provide|specify|give|include|answer|tell|have|hold|cover|address|discuss|enough|sufficient)\b.*",
            rf"(?:based on|according to|from|in) (?:the |these |this |your )?(?:provided |given |above |available )*{_SOURCE}[^,]*,? "
            rf"(?:it|there|this|that|i|we|the (?:answer|question))\b.*\b(?:not|no|cannot|unable|n't)\b.*",
            rf"there (?:is|was|are|isn't|is not) (?:no|any|not any|not enough|insufficient) (?:information|answer|mention|data|indication|details?)\b"
            rf"(?: .*(?:{_SOURCE}|provided|given|available|that|this).*)?",
            rf"no (?:information|answer|mention|details?)\b.* (?:{_TOLD}|in the (?:given |provided )?{_SOURCE})\b.*",
            r"(?:there is |there's )?(?:not enough|insufficient) (?:information|context|data)\b.*",
            rf"the (?:given |provided )?{_SOURCE} (?:is|are) silent\b.*",
            r"(?:我)?(?:不知道|不清楚|不确定|无法回答|无法确定|无法得知)[^，,]*",
            r".*(?:文中|上下文|文档|资料|材料|内容|原文).*(?:没有|未|不).*(?:提到|提及|说明|包含|给出|信息|答案|找到).*",
            r"(?:没有|未)(?:提到|提及|相关信息|说明|找到).*",
            r"(?:das |ich )?weiß (?:ich )?(?:es |das )?(?:leider )?nicht\b.*",
            r"(?:keine angabe|unbekannt|dazu (?:gibt es|finde ich) keine.*)",
            r"(?:no lo sé|je ne sais pas|не знаю|わかりません|分かりません|모르겠습니다|لا أعرف).*",
        )
    ),
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply read back: its text without citation marks, the numbers it cites, and its outcome."""

    text: str
    citations: tuple[int, ...]
    outcome: Outcome


def abstains(text: str, agreed: str = "I don't know.") -> bool:
    """True for an empty text, the sentence agreed on, and the common ways of withholding an answer.

    The first sentence decides: a reply that goes on to answer after an apology is an answer if that sentence is one.
    """
    text = _LABEL.sub("", text.strip().replace("’", "'")).strip()
    if not text or _bare(text) == _bare(agreed):
        return True
    text = _APOLOGY.sub("", text, count=1).strip()
    first = next((s for s in _SENTENCE.split(text) if s.strip()), "")
    return bool(_WITHHELD.fullmatch(_bare(first)))


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
        finish: why the reply ended; one without text that did not simply stop is no answer and no abstention.
        confidence, least: where the confidence is known and below ``least``, the reply counts as abstaining.
    """
    text, citations = _cited(raw, shown)
    if not text and finish != "stop":
        return Reading("", (), "none")
    if abstains(text, agreed):
        return Reading(text, citations, "abstained")
    if confidence is not None and confidence < least:
        return Reading(agreed, (), "abstained")
    return Reading(text, citations, "answered")
