from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.big_report import made_up
from ragtune.analysis.causes import CAUSES, Ceiling
from ragtune.experiment.folder import Run
from ragtune.report.first import STEPS, TRY, disputed, next_steps, retrieval_text


@pytest.fixture(scope="module")
def run() -> Run:
    return made_up(40)


def deciding(run: Run, **changes: object) -> Run:
    return replace(run, summary=replace(run.summary, decision=replace(run.summary.decision, **changes)))  # type: ignore[arg-type]


def texts(run: Run) -> list[str]:
    return [step.text for step in next_steps(run)]


def test_retrieval_is_told_of_the_setup_to_choose(run: Run) -> None:
    chosen = deciding(run, setup="rag")
    at3, at10 = (run.summary.retrieval["rag"][f"recall@{k}"] for k in (3, 10))
    assert at3.known
    assert at10.mean is not None
    mean, low, high = (f"{100 * v:.0f}" for v in at3.known)
    assert retrieval_text(chosen) == (
        f"Retrieval of “RAG”: the first 3 hits hold {mean} % ({low} to {high}) of the evidence needed, "
        f"the first 10 hold {100 * at10.mean:.0f} %."
    )


def test_hits_shown_are_counted_where_recall_is_not_measured_at_their_number(run: Run) -> None:
    rag = run.experiment.setups["rag"]
    assert rag.retrieval
    four = rag.model_copy(update={"retrieval": rag.retrieval.model_copy(update={"top_k": 4})})
    changed = run.experiment.model_copy(update={"setups": {**run.experiment.setups, "rag": four}})
    assert retrieval_text(deciding(replace(run, experiment=changed), setup="rag")).endswith("%; 4 are shown.")


def test_no_retrieval_and_no_evidence_are_said(run: Run) -> None:
    unmeasured = replace(run, summary=replace(run.summary, retrieval={}))
    assert retrieval_text(unmeasured) == "Retrieval is not measured: no question names its evidence."
    plain = run.experiment.model_copy(update={"setups": {"a": run.experiment.setups["prompt-only"]}})
    assert retrieval_text(replace(unmeasured, experiment=plain)) == "No setup retrieves."


def test_every_cause_has_something_to_try_but_what_has_a_step_of_its_own() -> None:
    assert set(TRY) == set(CAUSES) - {"answered_unanswerable"}


def test_the_heaviest_causes_of_the_chosen_setup_become_steps(run: Run) -> None:
    found = (
        Ceiling("not_retrieved", 3, 0.1, 0.05),
        Ceiling("form", 1, 0.01, 0.004),
        Ceiling("ranked_out", 9, 0.3, 0.2),
    )
    summary = replace(run.summary, causes={**run.summary.causes, "rag": found})
    steps = next_steps(deciding(replace(run, summary=summary), setup="rag"))
    assert steps[0].text == f"{TRY['ranked_out']}. In “RAG” it could add up to 20 points (9 answers)."
    assert steps[0].state == "cause=ranked_out&outcome=1"
    assert steps[1].text.startswith(TRY["not_retrieved"])
    assert not any(TRY["form"] in step.text for step in steps)


def test_inventing_is_a_step(run: Run) -> None:
    asked = sum(r.question.unanswerable for r in run.rows if r.setup == "rag")
    assert asked == 4
    found = (Ceiling("abstained_answerable", 3, 0.1, 0.3), Ceiling("answered_unanswerable", 3, 0.1, 0.0))
    summary = replace(run.summary, causes={**run.summary.causes, "rag": found})
    [step, *_] = next_steps(deciding(replace(run, summary=summary), setup="rag"))
    assert "“RAG” answered 3 of 4 times where the documents hold no answer" in step.text
    assert not any("Withhold less" in said for said in texts(deciding(replace(run, summary=summary), setup="rag")))
    summary = replace(run.summary, causes={**run.summary.causes, "rag": found[:1]})
    [step, *_] = next_steps(deciding(replace(run, summary=summary), setup="rag"))
    assert step.text.startswith("Withhold less")


def test_more_questions_where_nothing_is_shown(run: Run) -> None:
    assert texts(deciding(run, setup=None, needed=1200))[0].startswith("Add about 1,200 more questions, so that")
    assert texts(deciding(run, setup=None, needed=1))[0].startswith("Add about 1 more question,")
    assert texts(deciding(run, setup=None, needed=0))[0].startswith("Add questions about further documents")


def test_an_unfinished_run_and_a_failing_judge_come_first(run: Run) -> None:
    waiting = replace(run, about=replace(run.about, waiting=("tuned", "rag-tuned")))
    failed = replace(waiting, summary=replace(run.summary, failed={"rag": {"faithfulness": 0.25}}))
    said = texts(failed)
    assert said[0] == "Let the run end: 2 setups still to come."
    assert "25 %" in said[1]
    assert len(said) == STEPS
    assert next_steps(failed)[-1].state == "outcome=split"


def test_disputed_questions_are_those_with_right_and_wrong_setups(run: Run) -> None:
    alike = tuple(replace(r, cause="") for r in run.rows)
    assert disputed(replace(run, rows=alike)) == set()
    one = replace(alike[0], cause="ignored")
    assert disputed(replace(run, rows=(one, *alike[1:]))) == {one.question.id}
    nobody_knows = replace(one, question=replace(one.question, answers=None))
    rest = tuple(
        replace(r, question=nobody_knows.question) if r.question.id == one.question.id else r for r in alike[1:]
    )
    assert disputed(replace(run, rows=(nobody_knows, *rest))) == set()
