"""Questions read by a person: what was decided is appended to a log, and the file of questions is written anew.

A row that was dropped or changed stands in the log as it was, so nothing is lost, and a decision can be taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ragtune.corpus.questions import parse
from ragtune.corpus.rows import json_lines
from ragtune.corpus.saving import write_rows
from ragtune.errors import CorpusError
from ragtune.records import Document, Question
from ragtune.store import file_digest, writing

Decision = Literal["accept", "edit", "drop", "undo"]
#: the column that says that a person has read the question
REVIEWED = "reviewed"
MADE = "made"


@dataclass(frozen=True)
class Entry:
    """One question under review; ``question`` None: it does not fit the documents, and ``problem`` says why."""

    row: Mapping[str, Any]
    question: Question | None
    problem: str
    decision: Decision | None

    @property
    def id(self) -> str:
        return str(self.row.get("id", ""))


class Review:
    """The questions of one file, in their order, and what was decided of them.

    Raises:
        CorpusError: there is no such file, or a line is no JSON object.
    """

    def __init__(self, path: Path, documents: Sequence[Document]) -> None:
        if not path.is_file():
            raise CorpusError(
                "there is no file of questions here.", where=path, fix="Make one with `ragtune corpus synthesise`."
            )
        self.path, self.log = path, path.with_name(path.stem + ".review.jsonl")
        self._documents = {d.id: d for d in documents}
        self._rows = [dict(row) for _, row in json_lines(path)]
        self._first = {str(r.get("id")): {k: v for k, v in r.items() if k != REVIEWED} for r in self._rows}
        self._dropped: set[str] = set()
        self._decided: dict[str, Decision] = {r["id"]: "accept" for r in self._rows if r.get(REVIEWED) == "yes"}
        self._digest = file_digest(path)

    @property
    def entries(self) -> list[Entry]:
        return [self._entry(row) for row in self._rows]

    def document(self, name: str) -> Document | None:
        return self._documents.get(name)

    def _entry(self, row: Mapping[str, Any]) -> Entry:
        try:
            found, problem = parse(dict(row), self._documents, ""), ""
        except CorpusError as error:
            found, problem = None, str(error).removeprefix(": ")
        return Entry(row, found, problem, self._decided.get(str(row.get("id"))))

    def decide(self, name: str, decision: Decision, question: str = "", answers: Sequence[str] | None = None) -> Entry:
        """Keep what a person decided; the entry as it is then.

        Raises:
            CorpusError: there is no such question, the file was changed meanwhile, or an edited question does not fit the documents.
        """
        if file_digest(self.path) != self._digest:
            raise CorpusError(
                "the file was changed meanwhile by something else; nothing was written.",
                where=self.path,
                fix="Start the review anew.",
            )
        place = next((n for n, r in enumerate(self._rows) if str(r.get("id")) == name), None)
        if place is None:
            raise CorpusError(f'there is no question "{name}".', where=self.path)
        was = self._rows[place]
        row = self._first[name] if decision == "undo" else self._decided_row(was, decision, question, answers)
        self._note(name, decision, was)
        self._rows[place] = row
        self._dropped.discard(name)
        self._decided.pop(name, None)
        if decision == "drop":
            self._dropped.add(name)
        if decision != "undo":
            self._decided[name] = decision
        write_rows(self.path, [r for r in self._rows if str(r.get("id")) not in self._dropped])
        self._digest = file_digest(self.path)
        return self._entry(row)

    def _decided_row(
        self, was: dict[str, Any], decision: Decision, question: str, answers: Sequence[str] | None
    ) -> dict[str, Any]:
        plain = {k: v for k, v in was.items() if k != REVIEWED}
        if decision == "drop":
            return plain
        if decision == "edit":
            plain["question"] = question.strip() or plain.get("question", "")
            if answers is not None:
                plain["answers"] = [a.strip() for a in answers if a.strip()]
                if not plain["answers"]:
                    plain.pop("evidence", None)  # the documents hold no answer
        row = {**plain, REVIEWED: "yes"}
        parse(row, self._documents, f"{self.path.name}: {was.get('id')}")
        return row

    def _note(self, name: str, decision: Decision, was: Mapping[str, Any]) -> None:
        told = {"id": name, "decision": decision, "at": datetime.now(UTC).isoformat(timespec="seconds"), "was": was}
        with writing(self.log), self.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps(told, ensure_ascii=False) + "\n")


def share_reviewed(questions: Sequence[Question]) -> tuple[int, int]:
    """(of the questions made from documents those that a person has read, all that were made)."""
    made = [q for q in questions if any(t.startswith(f"{MADE}:") for t in q.tags)]
    return sum(f"{REVIEWED}:yes" in q.tags for q in made), len(made)
