"""The LLM witness: RAGAS's definitions (Es et al. 2024; ragas 0.4 documentation), each verdict by a language model.

A reply that cannot be read after every repair leaves its metric unscored with the reason; it never becomes NaN.
Context recall and noise sensitivity are asked in RAGAS's own way, which is one question less than the metrics' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ragtune.judging.metrics import context_recall, noise_sensitivity
from ragtune.judging.replies import Asker, Correctness, Judged, Recall, Relevance, Statements, Verdicts, prompts
from ragtune.judging.settings import JudgeSettings
from ragtune.judging.similarity import Similarity
from ragtune.judging.witness import NO_CONTEXTS, NO_STATEMENT, Finding, Support, lacks_reference
from ragtune.models.encoder import TextEncoder
from ragtune.records import Question, Row, Score
from ragtune.store import digest

VARIANTS = 3
WEIGHTS = (0.75, 0.25)
VERSION = 3


class LlmWitness:
    """Answers through an `Asker`. ``key`` and ``own`` may be given by a judge that scores metrics its own way."""

    asks = True

    def __init__(
        self,
        settings: JudgeSettings,
        encoder: TextEncoder,
        asker: Asker,
        fingerprint: str,
        concurrency: int,
        key: str | None = None,
        own: Mapping[str, Callable[[Row], Score]] | None = None,
    ) -> None:
        self.settings = settings
        self.similarity = Similarity(encoder)
        self.concurrency = concurrency
        self.key = key or digest(
            "llm",
            VERSION,
            prompts()["version"],
            settings.identity(),
            encoder.fingerprint,
            fingerprint,
            *self.similarity.known,
        )
        mine = {context_recall.NAME: self._recall, noise_sensitivity.NAME: self._noise}
        self.own: Mapping[str, Callable[[Row], Score]] = mine if own is None else own
        self._asker = asker

    @property
    def calls(self) -> int:
        return self._asker.calls

    def gather(self, ask: Callable[[], object]) -> None:
        """Nothing is shared: what is asked next depends on the reply before."""

    def statements(self, question: Question, text: str) -> list[str]:
        found = self._asker.ask("statements", Statements, question=question.text, answer=text)
        return [s for s in found.statements if s.strip()]

    def supports(
        self, said: Sequence[str], contexts: Sequence[str], question: str = "", among: Sequence[str] = ()
    ) -> list[Support]:
        """A verdict per statement on whether it can be inferred from the contexts; statements are complete in themselves."""

        def complete(found: Verdicts) -> str:
            if len(found.verdicts) == len(said):
                return ""
            return f"{len(said)} statements need {len(said)} verdicts, not {len(found.verdicts)}"

        context = "\n".join(contexts)
        verdicts = self._asker.ask("verdicts", Verdicts, complete, context=context, statements=said).verdicts
        return [
            Support(s, float(v.verdict != 0), v.verdict != 0, v.reason) for s, v in zip(said, verdicts, strict=True)
        ]

    def useful(self, question: Question, said: str | None, contexts: Sequence[str]) -> list[bool]:
        answer = _any_of(question) if said is None else said
        asked = (
            self._asker.ask("precision", Judged, question=question.text, answer=answer, context=c) for c in contexts
        )
        return [found.verdict != 0 for found in asked]

    def agrees(self, question: Question, answer: str) -> Finding:
        """The best over the references."""
        found = [self._agrees(question, answer, reference) for reference in dict.fromkeys(question.references)]
        return max(found, key=lambda f: -1.0 if f.value is None else f.value)

    def _agrees(self, question: Question, answer: str, reference: str) -> Finding:
        """0.75 F1 of statements + 0.25 similarity with the reference (`similarity`)."""
        sides = [self.statements(question, t) for t in (answer, reference)]
        if not all(sides):
            return Finding(None, "the judge drew no statement from the answer or the reference", failed=True)
        found = self._asker.ask("correctness", Correctness, question=question.text, answer=sides[0], reference=sides[1])
        tp, fp, fn = len(found.TP), len(found.FP), len(found.FN)
        if not tp + fp + fn:
            return Finding(None, "the judge classified no statement", failed=True)
        cosine = self.similarity(answer, reference)
        value = WEIGHTS[0] * tp / (tp + 0.5 * (fp + fn)) + WEIGHTS[1] * cosine
        return Finding(round(value, 9), f"statements: {tp} right, {fp} wrong, {fn} missing; cosine {cosine:.2f}")

    def about(self, question: Question, answer: str) -> Finding:
        """Mean cosine of the question with questions made from the answer; 0 if every one is noncommittal."""
        made = [self._asker.ask("relevance", Relevance, answer=answer, variant=n + 1) for n in range(VARIANTS)]
        if all(m.noncommittal for m in made):
            return Finding(0.0, "noncommittal")
        value = sum(self.similarity(question.text, m.question) for m in made) / len(made)
        return Finding(round(value, 9), f"made from the answer: {made[0].question[:160]}")

    def _recall(self, row: Row) -> Score:
        """Sentences of the reference that the contexts hold / all of them."""
        name = context_recall.NAME
        if not row.answer.hits:
            return Score(name, None, NO_CONTEXTS)
        if reason := lacks_reference(row.question):
            return Score(name, None, reason)
        context = "\n".join(row.answer.contexts)
        best = Score(name, None, "the judge named no sentence", failed=True)
        for reference in dict.fromkeys(row.question.references):
            found = self._asker.ask(
                "recall", Recall, question=row.question.text, context=context, answer=reference
            ).classifications
            ok = sum(c.attributed != 0 for c in found)
            if found and ok / len(found) > (-1.0 if best.value is None else best.value):
                best = Score(name, ok / len(found), f"{ok} of {len(found)} attributed")
        return best

    def _noise(self, row: Row) -> Score:
        """Statements that the contexts support and the reference does not / all statements."""
        if unscored := noise_sensitivity.missing(row):
            return unscored
        said = self.statements(row.question, row.answer.text)
        if not said:
            return Score(noise_sensitivity.NAME, None, NO_STATEMENT)
        right = self.supports(said, [f"{row.question.text} {_any_of(row.question)}"])
        led = self.supports(said, row.answer.contexts)
        wrong = [c.statement for r, c in zip(right, led, strict=True) if c.supported and not r.supported]
        return noise_sensitivity.verdict(wrong, len(said))


def _any_of(question: Question) -> str:
    """The accepted references as one text."""
    return " or ".join(dict.fromkeys(question.references))
