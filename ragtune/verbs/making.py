"""`corpus synthesise` and `corpus review`: questions made from documents, and read by a person."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ragtune.errors import CorpusError, RagtuneError
from ragtune.options import RAW, STORE, Verbs, pairs, whole

if TYPE_CHECKING:
    from ragtune.synthesis.settings import SynthesisSettings


def add(actions: Verbs) -> None:
    q = actions.add_parser(
        "synthesise",
        aliases=["synthesize"],
        help="make questions with answers and evidence from the documents",
        formatter_class=RAW,
        epilog="examples:\n  ragtune corpus synthesise corpora/handbook --number 100 --review\n"
        "  ragtune corpus synthesise corpora/handbook --split train --number 300 --model NAME --endpoint http://localhost:8000/v1\n"
        "  ragtune corpus synthesise corpora/handbook --kind paraphrase=0.5 --kind comparison=0.5 --model path/to/model",
    )
    q.add_argument("corpus", type=Path, metavar="CORPUS")
    q.add_argument("--number", type=whole, default=100, help="questions wanted in all (default: 100)")
    q.add_argument(
        "--kind", action="append", default=[], metavar="KIND=SHARE",
        help='"single fact", paraphrase, yes/no, unanswerable, "two documents", comparison (default: .75 single facts, .1 yes/no, .15 unanswerable)',
    )  # fmt: skip
    q.add_argument("--style", action="append", default=[], metavar="STYLE=SHARE", help="sentence, keyword, typos")
    q.add_argument("--per-document", type=whole, metavar="N", help="questions of one document, at most")
    q.add_argument(
        "--split", choices=("train", "dev", "test"), help="the split of all (default: spread over the three)"
    )
    q.add_argument("--seed", type=whole, default=0)
    q.add_argument("--model", help="the model that writes them (default: rules alone, no model)")
    q.add_argument("--endpoint", help="OpenAI-compatible server of --model; the documents are sent there")
    q.add_argument("--budget", type=whole, metavar="N", help="requests to the model, at most")
    q.add_argument("--no-check", action="store_true", help="skip the round trip through retrieval and a reader")
    q.add_argument("--reader", help="the model that answers in the check")
    q.add_argument("--embedder", help="what the check finds evidence by")
    q.add_argument("--out", type=Path, help="file to write (default: CORPUS/questions.jsonl, where there is none)")
    q.add_argument("--review", action="store_true", help="then open the page on which a person reads them")
    q.add_argument("--store", type=Path, default=STORE, help=f"where finished work is kept (default: {STORE})")
    q.set_defaults(call=do_synthesise)
    q = actions.add_parser(
        "review",
        help="read questions beside their evidence, in the browser: accept, edit, drop",
        formatter_class=RAW,
        epilog="example:\n  ragtune corpus review corpora/handbook",
    )
    q.add_argument("corpus", type=Path, metavar="CORPUS")
    q.add_argument("--questions", type=Path, metavar="FILE", help="default: CORPUS/questions.jsonl")
    q.add_argument("--port", type=whole, default=0, help="default: any that is free")
    q.add_argument("--no-browser", action="store_true", help="print the address alone")
    q.set_defaults(call=do_review)


def do_synthesise(args: argparse.Namespace) -> int:
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.experiment.progress import default_progress
    from ragtune.store import Store, refuse_place
    from ragtune.synthesis import told
    from ragtune.synthesis.make import synthesise

    out = args.out or args.corpus / "questions.jsonl"
    if out.exists():
        raise CorpusError(
            "there are questions here already; they are not overwritten.",
            where=out,
            fix="Name another file with --out.",
        )
    refuse_place(out)
    settings = settings_of(args)
    store = Store(args.store)
    with store.locked():
        corpus = load_corpus(CorpusSettings(path=str(args.corpus)), store)
        made = synthesise(corpus, settings, store, default_progress())
    if not made.drafts:
        raise CorpusError(
            f"{'; '.join(f'{kind}: {why}' for kind, why in made.missing.items())}.",
            where=args.corpus,
            fix="Name a model with --model: it writes every kind.",
        )
    if not made.made:
        raise CorpusError(
            f"of {made.drafts} drafts none passed ({', '.join(f'{n} {r}' for r, n in made.refused.items())}).",
            where=args.corpus,
            fix="Name a model with --model, or skip the check with --no-check.",
        )
    beside = told.write(made, corpus, out)
    print("\n".join(told.lines(made)))
    print(f"Questions: {out}\nCounts:    {beside}")
    if args.review:
        args.questions, args.port, args.no_browser = out, 0, False
        return do_review(args)
    asked = "" if out == args.corpus / "questions.jsonl" else f" --questions {out}"
    print(f"Next: ragtune corpus review {args.corpus}{asked}")
    return 0


def settings_of(args: argparse.Namespace) -> SynthesisSettings:
    """The settings that the options give.

    Raises:
        RagtuneError: a value is wrong.
    """
    from pydantic import ValidationError

    from ragtune.synthesis.settings import SynthesisSettings

    given = {
        "number": args.number, "per_document": args.per_document, "split": args.split, "seed": args.seed, "model": args.model,
        "endpoint": args.endpoint, "budget": args.budget, "check": not args.no_check, "reader": args.reader, "embedder": args.embedder,
    }  # fmt: skip
    for name, values in (("kinds", args.kind), ("styles", args.style)):
        if values:
            given[name] = pairs(values, f"--{name.removesuffix('s')}")
    try:
        return SynthesisSettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-").removesuffix("s") if first["loc"] else "synthesise"
        said = first["msg"].removeprefix("Value error, ")
        raise RagtuneError(f"{said[0].lower()}{said[1:]}.", where=f"--{name}" if first["loc"] else name) from None


def do_review(args: argparse.Namespace) -> int:
    from ragtune.corpus.load import CorpusSettings, load_corpus
    from ragtune.corpus.review import Review
    from ragtune.serving.review import review_app
    from ragtune.serving.web import new_secret, serve

    file = args.questions or args.corpus / "questions.jsonl"
    corpus = load_corpus(CorpusSettings(path=str(args.corpus)), lenient=True)
    review = Review(file, corpus.documents)
    secret = new_secret()
    serve(review_app(review, secret), secret, args.port, not args.no_browser, f"Review of {file}")
    read = sum(e.decision is not None for e in review.entries)
    print(f"{read} of {len(review.entries)} read. Questions: {file}\nDecisions: {review.log}")
    return 0
