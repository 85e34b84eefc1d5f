"""The stages that tune what finds, ``tune-embedder`` and ``tune-reranker``: what is taught, the key, the training.

Only `experiment.retrieve` knows how hits are found, so it hands on, as a `Ground`, what a tuning stands on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragtune.errors import ExperimentError
from ragtune.experiment.finding import FindingSettings
from ragtune.experiment.legs import COST, cost_of
from ragtune.experiment.spec import Setup
from ragtune.experiment.stage import Step
from ragtune.experiment.supervise import generator_lessons, supervisor
from ragtune.experiment.workbench import Work, Workbench
from ragtune.models.devices import best_device, seeded
from ragtune.models.memory import own_peak
from ragtune.models.names import ADAPTER_CARD, ModelRef
from ragtune.records import Chunk, Hit, Question, question_key
from ragtune.retrieval.tuning.lessons import Lesson, heading_questions, lessons_of
from ragtune.retrieval.tuning.settings import DenseTuning, RerankTuning
from ragtune.retrieval.tuning.training import Trained
from ragtune.store import decode, digest, encode
from ragtune.tunings import Spent, TuneCost, TuneReport, Tuning

VERSION = 1
#: of adapters, which the first version stored unmerged
LORA_VERSION = 2
#: what is tuned, by the part of the settings that asks for it: the stage and the word for it
STAGES = {"dense": "tune-embedder", "rerank": "tune-reranker"}
KINDS = {"dense": "embedder", "rerank": "re-ranker"}
STAGE_OF = {KINDS[part]: stage for part, stage in STAGES.items()}


@dataclass(frozen=True)
class Ground:
    """What the tuning of one ``part`` of a setup's retrieval stands on: the setup under one seed, the keys of its chunks and of the
    untuned hits, and how to come by both."""

    bench: Workbench
    setup: Setup
    part: str
    cut: str
    found: str
    chunks: Callable[[], list[Chunk]]
    hits: Callable[[Sequence[Question]], list[list[Hit]]]

    @property
    def settings(self) -> DenseTuning | RerankTuning:
        assert self.setup.retrieval is not None
        return self.setup.retrieval.tunings[self.part]

    @property
    def model(self) -> ModelRef:
        retrieval = self.setup.retrieval
        assert retrieval is not None
        if self.part == "rerank":
            assert retrieval.rerank is not None
            return self.bench.ref(retrieval.rerank.model)
        assert retrieval.dense is not None
        return self.bench.ref(retrieval.dense.embedder)

    @property
    def seed(self) -> int:
        return self.settings.seed if self.settings.seed is not None else self.bench.experiment.seeds[0]

    @property
    def supervised(self) -> bool:
        return isinstance(self.settings, DenseTuning) and self.settings.supervise == "generator"


def first_stage(setup: Setup, part: str) -> Setup:
    """The setup whose hits a tuning of ``part`` learns from: for the embedder untuned search by vectors alone, so that setups which
    differ in the rest share it; for the re-ranker what it is given to rank."""
    own = setup.retrieval
    assert own is not None
    if part == "dense":
        assert own.dense is not None
        found = FindingSettings(dense=own.dense.model_copy(update={"tuning": None}))
    else:
        found = own.model_copy(
            update={
                "rerank": None,
                "where": {},
                "top_k": min(own.shown, 10),
                "query": None,
                "when": "once",
                "expand": "none",
                "mmr": None,
            }
        )
    return setup.model_copy(update={"retrieval": found})


def _taught(ground: Ground, split: str) -> list[Question]:
    """The questions of the split that teach; of dev none where dev is what the experiment reports on."""
    if split == ground.bench.experiment.split == "dev":
        return []
    own = ground.bench.corpus.split(split)
    return [q for q in own if q.answerable] if ground.supervised else [q for q in own if q.evidence]


def by_headings(ground: Ground) -> bool:
    """Whether headings are taught and not questions: told to, or there is no train question with evidence."""
    wanted = ground.settings.pairs
    return not ground.supervised and (wanted == "headings" or (wanted == "auto" and not _taught(ground, "train")))


def tuning_key(ground: Ground) -> str:
    """The key of the tuning in the store; remembered, since every question's key asks for it."""
    bench = ground.bench
    if ground.part in bench.instead:
        return bench.instead[ground.part]
    told = supervisor(bench, ground.setup) if ground.supervised else ""
    same = (ground.part, ground.settings, ground.model.fingerprint, ground.cut, ground.found, told, id(bench.corpus))
    if same not in bench.tuning_keys:
        bench.tuning_keys[same] = _key(ground, told)
    return bench.tuning_keys[same]


def _key(ground: Ground, told: str) -> str:
    settings = ground.settings
    own = settings.model_dump(mode="json", exclude={"pairs", "seed", *settings.unread()})
    if settings.drawn:
        own["learning_rate"] = settings.rate
    if settings.method == "lora":
        own["merged"] = True  # the first ones were kept with their adapters, which nothing reads
    headings = by_headings(ground)
    train = "headings" if headings else [question_key(q) for q in _taught(ground, "train")]
    dev = [question_key(q) for q in _taught(ground, "dev")]
    drawn = [ground.seed, best_device()] if settings.drawn else []
    stands_on = [ground.model.fingerprint, ground.cut, ground.found, train, dev, told]
    version = LORA_VERSION if settings.method == "lora" else VERSION
    return digest(STAGES[ground.part], version, own, stands_on, drawn)


