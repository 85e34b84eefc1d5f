"""The stage that tunes: what a model is trained on, the key of the tuned model, and its training, alone or side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ragtune.experiment import legs, lessons, retrieve
from ragtune.experiment.chunk import embedder_name
from ragtune.experiment.seeding import seeded
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.workbench import Work, Workbench
from ragtune.generation.generators import identity
from ragtune.generation.prompts import Prompt
from ragtune.models.adapters import WEIGHTS
from ragtune.models.causal import LanguageModel
from ragtune.models.chat import VERSION as CHAT_VERSION
from ragtune.models.devices import best_device, placed
from ragtune.models.names import ADAPTER_CARD
from ragtune.records import Question, question_key
from ragtune.store import decode, digest, encode
from ragtune.tuning.choose import drawn
from ragtune.tuning.job import TuneJob
from ragtune.tuning.recipes import RECIPES, Recipe, unread
from ragtune.tuning.settings import TuningSettings
from ragtune.tunings import TuneCost, TuneReport, Tuning

TUNE_VERSION = 4
#: raised when what is taught about contexts changes; closed-book trainings stay
CONTEXTS_VERSION = 4


def _tuning(setup: Setup) -> TuningSettings:
    assert setup.tuning is not None
    return setup.tuning


def _recipe(setup: Setup) -> Recipe:
    return RECIPES[_tuning(setup).train_on]


def tuning_prompts(bench: Workbench, setup: Setup) -> tuple[Prompt, ...]:
    """The prompts that training uses: training that sees no contexts never sees their prompt, whatever answering does. Examples
    stand in none of them."""
    settings = _tuning(setup)
    if settings.prompts:
        return tuple(bench.prompt(name) for name in settings.prompts)
    apart = setup.retrieval and not _recipe(setup).sees_contexts
    return (bench.prompt("closed"),) if apart else (bench.prompt_of(setup),)


def training_questions(
    bench: Workbench, setup: Setup, seed: int, split: str, choosing: bool = True
) -> list[tuple[Workbench, list[Question]]]:
    """The questions of ``split`` that the setup trains on, by corpus and in its order; those whose answer nobody said are
    left out, those of a corpus with a weight over 1 come as often. Without ``choosing`` all are there that diverse ones are chosen
    from, which takes an embedder."""
    settings = _tuning(setup)
    weights = [corpus.weight for corpus in settings.corpora] or [1.0]
    found = []
    for training, weight in zip(bench.trainings(setup), weights, strict=True):
        own = [q for q in training.corpus.split(split) if q.answers is not None]
        if split == "train":
            whole, part = int(weight), round(weight % 1 * len(own))
            own = own * whole + drawn(own, part, seed)
            if settings.questions is not None and settings.choose == "random":
                own = drawn(own, settings.questions, seed)
            elif settings.questions is not None and choosing:
                own = lessons.diverse(training, setup, own, settings.questions, seed)
        found.append((training, own))
    return found


def count_questions(bench: Workbench, setup: Setup, seed: int) -> int:
    """How many questions the setup trains on, with those that come more than once."""
    most = _tuning(setup).questions or sys.maxsize
    return sum(min(len(own), most) for _, own in training_questions(bench, setup, seed, "train", choosing=False))


def _keys(bench: Workbench, setup: Setup, seed: int, splits: Sequence[str] = ("train", "dev")) -> list[object]:
    """What identifies the questions, corpus by corpus."""
    found: list[object] = [
        [question_key(q) for q in own]
        for split in splits
        for _, own in training_questions(bench, setup, seed, split, choosing=False)
    ]
    if _tuning(setup).choose != "random":
        found.append([_tuning(setup).questions, bench.ref(embedder_name(setup)).fingerprint])
    return found


def tune_key(bench: Workbench, setup: Setup, seed: int) -> str:
    setup = seeded(setup, seed)
    tuning = _tuning(setup)
    prompts = [prompt.key for prompt in tuning_prompts(bench, setup)]
    left_out = {"save_seconds", "corpus", "corpora", "questions", "prompts", *unread(tuning)}
    settings = tuning.identity(left_out)
    if before := legs.leg_before(setup, seed):
        settings["from"] = tune_key(bench, bench.setup(before.name), before.seed)
    elif folder := legs.folder_before(setup):
        settings["from"] = legs.folder_key(folder)
    if tuning.teacher:
        settings["teacher"] = lessons.teacher_key(bench, setup, teaching(bench, setup, seed))
    if tuning.preference:
        settings["sampled"] = identity(setup.generator, tuning_prompts(bench, setup)[0], bench.ref)
    seen: list[object] = []  # what stands in training texts besides the questions
    trainings = bench.trainings(setup)
    if _recipe(setup).sees_contexts:
        shown = 0 if tuning.contexts else setup.retrieval.shown if setup.retrieval else 0
        window = [setup.generator.window, setup.generator.max_new_tokens]  # what does not fit is not shown
        found = [retrieve.retrieve_key(training, setup) for training in trainings]
        seen = [CONTEXTS_VERSION, *found, shown, window, *(setup.retrieval.view() if setup.retrieval else [])]
    elif tuning.evidence_words and tuning.variants:
        seen = [training.corpus.documents_hash for training in trainings]
    base, where = bench.ref(setup.generator.model), placed(setup.generator.device, setup.generator.dtype)
    who = [base.fingerprint, CHAT_VERSION, where.device, where.dtype, setup.generator.thinking]
    questions = _keys(bench, setup, seed)
    return digest("tune", TUNE_VERSION, settings, who, *prompts, questions, seen, seed)


def tune_step(bench: Workbench, name: str, setup: Setup, seed: int) -> Step:
    what = f"{_tuning(setup).train_on}, seed {seed} (first for {name})"
    return Step("tune", tune_key(bench, setup, seed), label=what)


def needed_hits(bench: Workbench, setup: Setup, seed: int) -> list[Step]:
    """The hits that training, and its teacher, look at, one Step for each corpus; none where they see no contexts."""
    if not setup.tuning:
        return []
    setup = seeded(setup, seed)
    teacher = lessons.teacher_of(bench, setup)
    found = []
    if teacher and teacher[1].retrieval:
        trained = training_questions(bench, setup, seed, "train", choosing=False)
        found = [retrieve.retrieve_step(training, seeded(teacher[1], seed), own) for training, own in trained]
    if not _recipe(setup).sees_contexts:
        return found
    asked: dict[int, tuple[Workbench, dict[str, Question]]] = {}
    for split in ("train", "dev"):
        for training, own in training_questions(bench, setup, seed, split, choosing=False):
            asked.setdefault(id(training), (training, {}))[1].update({q.id: q for q in own})
    return found + [retrieve.retrieve_step(training, setup, list(own.values())) for training, own in asked.values()]


def teaching(bench: Workbench, setup: Setup, seed: int) -> list[Step]:
    """The answers of the teacher that are taught, one Step for each corpus."""
    trained = training_questions(bench, setup, seed, "train", choosing=False)
    steps = (lessons.teacher_step(training, setup, own, seed) for training, own in trained)
    return [step for step in steps if step]


def is_ready(bench: Workbench, setup: Setup, seed: int) -> bool:
    """Whether what is taught is known without asking a teacher, or a model that is not trained yet."""
    if _tuning(setup).preference:
        return False
    return all(step.stored(bench) == len(step.items) for step in teaching(bench, setup, seed))


def tune_job(bench: Workbench, setup: Setup, seed: int, name: str = "") -> TuneJob:
    """All that training the adapter needs: settings, tokens, and the card that will lie beside it."""
    setup = seeded(setup, seed)
    settings = _tuning(setup)
    model = _model(bench, setup)
    asked = {split: training_questions(bench, setup, seed, split) for split in ("train", "dev")}
    encoded = {
        split: [
            item
            for training, questions in own
            for item in lessons.encoded(training, questions, setup, seed, split, model, tuning_prompts(bench, setup))
        ]
        for split, own in ({} if settings.preference else asked).items()
    }
    card = {
        "base": model.ref.fingerprint,
        "base_name": model.ref.name,
        "data": digest(_keys(bench, setup, seed, ["train"])),
        "tuning": settings.train_on,
    }
    train, dev = encoded.get("train", []), encoded.get("dev", [])
    spent = lessons.teaching_took(_first_taught(bench, setup, seed, asked["train"]), setup, seed)
    if settings.preference:
        from ragtune.experiment.pairs import encoded_pairs

        train, sampling = encoded_pairs(bench, name, setup, seed, asked["train"])
        spent += sampling
    where, start, before = model.placement, legs.folder_before(setup), legs.leg_before(setup, seed)
    if before:
        start = bench.store.path("tune", tune_key(bench, bench.setup(before.name), seed))
        card["from"] = start.name
    known = legs.took(start, spent) if before and start else spent
    return TuneJob(model.ref, where.device, where.dtype, settings, seed, tuple(train), tuple(dev), card, start, known)


def _first_taught(
    bench: Workbench, setup: Setup, seed: int, asked: list[tuple[Workbench, list[Question]]]
) -> list[tuple[Workbench, list[Question]]]:
    """``asked`` without those of which a tuning that this one goes on from was taught the same teacher's answers."""
    teacher = _tuning(setup).teacher
    same = [s for s in legs.all_before(bench, setup, seed) if teacher and _tuning(s).teacher == teacher]
    known = {(q.id, q.text) for s in same for _, own in training_questions(bench, s, seed, "train") for q in own}
    return [(training, [q for q in own if (q.id, q.text) not in known]) for training, own in asked]


