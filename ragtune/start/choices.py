"""What a first experiment is made of, by rules that are stated where they are used: the YAML file says why, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from ragtune.corpus.load import Corpus
from ragtune.corpus.tongue import languages_of, main_language, name_of
from ragtune.models.packages import DEFAULT_EMBEDDER, DEFAULT_READER
from ragtune.serving.reads import foreign, languages

#: training questions from which tuning is tried: fewer teach little (README's curve)
LEAST_TRAIN = 20
#: share of the documents from which a language is named
NAMED = 0.02


@dataclass(frozen=True)
class Choices:
    """``language``: code of the main one; ``told``: all of them with their shares, in words. ``model``: what answers. ``tunes``:
    whether it can be tuned here."""

    language: str
    told: str
    embedder: str
    model: str
    endpoint: str | None
    tunes: bool
    why_model: str


def choose(corpus: Corpus, model: str | None, endpoint: str | None) -> Choices:
    """The embedder reads any language; the reader is the bundled one where it reads the documents, else sentences are quoted,
    unless a model is named."""
    codes = languages_of(corpus.documents)
    main = main_language(codes)
    shares = {c: codes.count(c) / len(codes) for c in dict.fromkeys(codes) if c}
    told = ", ".join(
        f"{name_of(c)} {s:.0%}" for c, s in sorted(shares.items(), key=lambda kv: -kv[1]) if s >= NAMED or c == main
    )
    told = told or "none that could be told"
    if model:
        why = f"named with --model{', served at ' + endpoint if endpoint else ''}"
        return Choices(main, told, DEFAULT_EMBEDDER, model, endpoint, endpoint is None and model != "extractive", why)
    if foreign(corpus.documents, DEFAULT_READER):
        why = (
            f"{DEFAULT_READER} reads {languages(DEFAULT_READER)} alone, so sentences of the documents are quoted; "
            "name a model that reads the language with --model"
        )
        return Choices(main, told, DEFAULT_EMBEDDER, "extractive", None, False, why)
    return Choices(
        main, told, DEFAULT_EMBEDDER, DEFAULT_READER, None, True, f"bundled, reads {languages(DEFAULT_READER)}"
    )
