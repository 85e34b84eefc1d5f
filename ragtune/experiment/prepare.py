"""What can be refused before work begins: corpus, leaks, models, prompts."""

from __future__ import annotations

from dataclasses import replace

from ragtune.corpus.check import refuse_leaks
from ragtune.errors import ExperimentError
from ragtune.experiment import retrieve
from ragtune.experiment.examples import refuse_few
from ragtune.experiment.fits import refuse_too_large
from ragtune.experiment.fitting import refuse_unfit
from ragtune.experiment.legs import refuse_other_base
from ragtune.experiment.material import taught
from ragtune.experiment.spec import Setup
from ragtune.experiment.teachable import check_retriever
from ragtune.experiment.tune import count_questions, tune_key
from ragtune.experiment.workbench import Workbench
from ragtune.generation import hosts
from ragtune.generation.settings import GeneratorSettings
from ragtune.judging.judges import refuse_incomplete
from ragtune.models.address import address
from ragtune.models.devices import check_device
from ragtune.models.names import check_at_hand, check_embedder, check_pairs, check_writes
from ragtune.retrieval.tables import engine
from ragtune.text.counts import counted


def prepare(bench: Workbench) -> None:
    """Refuse what can be refused before work begins.

    Raises:
        RagtuneError: a corpus, model, server, prompt or setting that the run could not use.
    """
    for note in bench.corpus.notes:
        bench.progress.say(note)
    if bench.corpus.skipped:
        first = bench.corpus.skipped[0]
        bench.progress.say(f"{len(bench.corpus.skipped)} document(s) skipped, first: {first.reason}")
    refuse_leaks(bench.corpus, bench.experiment.corpus.allow_leaks)
    unknown = sum(q.answers is None for q in bench.questions)
    if unknown:
        bench.progress.say(
            f'{unknown} of {counted(len(bench.questions), "question")} {"has" if unknown == 1 else "have"} no "answers": what needs a reference stays unscored there.'
            ' (Write "answers": [] where the documents hold no answer.)'
        )
    for name, setup in bench.experiment.setups.items():
        for prompt in (setup.prompt_name, *(setup.tuning.prompts if setup.tuning else ())):
            bench.prompt(prompt)
        refuse_few(bench, name, setup)
        if not bench.asked(setup):
            raise ExperimentError(
                f'setup "{name}" answers none of the questions.',
                where=setup.generator.answers,
                fix="Give its answers the ids of the questions, or their texts.",
            )
        if setup.tuning and not count_questions(bench, setup, bench.experiment.seeds[0]):
            raise ExperimentError(
                f'setup "{name}" has nothing to train on: the train split is empty, or none of its questions has "answers".',
                where=", ".join(training.experiment.corpus.path for training in bench.trainings(setup)),
            )
        for training in bench.trainings(setup):
            if training is not bench:
                both = replace(training.corpus, questions=(*training.corpus.split("train"), *bench.questions))
                refuse_leaks(both, bench.experiment.corpus.allow_leaks)
        for generator in setup.generators:
            if generator.kind == "local":
                check_device(generator.device)
                check_writes(bench.ref(generator.model))
                if generator.thinking and bench.ref(generator.model).local:
                    _check_switch(bench, name, generator)
            if generator.system:
                hosts.check(generator)
            if generator.endpoint:
                address(generator.endpoint, generator.api_key_env)
        if setup.tuning and _is_untuned(bench, setup):
            refuse_other_base(bench, name, setup)
            refuse_unfit(bench, setup)
        if setup.retrieval:
            check_retriever(bench, name, setup)
            retrieve.retrieve_key(bench, setup)
            refuse_too_large(bench, name, setup)
            if setup.retrieval.source == "sql":
                engine()
            if setup.retrieval.source == "training" and bench.experiment.split == "train":
                raise ExperimentError(
                    f'setup "{name}": with source: training each question of the split train would find its own answer.',
                    where="split",
                    fix="Ask the split dev or test.",
                )
            if setup.retrieval.source == "training" and not taught(bench):
                raise ExperimentError(
                    f'setup "{name}" has nothing to search: no question of the train split has "answers".',
                    where=bench.corpus.path,
                )
    dense = [s.retrieval.dense.embedder for s in bench.experiment.setups.values() if s.retrieval and s.retrieval.dense]
    for embedder in dict.fromkeys([*dense, bench.experiment.judge.embedder]):
        check_embedder(bench.ref(embedder))
    refuse_incomplete(bench.experiment.judge, bench.experiment.main_metric)
    if bench.experiment.judge.endpoint:
        address(bench.experiment.judge.endpoint, bench.experiment.judge.api_key_env)
    for model in bench.models():
        check_at_hand(model)
    reranked = [s.retrieval.rerank for s in bench.experiment.setups.values() if s.retrieval and s.retrieval.rerank]
    for name in dict.fromkeys(r.model for r in reranked if r.kind == "cross-encoder" and not r.tuning):
        check_pairs(bench.ref(name))
    if bench.experiment.judge.name == "nli":
        check_pairs(bench.ref(str(bench.experiment.judge.model)))


def _is_untuned(bench: Workbench, setup: Setup) -> bool:
    seeds = bench.experiment.seeds_of(setup)
    return any(bench.store.find("tune", tune_key(bench, setup, seed)) is None for seed in seeds)


def _check_switch(bench: Workbench, name: str, generator: GeneratorSettings) -> None:
    if not bench.language_model(generator.model, generator.device, generator.dtype).chat.switched:
        raise ExperimentError(
            f'setup "{name}": generator.thinking has no effect: the chat template of {generator.model} has no switch for it.',
            fix="Leave it out.",
        )
