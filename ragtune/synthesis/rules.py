"""Questions by rules alone: no model, offline, the same every time."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.records import Document
from ragtune.synthesis import chinese, plain, structure
from ragtune.synthesis.drafts import Casing, Draft, passages

#: kinds that rules make; a paraphrase, a comparison, and what joins two documents need a reader
KINDS = ("single fact", "yes/no", "unanswerable")
#: languages whose sentences they know; of other documents headings and tables are asked for
LANGUAGES = ("en", "zh")


def drafts(documents: Sequence[Document], languages: Sequence[str]) -> list[Draft]:
    """Every question that the rules make, in the order of the documents; ``languages``: the code of each document's."""
    read = [list(passages(d)) for d in documents]
    case = Casing([p for ps, code in zip(read, languages, strict=True) if code == "en" for p in ps])
    found: list[Draft] = []
    for document, code, own in zip(documents, languages, read, strict=True):
        found += structure.drafts(document, code)
        for passage in own:
            if code == "en":
                found += plain.drafts(passage, case)
            elif code == "zh":
                found += chinese.drafts(passage)
    return found
