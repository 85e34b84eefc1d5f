"""The report of a large Run: its size, and when a browser can use it, ``python -m benchmarks.big_report``.

The Run is made up: five setups answer 10,000 questions about 2,500 documents, with words, scores and reasons like a real one's.
Time is measured by the page itself, in headless Chromium, from the start of loading until its list answers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragtune.analysis.costs import Costs, CostSettings
from ragtune.analysis.latency import Latency
from ragtune.analysis.means import Estimate, estimate
from ragtune.analysis.summary import summarise
from ragtune.experiment.folder import FORMAT, About, CorpusFacts, Run, WorkDone, environment
from ragtune.experiment.run import study_of
from ragtune.experiment.spec import Experiment, experiment_of
from ragtune.judging.metrics import METRICS
from ragtune.records import Answer, Chunk, Evidence, Hit, Question, Row, Score, Times, Tokens
from ragtune.report.build import write_report

#: setup -> title, share of right answers, and whether it retrieves
SETUPS = {
    "prompt-only": ("Prompt only", 0.1, False),
    "rag": ("RAG", 0.62, True),
    "tuned": ("Tuned, closed book", 0.3, False),
    "tuned-then-rag": ("Closed-book tuned + RAG (naive)", 0.5, True),
    "rag-tuned": ("RAG + tuned with contexts", 0.68, True),
}
SYLLABLES = "ka lo mi ren tas vel dor nim sul par eth gan ros bil fen hul".split()
FROM_CONTEXTS = ("faithfulness", "context_precision", "context_recall", "noise_sensitivity")
FROM_REFERENCES = ("answer_correctness", "exact_match", "token_f1", "rouge_l", "semantic_similarity", "value_match")


def sentence(chance: random.Random, count: int) -> str:
    """Words that no other text holds in this order."""
    return " ".join("".join(chance.choices(SYLLABLES, k=chance.choice((1, 2, 2, 3)))) for _ in range(count))


def corpus(count: int, chance: random.Random) -> tuple[list[Chunk], list[Question]]:
    """Chunks of 60 words, one a document, four questions about each; every tenth question has no answer."""
    chunks = []
    for n in range(max(4, count // 4)):
        text = sentence(chance, 60)
        chunks.append(Chunk(f"d{n}#0", f"d{n}.md", 0, len(text), text, f"Document {n}"))
    questions = []
    for n in range(count):
        tags = ("single fact" if n % 3 else "paraphrase", "unseen" if n % 2 else "seen", *(["rare"] if n < 3 else []))
        if n % 10 == 9:
            questions.append(Question(f"q{n}", f"What is {sentence(chance, 9)}?", (), tags=tags))
            continue
        chunk = chunks[n % len(chunks)]
        words = chunk.text.split(" ")
        at = chance.randrange(50)
        start = len(" ".join(words[:at])) + (at > 0)
        quote = " ".join(words[at : at + 3])
        evidence = (Evidence(chunk.document_id, start, start + len(quote), quote),)
        questions.append(Question(f"q{n}", f"What is {sentence(chance, 9)}?", (quote,), evidence, tags=tags))
    return chunks, questions


def row(setup: str, seed: int, n: int, question: Question, chunks: Sequence[Chunk], chance: random.Random) -> Row:
    """One made-up answer with scores by all metrics."""
    _, share, retrieves = SETUPS[setup]
    others = chance.sample(chunks, 3)
    found = [chunks[n % len(chunks)], *others] if chance.random() < 0.9 else others
    hits = tuple(Hit(c, 1.0 / r, r) for r, c in enumerate(found[:3], 1)) if retrieves else ()
    right = chance.random() < share
    abstains = question.unanswerable == right and (question.unanswerable or chance.random() < 0.3)
    reference = question.references[0] if question.references else ""
    text = "I don't know." if abstains else f"It is {reference if right else sentence(chance, 3)}."
    scores = {}
    for metric in METRICS:
        value: float | None = chance.choice((0.0, 0.25, 0.5, 0.75, 1.0))
        reason = f"{metric}: {chance.randrange(4)} of {chance.randrange(4, 6)}"
        if metric in FROM_CONTEXTS and not hits:
            value, reason = None, "no contexts"
        elif metric == "faithfulness":
            reason = f"supported: [1] {hits[0].chunk.text[:90]}"
        elif metric in FROM_REFERENCES:
            value = None if not reference else (0.97 if right and not abstains else 0.06)
            reason = f"holds {text[:40]} (“{reference}”)" if reference else "no reference"
        elif metric == "answer_relevance":
            continue
        scores[metric] = Score(metric, value, reason)
    wrong = not abstains if question.unanswerable else not right or abstains
    cause = (
        "answered_unanswerable"
        if question.unanswerable
        else "abstained_answerable"
        if abstains
        else "ignored"
        if hits
        else "unsupported"
    )
    said = Answer(
        text,
        (1,) if hits and not abstains else (),
        hits,
        outcome="abstained" if abstains else "answered",
        tokens=Tokens(60 + 90 * len(hits), 8),
    )
    return Row(setup, seed, question, said, Times(0.01, chance.random()), scores, cause if wrong else "")


def experiment(seeds: Sequence[int] = (0,)) -> Experiment:
    setups: dict[str, Any] = {}
    for name, (title, _, retrieves) in SETUPS.items():
        setups[name] = {"title": title, **({"retrieval": {"lexical": True, "top_k": 3}} if retrieves else {})}
    data = {"name": "made-up", "corpus": "corpora/made-up", "generator": {"model": "bundled:reader"}, "setups": setups}
    return Experiment.model_validate(experiment_of({**data, "seeds": list(seeds)}, "made-up", resolved=True))


def made_up(count: int, seeds: Sequence[int] = (0,), latency: bool = True) -> Run:
    """A Run of ``count`` questions that no model answered; the same one each time."""
    chance = random.Random(7)
    chunks, questions = corpus(count, chance)
    asked = experiment(seeds)
    rows = tuple(row(s, seed, n, q, chunks, chance) for s in SETUPS for seed in seeds for n, q in enumerate(questions))
    answerable = [q.id for q in questions if q.answerable]
    retrieval: dict[str, Mapping[str, Estimate]] = {}
    for name in (n for n, (_, _, retrieves) in SETUPS.items() if retrieves):
        shares = {1: 0.7, 3: 0.85, 5: 0.9, 10: 0.95}
        measures = {
            m: [(q, 0, float(chance.random() < share)) for q in answerable]
            for k, share in shares.items()
            for m in (f"recall@{k}", f"success@{k}")
        }
        measures |= {m: [(q, 0, chance.random()) for q in answerable] for m in ("RR@10", "nDCG@10")}
        retrieval[name] = {m: estimate(values) for m, values in measures.items()}
    waits = {n: Latency(0.02 * (i + 1), 0.05 * (i + 1), 20) for i, n in enumerate(SETUPS)} if latency else {}
    study = replace(study_of(asked, questions, retrieval, ()), latency=waits)
    summary, costs = summarise(study, rows)
    facts = CorpusFacts("corpora/made-up", "0" * 64, len(chunks), count)
    about = About(FORMAT, "made-up", "store", facts, "", "3.11", {})
    costs = Costs(CostSettings(), waits, {}, (), costs.throughput)
    return Run(Path("made-up"), asked, rows, summary, costs, (), environment(), WorkDone({}, 0), about)


class Browser:
    """Headless Chromium, spoken to over a pipe in its DevTools protocol."""

    def __init__(self, profile: str) -> None:
        (theirs, ours), (mine, yours) = os.pipe(), os.pipe()
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        shell = f'exec 3<&{theirs} 4>&{yours}; exec "$@"'  # Chromium reads 3 and writes 4
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command, f"--user-data-dir={profile}"],
            pass_fds=(theirs, yours),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(yours)
        self.out, self.back, self.count = ours, os.fdopen(mine, "rb"), 0
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    session = ""

    def __call__(self, method: str, **params: Any) -> Any:
        self.count += 1
        to = {"sessionId": self.session} if self.session else {}
        os.write(self.out, json.dumps({"id": self.count, "method": method, "params": params, **to}).encode() + b"\0")
        while True:
            reply = json.loads(self._message())
            if reply.get("id") == self.count:
                return reply["result"]

    def _message(self) -> bytes:
        found = b""
        while (char := self.back.read(1)) != b"\0":
            found += char
        return found

    def value(self, script: str) -> Any:
        return self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)["result"].get("value")


SEARCH = """(async () => {
  const start = performance.now(), field = document.getElementById("search");
  field.value = WORD; field.dispatchEvent(new Event("input"));
  const found = document.getElementById("found"), before = found.textContent;
  while (found.textContent === before) await new Promise(done => setTimeout(done, 5));
  return [Math.round(performance.now() - start), found.textContent];
})()"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1, help="seeds that every setup answers under")
    parser.add_argument("--keep", type=Path, help="write the page there as well")
    args = parser.parse_args()
    start = time.perf_counter()
    run = made_up(args.questions, range(args.seeds))
    made = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(run, args.keep or Path(folder) / "report.html").absolute()
        print(f"made up in {made - start:.1f} s, page written in {time.perf_counter() - made:.1f} s")
        print(f"{args.questions:,} questions, {len(run.rows):,} answers: {page.stat().st_size / 1e6:.2f} MB")
        browser = Browser(folder)
        try:
            for _ in range(3):
                browser("Page.navigate", url="about:blank")
                browser("Page.navigate", url=page.as_uri())
                while not (ready := browser.value("document.documentElement.dataset.ready")):
                    time.sleep(0.02)
                paint = browser.value(
                    "Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1)"
                )
                word = " ".join(run.rows[-2].question.text.split(" ")[2:4])
                took, found = browser.value(SEARCH.replace("WORD", json.dumps(word)))
                print(f"first paint {paint} ms, usable {ready} ms, a first search {took} ms ({found})")
        finally:
            browser.process.terminate()
            browser.process.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