def _model(bench: Workbench, setup: Setup) -> LanguageModel:
    return bench.language_model(setup.generator.model, setup.generator.device, setup.generator.dtype)


@dataclass(frozen=True)
class _Missing:
    """An adapter to make: the first setup that wants it."""

    key: str
    name: str
    setup: Setup
    seed: int


def tuned(bench: Workbench, name: str, seed: int) -> Path:
    """The adapter's folder; trained and stored if missing, resuming from its last checkpoint."""
    setup = bench.setup(name)
    key = tune_key(bench, setup, seed)
    work = bench.work.setdefault("tune", Work())
    if bench.store.find("tune", key) is not None:
        work.reused += 1
    else:
        if before := legs.leg_before(setup, seed):
            tuned(bench, before.name, seed)
        _train(bench, [_Missing(key, name, setup, seed)], "here")
    return bench.store.path("tune", key)


def tune_all(bench: Workbench, wanted: Iterable[tuple[str, int]]) -> None:
    """Make the adapters of all ``wanted`` (setup, seed) that the store lacks; on a CPU ``processes`` of them at a time."""
    for wave in legs.in_order(bench, wanted):
        _tune_wave(bench, wave)


def _tune_wave(bench: Workbench, wanted: Iterable[tuple[str, int]]) -> None:
    """Make those adapters, none of which goes on from another of them."""
    work = bench.work.setdefault("tune", Work())
    missing: dict[str, _Missing] = {}
    for name, seed in wanted:
        setup = bench.setup(name)
        key = tune_key(bench, setup, seed)
        if key in missing or bench.store.find("tune", key) is not None:
            work.reused += 1
        else:
            missing[key] = _Missing(key, name, setup, seed)
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

    jobs = [(one, tune_job(bench, one.setup, one.seed, one.name)) for one in missing]
    jobs.sort(key=lambda pair: -pair[1].tokens)  # the longest first, so that the last ones are short
    processes = min(bench.experiment.processes, len(jobs))
    label = f"tune {len(jobs)} adapters, {processes} side by side"
    if runner == "here":
        label = f"tune {missing[0].name}, seed {missing[0].seed}"
    storing = [(job, partial(_store, bench, one.key)) for one, job in jobs]
    ticks = sum(job.ticks for _, job in jobs)
    with bench.timed("tune") as work, bench.progress.stage(label, ticks) as tick:
        bench.other_loads += RUNNERS[runner](
            storing, processes, lambda job: bench.language_model(job.model.name, job.device, job.dtype), tick
        )
        work.computed += len(jobs)


def _store(bench: Workbench, key: str, train: Callable[[Path, Path], TuneCost]) -> None:
    scratch = bench.store.scratch("tune", key)
    with bench.store.create("tune", key) as folder:
        cost = train(folder, scratch)
        (folder / legs.COST).write_text(json.dumps(encode(cost)), "utf-8")


def tunings(bench: Workbench) -> list[Tuning]:
    """Every tuning of the run: loss curves and costs, from the adapters' cards."""
    found = []
    for name, setup in bench.experiment.setups.items():
        for seed in bench.experiment.seeds_of(setup) if setup.tuning else ():
            folder = bench.store.path("tune", tune_key(bench, setup, seed))
            card = json.loads((folder / ADAPTER_CARD).read_text("utf-8"))
            count, report = count_questions(bench, setup, seed), decode(TuneReport, card["report"])
            size, method = round((folder / WEIGHTS).stat().st_size / 1e6, 4), _tuning(setup).method
            own = (count, report, legs.cost_of(folder), "generator", method, size)
            found.append(Tuning(name, seed, folder.name, card["tuning"], *own))
    return found
