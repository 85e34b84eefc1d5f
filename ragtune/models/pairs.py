"""Models that read two texts together: any sentence-transformers CrossEncoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragtune.errors import ModelError
from ragtune.models.adapters import merged
from ragtune.models.devices import best_device, quiet
from ragtune.models.names import ModelRef, load_failure
from ragtune.models.windows import windows

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

Logits = npt.NDArray[np.float32]
#: special tokens around two texts, at most
_MARKS = 4
_YES = ("entail", "support", "consisten")


def load(ref: ModelRef, device: str, labels: int | None = None) -> CrossEncoder:
    """The library's model, with the adapter that it may have in its weights; ``labels``: how many its head must have, which is a
    fresh one where the model has none.

    Raises:
        ModelError: it would not load.
    """
    quiet()
    from sentence_transformers import CrossEncoder

    loading = ref.loading
    try:
        made = CrossEncoder(
            ref.location, device=device, num_labels=labels, **loading, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:  # the library raises many kinds for one problem: it did not load
        raise load_failure(ref, error) from error
    if ref.adapter:
        first: Any = made[0]  # the library's own ``model`` only reads it
        first.model = merged(first.auto_model, ref)  # what auto_model reads
    return made


class PairModel:
    """A CrossEncoder, loaded when first used."""

    def __init__(self, ref: ModelRef, device: str = "auto") -> None:
        self.ref = ref
        self._device = device
        self._model: CrossEncoder | None = None

    @property
    def model(self) -> CrossEncoder:
        if self._model is None:
            self._model = load(self.ref, best_device(self._device))
        return self._model

    def logits(self, pairs: Sequence[tuple[str, str]], batch: int = 32) -> Logits:
        """Raw outputs of (first, second) pairs, shape (pairs, labels)."""
        import torch

        with torch.inference_mode():
            found: Any = self.model.predict(
                list(pairs),
                batch_size=batch,
                show_progress_bar=False,
                activation_fn=torch.nn.Identity(),
                convert_to_tensor=True,
            )
        return np.asarray(found.float().cpu().numpy().reshape(len(pairs), -1), np.float32)

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """One number per pair, higher for more relevant: the model's output, the last of several labels.

        A second text longer than the model's window is read in windows, of which the best counts (MaxP, Dai and Callan 2019).
        """
        parts = [self.windows(second, beside=first) for first, second in pairs]
        flat = [(first, part) for (first, _), own in zip(pairs, parts, strict=True) for part in own]
        scores = np.asarray(self.model.predict(flat, batch_size=16, show_progress_bar=False))
        rows = iter(scores[:, -1] if scores.ndim == 2 else scores)
        return [max(float(next(rows)) for _ in own) for own in parts]

    def windows(self, text: str, beside: str) -> list[str]:
        """The windows of a text that the model reads whole together with another; itself where both fit."""
        tokenizer: Any = self.model.tokenizer
        limit = int(getattr(self.model, "max_seq_length", None) or tokenizer.model_max_length)
        if len(beside.encode()) + len(text.encode()) + _MARKS <= limit or not tokenizer.is_fast:
            return [text]

        def spans(text: str) -> list[tuple[int, int]]:
            made = tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
            )
            return [(int(a), int(b)) for a, b in made["offset_mapping"]]

        room = limit - _MARKS - len(spans(beside))
        return [part for part, _ in windows(text, max(room, limit // 4), spans)]

    def entailing_label(self) -> int | None:
        """The label that says entailment; None for a single output. Of two unnamed labels the second (MiniCheck).

        Raises:
            ModelError: the labels name no entailment.
        """
        config = self.model.config
        labels = {int(k): str(v).lower() for k, v in (getattr(config, "id2label", None) or {}).items()}
        count = int(config.num_labels)
        if count == 1:
            return None
        yes = next((i for i, name in labels.items() if name.startswith(_YES)), None)
        if yes is not None:
            return yes
        if count != 2 or any(not v.startswith("label_") for v in labels.values()):
            raise ModelError(
                f"its labels name no entailment ({', '.join(labels.values())}).",
                where=self.ref.name,
                fix="Use a model trained for NLI or consistency.",
            )
        return 1
