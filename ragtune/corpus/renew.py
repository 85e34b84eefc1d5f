"""`ragtune corpus import --update`: the documents of a corpus exchanged for those of a folder, its questions taken along."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.corpus.saving import write_questions
from ragtune.corpus.update import Updated, updated
from ragtune.errors import CorpusError


def renew(source: Path, dest: Path) -> Updated:
    """Exchange the documents of the corpus ``dest`` for those of the folder ``source``; its questions keep their evidence where
    the text still stands.

    Raises:
        CorpusError: ``dest`` is no corpus, or ``source`` holds no document that can be read; nothing was changed then.
    """
    old = load_corpus(CorpusSettings(path=str(dest)))
    if dest.resolve().is_relative_to(source.resolve()):
        raise CorpusError("the destination lies in the source.", where=dest, fix="Choose a folder outside it.")
    with TemporaryDirectory(dir=dest, prefix=".renew-") as place:
        fresh = Path(place) / "corpus"
        import_corpus("folder", source, fresh)
        new = load_corpus(CorpusSettings(path=str(fresh)))
        made = updated(old.questions, old.documents, new.documents)
        (dest / "documents").rename(Path(place) / "before")
        (fresh / "documents").rename(dest / "documents")
        if made.questions:
            write_questions(dest / "questions.jsonl", made.questions, new.documents)
        shutil.rmtree(Path(place) / "before", ignore_errors=True)
    return made
