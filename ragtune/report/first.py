"""The first screen: retrieval in one sentence, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from ragtune.analysis.causes import CAUSES, Ceiling
from ragtune.experiment.folder import Run
from ragtune.experiment.outlook import is_control
from ragtune.report import numbers
from ragtune.text.counts import counted

#: steps that are named, at most
STEPS = 4
#: points that mending a cause must be able to add, and the share of unanswerable questions answered, before a step is made of it
WORTH, INVENTED = 0.01, 0.1
#: ranks at which recall is measured
DEPTHS = (1, 3, 5, 10)

_THRESHOLD = "the threshold for abstaining (generator.abstain_above, abstain_below)"
#: what to try against a cause
TRY = {
    "not_retrieved": "Retrieve better: another embedder, BM25 beside it (lexical), or other chunks",
    "ranked_out": "Show the right hits: re-rank them, or raise top_k",
    "ignored": "Read better: a stronger model, or tuning on contexts",
    "contradicted": "Keep to the contexts: a stronger model, a stricter prompt, or tuning on contexts",
    "unsupported": "Answer from contexts: add retrieval, a stricter prompt, or tuning on contexts",
    "stale_memory": "Tune again on the documents of today, or add retrieval",
    "abstained_answerable": f"Withhold less: change {_THRESHOLD}, or the prompt",
    "no_answer": "Get a reply to every question: raise generator.max_new_tokens, or look into refusals",
    "form": "Ask for short answers in the prompt, or tune on their form",
}


@dataclass(frozen=True)
class Step:
    """One thing to do next; ``state`` is the part of the page's address that shows it, or ``""``."""

    text: str
    state: str = ""


def retrieval_text(run: Run) -> str:
    """One sentence on how much of the needed evidence is found, for the setup to choose or the best that retrieves."""
    setups, measured = run.experiment.setups, run.summary.retrieval
    if not measured:
        retrieves = any(setup.retrieval for setup in setups.values())
        return "Retrieval is not measured: no question names its evidence." if retrieves else "No setup retrieves."
    own = {n: setups[n].retrieval for n in measured}
    finds = [n for n in measured if (found := own[n]) is None or found.source != "oracle"] or list(measured)
    wanted = (run.summary.decision.setup, run.summary.decision.best)
    subject = next((n for n in wanted if n in finds), None) or max(
        finds, key=lambda n: measured[n]["recall@10"].mean or 0.0
    )
    settings = own[subject]
    shown = settings.shown if settings else DEPTHS[-1]
    depth = max(k for k in DEPTHS if k <= shown)
    at = measured[subject][f"recall@{depth}"]
    if at.known is None:
        return "Retrieval is not measured: no question names its evidence."
    mean, low, high = (f"{100 * value:.0f}" for value in at.known)
    hits = "first hit holds" if depth == 1 else f"first {depth} hits hold"
    text = f"Retrieval of “{run.summary.setups[subject]}”: the {hits} {mean} % ({low} to {high}) of the evidence needed"
    if depth < DEPTHS[-1]:
        text += f", the first {DEPTHS[-1]} hold {100 * (measured[subject]['recall@10'].mean or 0.0):.0f} %"
    return f"{text}; {shown} {'is' if shown == 1 else 'are'} shown." if settings and shown != depth else f"{text}."


def next_steps(run: Run) -> list[Step]:
    """What to do next, most urgent first, at most `STEPS`."""
    decision = run.summary.decision
    steps = []
    if run.about.waiting:
        steps.append(Step(f"Let the run end: {counted(len(run.about.waiting), 'setup')} still to come."))
    steps += _judge(run)
    if sum(not is_control(run.experiment.setups[n]) for n in run.summary.setups) == 1:
        steps.append(Step("Add a second setup to compare this one with."))
    elif decision.setup is None and decision.needed is not None:
        more = (
            f"about {counted(decision.needed, 'more question')}"
            if decision.needed
            else "questions about further documents"
        )
        steps.append(Step(f"Add {more}, so that the setups can be told apart."))
    subject = decision.setup or decision.best
    if subject:
        steps += _causes(run, subject)
    split = len(disputed(run))
    last = []
    if split:
        what = "question on which setups disagree" if split == 1 else "questions on which setups disagree"
        last = [Step(f"Read the {numbers.count(split)} {what}, and label answers to test the judge.", "outcome=split")]
    return [*steps[: STEPS - len(last)], *last]


def _judge(run: Run) -> list[Step]:
    """That the judge failed on many answers."""
    most = max((share for by in run.summary.failed.values() for share in by.values()), default=0.0)
    said = f"Mend the judge first: of one setup's answers it could not score {100 * most:.0f} % by some metric."
    return [Step(said)] if most > run.experiment.judge.max_unscored else []


def _causes(run: Run, subject: str) -> list[Step]:
    """What to try against the causes of the subject's wrong answers that weigh most."""
    index = list(run.summary.setups).index(subject)
    title, found = run.summary.setups[subject], run.summary.causes[subject]
    asked = sum(row.question.unanswerable for row in run.rows if row.setup == subject)
    made = next((c.count for c in found if c.cause == "answered_unanswerable"), 0)
    invents = asked and made > INVENTED * asked
    # one threshold cannot make it withhold more and less
    tried = [
        c for c in found if c.cause in TRY and c.adds >= WORTH and not (invents and c.cause == "abstained_answerable")
    ]
    steps = [
        Step(
            f"{TRY[c.cause]}. In “{title}” it could add up to {_points(c)} ({counted(c.count, 'answer')}).",
            _state(c.cause, index),
        )
        for c in sorted(tried, key=lambda c: -c.adds)[:2]
    ]
    if invents:
        said = (
            f"Withhold more: “{title}” answered {made} of {asked} times where the documents hold no answer. "
            f"Change {_THRESHOLD}, or the prompt."
        )
        steps.insert(1, Step(said, _state("answered_unanswerable", index)))
    return steps


def _points(cause: Ceiling) -> str:
    return counted(round(100 * cause.adds), "point")


def _state(cause: str, setup: int) -> str:
    assert cause in CAUSES
    return f"cause={cause}&outcome={setup}"


def disputed(run: Run) -> set[str]:
    """Questions with a known reference that some setup answers rightly (in half of its seeds or more) and another does not."""
    right: dict[str, dict[str, list[bool]]] = {}
    for row in run.rows:
        if row.question.answers is not None:
            right.setdefault(row.question.id, {}).setdefault(row.setup, []).append(not row.cause)
    said = {q: {2 * sum(v) >= len(v) for v in by.values()} for q, by in right.items()}
    return {q for q, kinds in said.items() if len(kinds) == 2}
