"""The stage that writes queries: what a generator makes of a question before anything is searched for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragtune.experiment.finding import QuerySettings
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step, fill
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Generator, Reply, Request
from ragtune.generation.generators import GENERATORS, Parts, identity
from ragtune.generation.prompts import Prompt, load_prompt
from ragtune.records import Question, Tokens
from ragtune.retrieval.tables import Database, tables_of
from ragtune.retrieval.written import prompt_file, read, searched
from ragtune.store import decode, digest

QUERY_VERSION = 1


@dataclass(frozen=True)
class Written:
    """``texts`` are what was written for a question, none where the reply held nothing to search with; ``seconds`` its share of
    the batch."""

    texts: tuple[str, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    seconds: float = 0.0


def _query(setup: Setup) -> QuerySettings:
    assert setup.retrieval is not None
    assert setup.retrieval.query is not None
    return setup.retrieval.query


def _prompt(bench: Workbench, settings: QuerySettings) -> Prompt:
    found = load_prompt(str(prompt_file(settings.by)))
    if settings.by == "sql":  # braces of a table are no template
        schema = Database(tables_of(bench.corpus.documents), 1, 1).schema()
        asking = f"{found.system.strip()}\n\n{{% raw %}}{schema.replace('{%', '{ %')}{{% endraw %}}"
        return replace(found, system=asking, key=digest(found.key, schema))
    asking = found.system.replace("{{ n }}", str(settings.count))
    return replace(found, system=asking, key=digest(found.key, settings.count))


def query_key(bench: Workbench, setup: Setup) -> str:
    settings = _query(setup)
    who = identity(settings.writer(setup.generator), _prompt(bench, settings), bench.ref)
    return digest("query", QUERY_VERSION, settings.by, settings.count, who)


def query_step(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> Step:
    items = dict.fromkeys(digest(q.text) for q in questions)
    return Step("query", query_key(bench, setup), tuple(items), "write queries")


class Writer:
    """What writes queries, one question or many at a time; its model is loaded when it is first used."""

    def __init__(self, bench: Workbench, setup: Setup) -> None:
        self._settings = _query(setup)
        own = self._settings.writer(setup.generator)
        self.kind = GENERATORS[own.kind]
        self.concurrency = own.concurrency
        self.model = own.model if own.kind == "local" else ""

        def model():  # type: ignore[no-untyped-def]
            return bench.language_model(own.model, own.device, own.dtype)

        self._generator: Generator = self.kind.make(Parts(own, _prompt(bench, self._settings), model))

    def batches(self, questions: Sequence[Question]) -> list[list[Request]]:
        return self._generator.batches([Request(digest(q.text), q, ()) for q in questions], 0)

    def one(self, question: Question) -> Written:
        """What is written for one question."""
        made = self.write(self.batches([question])[0])
        return next(iter(made.values())) if isinstance(made, Mapping) else next(own for _, own in made)

    def write(self, batch: Sequence[Request]) -> Mapping[str, Written] | Iterable[tuple[str, Written]]:
        """What is written for a batch, by key; one by one as it comes where it comes from a server."""
        settings = self._settings
        made = self._generator.answer(batch, None, 0)
        found = ((k, _written(reply, settings)) for k, reply in made)
        return found if self.kind.remote else dict(found)


def _written(reply: Reply, settings: QuerySettings) -> Written:
    return Written(read(reply.raw, settings.by, settings.count), reply.tokens, reply.seconds)


def written(bench: Workbench, setup: Setup, questions: Sequence[Question]) -> list[Written]:
    """What is written for each question; missing ones are written and stored. Nothing where the setup searches for the questions."""
    if setup.retrieval is None or setup.retrieval.query is None:
        return [Written() for _ in questions]
    step = query_step(bench, setup, questions)
    distinct = list({digest(q.text): q for q in questions}.values())
    writer = Writer(bench, setup)
    by_key = {digest(q.text): Request(digest(q.text), q, ()) for q in distinct}

    def batches() -> list[list[str]]:
        return [[r.key for r in batch] for batch in writer.batches(distinct)]

    items = fill(
        bench,
        step,
        lambda keys: writer.write([by_key[k] for k in keys]),
        writer.concurrency if writer.kind.remote else batches,
    )
    return [decode(Written, items[digest(q.text)]) for q in questions]


def queries(setup: Setup, question: Question, own: Written) -> tuple[str, ...]:
    """What was searched for in place of the question or beside it; nothing where that is the question alone."""
    query = setup.retrieval.query if setup.retrieval else None
    if query is None or not own.texts:
        return ()
    return own.texts if query.by == "hyde" else searched(question.text, query.by, own.texts)
