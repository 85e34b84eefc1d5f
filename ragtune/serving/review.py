"""The page on which a person reads questions beside their evidence: accept, edit, drop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ragtune.corpus.review import Entry, Review
from ragtune.serving.web import application, page

#: characters of a document around its evidence
AROUND = 700


def review_app(review: Review, secret: str) -> Starlette:
    """The application over one Review."""

    def shown(request: Request) -> Response:
        entries = [_shown(review, e) for e in review.entries]
        return page("review", {"entries": entries, "file": Path(review.path).name})

    async def decided(request: Request) -> Response:
        told = await request.json()
        if not isinstance(told, dict) or told.get("decision") not in ("accept", "edit", "drop", "undo"):
            return JSONResponse({"error": "a decision is accept, edit, drop or undo"}, 400)
        answers = told.get("answers")
        texts = [str(a) for a in answers] if isinstance(answers, list) else None
        entry = review.decide(str(told.get("id")), told["decision"], str(told.get("question") or ""), texts)
        return JSONResponse(_shown(review, entry))

    return application([Route("/", shown), Route("/decide", decided, methods=["POST"])], secret)


def _shown(review: Review, entry: Entry) -> dict[str, Any]:
    """The entry as the page's script reads it; a place is (title, text before, evidence, text after)."""
    row, question = entry.row, entry.question
    places = []
    for span in question.spans if question else ():
        document = review.document(span.document_id)
        if document:
            start, end = max(0, span.start - AROUND), min(len(document.text), span.end + AROUND)
            title = document.metadata.get("title")
            places.append(
                {
                    "document": f"{title} ({document.id})" if title else document.id,
                    "before": ("… " if start else "") + document.text[start : span.start],
                    "evidence": document.text[span.start : span.end],
                    "after": document.text[span.end : end] + (" …" if end < len(document.text) else ""),
                }
            )
    answers = row.get("answers")
    return {
        "id": entry.id,
        "question": str(row.get("question", "")),
        "answers": [str(a) for a in answers] if isinstance(answers, list) else None,
        "split": row.get("split", "test"),
        "tags": [str(t) for t in row.get("tags", [])] if isinstance(row.get("tags"), list) else [],
        "made": str(row.get("made", "")),
        "problem": entry.problem,
        "decision": entry.decision,
        "places": places,
    }
