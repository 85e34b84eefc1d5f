"""The stage that tunes: what an adapter is trained on, its key, and its training, alone or side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random

from ragtune.experiment.spec import SetupSettings
from ragtune.experiment.workbench import Work, Workbench
from ragtune.models.devices import best_device
from ragtune.records import Question, to_json
from ragtune.store import digest
from ragtune.tuning.job import TuneJob

TUNE_VERSION = 2


def tuning_prompt(setup: SetupSettings) -> str:
    """The prompt that training uses: closed-book training never sees contexts, whatever answering does."""
    if setup.tuning and setup.tuning.train_on == "closed-book" and setup.retrieval:
        return "closed"
    return setup.prompt_name


def training_questions(bench: Workbench, setup: SetupSettings, seed: int, split: str) -> list[Question]:
    """The questions of ``split`` that the setup trains on, in the corpus's order."""
    found = bench.training(setup).corpus.split(split)
    wanted = setup.tuning.questions if setup.tuning else None
    if split != "train" or wanted is None or wanted >= len(found):
        return found
    order = list(range(len(found)))
    Random(f"{seed}/questions").shuffle(order)
    return [found[i] for i in sorted(order[:wanted])]


def tune_key(bench: Workbench, setup: SetupSettings, seed: int) -> str:
    assert setup.tuning is not None
    prompt = bench.prompt(tuning_prompt(setup))
    settings = setup.tuning.model_dump(mode="json", exclude={"save_seconds", "corpus", "questions"})
    questions = [to_json(q) for split in ("train", "dev") for q in training_questions(bench, setup, seed, split)]
    seen: list[object] = []  # what stands in training texts besides the questions
    if setup.tuning.train_on != "closed-book":
        seen = [bench.training(setup).retrieve_key(setup), setup.retrieval.top_k if setup.retrieval else 0]
    elif setup.tuning.evidence_words:
        seen = [bench.training(setup).corpus.documents_hash]
    return digest(
        "tune",
        TUNE_VERSION,
        settings,
        bench.ref(setup.generator.model).fingerprint,
        setup.generator.dtype,
        prompt.key,
        questions,
        seen,
        seed,
    )


def tune_job(bench: Workbench, setup: SetupSettings, seed: int) -> TuneJob:
    """All that training the adapter needs: settings, tokens, and the card that will lie beside it."""
    from ragtune.retrieval.measure import overlaps
    from ragtune.tuning.lora import encode_item
    from ragtune.tuning.recipes import build_items

    assert setup.tuning is not None
    settings = setup.tuning
    closed = settings.train_on == "closed-book"
    prompt = bench.prompt(tuning_prompt(setup))
    model = bench.language_model(setup)
    encoded = {}
    for split in ("train", "dev"):
        questions = training_questions(bench, setup, seed, split)
        hits = [[] for _ in questions] if closed else bench.training(setup).hits(setup, questions)
        own = settings if split == "train" else settings.model_copy(update={"variants": 0})
        documents = (
            {d.id: d for d in bench.training(setup).corpus.documents} if closed and settings.evidence_words else {}
        )
        items = build_items(
            questions,
            hits,
            [] if closed else bench.training(setup).chunks(setup),
            own,
            overlaps,
            prompt.abstain,
            seed,
            documents,
        )
        encoded[split] = tuple(encode_item(model, prompt.messages(i.question.text, i.hits), i.target) for i in items)
    card = {
        "base": model.ref.fingerprint,
        "base_name": model.ref.name,
        "data": digest([to_json(q) for q in training_questions(bench, setup, seed, "train")]),
        "tuning": settings.train_on,
    }
    generator = setup.generator
    return TuneJob(
        generator.model, generator.device, generator.dtype, settings, seed, encoded["train"], encoded["dev"], card
    )


@dataclass(frozen=True)
class _Missing:
    """An adapter to make: the first setup that wants it, by its key."""

    key: str
    name: str
    setup: SetupSettings
    seed: int


def tuned(bench: Workbench, name: str, seed: int) -> Path:
    """The adapter's folder; trained and stored if missing, resuming from its last checkpoint."""
    setup = bench.experiment.setups[name]
    key = tune_key(bench, setup, seed)
    work = bench.work.setdefault("tune", Work())
    if bench.store.find("tune", key) is not None:
        work.reused += 1
    else:
        _train_here(bench, _Missing(key, name, setup, seed))
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
            _train_here(bench, one)
    if beside:
        _train_beside(bench, beside)


def _store(bench: Workbench, key: str, train: Callable[[Path, Path], object]) -> None:
    scratch = bench.store.scratch("tune", key)
    with bench.store.create("tune", key) as folder:
        cost = train(folder, scratch)
        (folder / "cost.json").write_text(json.dumps(cost), "utf-8")


def _train_here(bench: Workbench, one: _Missing) -> None:
    job = tune_job(bench, one.setup, one.seed)
    model = bench.language_model(one.setup)
    with bench.timed("tune") as work, bench.progress.stage(f"tune {one.name}, seed {one.seed}", job.steps) as tick:
        _store(bench, one.key, lambda folder, scratch: asdict(job.run(model, folder, scratch, tick)))
        work.computed += 1


def _train_beside(bench: Workbench, missing: list[_Missing]) -> None:
    from ragtune.tuning.beside import run_beside

    jobs = [(one, tune_job(bench, one.setup, one.seed)) for one in missing]
    jobs.sort(key=lambda pair: -pair[1].tokens)  # the longest first, so that the last ones are short
    processes = min(bench.experiment.processes, len(jobs))
    label = f"tune {len(jobs)} adapters, {processes} side by side"
    with bench.timed("tune") as work, bench.progress.stage(label, sum(job.steps for _, job in jobs)) as tick:
        bench.other_loads += run_beside([(job, partial(_store, bench, one.key)) for one, job in jobs], processes, tick)
        work.computed += len(jobs)
