"""The NLI judge: support of a statement is a CrossEncoder's entailment (or consistency) score.

Any sentence-transformers CrossEncoder id or path. With labels, the probability of the label that says entailment
(``entail*``, ``support*``, ``consisten*``; of two unnamed labels the second, as MiniCheck has it); with a single
output, its sigmoid, as HHEM has it. Long contexts are read in windows of about ``WINDOW`` words that overlap by half;
the best window wins (SummaC's max, Laban et al. 2022). Everything else is the local judge's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragtune.errors import ModelError
from ragtune.judging.judge import Item, JudgeSettings
from ragtune.judging.local import LocalJudge, Verdict
from ragtune.judging.support import Window
from ragtune.models.devices import best_device, quiet
from ragtune.models.encoder import TextEncoder
from ragtune.models.names import ModelRef, load_failure
from ragtune.store import digest
from ragtune.text.sentences import sentence_spans

VERSION = 2
WINDOW = 180
Score = Callable[[Sequence[tuple[str, str]]], list[float]]
_YES = ("entail", "support", "consisten")


def cross_encoder_score(ref: ModelRef, batch: int = 32) -> Score:
    """A function from (premise, hypothesis) pairs to entailment scores in [0, 1].

    Raises:
        ModelError: the model cannot be loaded, or its labels name no entailment.
    """
    from sentence_transformers import CrossEncoder

    try:
        quiet()
        model = CrossEncoder(
            ref.location, device=best_device(), trust_remote_code=False, local_files_only=ref.kind != "hub"
        )
    except Exception as error:
        raise load_failure(ref, error) from error
    labels = {int(k): str(v).lower() for k, v in (getattr(model.config, "id2label", None) or {}).items()}
    count = int(model.config.num_labels)
    yes = next((i for i, name in labels.items() if name.startswith(_YES)), None)
    if count > 1 and yes is None:
        if count != 2 or any(not v.startswith("label_") for v in labels.values()):
            raise ModelError(
                f"its labels name no entailment ({', '.join(labels.values())}).",
                where=ref.name,
                fix="Use a model trained for NLI or consistency.",
            )
        yes = 1

    def score(pairs: Sequence[tuple[str, str]]) -> list[float]:
        import torch

        with torch.inference_mode():
            made = model.predict(
                list(pairs),
                batch_size=batch,
                show_progress_bar=False,
                activation_fn=torch.nn.Identity(),
                convert_to_tensor=True,
            ).float()
        values = made.reshape(-1).sigmoid() if count == 1 else made.softmax(dim=-1)[:, yes]
        return [float(v) for v in values.tolist()]

    return score


class NliJudge(LocalJudge):
    """The local judge with entailment for its evidence."""

    def __init__(self, settings: JudgeSettings, encoder: TextEncoder, score: Score, fingerprint: str) -> None:
        super().__init__(settings, encoder)
        self._score = score
        self._cache: dict[tuple[str, str], float] = {}
        self._wanted: dict[tuple[str, str], None] | None = None
        self.key = digest("nli", VERSION, settings.identity(), encoder.fingerprint, fingerprint)

    def windows(self, contexts: Sequence[str]) -> list[Window]:
        found = []
        for n, context in enumerate(contexts):
            parts = [context[a:b] for a, b in sentence_spans(context)]
            sizes = [len(p.split()) for p in parts]
            start = 0
            while start < len(parts):
                end, total = start, 0
                while end < len(parts) and (end == start or total + sizes[end] <= WINDOW):
                    total += sizes[end]
                    end += 1
                text = " ".join(parts[start:end])
                found.append(Window(text, text, n))
                if end >= len(parts):
                    break
                start = max(start + 1, (start + end) // 2)
        return found

    def prepare(self, items: Sequence[Item], progress: Callable[[int], None] | None = None) -> None:
        """Embed what relevance and correctness compare; find every pair that judging will ask for; score them in one go."""
        super().prepare(items, progress)
        self._wanted = {}
        for item in items:
            self.judge(item)
            self.answer_support(item)
        waiting = list(self._wanted)
        self._wanted = None
        self.calls += len(waiting)
        if waiting:
            self._cache.update(zip(waiting, self._score(waiting), strict=True))

    def support(self, statement: str, windows: Sequence[Window]) -> Verdict:
        if not windows:
            return Verdict(statement, 0.0, "", -1)
        pairs = [(w.text, statement) for w in windows]
        missing = [p for p in pairs if p not in self._cache]
        if self._wanted is not None:
            self._wanted.update(dict.fromkeys(missing))
            return Verdict(statement, 0.0, "", -1)
        if missing:
            self._cache.update(zip(missing, self._score(missing), strict=True))
        best = max(range(len(pairs)), key=lambda i: (self._cache[pairs[i]], -i))
        return Verdict(statement, self._cache[pairs[best]], windows[best].text, windows[best].context)
