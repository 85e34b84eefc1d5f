"""One question to one setup: the answer as a Row, with the contexts it was shown and the seconds it took."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragtune.errors import CorpusError, RunError
from ragtune.experiment.answer import row_of, searched_with
from ragtune.experiment.chunk import chunk_step
from ragtune.experiment.folder import CorpusFacts, Run, load_run
from ragtune.experiment.locate import located, store_of
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.seeding import seeded
from ragtune.experiment.served import Served
from ragtune.experiment.spec import Experiment, experiment_of, load_experiment
from ragtune.experiment.tune import tune_key
from ragtune.experiment.tune_retriever import STAGE_OF
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generators import kind_of
from ragtune.models.packages import DEFAULT_READER
from ragtune.records import Question, Row, Times
from ragtune.serving.finds import find_retriever
from ragtune.serving.reads import READS, foreign, languages
from ragtune.serving.spoken import OnText, Spoken
from ragtune.store import Store, digest
from ragtune.text.fold import whole

#: where work is stored unless told otherwise
DEFAULT_STORE = Path(".ragtune")


def corpus_experiment(
    folder: Path, overrides: Sequence[str] = (), model: str | None = None, endpoint: str | None = None
) -> Experiment:
    """Default setups over a bare corpus folder, hybrid and re-ranked: ``model`` where one is named, ``reader`` (the bundled
    one), and ``extractive``."""
    retrieval = {"lexical": True, "rerank": True, "top_k": 3}
    setups: dict[str, Any] = {
        "reader": {"retrieval": retrieval, "generator": {"model": DEFAULT_READER}},
        "extractive": {"retrieval": retrieval, "generator": {"model": "extractive"}},
    }
    if model:
        named = {"model": model, "endpoint": endpoint, "max_new_tokens": 200}
        setups = {"model": {"retrieval": retrieval, "generator": named}, **setups}
    elif endpoint:
        raise RunError("--endpoint needs --model: the name that the server knows.", where="ask")
    return experiment_of({"name": "ask", "corpus": {"path": str(folder)}, "setups": setups}, folder, overrides)


#: a tuned model of a Run: setup, seed, what was tuned
Made = tuple[str, int, str]


@dataclass(frozen=True)
class Opened:
    """What can be asked; ``corpus`` are the facts of the Run's corpus, None where no Run was made. ``adapters`` are the keys of
    those that the Run made, by setup, seed and what was tuned. ``bare``: a corpus folder alone."""

    experiment: Experiment
    store: Store
    corpus: CorpusFacts | None = None
    adapters: Mapping[Made, str] = field(default_factory=dict)
    bare: bool = False


def open_target(
    target: Path,
    overrides: list[str] | None = None,
    store: Path | None = None,
    model: str | None = None,
    endpoint: str | None = None,
) -> tuple[Experiment, Store]:
    """The experiment and store behind a Run folder, an experiment file, or a corpus folder.

    Of a Run the setup that its decision chose comes first, else the first that retrieves. Its corpus and store are looked for as
    `experiment.places` says.
    """
    opened = _opened(target, overrides, store, model, endpoint)
    return opened.experiment, opened.store


def open_assistant(
    target: Path,
    overrides: list[str] | None = None,
    store: Path | None = None,
    model: str | None = None,
    endpoint: str | None = None,
    setup: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Assistant:
    """The Assistant of what `open_target` opens; says so where a Run's documents have changed since."""
    opened = _opened(target, overrides, store, model, endpoint)
    progress = progress or default_progress()
    assistant = Assistant(opened.experiment, opened.store, setup, seed, progress, opened.adapters, bare=opened.bare)
    if opened.corpus and assistant.has_other_documents(opened.corpus):
        progress.say("The corpus has changed since the Run was made: answers come from the documents as they are now.")
    return assistant


def _opened(
    target: Path, overrides: list[str] | None, store: Path | None, model: str | None, endpoint: str | None
) -> Opened:
    whole = (target / "run.json").exists() or (target / "experiment.yaml").exists()
    if (model or endpoint) and (whole or target.is_file()):
        raise RunError(
            "--model and --endpoint are for corpus folders.",
            where=target,
            fix="Use --set setups.NAME.generator.model=...",
        )
    if whole:
        run = load_run(target)
        if store and not store.is_dir():
            raise RunError("there is no store here.", where=store, fix="Mend --store, or leave it out.")
        place = Store(store or store_of(run))
        asked = load_experiment(target / "experiment.yaml", overrides)
        experiment = located(run, asked, place)
        first = [n for n in (run.summary.decision.setup, *_retrieving(experiment)) if n in experiment.setups]
        adapters = _adapters(
            run, asked, load_experiment(target / "experiment.yaml")
        )  # as written, wherever files are now
        return Opened(_reordered(experiment, first), place, run.about.corpus, adapters)
    place = Store(store or DEFAULT_STORE)
    if target.is_file() and target.suffix.lower() in (".yaml", ".yml"):
        experiment = load_experiment(target, overrides)
        return Opened(_reordered(experiment, _retrieving(experiment)), place)
    if (target / "documents").is_dir():
        return Opened(corpus_experiment(target, overrides or (), model, endpoint), place, bare=True)
    raise RunError(
        "this is no Run folder, experiment file or corpus folder.",
        where=target,
        fix="Make a Run with `ragtune run EXPERIMENT.yaml`, or of a folder of documents a corpus with `ragtune corpus import "
        "folder`.",
    )


