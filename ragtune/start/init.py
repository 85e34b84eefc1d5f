"""`ragtune init`: a folder of documents becomes a corpus with questions and an experiment that runs, and says what it would take."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragtune.corpus.formats import READERS
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import Corpus, CorpusSettings, load_corpus
from ragtune.corpus.saving import write_questions
from ragtune.corpus.sheets import attach
from ragtune.errors import CorpusError, RagtuneError
from ragtune.experiment.progress import Progress, clock
from ragtune.experiment.spec import load_experiment
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.packages import DEFAULT_READER
from ragtune.records import Question
from ragtune.start.budget import Budget, Prices
from ragtune.start.choices import LEAST_TRAIN, Choices, choose
from ragtune.start.pace import Pace, measure
from ragtune.start.yaml import TOP_K, Setting, written
from ragtune.store import Store, write_text
from ragtune.synthesis import told
from ragtune.synthesis.make import SPLITS, Synthesis, synthesise
from ragtune.synthesis.settings import SynthesisSettings
from ragtune.text.counts import counted
from ragtune.text.words import tokens

#: questions that are made unless a budget says otherwise; fewer than the least show nothing
NUMBER, LEAST = 100, 20
#: drafts that are checked for each question that is kept, about
_CHECKED = 1.7
#: seconds that a token of training takes, in seconds of reading one: forward and backward through the upper half
_TRAINS, _EPOCHS = 2.2, 2
#: questions that latency is measured on, of each setup
_WAITS = 20


@dataclass(frozen=True)
class Started:
    """What was written and is to be known; ``lines`` in the order in which they are printed."""

    corpus: Path
    experiment: Path
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """What the user said; see `ragtune init --help`."""

    documents: Path
    name: str = ""
    questions: Path | None = None
    model: str | None = None
    endpoint: str | None = None
    number: int | None = None
    budget: Budget = field(default_factory=Budget)
    prices: Prices | None = None


def init(wish: Wish, store: Store, progress: Progress) -> Started:
    """Write ``corpora/NAME`` and ``experiments/NAME.yaml``; nothing that stands there is overwritten.

    Raises:
        RagtuneError: a place is taken, the folder holds nothing that can be read, a budget holds nothing.
    """
    _possible(wish)
    name = wish.name or re.sub(r"[^\w.-]+", "-", wish.documents.resolve().name, flags=re.ASCII).strip("-.") or "corpus"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise RagtuneError(f'"{name}" is no name.', where="--name", fix="Take letters, digits, dots and dashes.")
    experiment = Path("experiments") / f"{name}.yaml"
    if experiment.exists():
        raise RagtuneError(
            "there is an experiment here already; it is not overwritten.",
            where=experiment,
            fix="Choose another --name.",
        )
    folder, fresh = _folder(wish, name)
    try:
        with store.locked():
            corpus = load_corpus(CorpusSettings(path=str(folder)), store)
        choices = choose(corpus, wish.model, wish.endpoint)
        return _started(wish, name, folder, corpus, choices, experiment, store, progress)
    except BaseException:
        if fresh:  # what is half made would stand in the next try's way
            shutil.rmtree(folder, ignore_errors=True)
        experiment.unlink(missing_ok=True)
        raise


def _possible(wish: Wish) -> None:
    if wish.endpoint and not wish.model:
        raise RagtuneError("--endpoint needs --model: the name that the server knows.", where="init")
    if wish.budget.money is not None and not (wish.endpoint and wish.prices):
        raise RagtuneError(
            "a budget in money needs an endpoint and its prices.",
            where="--budget",
            fix="Add --endpoint and --prices IN,OUT, or give a time.",
        )
    if wish.prices and not wish.endpoint:
        raise RagtuneError("--prices has no effect without --endpoint.", where="--prices")
    if wish.number is not None and wish.number < 1:
        raise RagtuneError("this takes 1 and more.", where="--number")
    if wish.questions and not wish.questions.is_file():
        raise CorpusError("there is no such file.", where=wish.questions)
    if wish.questions and wish.number is not None:
        raise RagtuneError("--number has no effect where --questions gives them.", where="--number")


def _is_corpus(folder: Path) -> bool:
    """It holds documents/ and no document beside that: else the whole folder is what was meant."""
    inner = folder / "documents"
    return inner.is_dir() and not any(
        p.suffix.lower() in READERS and p.suffix.lower() != ".jsonl" for p in folder.iterdir() if p.is_file()
    )


def _folder(wish: Wish, name: str) -> tuple[Path, bool]:
    """(the corpus folder, whether it was made now)."""
    if _is_corpus(wish.documents):
        if wish.questions and (wish.documents / "questions.jsonl").exists():
            raise CorpusError(
                "this corpus has questions; they are not overwritten.",
                where=wish.documents,
                fix="Join the others with `ragtune corpus attach`, or leave --questions out.",
            )
        return wish.documents, False
    folder = Path("corpora") / name
    if folder.exists():
        raise CorpusError(
            "there is a corpus here already; it is not overwritten.",
            where=folder,
            fix="Choose another --name, or name this folder as DOCUMENTS.",
        )
    import_corpus("folder", wish.documents, folder)
    return folder, True


def _started(
    wish: Wish,
    name: str,
    folder: Path,
    corpus: Corpus,
    choices: Choices,
    experiment: Path,
    store: Store,
    progress: Progress,
) -> Started:
    lines = [f"{counted(len(corpus.documents), 'document')} in {folder}; languages: {choices.told}."]
    if corpus.skipped:
        lines.append(
            f"{counted(len(corpus.skipped), 'file')} could not be read: `ragtune corpus info {folder}` says why."
        )
    for line in _leaves(wish):
        progress.say(line)
    texts = [d.text[:600] for d in corpus.documents]
    generator = GeneratorSettings(model=choices.model, endpoint=choices.endpoint, max_new_tokens=48)
    pace = measure(choices.embedder, generator, texts, "Who is responsible for this?", TOP_K, progress)
    chunks = sum(max(1, round(len(tokens(d.text)) * 1.3 / 100)) for d in corpus.documents)
    if wish.questions:
        made = attach(corpus.questions, wish.questions, corpus.documents, "test")
        write_questions(folder / "questions.jsonl", made.questions, corpus.documents)
        questions: Sequence[Question] = made.questions
        lines.append(
            f"{counted(made.added, 'question')} from {wish.questions}; evidence was found by search for {made.found}, and for {made.without} not."
        )
    elif corpus.questions:
        questions = corpus.questions
        lines.append(f"{counted(len(questions), 'question')} that the corpus has.")
    else:
        number = wish.number or _number(wish, pace, chunks, choices)
        found = _made(corpus, number, store, progress)
        told.write(found, corpus, folder / "questions.jsonl")
        questions = [m.question for m in found.made]
        lines += told.lines(found)
    by = {split: sum(q.split == split for q in questions) for split in ("train", "dev", "test")}
    plain = _seconds(pace, chunks, by["test"])
    _within(wish, plain, wish.prices.of(*_tokens(pace, by["test"])) if wish.prices else 0.0)
    tuning = by["train"] * _EPOCHS * _TRAINS * pace.read + by["test"] * pace.read
    room = wish.budget.seconds is None or plain + tuning <= wish.budget.seconds
    tuned = choices.tunes and by["train"] >= LEAST_TRAIN and room
    why = (
        f"Tuning would take about {clock(tuning)}, over the budget:"
        if not room
        else f"Tuning needs {LEAST_TRAIN} questions in the split train (there are {by['train']}):"
    )
    estimate = f"On this machine about {clock(plain)} to a first verdict" + (
        f", then about {clock(tuning)} with tuning." if tuned else "."
    )
    if wish.prices:
        cost = wish.prices.of(*_tokens(pace, by["test"]))
        estimate += f" The endpoint takes about {cost:.2f} {wish.budget.currency or 'USD'}."
    text = written(Setting(name, folder, choices, by["test"], tuned, why, wish.prices, wish.budget.currency, estimate))
    write_text(experiment, text)
    load_experiment(experiment)  # what is written runs
    lines += [
        f"Splits: {by['test']} test, {by['train']} train, {by['dev']} dev. What answers: {choices.model} ({choices.why_model}).",
        estimate,
        f"Corpus:     {folder}",
        f"Experiment: {experiment}",
        "Next:",
        f"  ragtune corpus review {folder}",
        f"  ragtune run {experiment} --until untuned --watch",
        f"  ragtune run {experiment}" if tuned else f'  ragtune ask {experiment} "..."',
    ]
    return Started(folder, experiment, tuple(lines))


def _within(wish: Wish, seconds: float, money: float) -> None:
    """Refuse what is over the budget.

    Raises:
        RagtuneError: the way to a first verdict over these questions takes more.
    """
    over = wish.budget.seconds is not None and seconds > wish.budget.seconds
    if over or (wish.budget.money is not None and money > wish.budget.money):
        takes = f"{money:.2f} {wish.budget.currency}" if wish.budget.money is not None else clock(seconds)
        raise RagtuneError(
            f"a first verdict over these questions would take about {takes}, over the budget.",
            where="--budget",
            fix="Raise it, or give fewer questions.",
        )


def _made(corpus: Corpus, number: int, store: Store, progress: Progress) -> Synthesis:
    with store.locked():
        found = synthesise(corpus, SynthesisSettings(number=number), store, progress)
    if not found.made:
        raise CorpusError(
            "no question that the rules make of these documents passed its checks.",
            where=corpus.path,
            fix="Give questions with --questions FILE, or make some with `ragtune corpus synthesise --model`.",
        )
    return found


def _number(wish: Wish, pace: Pace, chunks: int, choices: Choices) -> int:
    """The most questions that the budget holds, up to `NUMBER`.

    Raises:
        RagtuneError: it does not hold `LEAST`.
    """

    def fits(number: int) -> bool:
        tests = round(number * SPLITS["test"])
        checks = number * _CHECKED * (pace.read + pace.bare) if choices.model == DEFAULT_READER else 0.0
        seconds = checks + _seconds(pace, chunks, tests)
        money = wish.prices.of(*_tokens(pace, tests)) if wish.prices else 0.0
        return (wish.budget.seconds is None or seconds <= wish.budget.seconds) and (
            wish.budget.money is None or money <= wish.budget.money
        )

    number = next((n for n in range(NUMBER, LEAST - 1, -5) if fits(n)), None)
    if number is None:
        raise RagtuneError(
            f"the budget does not hold {LEAST} questions over these documents (embedding {counted(chunks, 'chunk')} alone takes about {clock(chunks * pace.embed)}).",
            where="--budget",
            fix="Raise it, or begin with a part of the documents.",
        )
    return number


def _seconds(pace: Pace, chunks: int, tests: int) -> float:
    """To the first verdict: embed, answer three ways, measure what one user waits."""
    each = 2 * pace.read + pace.bare
    return chunks * pace.embed + (tests + min(_WAITS, tests)) * each


def _tokens(pace: Pace, tests: int) -> tuple[float, float]:
    """Prompt and answer tokens of the answers to the first verdict, and of measuring what one user waits."""
    times = 3 * (tests + min(_WAITS, tests))
    return times * pace.tokens.prompt, times * max(pace.tokens.answer, 16)


def _leaves(wish: Wish) -> list[str]:
    if not wish.endpoint:
        return []
    return [
        f"To {wish.endpoint} go the questions and, with each, the {TOP_K} chunks found for it; two are sent now, to measure. "
        "Documents as a whole, references and scores stay on this machine."
    ]
