from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ragtune.corpus.check import unknown_share
from ragtune.corpus.chunking import CHUNKERS, ChunkSettings, chunk_document
from ragtune.corpus.normalise import normalise
from ragtune.corpus.outline import headings
from ragtune.models.names import resolve
from ragtune.models.tokens import token_spans
from ragtune.records import Chunk, Document
from ragtune.text.sentences import sentence_spans

TOKENS = token_spans(resolve("bundled:minilm"))
TEXT = "# Leave\n\nStaff get 27 days. Dr. Lee decides.\n\n## Carry over\n\nFive days may be kept. They lapse in June.\n\n```\n# not a heading\n```\n\n今天天气很好。我们去公园！"

pieces = st.lists(
    st.sampled_from(
        [
            "# Title\n\n",
            "One two three. ",
            "Dr. No said 3.5 is fine! ",
            "天气很好。",
            "\n",
            "\n\n",
            "word ",
            "éa̱ ",
            "| a | b |\n",
            "x" * 40 + " ",
        ]
    ),
    max_size=40,
)


@given(parts=pieces, by=st.sampled_from(sorted(CHUNKERS)), size=st.integers(8, 60), overlap=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_offsets_are_exact_and_sizes_hold(parts: list[str], by: str, size: int, overlap: int) -> None:
    document = Document("d", normalise("".join(parts)))
    chunks = chunk_document(document, ChunkSettings(by=by, size=size, overlap=overlap), TOKENS)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        if by != "document":
            assert (
                len([s for s in TOKENS.spans(chunk.text) if s[1] > s[0]]) <= size + 2
            )  # word pieces may differ at a cut
    starts = [c.start for c in chunks]
    assert starts == sorted(starts)


@given(parts=pieces, size=st.integers(8, 40))
@settings(max_examples=80, deadline=None)
def test_recursive_keeps_every_word(parts: list[str], size: int) -> None:
    document = Document("d", normalise("".join(parts)))
    chunks = chunk_document(document, ChunkSettings(by="recursive", size=size), TOKENS)
    assert "".join(c.text for c in chunks).split() == "".join(c.text for c in chunks).split()
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(document.text.split())


def test_markdown_keeps_the_heading_path_and_ignores_code() -> None:
    document = Document("d", normalise(TEXT), {"title": "Handbook"})
    chunks = chunk_document(document, ChunkSettings(by="markdown", size=64), TOKENS)
    assert [c.title for c in chunks][:2] == ["Handbook > Leave", "Handbook > Leave > Carry over"]
    assert [h[2] for h in headings(document.text)] == ["Leave", "Carry over"]
    untitled = chunk_document(document, ChunkSettings(by="markdown", size=64, titles=False), TOKENS)
    assert {c.title for c in untitled} == {""}
    assert untitled[1].metadata["headings"] == ["Leave", "Carry over"]


def test_token_windows_share_their_overlap() -> None:
    text = " ".join(f"w{i}" for i in range(100))
    chunks = chunk_document(Document("d", text), ChunkSettings(by="tokens", size=20, overlap=8), TOKENS)
    assert len(chunks) > 5
    for left, right in zip(chunks, chunks[1:], strict=False):
        assert left.start < right.start < left.end


def test_sentence_windows_repeat_whole_sentences() -> None:
    text = "One cat sat. Two dogs ran. Three owls flew. Four mice hid. Five cows ate."
    chunks = chunk_document(Document("d", text), ChunkSettings(by="sentences", size=12, overlap=5), TOKENS)
    assert chunks[0].text.endswith(".")
    assert chunks[1].text.split(".")[0] in chunks[0].text


def test_a_question_goes_with_its_answer() -> None:
    text = "Where is it? In the hall.\n\nWhen is pay day? On the 26th.\n\nWho pays? Ida does."
    chunks = chunk_document(Document("d", text), ChunkSettings(by="sentences", size=9, overlap=0), TOKENS)
    assert [c.text for c in chunks] == [
        "Where is it? In the hall.",
        "When is pay day? On the 26th.",
        "Who pays? Ida does.",
    ]


def test_empty_text_gives_no_chunks() -> None:
    assert chunk_document(Document("d", ""), ChunkSettings(), TOKENS) == []


def test_overlap_must_be_smaller_than_size() -> None:
    with pytest.raises(ValidationError, match="overlap"):
        ChunkSettings(size=16, overlap=16)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dr. Lee came. He left.", ["Dr. Lee came.", "He left."]),
        ("It costs 3.5 euros. Fine!", ["It costs 3.5 euros.", "Fine!"]),
        ("今天天气很好。我们去公园！真的吗？", ["今天天气很好。", "我们去公园！", "真的吗？"]),
        ("1. First step\n2. Second step", ["1. First step", "2. Second step"]),
        ("Es endet am 5. Mai 2020. Danach gilt es.", ["Es endet am 5. Mai 2020.", "Danach gilt es."]),
        ("Es endet am 5. August. Danach gilt es.", ["Es endet am 5. August.", "Danach gilt es."]),
        ("It was room 5. August was cold.", ["It was room 5.", "August was cold."]),
        ("J. Smith said “Go.” Then he went.", ["J. Smith said “Go.”", "Then he went."]),
    ],
)
def test_sentences(text: str, wanted: list[str]) -> None:
    assert [text[a:b] for a, b in sentence_spans(text)] == wanted


