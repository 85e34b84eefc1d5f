"""The page of the review: behind its secret, under its policy, escaped; what a key press does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import DOCUMENTS, QUESTIONS, write_corpus
from starlette.testclient import TestClient

from ragtune.corpus.load import CorpusSettings, load_corpus
from ragtune.corpus.review import Review
from ragtune.serving.review import review_app
from ragtune.serving.web import new_secret

BASE = "http://127.0.0.1:8123"
EVIL = "</script><script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = {**DOCUMENTS, "evil.txt": f"The sign says {EVIL} in red letters."}
    row = {
        "id": "x1",
        "question": f"What does {EVIL} say?",
        "answers": ["red"],
        "evidence": [{"document": "evil.txt", "quote": "in red letters"}],
    }
    return write_corpus(tmp_path / "c", documents, [*QUESTIONS, row])


@pytest.fixture
def client(folder: Path) -> TestClient:
    corpus = load_corpus(CorpusSettings(path=str(folder)))
    secret = new_secret()
    made = TestClient(review_app(Review(folder / "questions.jsonl", corpus.documents), secret), base_url=BASE)
    assert made.get(f"/?token={secret}").status_code == 200  # follows to the page, with the cookie
    return made


def test_nobody_without_the_secret(folder: Path, client: TestClient) -> None:
    before = (folder / "questions.jsonl").read_bytes()
    stranger = TestClient(client.app, base_url=BASE)
    assert stranger.get("/").status_code == 403
    assert stranger.get("/?token=wrong").status_code == 403
    assert stranger.post("/decide", json={"id": "q1", "decision": "drop"}).status_code == 403
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403  # another name for this machine
    form = client.post("/decide", content="id=q1&decision=drop", headers={"content-type": "text/plain"})
    assert form.status_code == 415  # what a form of another page could send
    assert (folder / "questions.jsonl").read_bytes() == before


def test_the_page_runs_its_own_script_alone(client: TestClient) -> None:
    got = client.get("/")
    policy = got.headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)[1]  # type: ignore[index]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert got.headers["x-frame-options"] == "DENY"
    assert EVIL not in got.text
    assert all(f'nonce="{nonce}"' in tag for tag in re.findall(r"<(?:script|style)[^>]*>", got.text))
    data = json.loads(re.search(r'type="application/json"[^>]*>(.*?)</script>', got.text, re.DOTALL)[1])  # type: ignore[index]
    evil = next(e for e in data if e["id"] == "x1")
    assert evil["question"] == f"What does {EVIL} say?"
    assert evil["places"][0]["evidence"] == "in red letters"
    assert evil["places"][0]["before"].endswith(f"The sign says {EVIL} ")


def test_decisions(folder: Path, client: TestClient) -> None:
    assert client.post("/decide", json={"id": "q1", "decision": "accept"}).json()["decision"] == "accept"
    got = client.post(
        "/decide", json={"id": "q2", "decision": "edit", "question": "Who steers?", "answers": ["Ida Moen"]}
    )
    assert got.json()["question"] == "Who steers?"
    assert client.post("/decide", json={"id": "q3", "decision": "drop"}).json()["decision"] == "drop"
    assert client.post("/decide", json={"id": "q3", "decision": "burn"}).status_code == 400
    assert client.post("/decide", json=[1]).status_code == 400
    assert client.post("/decide", content="{", headers={"content-type": "application/json"}).status_code == 400
    unknown = client.post("/decide", json={"id": "zz", "decision": "accept"})
    assert unknown.status_code == 409
    assert "there is no question" in unknown.json()["error"]
    rows = {r["id"]: r for r in map(json.loads, (folder / "questions.jsonl").read_text().splitlines())}
    assert rows["q1"]["reviewed"] == rows["q2"]["reviewed"] == "yes"
    assert rows["q2"]["question"] == "Who steers?"
    assert "q3" not in rows
