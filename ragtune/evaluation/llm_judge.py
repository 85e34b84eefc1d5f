"""The LLM judge: RAGAS's definitions (Es et al. 2024; ragas 0.4 documentation), each verdict by a language model.

A reply that cannot be read after every repair leaves its metric unscored with the reason; it never becomes NaN.
Exact match, token F1 and abstention need no model and are the local judge's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ragtune.evaluation import metrics
from ragtune.evaluation.judge import Item, JudgeSettings
from ragtune.evaluation.llm_replies import Asker, Correctness, Judged, Recall, Relevance, Statements, Unscorable, Verdicts, prompts
from ragtune.evaluation.local_judge import LocalJudge
from ragtune.models.encoder import TextEncoder
from ragtune.records import Score
from ragtune.store import digest

VARIANTS = 3
WEIGHTS = (0.75, 0.25)
_NO_CONTEXT = "no contexts were given"
_NO_REFERENCE = "no reference: the documents hold no answer"


class LlmJudge(LocalJudge):
    """Scores through an `Asker`; items are judged concurrently up to the chat's limit."""

    def __init__(self, settings: JudgeSettings, encoder: TextEncoder, asker: Asker, fingerprint: str, concurrency: int) -> None:
        super().__init__(settings, encoder)
        self._asker = asker
        self._concurrency = concurrency
        self._done: dict[str, Mapping[str, Score]] = {}
        self.key = digest("llm", prompts()["version"], settings.identity(), encoder.fingerprint, fingerprint)

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
            "faithfulness": self._faithfulness, "answer_relevance": self._relevance, "context_precision": self._precision,
            "context_recall": self._recall, "answer_correctness": self._correctness,
        }  # fmt: skip
        scores = [self._one(name, how, item) for name, how in asked.items()]
        scores += [metrics.exact(item), metrics.f1(item), metrics.abstention(item)]
        return {s.metric: s for s in scores}

    def _one(self, name: str, how: Callable[[Item], Score], item: Item) -> Score:
        try:
            return how(item)
        except Unscorable as error:
            return Score(name, None, str(error), failed=True)

    def _statements_of(self, question: str, text: str) -> list[str]:
        return [s for s in self._asker.ask("statements", Statements, question=question, answer=text).statements if s.strip()]

    def _faithfulness(self, item: Item) -> Score:
        """Supported statements / all statements."""
        if item.abstained:
            return Score("faithfulness", None, "abstained: nothing was claimed")
        if not item.contexts:
            return Score("faithfulness", None, _NO_CONTEXT)
        said = self._statements_of(item.question.text, item.answer)
        if not said:
            return Score("faithfulness", None, "the answer holds no statement")

        def complete(found: Verdicts) -> str:
            return "" if len(found.verdicts) == len(said) else f"{len(said)} statements need {len(said)} verdicts, not {len(found.verdicts)}"

        verdicts = self._asker.ask("verdicts", Verdicts, complete, context="\n".join(item.contexts), statements=said).verdicts
        ok = sum(v.verdict != 0 for v in verdicts)
        failing = next((f"{s}: {v.reason}" for s, v in zip(said, verdicts, strict=True) if v.verdict == 0), "")
        return Score("faithfulness", ok / len(said), f"{ok} of {len(said)} supported" + (f"; not: {failing[:200]}" if failing else ""))

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
            return Score("context_precision", None, _NO_CONTEXT)
        if not item.question.answerable:
            return Score("context_precision", None, _NO_REFERENCE)
        said = [
            self._asker.ask("precision", Judged, question=item.question.text, answer=item.question.answers[0], context=c).verdict != 0 for c in item.contexts
        ]
        if not any(said):
            return Score("context_precision", 0.0, "no context was useful")
        total = sum(sum(said[: k + 1]) / (k + 1) for k, useful in enumerate(said) if useful)
        return Score("context_precision", total / sum(said), f"useful contexts: {', '.join(str(k + 1) for k, u in enumerate(said) if u)}")

    def _recall(self, item: Item) -> Score:
        """Sentences of the reference that the contexts hold / all of them."""
        if not item.contexts:
            return Score("context_recall", None, _NO_CONTEXT)
        if not item.question.answerable:
            return Score("context_recall", None, _NO_REFERENCE)
        found = self._asker.ask("recall", Recall, question=item.question.text, context="\n".join(item.contexts), answer=item.question.answers[0])
        if not found.classifications:
            return Score("context_recall", None, "the judge named no sentence", failed=True)
        ok = sum(c.attributed != 0 for c in found.classifications)
        return Score("context_recall", ok / len(found.classifications), f"{ok} of {len(found.classifications)} attributed")

    def _correctness(self, item: Item) -> Score:
        """0.75 F1 of statements + 0.25 cosine with the reference."""
        if not item.question.answerable:
            return Score("answer_correctness", None, _NO_REFERENCE)
        if item.abstained or not item.answer.strip():
            return Score("answer_correctness", 0.0, "abstained although the documents hold an answer")
        reference = item.question.answers[0]
        sides = [self._statements_of(item.question.text, t) for t in (item.answer, reference)]
        found = self._asker.ask("correctness", Correctness, question=item.question.text, answer=sides[0], reference=sides[1])
        tp, fp, fn = len(found.TP), len(found.FP), len(found.FN)
        f1 = tp / (tp + 0.5 * (fp + fn)) if tp else 0.0
        cosine = self.similarity(item.answer, reference)
        return Score(
            "answer_correctness", round(WEIGHTS[0] * f1 + WEIGHTS[1] * cosine, 9), f"statements: {tp} right, {fp} wrong, {fn} missing; cosine {cosine:.2f}"
        )
