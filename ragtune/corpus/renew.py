"""`ragtune corpus import --update`: the documents of a corpus exchanged for those of a folder, its questions taken along."""

from __future__ import annotations

import shutil
from pathlib import Path

from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.corpus.saving import write_questions
from ragtune.corpus.update import Updated, updated
from ragtune.errors import CorpusError


def renew(source: Path, dest: Path) -> Updated:
    """Exchange the documents of the corpus ``dest`` for those of the folder ``source``; its questions keep their evidence where
    the text still stands.

    The questions as they were are kept beside them, as ``questions.jsonl~1``. Whatever goes wrong, the corpus is as it was.

    Raises:
        CorpusError: ``dest`` is no corpus, or ``source`` holds no document that can be read.
    """
    kept = dest / ".renew" / "before"
    if kept.is_dir() and not (dest / "documents").exists():  # ended between two steps: as it was before
        kept.rename(dest / "documents")
    old = load_corpus(CorpusSettings(path=str(dest)))
    if dest.resolve().is_relative_to(source.resolve()):
        raise CorpusError("the destination lies in the source.", where=dest, fix="Choose a folder outside it.")
    place = dest / ".renew"
    shutil.rmtree(place, ignore_errors=True)
    try:
        import_corpus("folder", source, place / "corpus")
        new = load_corpus(CorpusSettings(path=str(place / "corpus")))
        made = updated(old.questions, old.documents, new.documents)
        if made.questions:
            write_questions(place / "questions.jsonl", made.questions, new.documents)
        _exchange(dest, place)
    finally:
        if (dest / "documents").is_dir():
            shutil.rmtree(place, ignore_errors=True)
    return made


def _exchange(dest: Path, place: Path) -> None:
    """Put what was made in ``place`` into the corpus, or leave it as it was; the questions before are kept as questions.jsonl~1."""
    documents, questions = dest / "documents", dest / "questions.jsonl"
    documents.rename(place / "before")
    try:
        (place / "corpus" / "documents").rename(documents)
        if (place / "questions.jsonl").exists():
            shutil.copyfile(questions, dest / "questions.jsonl~1")
            (place / "questions.jsonl").replace(questions)
    except BaseException:
        if documents.exists():
            documents.rename(place / "refused")
        (place / "before").rename(documents)
        raise
