"""One question to one setup: the answer, its citations with quoted text, and the seconds it took."""

from __future__ import annotations

import difflib
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from ragtune.corpus.load import CorpusSettings
from ragtune.errors import RunError
from ragtune.experiment.answer import make_generator
from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Lines, Progress
from ragtune.experiment.spec import Experiment, SetupSettings, load_experiment
from ragtune.experiment.tune import tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.generation.generator import Request
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import read_reply
from ragtune.generation.settings import GeneratorSettings
from ragtune.records import Hit, Json
from ragtune.retrieval.settings import LexicalSettings, RerankSettings, RetrievalSettings
from ragtune.store import Store, digest

#: where work is stored unless told otherwise
DEFAULT_STORE = Path(".ragtune")


@dataclass(frozen=True)
class Cited:
    """A citation: its number in the answer, the document, the span, and the quoted text."""

    number: int
    document: str
    title: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True)
class Reply:
    """``citations`` are the cited contexts; where the answer cites none, the first context shown is in ``shown``."""

    question: str
    answer: str
    abstained: bool
    citations: tuple[Cited, ...]
    shown: tuple[Cited, ...]
    dropped: int
    seconds: float

    def to_json(self) -> Json:
        return asdict(self)


def corpus_experiment(folder: Path) -> Experiment:
    """Default setups over a bare corpus folder, both hybrid and re-ranked: ``nano`` as its card advises, and ``extractive``."""
    retrieval = RetrievalSettings(lexical=LexicalSettings(), rerank=RerankSettings(), top_k=3)
    reader = GeneratorSettings(abstain_above=0.85)
    setups = {
        "nano": SetupSettings(retrieval=retrieval.model_copy(update={"top_k": 1}), generator=reader),
        "extractive": SetupSettings(retrieval=retrieval, generator=GeneratorSettings(model="extractive")),
    }
    return Experiment(name="ask", corpus=CorpusSettings(path=str(folder)), setups=setups)


def open_target(
    target: Path, overrides: list[str] | None = None, store: Path | None = None
) -> tuple[Experiment, Store]:
    """The experiment and store behind a Run folder, an experiment file, or a corpus folder."""
    if (target / "run.json").exists() or (target / "experiment.yaml").exists():
        run = load_run(target)
        where = store or (target / run.about["store"])
        experiment = load_experiment(target / "experiment.yaml", overrides)
        return experiment, Store(Path(where))
    if target.is_file():
        return load_experiment(target, overrides), Store(store or DEFAULT_STORE)
    if (target / "documents").is_dir():
        return corpus_experiment(target), Store(store or DEFAULT_STORE)
    raise RunError(
        "this is no Run folder, experiment file or corpus folder.",
        where=target,
        fix="Make a Run with `ragtune run EXPERIMENT.yaml`.",
    )


class Assistant:
    """A setup, ready to be asked. Models and index load once."""

    def __init__(
        self,
        experiment: Experiment,
        store: Store,
        setup: str | None = None,
        seed: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        names = list(experiment.setups)
        name = setup or names[0]
        if name not in experiment.setups:
            near = difflib.get_close_matches(name, names, 1, 0.4)
            hint = f' Did you mean "{near[0]}"?' if near else ""
            raise RunError(
                f'there is no setup "{name}".{hint}', where=experiment.name, fix=f"Setups: {', '.join(names)}."
            )
        self.name = name
        self.setup = experiment.setups[name]
        self.seed = experiment.seeds[0] if seed is None else seed
        self._bench = Workbench(experiment, store, progress or Lines())
        self._generator = make_generator(self._bench, self.setup)
        self._retriever = None
        self._adapter: Path | None = None
        if self.setup.tuning:
            self._adapter = store.find("tune", tune_key(self._bench, self.setup, self.seed))
            if self._adapter is None:
                raise RunError(
                    f'the adapter of "{name}", seed {self.seed}, is not in the store.',
                    where=store.root,
                    fix="Run the experiment again (with this seed).",
                )
        if self.setup.retrieval:
            stored = store.has("chunk", self._bench.chunk_key(self.setup))
            with nullcontext() if stored else store.locked():
                self._retriever = self._bench.retriever(self.setup)
        self._load()

    def _load(self) -> None:
        """Load models and index now, so that the first answer's seconds are its own."""
        if self._retriever is not None:
            self._retriever.retrieve(["Is everything there?"])
        if isinstance(self._generator, LocalGenerator):
            self._generator.batches([Request("", "Is everything there?", ())], self.seed)
            self._generator.model.using(self._adapter)

    def ask(self, question: str) -> Reply:
        """Answer one question. ``seconds`` covers retrieval and generation."""
        start = time.perf_counter()
        hits: list[Hit] = []
        if self._retriever is not None and self.setup.retrieval:
            hits = self._retriever.retrieve([question])[0][: self.setup.retrieval.top_k]
        request = Request(digest(question), question, tuple(hits))
        raw = next(
            iter(self._generator.answer(self._generator.batches([request], self.seed)[0], self._adapter, self.seed))
        )
        shown = hits[: raw.hits]
        abstain, least = self._bench.prompt(self.setup.prompt_name).abstain, self.setup.generator.abstain_below
        text, numbers, abstained = read_reply(raw.raw, raw.confidence, len(shown), abstain, least)
        seconds = time.perf_counter() - start
        cited = tuple(_cited(n, shown[n - 1]) for n in numbers)
        return Reply(
            question,
            text,
            abstained,
            cited,
            tuple(_cited(n, h) for n, h in enumerate(shown, 1)),
            len(hits) - len(shown),
            round(seconds, 3),
        )


def _cited(number: int, hit: Hit) -> Cited:
    c = hit.chunk
    return Cited(number, c.document_id, c.title, c.start, c.end, c.text)
