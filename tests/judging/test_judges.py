"""NLI and LLM judges: real classes, a small CrossEncoder built on the spot, a server that answers as told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ragtune.errors import ExperimentError, ModelError
from ragtune.judging.judge import Judge
from ragtune.judging.judges import make_judge
from ragtune.judging.nli import entailment
from ragtune.judging.replies import Judged, extract_json
from ragtune.judging.settings import JudgeSettings
from ragtune.models.encoder import SentenceEncoder
from ragtune.models.names import resolve
from ragtune.models.pairs import PairModel
from ragtune.records import Answer, Chunk, Hit, Question, Row, Score
from ragtune.store import Store
from tests.servers import Server

CONTEXTS = ("Full-time staff have 27 days of leave a year.", "Overtime is approved by the duty manager.")
LEAVE = Question("q", "How many days of leave do full-time staff have?", ("27 days",))


def item(
    answer: str,
    contexts: tuple[str, ...] = CONTEXTS,
    question: Question = LEAVE,
    abstained: bool = False,
    cited: tuple[int, ...] = (),
) -> Row:
    hits = tuple(Hit(Chunk(f"c{n}", "d", 0, len(t), t), 1.0, n) for n, t in enumerate(contexts, 1))
    said = Answer(answer, cited, hits, outcome="abstained" if abstained else "answered")
    return Row("s", 0, question, said)


def scores_of(judge: Judge, row: Row) -> dict[str, Score]:
    return dict(judge.score([row])[0])


# --- a server that says what it is told ----------------------------------------------------------------------


def sensible(message: str) -> object:
    """Judges by plain rules, so that expected scores can be worked out by hand."""
    if "Break the answer" in message:
        return {"statements": [s.strip() for s in re.search(r"Answer: (.*)", message)[1].split(".") if s.strip()]}  # type: ignore[index]
    if "can be inferred directly" in message:
        context = message.split("Statements:")[0]
        said = re.findall(r"^\d+\. (.*)$", message, re.M)
        return {
            "verdicts": [
                {"reason": "r", "verdict": int(all(n in context for n in re.findall(r"\d+", s)))} for s in said
            ]
        }
    if "Write the question" in message:
        return {"question": LEAVE.text, "noncommittal": int("know" in message.split("Answer:")[1].split("Reply")[0])}
    if "useful in arriving" in message:
        return {"reason": "", "verdict": int("27 days" in message.split("Context:")[1])}
    if "attributed to the context" in message:
        return {
            "classifications": [
                {"statement": "27 days", "attributed": int("27" in message.split("Context:")[1].split("Answer:")[0])}
            ]
        }
    return {"TP": [{"statement": "27 days"}], "FP": [{"statement": "x"}], "FN": []}


def llm(url: str, minilm: SentenceEncoder, store: Path, **settings: object):  # type: ignore[no-untyped-def]
    made = JudgeSettings.model_validate({"name": "llm", "model": "m", "endpoint": url, "retries": 0, **settings})
    return make_judge(made, minilm, resolve, Store(store))


def test_llm_scores_follow_the_definitions(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    judge = llm(serve(sensible).url, minilm, tmp_path)
    scores = scores_of(judge, item("They have 27 days. The office opens at 9.", (CONTEXTS[1], CONTEXTS[0])))
    assert scores["faithfulness"].value == 0.5
    assert scores["context_precision"].value == 0.5  # the useful context is second
    assert scores["context_recall"].value == 1.0
    assert scores["answer_relevance"].value == pytest.approx(1.0, abs=1e-5)
    cosine = judge.witness.similarity("They have 27 days. The office opens at 9.", "27 days")
    assert scores["answer_correctness"].value == pytest.approx(0.75 * (1 / 1.5) + 0.25 * cosine, abs=1e-6)
    assert all(s.value is None or 0 <= s.value <= 1 for s in scores.values())


def test_llm_abstentions_and_empty_contexts_are_unscored_not_failed(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    judge = llm(serve(sensible).url, minilm, tmp_path)
    away = scores_of(judge, item("I don't know.", abstained=True))
    assert (away["faithfulness"].value, away["faithfulness"].failed) == (None, False)
    assert away["answer_relevance"].value == 0.0
    assert away["answer_correctness"].value == 0.0
    bare = scores_of(judge, item("27 days", ()))
    assert {m for m, s in bare.items() if s.value is None} == {"faithfulness", "context_precision", "context_recall"}
    none = scores_of(judge, item("Nobody knows.", question=Question("n", "What does the moon cost?", ())))
    assert none["answer_correctness"].value is None
    assert (
        scores_of(judge, item("I don't know.", question=Question("n", "What?", ()), abstained=True))[
            "answer_relevance"
        ].value
        is None
    )


def test_broken_replies_are_repaired_asked_again_or_unscored(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    state = {"n": 0}

    def clumsy(message: str) -> object:
        state["n"] += 1
        if "Your last reply could not be used" in message:
            return sensible(message)
        if "can be inferred directly" in message:
            return {"verdicts": []}
        return "Sure! ```json\n" + json.dumps(sensible(message))[:-1] + ",}\n```"

    judge = llm(serve(clumsy).url, minilm, tmp_path / "a")
    assert scores_of(judge, item("They have 27 days"))["faithfulness"].value == 1.0
    [hopeless] = llm(serve(lambda m: "I would rather not.").url, minilm, tmp_path / "b").score([item("27 days")])
    bad = {m: s for m, s in hopeless.items() if s.failed}
    assert set(bad) == {"faithfulness", "answer_relevance", "context_precision", "context_recall", "answer_correctness"}
    assert all(s.value is None and "after 3 tries" in s.reason for s in bad.values())
    assert hopeless["token_f1"].value == 1.0


def test_any_of_the_references_makes_an_answer_right(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    def strict(message: str) -> object:
        if "TP" in message:
            right = "27 days" in message.split("Reference")[-1]
            named = [{"statement": "27 days"}]
            return {"TP": named if right else [], "FP": [] if right else named, "FN": []}
        if "attributed to the context" in message:
            return {
                "classifications": [{"statement": "x", "attributed": int("27 days" in message.split("Answer:")[1])}]
            }
        return sensible(message)

    several = Question("q", LEAVE.text, ("four weeks", "27 days"))
    scores = scores_of(llm(serve(strict).url, minilm, tmp_path), item("27 days", question=several))
    assert scores["answer_correctness"].value == pytest.approx(1.0, abs=1e-5)
    assert scores["context_recall"].value == 1.0


def test_a_verdict_is_zero_or_one() -> None:
    assert [Judged.model_validate({"verdict": v}).verdict for v in (0, 1, "1", True)] == [0, 1, 1, 1]
    for wrong in (2, -1, 0.5, "yes", None):
        with pytest.raises(ValueError, match="verdict"):
            Judged.model_validate({"verdict": wrong})


def test_replies_are_kept_by_content_and_the_budget_holds(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    server = serve(sensible)
    first = llm(server.url, minilm, tmp_path, budget=4)
    with pytest.raises(ExperimentError, match="budget of 4 calls"):
        scores_of(first, item("They have 27 days"))
    asked = len(server.messages)
    again = llm(server.url, minilm, tmp_path)
    scores_of(again, item("They have 27 days"))
    assert len(server.messages) == len(set(server.messages))  # nothing was asked twice
    assert len(server.messages) > asked
    third = llm(server.url, minilm, tmp_path)
    scores_of(third, item("They have 27 days"))
    assert third.calls == 0


def test_servers_without_schemas_are_asked_in_words(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path
) -> None:
    judge = llm(serve(sensible, schema=False).url, minilm, tmp_path, retries=1, concurrency=1)
    assert scores_of(judge, item("27 days"))["faithfulness"].value == 1.0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (401, "refused the key"),
        (429, "answered 429"),
        (500, "answered 500"),
        (404, "answered 404"),
        ('RAW{"half', "completion"),
        ("RAW<html>", "completion"),
        ("RAW", "completion"),
    ],
)
def test_a_failing_server_is_one_line(
    serve: Callable[..., Server], minilm: SentenceEncoder, tmp_path: Path, answer: object, says: str
) -> None:
    judge = llm(serve(lambda m: answer).url, minilm, tmp_path, concurrency=1)
    with pytest.raises(ModelError, match=says) as caught:
        scores_of(judge, item("27 days"))
    assert "\n" not in str(caught.value)


def test_an_unreachable_server_is_one_line(minilm: SentenceEncoder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be reached"):
        llm("http://127.0.0.1:9/v1", minilm, tmp_path, concurrency=1).score([item("27 days")])


def test_a_local_model_can_judge(small: Path, minilm: SentenceEncoder, tmp_path: Path) -> None:
    from ragtune.judging.llm import LlmWitness
    from ragtune.judging.replies import Asker, LocalChat
    from ragtune.models.causal import LanguageModel

    settings = JudgeSettings(name="llm", model=str(small))
    chat = LocalChat(LanguageModel(resolve(str(small))), max_tokens=16)
    asker = Asker(chat, Store(tmp_path).log("replies", "x"), tries=1)
    judge = Judge(LlmWitness(settings, minilm, asker, "f", 1), settings)
    assert make_judge(settings, minilm, resolve, Store(tmp_path)).key
    scores = scores_of(judge, item("27 days"))  # it speaks no JSON: unscored with the reason, never NaN
    assert scores["faithfulness"].failed
    assert scores["exact_match"].value == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Here: {"a": [1, 2,],} Thanks!', {"a": [1, 2]}),
        ('```\n{"a": 1}\n```', {"a": 1}),
        ('<think>{"b": 2}</think>{"a": 1}', {"a": 1}),
        ('As [1] says, {"a": 1} holds, so: {"a": [{"b": 1},], "c": 2}', {"a": [{"b": 1}], "c": 2}),
        ('{"a": "in ```json``` fences"}', {"a": "in ```json``` fences"}),
        ('thinking aloud {"b": 2} </think> {"a": 1}', {"a": 1}),
        ('{"a": "quote \\" and } brace"}', {"a": 'quote " and } brace'}),
    ],
)
def test_json_is_found_and_mended(text: str, value: object) -> None:
    assert extract_json(text) == value


def test_text_without_json_is_refused() -> None:
    for text in ("", "no", "{:}", '{"a": ["x", "cut off', '{"a": [{"b": 1}, {"b', '<think>is {"a": 1} right?'):
        with pytest.raises(ValueError, match=r"JSON|thinking"):
            extract_json(text)


# --- NLI ------------------------------------------------------------------------------------------------------------


def cross_encoder(folder: Path, labels: dict[int, str] | int) -> Path:
    """A tiny random BERT CrossEncoder with the given labels, saved with the real classes."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        *"full time staff have 27 28 days of leave a year the duty manager".split(),
    ]
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    )
    count = labels if isinstance(labels, int) else len(labels)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=count,
    )
    if not isinstance(labels, int):
        config.id2label, config.label2id = labels, {v: k for k, v in labels.items()}
    BertForSequenceClassification(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "labels", [{0: "contradiction", 1: "entailment", 2: "neutral"}, {0: "LABEL_0", 1: "LABEL_1"}, 1]
)
def test_nli_judges_with_any_cross_encoder(
    labels: dict[int, str] | int, minilm: SentenceEncoder, tmp_path: Path
) -> None:
    folder = cross_encoder(tmp_path / "m", labels)
    judge = make_judge(JudgeSettings(name="nli", model=str(folder)), minilm, resolve, Store(tmp_path / "s"))
    items = [
        item("staff have 27 days"),
        item("staff have 28 days. the manager", ("word " * 500,)),
        item("", ()),
        item("no", abstained=True),
    ]
    found = judge.score(items)
    asked = judge.calls
    for scores in found:
        for score in scores.values():
            assert score.value is None or 0 <= score.value <= 1
    assert judge.score(items) == found
    assert judge.calls == asked  # everything was scored in one go, and is known
    assert all(0 <= value <= 1 for value in judge.support(items))


