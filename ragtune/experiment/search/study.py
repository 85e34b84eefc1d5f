"""A search from its first proposal to its winner."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from statistics import mean
from typing import Any

from pydantic import ValidationError

from ragtune.analysis.costs import cost_of
from ragtune.analysis.means import clusters_of, estimate
from ragtune.errors import ExperimentError, RagtuneError
from ragtune.experiment.outlook import is_control
from ragtune.experiment.progress import Progress, default_progress
from ragtune.experiment.run import settled
from ragtune.experiment.search import space
from ragtune.experiment.search.choice import Tried, best_of
from ragtune.experiment.search.contest import Contest
from ragtune.experiment.search.questions import refuse_few, refuse_split
from ragtune.experiment.search.race import gap, rounds_of
from ragtune.experiment.search.settings import SearchSettings
from ragtune.experiment.search.trials import Search, Trial, told
from ragtune.experiment.spec import Experiment, Setup
from ragtune.experiment.workbench import Workbench
from ragtune.records import Row
from ragtune.store import Store
from ragtune.text.counts import counted
from ragtune.tuning.order import needed

#: proposals in a row that are known or impossible before others are drawn, and before the search ends
PATIENCE, END = 20, 200
#: finished setups whose latency is measured, the best first
TIMED = 8
#: spaces that are listed, so that each proposal can be made once
LISTED = 100_000


def search_experiment(
    experiment: Experiment, store: Store, progress: Progress | None = None, confirm: bool = False
) -> tuple[Search, Setup]:
    """Search as the section ``search`` says: the trials, and the setup that was chosen. ``confirm``: the split test is asked later.

    The setup as it is written is the first trial; of a setup with several seeds the first is tried. Run again, it goes the same
    way, and what was answered is stored.

    Raises:
        RagtuneError: ranges that no setup has, a split without questions, or what a run would refuse.
    """
    settings = space._settings(experiment)
    name = space.varied(experiment)
    space.check(experiment)
    refuse_split(experiment.setups[name], settings)
    narrowed = experiment.model_copy(
        update={"split": settings.split, "setups": {name: experiment.setups[name]}, "search": None}
    )
    with store.locked():
        bench = Workbench(settled(narrowed, store), store, progress or default_progress(), whole=experiment)
        refuse_few(bench, settings, confirm)
        contest = Contest(bench, name)
        contest.check(experiment.setups[name])
        return _Study(contest, settings, experiment.setups[name]).run()


class _Study:
    """The state of one search."""

    def __init__(self, contest: Contest, settings: SearchSettings, base: Setup) -> None:
        self._contest, self._settings, self._base = contest, settings, base
        self._bench = contest.bench
        self._metric = contest.bench.experiment.main_metric
        self._clusters = clusters_of(self._bench.questions)
        self._rounds = rounds_of(self._bench.questions, settings.rounds, settings.seed)
        self._seen: dict[str, Tried] = {}
        self._tried: list[Tried] = []
        self._best: Tried | None = None

    def run(self) -> tuple[Search, Setup]:
        begun = time.monotonic()
        total = len(self._bench.questions)
        most = space.size(self._settings)
        self._bench.progress.say(
            f"Search over {'a space of numbers' if most is None else counted(most, 'setup')}, at most "
            f"{counted(self._settings.trials, 'trial')}, on {counted(total, 'question')} of the split {self._settings.split}"
        )
        self._try({}, self._base)
        self._propose()
        tried = self._timed()
        best = best_of([t for t in tried if t.trial.state == "finished"], self._bench.experiment.limits)
        possible = self._takes(most) * total
        experiment = self._bench.experiment
        return Search(
            experiment.name,
            self._contest.name,
            self._metric,
            self._settings.split,
            total,
            tuple(t.trial for t in tried),
            best.trial.number,
            most,
            self._contest.computed,
            possible,
            time.monotonic() - begun,
            experiment.costs.currency if _priced(experiment) else "",
        ), best.setup

    def _propose(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        start = max(5, min(10, self._settings.trials // 3))
        sampler = optuna.samplers.TPESampler(seed=self._settings.seed, n_startup_trials=start)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        rest, idle = self._listed(), 0
        while self._left() and idle < END:
            asked: Any = study.ask()
            values = space.proposed(asked, self._settings)
            if idle >= PATIENCE:
                drawn = next(rest, None)
                if drawn is None and space.size(self._settings) is not None:
                    break  # all there is was tried
                values = values if drawn is None else drawn
            found = self._try(values)
            worth = found and self._worth(found)
            idle = idle + 1 if found is None or found.trial.state in ("same", "impossible") else 0
            if worth is None or idle > PATIENCE:
                study.tell(asked, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(asked, worth)

    def _takes(self, most: int | None) -> int:
        """How many setups the whole space asks (else all trials), the one as written among them; none that is known to be impossible."""
        cannot = sum(t.trial.state == "impossible" for t in self._tried)
        if most is None:
            return len(self._tried) - cannot
        return most - cannot + (not space.holds(self._base, self._settings))

    def _listed(self) -> Iterator[space.Values]:
        most = space.size(self._settings)
        found = list(space.every(self._settings)) if most and most <= LISTED else []
        Random(f"{self._settings.seed}/rest").shuffle(found)
        return iter(found)

    def _left(self) -> bool:
        most = self._settings.answers
        spent = most is not None and self._contest.computed + len(self._bench.questions) > most
        counted_ = sum(t.trial.state in ("finished", "stopped") for t in self._tried)
        return counted_ < self._settings.trials and not spent

    def _worth(self, tried: Tried) -> float | None:
        """What Optuna is told: of a setup that stopped, the best one's mean and how far behind it was."""
        trial = tried.trial
        if trial.state == "same":
            same = self._seen[self._contest.identity(tried.setup)]
            return self._worth(same)
        if trial.state == "stopped" and self._best and self._best.trial.quality:
            return (self._best.trial.quality.mean or 0.0) + (trial.gap or 0.0)
        return trial.quality.mean if trial.quality else None

    def _try(self, values: space.Values, setup: Setup | None = None) -> Tried | None:
        """One proposal, raced against the best so far; None where exactly these values were tried before."""
        if setup is None and any(values == t.trial.values for t in self._tried):
            return None
        number = len(self._tried)
        try:
            made = setup or space.made_of(self._base, values)
            Experiment.model_validate(
                {
                    **self._bench.experiment.model_dump(by_alias=True),
                    "setups": {name: own.model_dump(by_alias=True) for name, own in self._with(made).items()},
                }
            )
            if is_control(made) and not is_control(self._base):
                raise ExperimentError("a control is never chosen.", where="retrieval.source")
            if setup is None:
                self._contest.check(made)
            key = self._contest.identity(made)
        except ValidationError as error:
            said = (
                str(error.errors()[0]["msg"])
                .removeprefix("Value error, ")
                .removeprefix(f"setup {self._contest.name}: ")
            )
            return self._impossible(Trial(number, values, "impossible", note=said))
        except RagtuneError as error:
            return self._impossible(Trial(number, values, "impossible", note=str(error)))
        if key in self._seen:
            other = self._seen[key].trial.number
            return self._keep(Tried(Trial(number, values, "same", note=f"as trial {other}"), made))
        found = self._keep(Tried(Trial(number, values, "finished"), made))
        self._seen[key] = found
        self._race(found)
        return found

    def _with(self, made: Setup) -> dict[str, Setup]:
        """The setup under test, and those that its tuning names."""
        name = self._contest.name
        setups = {**(self._bench.whole or self._bench.experiment).setups, name: made}
        return {n: setups[n] for n in needed({n: s.tuning for n, s in setups.items()}, name)}

    def _impossible(self, trial: Trial) -> Tried:
        self._bench.progress.say(f"  {trial.number:>3}      –  cannot be: {told(trial)} ({trial.note.rstrip('.')})")
        return self._keep(Tried(trial, self._base))

    def _keep(self, tried: Tried) -> Tried:
        self._tried.append(tried)
        return tried

    def _race(self, tried: Tried) -> None:
        before, looks = self._contest.computed, len(self._rounds) - 1
        best = self._best.scores(self._metric) if self._best else {}
        state, behind = tried.trial.state, None
        for n, part in enumerate(self._rounds):
            tried.rows += self._contest.rows(tried.setup, part)
            if best:
                behind, most = gap(best, tried.scores(self._metric), self._settings.alpha, looks, self._clusters)
                if n < looks and most < 0:
                    state = "stopped"
                    break
        quality = estimate([(q, 0, v) for q, v in tried.scores(self._metric).items()], self._clusters)
        cost, tokens = self._spent(tried.rows)
        computed = self._contest.computed - before
        tried.trial = replace(
            tried.trial,
            state=state,
            answered=len(tried.rows),
            computed=computed,
            quality=quality,
            gap=behind,
            cost=cost,
            tokens=tokens,
        )
        leads = self._best is None or (behind or 0.0) > 0
        if state == "finished" and leads:
            self._best = tried
        self._say(tried, leads and state == "finished")

    def _spent(self, rows: Sequence[Row]) -> tuple[float | None, float]:
        """Cost of a question where prices are given, and its tokens."""
        prompt = mean(r.answer.tokens.prompt + r.answer.tokens.before_prompt for r in rows)
        answer = mean(r.answer.tokens.answer + r.answer.tokens.before_answer for r in rows)
        experiment = self._bench.experiment
        if not _priced(experiment):
            return None, prompt + answer
        seconds = mean(r.times.total for r in rows)
        cached = mean(r.answer.tokens.cached for r in rows)
        return cost_of(experiment.costs, seconds, prompt, answer, 0.0, None, cached).question, prompt + answer

    def _say(self, tried: Tried, leads: bool) -> None:
        trial = tried.trial
        shown = f"{100 * trial.quality.mean:.1f}" if trial.quality and trial.quality.mean is not None else "unscored"
        end = "best so far" if leads else f"{100 * (trial.gap or 0):+.1f} to the best"
        if trial.state == "stopped":
            end += f", stopped after {counted(trial.answered, 'question')}"
        self._bench.progress.say(
            f"  {trial.number:>3}  {shown:>5}  {end}; {trial.computed} answers made: {told(trial)}"
        )

    def _timed(self) -> list[Tried]:
        """The trials, with the latency of the best of those that finished."""
        done = [t for t in self._tried if t.trial.state == "finished"]
        done.sort(key=lambda t: -(t.trial.quality.mean or 0.0) if t.trial.quality else 0.0)
        for tried in done[:TIMED]:
            tried.trial = replace(tried.trial, latency=self._contest.latency(tried.setup, tried.rows))
        return self._tried


def _priced(experiment: Experiment) -> bool:
    costs = experiment.costs
    return costs.hour > 0 or costs.prompt_1k_tokens > 0 or costs.answer_1k_tokens > 0