@given(st.text(max_size=200))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "\r" not in once
    assert "\x00" not in once


def test_lines_wrapped_by_hand_stay_one_sentence() -> None:
    text = "Ventra cards require a $5 deposit, which is refundable after\nregistering, and the card stays valid.\nThe next one\nbegins here."
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        text[: text.index("valid.") + 6],
        "The next one",
        "begins here.",
    ]
    rows = "supplier: Noordzee Vis; what: mackerel and squid; order day: Monday\nsupplier: Marisal; what: reef salt"
    assert len(sentence_spans(rows)) == 2
    listed = "A long first line that ends with a colon and is followed by points:\nfirst point\nsecond point"
    assert len(sentence_spans(listed)) == 3


def cut(text: str, **settings: object) -> list[Chunk]:
    return chunk_document(Document("d", normalise(text)), ChunkSettings(**settings), TOKENS)  # type: ignore[arg-type]


def test_a_heading_alone_is_kept_with_what_stands_below_it_or_by_itself() -> None:
    found = cut("# Guide\n\n## Start\n\nPlug it in.\n\n# Contact\n\n# Index", by="markdown")
    assert [c.text for c in found] == ["# Guide\n\n## Start\n\nPlug it in.", "# Contact", "# Index"]
    assert [c.title for c in found] == ["Guide > Start", "Contact", "Index"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("````\n```\n# code\n```\n# code\n````\n# Real", ["Real"]),  # a longer fence holds a shorter one
        ("~~~\n```\n# code\n~~~\n# Real", ["Real"]),
        ("# Real\n\n```sh\n# code, never closed\n", ["Real"]),
        ("```not a fence``` on one line\n# Real #", ["Real"]),
        ("# C# and F#\n## Two ##", ["C# and F#", "Two"]),
    ],
)
def test_headings_stand_outside_fences(text: str, wanted: list[str]) -> None:
    assert [h[2] for h in headings(text)] == wanted


def test_a_table_that_is_cut_keeps_its_columns_names() -> None:
    rows = "\n".join(f"| item {n} | {n},50 euros |" for n in range(40))
    found = cut(f"# Prices\n\n| Thing | Price |\n| --- | --- |\n{rows}\n\nAll prices hold until June.", size=48)
    assert len(found) > 3
    assert all("| Thing | Price |" in c.titled for c in found if "item" in c.text)
    assert found[-1].titled.count("Price |") == ("item" in found[-1].text.split("\n")[0])
    assert "| Thing |" not in cut("| Thing | Price |\n| --- | --- |\n| a | b |")[0].title


def test_words_that_the_tokenizer_does_not_know_are_cut_by_characters() -> None:
    found = cut("x" * 20_000, size=64)
    assert len(found) > 10
    assert max(len(c.text) for c in found) <= 64 * 40
    assert "".join(c.text for c in found) == "x" * 20_000


def test_the_share_of_unknown_characters_is_said() -> None:
    documents = [Document("a", "Plain words here."), Document("b", "x" * 300)]
    assert unknown_share(documents[:1], TOKENS) == ""
    assert "95% of the documents' characters" in unknown_share(documents, TOKENS)