def tuning_step(ground: Ground, name: str) -> Step:
    seed = f", seed {ground.seed}" if ground.settings.drawn else ""
    return Step(STAGES[ground.part], tuning_key(ground), label=f"{ground.settings.method}{seed} (first for {name})")


def needed_questions(ground: Ground) -> list[Question]:
    """The questions that are searched for before the tuning; those of headings are not known before there are chunks."""
    return [*([] if by_headings(ground) else _taught(ground, "train")), *_taught(ground, "dev")]


def tuned_model(ground: Ground) -> tuple[ModelRef, Path]:
    """The tuned model and the folder of its tuning; trained and stored where it is missing. A query map leaves the model as it is."""
    bench, key, stage = ground.bench, tuning_key(ground), STAGES[ground.part]
    if key not in bench.tuned:
        folder = bench.store.find(stage, key)
        if folder is None:
            _train(ground, stage, key)
        else:
            bench.work.setdefault(stage, Work()).reused += 1
        bench.tuned[key] = bench.store.path(stage, key)
    return tuned_ref(ground, bench.tuned[key]), bench.tuned[key]


def tuned_ref(ground: Ground, folder: Path) -> ModelRef:
    """What the tuned model is, known before it is made."""
    base = ground.model
    if isinstance(ground.settings, DenseTuning) and ground.settings.method == "query-map":
        return base
    made = digest(base.fingerprint, tuning_key(ground))
    return replace(
        base,
        name=str(folder / "model"),
        kind="folder",
        location=str(folder / "model"),
        fingerprint=made,
        adapter=None,
        commit="",
    )


def _lessons(ground: Ground, split: str) -> list[Lesson]:
    chunks, settings = ground.chunks(), ground.settings
    headings = split == "train" and by_headings(ground)
    questions = heading_questions(chunks) if headings else _taught(ground, split)
    if not questions:
        return []
    if ground.supervised:
        assert isinstance(settings, DenseTuning)
        return generator_lessons(ground.bench, ground.setup, questions, ground.hits(questions), settings)
    return lessons_of(questions, ground.hits(questions), chunks, settings.negatives, headings)


def _train(ground: Ground, stage: str, key: str) -> None:
    from ragtune.retrieval.tuning import full, query_map, reranker

    bench, settings, seed = ground.bench, ground.settings, ground.seed
    if ground.supervised:  # found first, so that what is timed are the generator's readings
        ground.hits(needed_questions(ground))
    asked = time.perf_counter()
    lessons, dev = _lessons(ground, "train"), _lessons(ground, "dev")
    before = Spent(time.perf_counter() - asked) if ground.supervised else Spent()
    if not lessons:
        raise ExperimentError(
            f"there is nothing to tune the {KINDS[ground.part]} on: no chunk holds the evidence of a train question.",
            where=f"retrieval.{ground.part}.tuning",
            fix="Check the evidence of the train questions, or set pairs: headings.",
        )
    device, start = best_device(), time.perf_counter()
    label = f"{stage}: {settings.method}" + (f", seed {seed}" if settings.drawn else "")
    epochs: float
    with bench.timed(stage) as work, bench.store.create(stage, key) as out:
        if isinstance(settings, DenseTuning) and settings.method == "query-map":
            encoder, epochs = bench.encoder(ground.model.name), settings.steps
            with own_peak("cpu") as peak, bench.progress.stage(label, settings.steps) as tick:
                made, curve, dev_curve = query_map.fit(lessons, dev, encoder, settings, tick)
            query_map.save(made, out)
            done = Trained(curve, dev_curve, made.size, made.size, len(lessons))
        else:
            craft: Any = reranker if isinstance(settings, RerankTuning) else full
            steps, epochs = craft.steps(lessons, settings, seed), settings.epochs
            with own_peak(device) as peak, seeded(seed), bench.progress.stage(label, steps) as tick:
                done = craft.tune(ground.model, lessons, dev, settings, seed, device, out / "model", tick)
        seconds = time.perf_counter() - start
        losses, on_dev = tuple(done.curve), tuple(done.dev_curve)
        report = TuneReport(losses[-1][0], losses, on_dev, done.trained, done.parameters, 0, len(lessons))
        cost = TuneCost(seconds, done.texts * epochs / seconds, peak.mb, before)
        card = {
            "base": ground.model.fingerprint,
            "base_name": ground.model.name,
            "tuning": settings.method,
            "seed": seed,
        }
        card = {**card, "settings": settings.model_dump(mode="json"), "report": encode(report)}
        (out / ADAPTER_CARD).write_text(json.dumps(card, indent=1), "utf-8")
        (out / COST).write_text(json.dumps(encode(cost)), "utf-8")
        work.computed += 1


def tuning_record(ground: Ground, name: str, seed: int) -> Tuning:
    """What the Run keeps of the tuning, which is stored."""
    folder = ground.bench.store.path(STAGES[ground.part], tuning_key(ground))
    card = json.loads((folder / ADAPTER_CARD).read_text("utf-8"))
    report = decode(TuneReport, card["report"])
    made = (card["tuning"], report.examples, report, cost_of(folder), KINDS[ground.part], ground.settings.method)
    return Tuning(name, seed, folder.name, *made)
