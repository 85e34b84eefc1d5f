"""Which languages a bundled model reads, and whether documents are in one of them."""

from __future__ import annotations

from collections.abc import Sequence

from ragtune.corpus.tongue import languages_of, name_of
from ragtune.models.packages import DEFAULT_READER
from ragtune.records import Document

#: model -> codes of the languages that it reads; a model that is not here may read any
READS: dict[str, tuple[str, ...]] = {DEFAULT_READER: ("en",)}
#: documents that are looked into, spread over the corpus
DOCUMENTS = 100


def languages(model: str) -> str:
    """The languages that a model of `READS` reads, in words."""
    return " and ".join(map(name_of, READS[model]))


def foreign(documents: Sequence[Document], model: str) -> bool:
    """Whether most of the documents' text is in languages that ``model`` does not read. Text that tells no language, such as rows
    of a table, counts as readable."""
    known = READS.get(model)
    if known is None:
        return False
    sample = documents[:: max(1, -(-len(documents) // DOCUMENTS))]
    told = [(d, code) for d, code in zip(sample, languages_of(sample), strict=True) if code]
    other = sum(len(d.text) for d, code in told if code not in known)
    return 2 * other > sum(len(d.text) for d, _ in told)
