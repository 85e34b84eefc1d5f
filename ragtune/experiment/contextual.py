"""The texts that chunks are searched by: as they are shown, or with what says where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragtune.corpus.load import Corpus
from ragtune.experiment.cutting import ContextSettings
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Reply, Request
from ragtune.generation.generators import GENERATORS, Parts, identity
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.records import Chunk, Document, Question
from ragtune.retrieval.written import PROMPTS, read
from ragtune.store import digest
from ragtune.text.sentences import sentence_spans

CONTEXT_VERSION = 1
#: characters of a document that a model is shown with a passage, at most
SHOWN = 8000
#: a model's window in characters, on the safe side
_CHARACTERS = 2


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
    own = settings.writer()
    kind = GENERATORS[own.kind]
    room = SHOWN
    if own.kind == "local" or own.window:
        model = bench.language_model(own.model, own.device, own.dtype) if own.kind == "local" else None
        window = min(filter(None, (own.window, model.window if model else None)))
        room = max(0, min(SHOWN, _CHARACTERS * (window - own.max_new_tokens) - 600))
    asked = {c.id: _asked(c, documents[c.document_id].text, room) for c in chunks if c.document_id in documents}
    keys = {name: digest(text) for name, text in asked.items()}
    requests = {digest(text): Request(digest(text), Question("", text), ()) for text in asked.values()}
    step = Step(
        "context",
        digest("context", CONTEXT_VERSION, identity(own, _prompt(), bench.ref)),
        tuple(requests),
        "set chunks in context",
    )
    generator = kind.make(Parts(own, _prompt(), lambda: bench.language_model(own.model, own.device, own.dtype)))

    def batches() -> list[list[str]]:
        return [[r.key for r in batch] for batch in generator.batches(list(requests.values()), 0)]

    def compute(batch: Sequence[str]):  # type: ignore[no-untyped-def]
        made = generator.answer([requests[k] for k in batch], None, 0)
        found = ((k, _sentence(reply)) for k, reply in made)
        return found if kind.remote else dict(found)

    items = fill(bench, step, compute, own.concurrency if kind.remote else batches)
    return {c.id: items[keys[c.id]] or first_sentence(documents[c.document_id]) if c.id in keys else "" for c in chunks}


def _sentence(reply: Reply) -> str:
    return next(iter(read(reply.raw, "hyde", 1)), "")


def _asked(chunk: Chunk, text: str, room: int) -> str:
    """The document, or what stands around the chunk where it is long, and the chunk."""
    left = max(0, room - len(chunk.text))
    if len(text) > left:
        start = max(0, chunk.start - (left - len(chunk.text)) // 2)
        text = text[start : start + left]
    return f"<document>\n{text}\n</document>\n<passage>\n{chunk.text}\n</passage>"
