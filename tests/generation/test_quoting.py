"""Decoding that heeds contexts more, and answers that are quotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ragtune.generation.contrast import ContextAware
from ragtune.generation.generator import Reply, Request
from ragtune.generation.generators import identity, unread
from ragtune.generation.local import LocalGenerator
from ragtune.generation.prompts import load_prompt
from ragtune.generation.quoting import Quoting, Spans, lead_of
from ragtune.generation.settings import GeneratorSettings
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.records import Chunk, Hit, Question
from ragtune.text.outcome import read_reply

TEXTS = ["Tea is served at 15:30 in the green room.", "The boat Sprat carries 12 people.", "Biscuits cost 2 euros."]
HITS = tuple(Hit(Chunk(t, t, 0, len(t), t), 1.0, n) for n, t in enumerate(TEXTS, 1))
ASKED = [
    Request("0", Question("0", "When is tea served?"), HITS[:1]),
    Request("1", Question("1", "How many people does the boat Sprat carry, and what do biscuits cost?"), HITS),
    Request("2", Question("2", "Who runs the moon?"), ()),
]


def replies(model: LanguageModel, size: int = 8192, **settings: object) -> dict[str, Reply]:
    own = {"model": model.ref.name, "max_new_tokens": 12, "batch_tokens": size, "window": 250, **settings}
    generator = LocalGenerator(model, load_prompt("cited"), GeneratorSettings.model_validate(own))
    return {key: reply for batch in generator.batches(ASKED, 0) for key, reply in generator.answer(batch, None, 0)}


def paths(spans: Spans, said: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], bool, bool]]:
    """Every way through the quotations of a text: the tokens, whether one may end there, and whether any may follow."""
    follow, over = spans.after(said)
    yield said, over, bool(follow)
    for token in sorted(follow):
        yield from paths(spans, (*said, token))


def quotations(tokenizer: Any, text: str, longest: int = 60) -> set[str]:
    """All quotations of a text, as they read."""
    return {tokenizer.decode(said) for said, over, _ in paths(Spans(tokenizer, text, longest)) if over}


@pytest.fixture(scope="module", params=["small", "gpt2", "t5"])
def model(request: pytest.FixtureRequest, tiny_models: dict[str, Path], small: Path) -> LanguageModel:
    return LanguageModel(resolve(str(small if request.param == "small" else tiny_models[request.param])))


@pytest.mark.parametrize("sampled", [{}, {"temperature": 1.5}])
def test_an_answer_is_a_span_of_a_context_that_it_cites_or_abstains(
    model: LanguageModel, sampled: dict[str, float]
) -> None:
    found = replies(model, quote=True, max_new_tokens=60, **sampled)
    for request in ASKED:
        reply = found[request.key]
        said = read_reply(reply.raw, reply.hits, load_prompt("cited").abstain, finish=reply.finish)
        if said.outcome == "answered":
            [number] = said.citations
            text = request.hits[number - 1].chunk.text
            at = text.index(said.text)
            assert not (at and text[at - 1].isalnum() and said.text[0].isalnum())
        else:
            assert said.text == "I don't know."
    assert found["2"].raw == "I don't know."


def test_a_quotation_is_the_same_in_any_company(model: LanguageModel) -> None:
    alone, together = replies(model, 64, quote=True), replies(model, quote=True)
    assert {k: r.raw for k, r in alone.items()} == {k: r.raw for k, r in together.items()}


def test_a_quotation_is_over_where_the_model_would_leave_the_text() -> None:
    import torch

    class Given(Spans):
        """5 6 7, which may end behind 6 and 7."""

        def __init__(self) -> None: ...

        def after(self, said: Sequence[int]) -> tuple[set[int], bool]:
            whole = [5, 6, 7]
            return (
                (set(whole[len(said) : len(said) + 1]), len(said) > 1)
                if whole[: len(said)] == list(said)
                else (set(), False)
            )

    quoting = Quoting([[Given()]], [9, 2], frozenset({2}), 1)
    scores = torch.zeros(1, 12)
    scores[0, 11] = 5.0  # no word of the context
    kept = [n for n in range(12) if torch.isfinite(quoting(torch.tensor([[1, 5, 6]]), scores)[0, n])]
    assert kept == [2]
    scores[0, 7] = 9.0
    kept = [n for n in range(12) if torch.isfinite(quoting(torch.tensor([[1, 5, 6]]), scores)[0, n])]
    assert kept == [2, 7]
    assert quoting.allowed(0, []) == {5, 9}
    assert quoting.allowed(0, [5]) == {6}  # a word does not end here


def test_spans_begin_and_end_at_words(small: Path) -> None:
    tokenizer = LanguageModel(resolve(str(small))).tokenizer
    assert quotations(tokenizer, "Sprats carry 12.") == {
        *("Sprats", "Sprats carry", "Sprats carry 12", "Sprats carry 12."),
        *("carry", "carry 12", "carry 12.", "12", "12."),
    }
    assert not {"the", "to the", "We"} & quotations(tokenizer, "We sail to the Cape")
    assert {"in May", "May"} <= quotations(tokenizer, "The fair is held in May.")
    assert {"$5", "5", "(a) ships"} <= quotations(tokenizer, "It costs $5 for (a) ships")
    assert "Hipp" not in quotations(tokenizer, "Total" + 15 * " " + "Hippopotamus", 2)
    assert "No" in quotations(tokenizer, "No diving alone")
    assert "Nova Scotia" in quotations(tokenizer, "We sail to Nova Scotia")


@pytest.mark.parametrize("lead", ["", " "])
def test_what_a_model_would_say_is_a_quotation_with_the_very_tokens_that_it_says_it_in(small: Path, lead: str) -> None:
    tokenizer = LanguageModel(resolve(str(small))).tokenizer
    text = "The captain of the Sprat is Ida Moen."
    spans = Spans(tokenizer, text, 40, lead)
    for said in ("Ida Moen", "captain", "The captain", "the Sprat is Ida Moen."):
        ids = tokenizer(lead + said, add_special_tokens=False)["input_ids"]
        assert all(token in spans.after(ids[:n])[0] for n, token in enumerate(ids)), said
        assert spans.after(ids)[1]
    assert spans.after(tokenizer(lead + "captain Sprat", add_special_tokens=False)["input_ids"]) == (set(), False)
    sentence = "I don't know."
    assert lead_of(tokenizer, sentence, tokenizer(lead + sentence, add_special_tokens=False)["input_ids"]) == lead


@pytest.mark.parametrize(
    "text", ["We sail to the Cape. That is all of it.", "Zażółć gęślą jaźń.", "船长是李明。鱷龘 🚢!", "कप्तान राम है।"]
)
def test_every_way_through_a_text_ends_in_words_of_it_that_say_something(small: Path, text: str) -> None:
    tokenizer = LanguageModel(resolve(str(small))).tokenizer
    found = quotations(tokenizer, text)
    assert found
    assert all(said in text for said in found)
    assert not {"it.", "of it.", ".", "!", "।"} & found
    for longest in (3, 60):  # what is begun can be ended
        assert all(over or follow for said, over, follow in paths(Spans(tokenizer, text, longest)) if said)


@pytest.mark.parametrize(
    "text",
    ["1234567890" * 12 + " tea", "a\n" + "=" * 60 + "Tea", "x" * 500, "(" * 80 + "tea", "", "...", "the", "\r\n"],
)
def test_what_cannot_be_ended_in_time_is_not_begun(small: Path, text: str) -> None:
    tokenizer = LanguageModel(resolve(str(small))).tokenizer
    for longest in (1, 12, 60):
        spans = Spans(tokenizer, text, longest)
        for first in spans.after([])[0]:
            follow, over = spans.after([first])
            assert follow or over


def test_scripts_without_spaces_are_quoted_from_any_character(small: Path) -> None:
    tokenizer = LanguageModel(resolve(str(small))).tokenizer
    found = quotations(tokenizer, "船长是李明。")
    assert {"李明", "船长", "船长是李明。"} <= found
    # a vowel sign belongs to its letter
    assert not any(q.startswith("ा") or q.endswith("क्") for q in quotations(tokenizer, "कप्तान राम"))


def test_what_the_contexts_change_counts_by_its_weight(model: LanguageModel) -> None:
    """The first step's logits are the formula's, and without contexts nothing changes."""
    import torch

    generator = LocalGenerator(model, load_prompt("cited"), GeneratorSettings(model=model.ref.name, window=250))
    full, bare = generator.shown(ASKED[1]).ids, generator._bare(ASKED[1])
    base = model.base
    starts = [[base.config.decoder_start_token_id]] if model.seq2seq else [full]

    def last(ids: list[int]) -> torch.Tensor:
        given = torch.tensor([ids])
        more = {"decoder_input_ids": torch.tensor(starts)} if model.seq2seq else {}
        return base(input_ids=given, **more).logits[:, -1].float()

    with torch.inference_mode():
        aware = ContextAware(base, [bare], model.pad, len(starts[0]), 0.5, model.seq2seq)
        found = aware(torch.tensor(starts), last(full))
        expected = 1.5 * last(full) - 0.5 * last(bare)
    assert torch.allclose(found, expected, atol=1e-3)
    plain, weighed = replies(model), replies(model, context_weight=1.0)
    assert weighed["2"].raw == plain["2"].raw
    alone = replies(model, 64, context_weight=1.0)
    assert {k: r.raw for k, r in alone.items()} == {k: r.raw for k, r in weighed.items()}


def test_a_second_step_goes_on_from_what_was_said(small: Path) -> None:
    import torch

    model = LanguageModel(resolve(str(small)))
    bare = [5, 6, 7, 8]
    with torch.inference_mode():
        aware = ContextAware(model.base, [bare, [9, 10]], model.pad, 3, 1.0, False)
        zero = torch.zeros(2, model.base.config.vocab_size)
        aware(torch.tensor([[1, 1, 1], [1, 1, 1]]), zero)
        found = aware(torch.tensor([[1, 1, 1, 20], [1, 1, 1, 21]]), zero)
        for n, ids in enumerate(([*bare, 20], [9, 10, 21])):
            expected = -model.base(input_ids=torch.tensor([ids])).logits[0, -1].float()
            assert torch.allclose(found[n], expected, atol=1e-3)


def test_settings_count_where_they_are_on_and_are_refused_where_nothing_heeds_them(small: Path) -> None:
    prompt = load_prompt("cited")
    off = GeneratorSettings(model=str(small))
    keys = [
        str(identity(off.model_copy(update=u), prompt, resolve)) for u in ({}, {"quote": True}, {"context_weight": 0.5})
    ]
    assert len(set(keys)) == 3
    assert "quote" not in keys[0]
    assert {"quote", "context_weight"} <= unread(GeneratorSettings(model="m", endpoint="http://x/v1")).keys()
    with pytest.raises(ValidationError, match="take one of them"):
        GeneratorSettings(model=str(small), quote=True, thinking=True)
