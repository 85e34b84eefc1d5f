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

from ragtune.corpus.cells import as_text
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
#: the column that names what a made question had to pass: search alone, or a reader too
CHECKED = "checked"
SEARCH = "search"


def _name(row: Mapping[str, Any]) -> str:
    """The row's id as a text; "" where it has none."""
    return as_text(row.get("id")) or ""


@dataclass(frozen=True)
class Entry:
    """One question under review; ``question`` None: it does not fit the documents, and ``problem`` says why."""

    row: Mapping[str, Any]
    question: Question | None
    problem: str
    decision: Decision | None

    @property
    def id(self) -> str:
        return _name(self.row)


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
        names = [_name(r) for r in self._rows]
        bad = next((n for n in names if not n or names.count(n) > 1), None)
        if bad is not None:
            what = f'question id "{bad}" stands twice' if bad else "a question has no id"
            raise CorpusError(f"{what}.", where=path, fix="Give each question its own id.")
        self._first = {_name(r): {k: v for k, v in r.items() if k != REVIEWED} for r in self._rows}
        self._dropped: set[str] = set()
        self._decided: dict[str, Decision] = {_name(r): "accept" for r in self._rows if r.get(REVIEWED) == "yes"}
        self._remember()
        self._digest = file_digest(path)

    def _remember(self) -> None:
        """What earlier reviews decided: the rows as they were before, and what was dropped, so that it can be taken back."""
        if not self.log.is_file():
            return
        here = {_name(r) for r in self._rows}
        first: dict[str, dict[str, Any]] = {}
        last: dict[str, str] = {}
        for _, told in json_lines(self.log):
            name, was = str(told.get("id")), told.get("was")
            if isinstance(was, dict):
                first.setdefault(name, {k: v for k, v in was.items() if k != REVIEWED})
                last[name] = str(told.get("decision"))
        for name, row in first.items():
            if name in here and last[name] in ("accept", "edit") and name in self._decided:
                self._first[name] = row
                self._decided[name] = "edit" if last[name] == "edit" else "accept"
            elif name not in here and last[name] == "drop":
                self._first[name] = row
                self._rows.append(dict(row))
                self._dropped.add(name)
                self._decided[name] = "drop"

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
        return Entry(row, found, problem, self._decided.get(_name(row)))

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
        place = next((n for n, r in enumerate(self._rows) if _name(r) == name), None)
        if place is None:
            raise CorpusError(f'there is no question "{name}".', where=self.path)
        was = self._rows[place]
        row = self._first[name] if decision == "undo" else self._decided_row(was, decision, question, answers)
        rows = [*self._rows[:place], row, *self._rows[place + 1 :]]
        dropped = self._dropped | {name} if decision == "drop" else self._dropped - {name}
        write_rows(self.path, [r for r in rows if _name(r) not in dropped])
        self._note(name, decision, was)
        self._rows, self._dropped = rows, dropped
        self._decided.pop(name, None)
        if decision != "undo":
            self._decided[name] = decision
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
            given = [a.strip() for a in answers or () if a.strip()]
            if answers is not None and (given or isinstance(plain.get("answers"), list)):
                plain["answers"] = given  # nobody said what is right: an edit of the question alone leaves it so
                if not given:
                    plain.pop("evidence", None)  # the documents hold no answer
        row = {**plain, REVIEWED: "yes"}
        parse(row, self._documents, f"{self.path.name}: {was.get('id')}")
        return row

    def _note(self, name: str, decision: Decision, was: Mapping[str, Any]) -> None:
        told = {"id": name, "decision": decision, "at": datetime.now(UTC).isoformat(timespec="seconds"), "was": was}
        with writing(self.log), self.log.open("a", encoding="utf-8") as out:
            out.write(json.dumps(told, ensure_ascii=False) + "\n")


def bias(checked: str) -> str:
    """What the check of made questions does to the results over them; ``checked``: the reader, or `SEARCH` alone."""
    found = "Search found the evidence of each among ten chunks, so recall at 10 says nothing here"
    if checked == SEARCH:
        return found + "."
    return (
        f"{found}; {checked} answered each from its evidence, which flatters that reader, and not without, so a prompt alone "
        "cannot do well here."
    )


def share_reviewed(questions: Sequence[Question]) -> tuple[int, int]:
    """(of the questions made from documents those that a person has read, all that were made)."""
    made = [q for q in questions if any(t.startswith(f"{MADE}:") for t in q.tags)]
    return sum(f"{REVIEWED}:yes" in q.tags for q in made), len(made)
