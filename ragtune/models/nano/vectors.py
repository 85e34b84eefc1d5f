"""Where nano's token embeddings start: MiniLM's vectors of single words, so that words of like sense start alike.

Distilled as in Model2Vec (Tulkens and van Dongen 2024, https://github.com/MinishLab/model2vec): each word alone through
the encoder, principal components, flattened variances. Everything else of nano starts from random numbers, and the
embeddings are trained on with the rest. A quarter of each vector is random, so that ``price`` and ``cost`` stay apart.
"""

from __future__ import annotations

import re

import torch
from transformers import PreTrainedTokenizerFast

from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.models.nano.synonyms import SYNONYMS, neighbours

_SENSE = 0.75**0.5
_WORD = re.compile("[a-z]{3,}")


def common_words(count: int) -> list[str]:
    """The first ``count`` whole words of MiniLM's vocabulary, which is in order of frequency, and the recipe's own synonyms."""
    ids: dict[str, int] = SentenceEncoder(resolve("bundled:minilm"), device="cpu").model.tokenizer.get_vocab()
    words = [word for word in sorted(ids, key=ids.__getitem__) if _WORD.fullmatch(word)][:count]
    own = [word for row in [*SYNONYMS, *neighbours().values()] for phrase in row for word in phrase.split() if _WORD.fullmatch(word)]
    return list(dict.fromkeys([*words, *own]))


def start_vectors(tokenizer: PreTrainedTokenizerFast, words: list[str], width: int, seed: int) -> torch.Tensor:
    """One unit vector a token, shape (vocabulary, width): by sense where the token is one of ``words``, else random."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.nn.functional.normalize(torch.randn(len(tokenizer), width, generator=generator), dim=1)
    known = {word: n for n, word in enumerate(words)}
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    starts = {i: piece.removeprefix("Ġ").lower() for i, piece in enumerate(pieces) if piece.startswith("Ġ") or piece[:1].isupper()}
    places = {i: known[word] for i, word in starts.items() if word in known}
    if not places:
        return vectors
    used = sorted(set(places.values()))
    sense = torch.from_numpy(SentenceEncoder(resolve("bundled:minilm"), device="cpu").encode([words[n] for n in used]))
    sense = sense - sense.mean(0)
    u, s, _ = torch.linalg.svd(sense, full_matrices=False)
    components = (u * s.sqrt())[:, :width]
    turn = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    sense = torch.nn.functional.normalize(components @ turn[: components.size(1)], dim=1)
    row = {n: i for i, n in enumerate(used)}
    ids = torch.tensor(list(places))
    vectors[ids] = _SENSE * sense[torch.tensor([row[n] for n in places.values()])] + (1 - _SENSE**2) ** 0.5 * vectors[ids]
    return vectors
