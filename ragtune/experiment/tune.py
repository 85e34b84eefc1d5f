"""The stage that tunes: what a model is trained on, the key of the tuned model, and its training, alone or side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from ragtune.experiment import retrieve
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.workbench import Work, Workbench
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import chat_version
from ragtune.models.devices import best_device
from ragtune.models.names import ADAPTER_CARD
from ragtune.records import Hit, Question, TuneCost, TuneReport, Tuning, question_key
from ragtune.store import decode, digest, encode
from ragtune.tuning.job import TuneJob
from ragtune.tuning.recipes import RECIPES, Recipe
from ragtune.tuning.settings import TuningSettings

TUNE_VERSION = 3
#: raised when what is taught about contexts changes; closed-book trainings stay
CONTEXTS_VERSION = 3


def _tuning(setup: Setup) -> TuningSettings:
    assert setup.tuning is not None
    return setup.tuning


def _recipe(setup: Setup) -> Recipe:
    return RECIPES[_tuning(setup).train_on]


def tuning_prompt(setup: Setup) -> str:
    """The prompt that training uses: training that sees no contexts never sees their prompt, whatever answering does."""
    if setup.tuning and setup.retrieval and not _recipe(setup).sees_contexts:
        return "closed"
    return setup.prompt_name


def training_questions(bench: Workbench, setup: Setup, seed: int, split: str) -> list[Question]:
    """The questions of ``split`` that the setup trains on, in the corpus's order; those whose answer nobody said are left out."""
    found = [q for q in bench.training(setup).corpus.split(split) if q.answers is not None]
    wanted = setup.tuning.questions if setup.tuning else None
    if split != "train" or wanted is None or wanted >= len(found):
        return found
    order = list(range(len(found)))
    Random(f"{seed}/questions").shuffle(order)
    return [found[i] for i in sorted(order[:wanted])]


def tune_key(bench: Workbench, setup: Setup, seed: int) -> str:
    tuning = _tuning(setup)
    prompt = bench.prompt(tuning_prompt(setup))
    settings = tuning.model_dump(mode="json", exclude={"save_seconds", "corpus", "questions"})
    questions = [question_key(q) for split in ("train", "dev") for q in training_questions(bench, setup, seed, split)]
    seen: list[object] = []  # what stands in training texts besides the questions
    if _recipe(setup).sees_contexts:
        shown = setup.retrieval.top_k if setup.retrieval else 0
        window = [setup.generator.window, setup.generator.max_new_tokens]  # what does not fit is not shown
        seen = [CONTEXTS_VERSION, retrieve.retrieve_key(bench.training(setup), setup), shown, window]
    elif tuning.evidence_words:
        seen = [bench.training(setup).corpus.documents_hash]
    base = bench.ref(setup.generator.model)
    chat = [*chat_version(base), *(["thinking"] if setup.generator.thinking else [])]
    who = [base.fingerprint, *chat] if chat else base.fingerprint
    return digest("tune", TUNE_VERSION, settings, who, setup.generator.dtype, prompt.key, questions, seen, seed)


def tune_step(bench: Workbench, name: str, setup: Setup, seed: int) -> Step:
    what = f"{_tuning(setup).train_on}, seed {seed} (first for {name})"
    return Step("tune", tune_key(bench, setup, seed), label=what)


def needed_hits(bench: Workbench, setup: Setup, seed: int) -> Step | None:
    """The hits that training looks at, where it sees contexts."""
    if not setup.tuning or not _recipe(setup).sees_contexts:
        return None
    questions = [q for split in ("train", "dev") for q in training_questions(bench, setup, seed, split)]
    return retrieve.retrieve_step(bench.training(setup), setup, questions)


