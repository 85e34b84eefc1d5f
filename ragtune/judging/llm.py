"""The LLM judge: RAGAS's definitions (Es et al. 2024; ragas 0.4 documentation), each verdict by a language model.

A reply that cannot be read after every repair leaves its metric unscored with the reason; it never becomes NaN.
Exact match, token F1 and abstention need no model and are the local judge's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ragtune.judging.judge import Item, JudgeSettings
from ragtune.judging.local import LocalJudge
from ragtune.judging.metrics import citations, noise_sensitivity
from ragtune.judging.metrics.base import (
    NO_CONTEXTS,
    NO_REFERENCE,
    NO_STATEMENT,
    NOTHING_CLAIMED,
    WITHHELD,
    average_precision,
)
from ragtune.judging.replies import (
    Asker,
    Correctness,
    Judged,
    Recall,
    Relevance,
    Statements,
    Unscorable,
    Verdicts,
    prompts,
)
from ragtune.models.encoder import TextEncoder
from ragtune.records import Score
from ragtune.store import digest

VARIANTS = 3
WEIGHTS = (0.75, 0.25)
VERSION = 2


class LlmJudge(LocalJudge):
    """Scores through an `Asker`; items are judged concurrently up to the chat's limit."""

    def __init__(
        self, settings: JudgeSettings, encoder: TextEncoder, asker: Asker, fingerprint: str, concurrency: int
    ) -> None:
        super().__init__(settings, encoder)
        self._asker = asker
        self._concurrency = concurrency
        self._done: dict[str, Mapping[str, Score]] = {}
        self.key = digest("llm", VERSION, prompts()["version"], settings.identity(), encoder.fingerprint, fingerprint)

    def prepare(self, items: Sequence[Item], progress: Callable[[int], None] | None = None) -> None:
        super().prepare(items, progress)
        waiting = [i for i in items if i.key not in self._done]
        before = self._asker.calls
        with ThreadPoolExecutor(self._concurrency) as pool:
            for item, found in zip(waiting, pool.map(self._score, waiting), strict=True):
                self._done[item.key] = found
        self.calls += self._asker.calls - before

    def judge(self, item: Item) -> Mapping[str, Score]:
        if item.key not in self._done:
            self.prepare([item])
        return self._done[item.key]

    def answer_support(self, item: Item) -> float:
        """Share of supported statements; 0.5 where the judge could not tell."""
        score = self._one("faithfulness", self._faithfulness, item)
        return 0.5 if score.value is None else score.value

    def _score(self, item: Item) -> Mapping[str, Score]:
        asked = {
            "faithfulness": self._faithfulness,
            "answer_relevance": self._relevance,
            "context_precision": self._precision,
            "context_recall": self._recall,
            "answer_correctness": self._correctness,
        }
        more = {
            "context_precision_without_reference": self._precision_without,
            "noise_sensitivity": self._noise,
            "citation_recall": self._citation_recall,
            "citation_precision": self._citation_precision,
        }
        asked |= {name: how for name, how in more.items() if name in (self.settings.extra_metrics or ())}
        return self._ordered([*(self._one(name, how, item) for name, how in asked.items()), *self._plain(item)])

    def _one(self, name: str, how: Callable[[Item], Score], item: Item) -> Score:
        try:
            return how(item)
        except Unscorable as error:
            return Score(name, None, str(error), failed=True)

    def _statements_of(self, question: str, text: str) -> list[str]:
        return [
            s for s in self._asker.ask("statements", Statements, question=question, answer=text).statements if s.strip()
        ]

    def _faithfulness(self, item: Item) -> Score:
        """Supported statements / all statements."""
        if item.abstained:
            return Score("faithfulness", None, NOTHING_CLAIMED)
        if not item.contexts:
            return Score("faithfulness", None, NO_CONTEXTS)
        said = self._statements_of(item.question.text, item.answer)
        if not said:
            return Score("faithfulness", None, NO_STATEMENT)

        verdicts = self._verdicts(item.contexts, said)
        ok = sum(v.verdict != 0 for v in verdicts)
        failing = next((f"{s}: {v.reason}" for s, v in zip(said, verdicts, strict=True) if v.verdict == 0), "")
        return Score(
            "faithfulness",
            ok / len(said),
            f"{ok} of {len(said)} supported" + (f"; not: {failing[:200]}" if failing else ""),
        )

    def _verdicts(self, contexts: Sequence[str], said: Sequence[str]) -> list[Judged]:
        """A verdict per statement on whether it can be inferred from the contexts."""

        def complete(found: Verdicts) -> str:
            return (
                ""
                if len(found.verdicts) == len(said)
                else f"{len(said)} statements need {len(said)} verdicts, not {len(found.verdicts)}"
            )

        return self._asker.ask("verdicts", Verdicts, complete, context="\n".join(contexts), statements=said).verdicts

    def _supports(self, said: Sequence[str], contexts: Sequence[str]) -> list[bool]:
        return [v.verdict != 0 for v in self._verdicts(contexts, said)]

    def _noise(self, item: Item) -> Score:
        """Statements that the contexts support and the reference does not / all statements."""
        if unscored := noise_sensitivity.missing(item):
            return unscored
        said = self._statements_of(item.question.text, item.answer)
        if not said:
            return Score("noise_sensitivity", None, NO_STATEMENT)
        right = self._supports(said, [f"{item.question.text} {item.question.answers[0]}"])
        led = self._supports(said, item.contexts)
        wrong = [s for s, r, c in zip(said, right, led, strict=True) if c and not r]
        return Score(
            "noise_sensitivity",
            len(wrong) / len(said),
            f"in the contexts, but not the answer: {wrong[0][:160]}" if wrong else "",
        )

    def _citation_recall(self, item: Item) -> Score:
        return citations.recall(item, self._supports, self._said_citing(item))

    def _citation_precision(self, item: Item) -> Score:
        return citations.precision(item, self._supports, self._said_citing(item))

    def _said_citing(self, item: Item) -> list[str] | None:
        """The statements of an answer that cites something; None where there is nothing to ask about."""
        return (
            self._statements_of(item.question.text, item.answer)
            if citations.cited(item) and not item.abstained
            else None
        )

    def _relevance(self, item: Item) -> Score:
        """Mean cosine of the question with questions made from the answer; 0 if every one is noncommittal."""
        if item.abstained and not item.question.answerable:
            return Score("answer_relevance", None, "abstained, rightly: no answer to compare")
        if not item.answer.strip():
            return Score("answer_relevance", 0.0, "the answer is empty")
        made = [self._asker.ask("relevance", Relevance, answer=item.answer, variant=n + 1) for n in range(VARIANTS)]
        if all(m.noncommittal for m in made):
            return Score("answer_relevance", 0.0, "noncommittal")
        value = sum(self.similarity(item.question.text, m.question) for m in made) / len(made)
        return Score("answer_relevance", round(value, 9), f"made from the answer: {made[0].question[:160]}")

    def _precision(self, item: Item) -> Score:
        """Mean precision@k over the ranks of useful contexts."""
        if not item.contexts:
            return Score("context_precision", None, NO_CONTEXTS)
        if not item.question.answerable:
            return Score("context_precision", None, NO_REFERENCE)
        return average_precision(
            "context_precision", self._useful(item, item.question.answers[0]), "no context was useful"
        )

    def _precision_without(self, item: Item) -> Score:
        """The same with the answer in the reference's place."""
        if not item.contexts:
            return Score("context_precision_without_reference", None, NO_CONTEXTS)
        if item.abstained or not item.answer.strip():
            return Score("context_precision_without_reference", None, NOTHING_CLAIMED)
        return average_precision(
            "context_precision_without_reference", self._useful(item, item.answer), "no context was useful"
        )

    def _useful(self, item: Item, answer: str) -> list[bool]:
        return [
            self._asker.ask("precision", Judged, question=item.question.text, answer=answer, context=c).verdict != 0
            for c in item.contexts
        ]

    def _recall(self, item: Item) -> Score:
        """Sentences of the reference that the contexts hold / all of them."""
        if not item.contexts:
            return Score("context_recall", None, NO_CONTEXTS)
        if not item.question.answerable:
            return Score("context_recall", None, NO_REFERENCE)
        found = self._asker.ask(
            "recall",
            Recall,
            question=item.question.text,
            context="\n".join(item.contexts),
            answer=item.question.answers[0],
        )
        if not found.classifications:
            return Score("context_recall", None, "the judge named no sentence", failed=True)
        ok = sum(c.attributed != 0 for c in found.classifications)
        return Score(
            "context_recall", ok / len(found.classifications), f"{ok} of {len(found.classifications)} attributed"
        )

    def _correctness(self, item: Item) -> Score:
        """0.75 F1 of statements + 0.25 cosine with the reference."""
        if not item.question.answerable:
            return Score("answer_correctness", None, NO_REFERENCE)
        if item.abstained or not item.answer.strip():
            return Score("answer_correctness", 0.0, WITHHELD)
        reference = item.question.answers[0]
        sides = [self._statements_of(item.question.text, t) for t in (item.answer, reference)]
        if not all(sides):
            return Score(
                "answer_correctness", None, "the judge drew no statement from the answer or the reference", failed=True
            )
        found = self._asker.ask(
            "correctness", Correctness, question=item.question.text, answer=sides[0], reference=sides[1]
        )
        tp, fp, fn = len(found.TP), len(found.FP), len(found.FN)
        if not tp + fp + fn:
            return Score("answer_correctness", None, "the judge classified no statement", failed=True)
        f1 = tp / (tp + 0.5 * (fp + fn))
        cosine = self.similarity(item.answer, reference)
        return Score(
            "answer_correctness",
            round(WEIGHTS[0] * f1 + WEIGHTS[1] * cosine, 9),
            f"statements: {tp} right, {fp} wrong, {fn} missing; cosine {cosine:.2f}",
        )
