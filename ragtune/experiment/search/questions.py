"""Which questions may choose between setups: some, and none that a setup has learned."""

from __future__ import annotations

from ragtune.errors import CorpusError, ExperimentError
from ragtune.experiment.search import space
from ragtune.experiment.search.settings import SearchSettings
from ragtune.experiment.spec import Setup
from ragtune.experiment.workbench import Workbench
from ragtune.text.counts import counted


def refuse_taught(setup: Setup, split: str, tunes: bool = False) -> None:
    """Raises ExperimentError where what answers, or what finds hits, is trained on the questions of the split. ``tunes``: it is to be."""
    if split == "train" and (tunes or _taught(setup)):
        raise ExperimentError(
            "a tuned setup cannot be chosen on the questions it is trained on.",
            where="search.split",
            fix="Give some questions the split dev.",
        )


def _taught(setup: Setup) -> bool:
    finds = setup.retrieval.tunings.values() if setup.retrieval else ()
    return setup.tuning is not None or any(t.pairs != "headings" for t in finds)


def refuse_split(base: Setup, settings: SearchSettings) -> None:
    """The same of all that one value of a range makes of ``base``, and of ranges of a tuning's settings."""
    named = any("tuning" in path.split(".") for path in settings.ranges)
    for setup in (base, *space.variants(base, settings)):
        refuse_taught(setup, settings.split, named)


def refuse_few(bench: Workbench, settings: SearchSettings, confirm: bool) -> None:
    """Raises RagtuneError where too few questions choose, ``answers`` is less than one setup takes, or none would confirm."""
    try:
        some = bench.questions
    except ExperimentError:
        hint = (
            "; where nothing is tuned, search: {split: train} chooses on train questions"
            if settings.split == "dev"
            else ""
        )
        raise ExperimentError(
            f"a search needs questions to choose on, and the split {settings.split} has none.",
            where="search.split",
            fix=f"Give some questions the split {settings.split}{hint}.",
        ) from None
    if len(some) < 4:
        raise CorpusError(
            f"{counted(len(some), 'question')} of the split {settings.split} cannot choose between setups."
        )
    if settings.answers is not None and settings.answers < len(some):
        raise ExperimentError(
            f"{counted(settings.answers, 'answer')} do not reach: the setup as written alone takes {len(some)}.",
            where="search.answers",
            fix="Raise it, or ask fewer questions (limit).",
        )
    if confirm and not bench.corpus.split("test"):
        raise ExperimentError(
            "no question has the split test, which confirms what was chosen.",
            where=bench.corpus.path / "questions.jsonl",
            fix="Give some questions the split test, or search with --no-confirm.",
        )
