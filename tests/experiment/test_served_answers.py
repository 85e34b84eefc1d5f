"""Runs whose answers come from a server: what came is kept, what is missing alone is asked, a refusal is an answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.errors import ModelError
from ragtune.experiment.progress import Silent
from tests.servers import Body, start


def test_a_refusal_ends_no_run_and_a_failure_loses_nothing(tmp_path: Path) -> None:
    ids = [f"q{n}" for n in range(8)]
    rows = [{"id": i, "question": f"When is {i}?", "answers": ["noon"], "split": "test"} for i in ids]
    write_corpus(tmp_path / "corpus", questions=rows)
    asked: list[str] = []
    broken = {"q5"}

    def answer(body: Body) -> tuple[int, str]:
        said = body["messages"][-1]["content"]
        asked.append(said)
        if "q3" in said:
            return 400, json.dumps({"error": {"message": "filtered", "code": "content_filter"}})
        if any(name in said for name in broken):
            return 500, "{}"
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "noon"}}
        return 200, json.dumps({"id": "1", "object": "x", "created": 1, "model": "m", "choices": [choice]})

    http, url = start(answer)
    login = url.replace("http://", "http://ann:passwort@")
    (tmp_path / "e.yaml").write_text(
        f"corpus: {tmp_path}/corpus\nsetups: {{plain: {{}}}}\n"
        f"generator: {{model: m, endpoint: '{login}', retries: 0, concurrency: 8}}\n",
        "utf-8",
    )

    def run() -> ragtune.Run:
        return ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())

    with pytest.raises(ModelError, match="500") as caught:
        run()
    assert "passwort" not in str(caught.value)
    broken.clear()
    first = len(asked)
    made = run()
    assert [a for a in asked[first:] if "q5" not in a] == []
    by_id = {row.question.id: row.answer for row in made.rows}
    assert (by_id["q3"].outcome, by_id["q3"].finish) == ("none", "content_filter")
    assert by_id["q5"].text == "noon"
    http.shutdown()
    ragtune.write_report(made, tmp_path / "report.html")
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "e.yaml"]
    assert not [p for p in written if b"passwort" in p.read_bytes()]