def test_nli_reads_what_stands_beyond_the_models_window(tmp_path: Path) -> None:
    model = PairModel(resolve(str(cross_encoder(tmp_path / "m", 1))))
    score = entailment(model)
    long = "word " * 600 + "staff have leave"
    parts = model.windows(long, beside="staff have 27 days")
    assert len(parts) > 1
    assert parts[-1].endswith("staff have leave")
    alone = [score([(part, "staff have 27 days")])[0] for part in parts]
    assert score([(long, "staff have 27 days"), ("a", "b")])[0] == pytest.approx(max(alone), abs=1e-5)


def test_nli_takes_the_best_window() -> None:
    from ragtune.judging.nli import NliEvidence, windows

    def entails(pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [0.9 if "27" in premise else 0.1 for premise, _ in pairs]

    evidence = NliEvidence(entails, "f")
    long = " ".join(f"Sentence number {i} says nothing at all about it." for i in range(60)) + " Staff have 27 days."
    assert len(windows((long,))) > 2
    assert evidence.support("27 days", (long,))[0] == 0.9
    assert evidence.support("27 days", ()) == (0.0, "", -1)
    calls = evidence.calls
    evidence.gather(lambda: evidence.support("28 days", (long,)))
    assert evidence.calls == calls + len(windows((long,)))
    evidence.support("28 days", (long,))
    assert evidence.calls == calls + len(windows((long,)))


def test_judges_that_miss_a_setting_are_named(minilm: SentenceEncoder, tmp_path: Path) -> None:
    for name, says in (("nli", "needs a model"), ("llm", "needs a model"), ("oracle", "unknown judge")):
        with pytest.raises(ExperimentError, match=says):
            make_judge(JudgeSettings(name=name), minilm, resolve, Store(tmp_path))
    odd = cross_encoder(tmp_path / "odd", {0: "happy", 1: "sad", 2: "angry"})
    with pytest.raises(ModelError, match="no entailment"):
        make_judge(JudgeSettings(name="nli", model=str(odd)), minilm, resolve, Store(tmp_path))