def tune_job(bench: Workbench, setup: Setup, seed: int) -> TuneJob:
    """All that training the adapter needs: settings, tokens, and the card that will lie beside it."""
    from ragtune.generation.local import shown
    from ragtune.tuning.batches import encode_item
    from ragtune.tuning.recipes import build_items

    settings, training = _tuning(setup), bench.training(setup)
    contexts = _recipe(setup).sees_contexts
    prompt = bench.prompt(tuning_prompt(setup))
    model = _model(bench, setup)
    top_k = setup.retrieval.top_k if setup.retrieval else 0

    def fits(question: Question, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        return shown(model, prompt, setup.generator, question.text, hits).hits

    encoded = {}
    for split in ("train", "dev"):
        questions = training_questions(bench, setup, seed, split)
        found: list[list[Hit]] = [[] for _ in questions]
        if contexts:
            found = [h for h, _ in retrieve.hits(training, setup, questions, max(retrieve.KEPT, top_k))]
        own = settings if split == "train" else settings.model_copy(update={"variants": 0})
        documents = {d.id: d for d in training.corpus.documents} if settings.evidence_words and not contexts else {}
        chunks = retrieve.chunks(training, setup) if contexts else []
        items = build_items(questions, found, chunks, own, prompt.abstain, seed, documents, top_k, fits)
        thinking = setup.generator.thinking
        encoded[split] = tuple(
            encode_item(model, prompt.messages(i.question.text, i.hits), i.target, thinking) for i in items
        )
    card = {
        "base": model.ref.fingerprint,
        "base_name": model.ref.name,
        "data": digest([question_key(q) for q in training_questions(bench, setup, seed, "train")]),
        "tuning": settings.train_on,
    }
    generator = setup.generator
    return TuneJob(
        generator.model, generator.device, generator.dtype, settings, seed, encoded["train"], encoded["dev"], card
    )


def _model(bench: Workbench, setup: Setup) -> LanguageModel:
    return bench.language_model(setup.generator.model, setup.generator.device, setup.generator.dtype)


@dataclass(frozen=True)
class _Missing:
    """An adapter to make: the first setup that wants it, by its key."""

    key: str
    name: str
    setup: Setup
    seed: int


def tuned(bench: Workbench, name: str, seed: int) -> Path:
    """The adapter's folder; trained and stored if missing, resuming from its last checkpoint."""
    setup = bench.experiment.setups[name]
    key = tune_key(bench, setup, seed)
    work = bench.work.setdefault("tune", Work())
    if bench.store.find("tune", key) is not None:
        work.reused += 1
    else:
        _train(bench, [_Missing(key, name, setup, seed)], "here")
    return bench.store.path("tune", key)


def tune_all(bench: Workbench, wanted: Iterable[tuple[str, int]]) -> None:
    """Make the adapters of all ``wanted`` (setup, seed) that the store lacks; on a CPU ``processes`` of them at a time."""
    setups = bench.experiment.setups
    work = bench.work.setdefault("tune", Work())
    missing: dict[str, _Missing] = {}
    for name, seed in wanted:
        key = tune_key(bench, setups[name], seed)
        if key in missing or bench.store.find("tune", key) is not None:
            work.reused += 1
        else:
            missing[key] = _Missing(key, name, setups[name], seed)
    beside = [m for m in missing.values() if best_device(m.setup.generator.device) == "cpu"]
    if min(bench.experiment.processes, len(beside)) < 2:
        beside = []
    for one in missing.values():
        if one not in beside:
            _train(bench, [one], "here")
    if beside:
        _train(bench, beside, "beside")


def _train(bench: Workbench, missing: list[_Missing], runner: str) -> None:
    from ragtune.tuning.runners import RUNNERS

    jobs = [(one, tune_job(bench, one.setup, one.seed)) for one in missing]
    jobs.sort(key=lambda pair: -pair[1].tokens)  # the longest first, so that the last ones are short
    processes = min(bench.experiment.processes, len(jobs))
    label = f"tune {len(jobs)} adapters, {processes} side by side"
    if runner == "here":
        label = f"tune {missing[0].name}, seed {missing[0].seed}"
    storing = [(job, partial(_store, bench, one.key)) for one, job in jobs]
    steps = sum(job.steps for _, job in jobs)
    with bench.timed("tune") as work, bench.progress.stage(label, steps) as tick:
        bench.other_loads += RUNNERS[runner](
            storing, processes, lambda job: bench.language_model(job.model, job.device, job.dtype), tick
        )
        work.computed += len(jobs)


def _store(bench: Workbench, key: str, train: Callable[[Path, Path], TuneCost]) -> None:
    scratch = bench.store.scratch("tune", key)
    with bench.store.create("tune", key) as folder:
        cost = train(folder, scratch)
        (folder / "cost.json").write_text(json.dumps(encode(cost)), "utf-8")


def tunings(bench: Workbench) -> list[Tuning]:
    """Every tuning of the run: loss curves and costs, from the adapters' cards."""
    found = []
    for name, setup in bench.experiment.setups.items():
        for seed in bench.experiment.seeds_of(setup) if setup.tuning else ():
            folder = bench.store.path("tune", tune_key(bench, setup, seed))
            card = json.loads((folder / ADAPTER_CARD).read_text("utf-8"))
            cost = decode(TuneCost, json.loads((folder / "cost.json").read_text("utf-8")))
            count = len(training_questions(bench, setup, seed, "train"))
            report = decode(TuneReport, card["report"])
            found.append(Tuning(name, seed, folder.name, card["tuning"], count, report, cost))
    return found
