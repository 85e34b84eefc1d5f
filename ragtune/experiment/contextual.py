"""The texts that chunks are searched by: as they are shown, or with what says where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtune.corpus.load import Corpus
from ragtune.experiment.cutting import ContextSettings
from ragtune.experiment.saying import room, said
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply
from ragtune.generation.generators import identity
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.records import Chunk, Document
from ragtune.retrieval.written import PROMPTS, read
from ragtune.text.sentences import sentence_spans

CONTEXT_VERSION = 1
#: characters of a document that a model is shown with a passage, at most
SHOWN = 8000


def _prompt() -> Prompt:
    return load_prompt(str(PROMPTS / "context.yaml"))


def context_key(bench: Workbench, setup: Setup) -> list[object]:
    """What the texts that are searched depend on beside the chunks; nothing where they are the chunks."""
    settings = setup.chunking.context
    if settings is None:
        return []
    who = identity(settings.writer(), _prompt(), bench.ref) if settings.generator else []
    return ["context", CONTEXT_VERSION, who]


def searched_texts(bench: Workbench, setup: Setup, corpus: Corpus, chunks: Sequence[Chunk]) -> list[str]:
    """What each chunk is embedded and indexed as; sentences of a model are written where they are missing, and stored."""
    settings = setup.chunking.context
    if settings is None:
        return [c.titled for c in chunks]
    documents = {d.id: d for d in corpus.documents}
    if settings.generator:
        sentences = _written(bench, settings, documents, chunks)
    else:
        firsts = {name: first_sentence(d) for name, d in documents.items()}
        sentences = {c.id: firsts.get(c.document_id, "") for c in chunks}
    return [_text(c, documents.get(c.document_id), sentences[c.id]) for c in chunks]


def first_sentence(document: Document) -> str:
    """The first sentence that is no heading."""
    lines = (line.strip() for line in document.text.split("\n"))
    line = next((line for line in lines if line and not line.startswith("#")), "")
    return next((line[a:b] for a, b in sentence_spans(line)), "")


def _text(chunk: Chunk, document: Document | None, sentence: str) -> str:
    title = " ".join(str(document.metadata.get("title") or "").split()) if document else ""
    over = " > ".join(dict.fromkeys(filter(None, [title, *chunk.metadata.get("headings", [])])))
    head = chunk.title if chunk.title.startswith(over) else over  # a title may hold the names of columns too
    return "\n".join(filter(None, (head, "" if sentence in chunk.text else sentence, chunk.text)))


def _written(
    bench: Workbench, settings: ContextSettings, documents: Mapping[str, Document], chunks: Sequence[Chunk]
) -> dict[str, str]:
    """A sentence of a model for each chunk, by its id; the document's first one where the model said nothing to use."""
    who = settings.writer()
    most = room(bench, who, SHOWN)
    asked = {c.id: _asked(c, documents[c.document_id].text, most) for c in chunks if c.document_id in documents}
    made = said(bench, "context", "set chunks in context", who, _prompt(), list(asked.values()), _sentence)
    return {
        c.id: made[asked[c.id]] or first_sentence(documents[c.document_id]) if c.id in asked else "" for c in chunks
    }


def _sentence(reply: Reply) -> str:
    return next(iter(read(reply.raw, "hyde", 1)), "")


def _asked(chunk: Chunk, text: str, room: int) -> str:
    """The document, or what stands around the chunk where it is long, and the chunk."""
    left = max(0, room - len(chunk.text))
    if len(text) > left:
        start = max(0, chunk.start - (left - len(chunk.text)) // 2)
        text = text[start : start + left]
    return f"<document>\n{text}\n</document>\n<passage>\n{chunk.text}\n</passage>"
