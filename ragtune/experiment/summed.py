"""What documents are found by with ``source: summary``: made of their own words, or written by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtune.experiment.material import library
from ragtune.experiment.saying import room, said
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generators import identity
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.records import Chunk
from ragtune.retrieval.summaries import summaries_of
from ragtune.retrieval.written import PROMPTS, read

#: characters of a document that a model sums up, at most
SHOWN = 8000


def _prompt() -> Prompt:
    return load_prompt(str(PROMPTS / "summary.yaml"))


def summary_key(bench: Workbench, setup: Setup) -> list[object]:
    """What written summaries depend on beside the documents; nothing where none are written."""
    found = setup.retrieval.summary if setup.retrieval else None
    return ["summary", identity(found.writer(), _prompt(), bench.ref)] if found else []


def summaries(bench: Workbench, setup: Setup, chunks: Sequence[Chunk]) -> Mapping[str, str]:
    """By document; where a model said nothing to use, of the document's own words."""
    own = summaries_of(chunks)
    found = setup.retrieval.summary if setup.retrieval else None
    if found is None:
        return own
    who = found.writer()
    most = room(bench, who, SHOWN)
    texts = {d.id: d.text[:most] for d in library(bench, setup).corpus.documents if d.id in own}
    made = said(
        bench,
        "summary",
        "sum up documents",
        who,
        _prompt(),
        list(texts.values()),
        lambda reply: next(iter(read(reply.raw, "hyde", 1)), ""),
    )
    return {name: made[texts[name]] or text for name, text in own.items()}
