"""Token offsets of texts by a model's own fast tokenizer, without loading the model."""

from __future__ import annotations

from pathlib import Path

from ragtune.models.names import ModelRef, load_failure


class FastTokens:
    """Offsets through the tokenizers library (no torch)."""

    def __init__(self, file: Path) -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(file))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def unknown(self, text: str) -> int:
        """How many characters of ``text`` stand in tokens that the model does not know."""
        name = getattr(self._tokenizer.model, "unk_token", "<unk>")  # Unigram models do not say theirs
        mark = self._tokenizer.token_to_id(name) if name is not None else None
        if mark is None:
            return 0
        made = self._tokenizer.encode(text, add_special_tokens=False)
        return sum(b - a for t, (a, b) in zip(made.ids, made.offsets, strict=True) if t == mark)


class AutoTokens:
    """Offsets through transformers, for hub ids and folders without ``tokenizer.json``."""

    def __init__(self, ref: ModelRef) -> None:
        from transformers import AutoTokenizer

        loading = ref.loading
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(ref.place, use_fast=True, **loading)
        except Exception as error:  # transformers raises many kinds for one problem: it did not load
            raise load_failure(ref, error) from error

    def spans(self, text: str) -> list[tuple[int, int]]:
        encoded = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        return [(int(a), int(b)) for a, b in encoded["offset_mapping"]]

    def unknown(self, text: str) -> int:
        """How many characters of ``text`` stand in tokens that the model does not know."""
        mark = self._tokenizer.unk_token_id
        if mark is None:
            return 0
        made = self._tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
        )
        return sum(
            int(b) - int(a) for i, (a, b) in zip(made["input_ids"], made["offset_mapping"], strict=True) if i == mark
        )


def token_spans(ref: ModelRef) -> FastTokens | AutoTokens:
    file = Path(ref.location) / "tokenizer.json"
    return FastTokens(file) if ref.local and file.exists() else AutoTokens(ref)