def _adapters(run: Run, experiment: Experiment, made: Experiment) -> dict[Made, str]:
    """The adapters of a Run, made by the experiment ``made``, but for setups whose tuning or model ``experiment`` changes."""

    def tuning(of: Experiment, name: str) -> object:
        setup = of.setups.get(name)
        return setup and (setup.tuning, setup.generator.model, setup.retrieval and setup.retrieval.tunings)

    kept = [t for t in run.tunings if tuning(experiment, t.setup) == tuning(made, t.setup)]
    return {(t.setup, t.seed, t.kind): t.key for t in kept}


def _retrieving(experiment: Experiment) -> list[str]:
    return [n for n, s in experiment.setups.items() if s.retrieval and s.retrieval.source == "chunks"]


def _reordered(experiment: Experiment, first: Sequence[str]) -> Experiment:
    names = dict.fromkeys([*first, *experiment.setups])
    return experiment.model_copy(update={"setups": {n: experiment.setups[n] for n in names}})


class Assistant:
    """A setup, ready to be asked. Models and index load once, before the first question."""

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        setup: str | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
        adapters: Mapping[Made, str] | None = None,
        *,
        bare: bool = False,
    ) -> None:
        names = list(experiment.setups)
        self.name = setup or names[0]
        if self.name not in experiment.setups:
            near = difflib.get_close_matches(self.name, names, 1, 0.4)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise RunError(
                f'there is no setup "{self.name}".{hint}', where=experiment.name, fix=f"Setups: {', '.join(names)}."
            )
        self.setup = experiment.setups[self.name]
        self._streams = True
        if not self.setup.servable:
            what = (
                "answers from a file"
                if kind_of(self.setup.generator).brings_hits
                else "takes its contexts from evidence"
            )
            raise RunError(
                f'"{self.name}" {what}: it cannot be asked anything new.',
                where=experiment.name,
                fix="Name another setup with --setup.",
            )
        if seed is not None and not self.setup.depends_on_seed:
            raise RunError(
                f'"{self.name}" answers the same whatever the seed.', where=experiment.name, fix="Leave --seed out."
            )
        self.seed = experiment.seeds[0] if seed is None else seed
        self._bench = Workbench(experiment, store, progress or default_progress(), asking=True)
        self._heed_language(bare, setup)
        made = adapters or {}
        self.setup = seeded(self.setup, self.seed)
        find_retriever(self._bench, self.name, self.setup, {k: made.get((self.name, self.seed, k)) for k in STAGE_OF})
        adapter = self._find_adapter(store, made.get((self.name, self.seed, "generator")))
        stored = not self.setup.retrieval or chunk_step(self._bench, self.setup).stored(self._bench)
        with nullcontext() if stored else store.locked():
            self._served = Served(self._bench, self.setup, self.seed, adapter, keep=False)

    def _heed_language(self, bare: bool, setup: str | None) -> None:
        """Where the model of a setup over a bare corpus folder does not read the documents' language, say so; unless the setup
        was asked for, one without a model answers."""
        model = self.setup.generator.model
        if not (bare and model in READS and foreign(self._bench.corpus.documents, model)):
            return
        what = f"{model} reads {languages(model)}, and most of the documents are in another language"
        other = next((n for n, s in self._bench.experiment.setups.items() if s.generator.kind == "extractive"), None)
        if setup is None and other is not None:
            self.name, self.setup = other, self._bench.experiment.setups[other]
            what += ": answers are sentences of the documents"
        self._bench.progress.say(
            f"{what}. Name a model that reads it with --model, or --set setups.reader.generator.model=MODEL."
        )

    def _find_adapter(self, store: Store, made: str | None) -> Path | None:
        """The adapter that the experiment would make here and now; else the one that the Run ``made``, elsewhere or of
        documents that have changed since."""
        if not self.setup.tuning:
            return None
        try:
            own = tune_key(self._bench, self.setup, self.seed)
        except CorpusError:  # what it was trained on may be gone
            if made is None:
                raise
            own = made
        found = next((folder for key in (own, made) if key and (folder := store.find("tune", key))), None)
        if found is None:
            raise RunError(
                f'the adapter of "{self.name}", seed {self.seed}, is not in the store.',
                where=store.root,
                fix="Run the experiment again (with this seed).",
            )
        return found

    def has_other_documents(self, made_of: CorpusFacts) -> bool:
        """Whether answers come from other documents than a Run was made of."""
        if not self.setup.retrieval:
            return False
        corpus = self._bench.corpus
        return (corpus.documents_hash != made_of.texts) if made_of.texts else (corpus.hash != made_of.hash)

    def ask(self, question: str, on_text: OnText | None = None) -> Row:
        """Answer one question. Its contexts are in ``row.answer.hits``; nobody said what its reference is.

        ``on_text`` is handed the answer's text piece by piece while it is made; at once, when it is made, by a generator that
        cannot be heard, and where a rule may put abstaining in its place. The pieces make up ``row.answer.text``; a model that ends
        a thought which it never began has first the thought handed on, then a line break and the answer, and from then on at once.

        Raises:
            RunError: the question is empty, or holds half a character, which no encoding writes.
        """
        if not question.strip():
            raise RunError("the question is empty.", where="ask")
        if question != whole(question):
            raise RunError("this question is no text: it holds half a character.", where="ask", fix="Type it again.")
        asked = Question(digest(question), question)
        spoken = Spoken(on_text) if on_text else None
        replaced = self.setup.generator.abstain_below > 0
        met = self._served.ask(asked, spoken.hear if spoken and self._streams and not replaced else None)
        if met.row:
            row = replace(met.row, setup=self.name)
        else:
            row = row_of(self._bench, self.name, self.setup, self.seed, asked, met.offered, met.reply, 0.0)
            row = searched_with(self.setup, row, met.written)
        if spoken:
            spoken.end(row.answer.text)
            self._streams = self._streams and not spoken.begun_anew
        return replace(row, times=Times(met.wait.retrieval + met.wait.reranking, met.wait.generation))
