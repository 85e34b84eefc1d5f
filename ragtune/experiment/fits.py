"""Whether a whole corpus fits a model's window: told before any work, with the tokens that it needs."""

from __future__ import annotations

from ragtune.errors import ExperimentError
from ragtune.experiment import retrieve
from ragtune.experiment.fitting import spoken_with
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.generation.endpoint import CHARACTERS_PER_TOKEN
from ragtune.records import Hit
from ragtune.retrieval.settings import MOST_DOCUMENTS
from ragtune.text.counts import counted


def refuse_too_large(bench: Workbench, name: str, setup: Setup) -> None:
    """Raises ExperimentError where the documents do not all stand in a prompt with the longest question. Of an endpoint whose window
    nobody said, nothing is known."""
    if setup.retrieval is None or not setup.retrieval.everything:
        return
    documents = len(bench.corpus.documents)
    if documents > MOST_DOCUMENTS:
        raise ExperimentError(
            f'setup "{name}": the corpus holds {documents} documents, and whole: corpus shows at most {MOST_DOCUMENTS}.',
            fix="Search among them: source: chunks, or whole: documents.",
        )
    generator = setup.answering
    local = generator.kind == "local" and bench.ref(generator.model).local
    if not local and not (generator.kind == "endpoint" and generator.window):
        return
    longest = max((q.text for q in bench.asked(setup)), key=len)
    messages = bench.prompt_of(setup).messages(longest, whole(bench, setup))
    if local:
        from ragtune.generation.local import room

        model = bench.language_model(generator.model, generator.device, generator.dtype)
        needed, left = len(model.encode_prompt(messages, generator.thinking)), room(model, spoken_with(bench, setup))
    else:
        needed = round(sum(len(m["content"]) for m in messages) / CHARACTERS_PER_TOKEN)
        left = int(generator.window or 0) - generator.max_new_tokens
    if needed > left:
        raise ExperimentError(
            f'setup "{name}": the whole corpus needs {needed:,} tokens with its longest question, and {generator.model} has '
            f"room for {left:,} ({counted(documents, 'document')}).",
            where="retrieval.whole",
            fix="Use a model with a larger window, or search: source: chunks.",
        )


def whole(bench: Workbench, setup: Setup) -> list[Hit]:
    """The hits that every question gets; none where they are searched for."""
    if setup.retrieval is None or not setup.retrieval.everything:
        return []
    return retrieve.source(bench, setup).hits([retrieve.WARM])[0]
