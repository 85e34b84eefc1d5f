"""Answered or abstained: the one rule, on replies in the styles of several models, half of them abstaining.

Those of ``replies.jsonl`` were given their verdicts before the rule read them. At first reading it agreed on 57 of the first 84 (17 of
42 that abstain, 40 of 42 answers; 43 of 53 in English, 14 of 31 in other languages). Its patterns were then mended by kind, and at first reading it agreed on 36 of 44 further ones (``"set": 2``; 15 of 22, 21 of 22). They were mended again:
it agrees on all 248 now, so only replies that are not here can tell how well it does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ragtune.text.outcome import abstains, certain, read_reply

WITHHELD = """\
I don't know.
I don’t know
I do not know the answer to that question.
Answer: I don't know.
**I don't know.**
I'm sorry, but I don't know.
Sorry, there is no information on that in the documents.
I'm sorry, the context does not mention it.
Unfortunately, the provided context does not contain this information.
The answer is not in the contexts.
The answer is not in the provided context.
The answer to this question is not provided in the given passages.
This information is not available in the provided documents.
The contexts do not say.
The provided context doesn't specify who approves it.
The documents do not mention a price.
Based on the provided context, it is not possible to say who approves it.
Based on the given information, I cannot determine the date.
According to the documents, there is no mention of a wifi password.
There is no information about this in the given text.
There is not enough information to answer.
Not enough information.
Insufficient information to answer the question.
Not mentioned in the context.
Not stated.
Not found in the documents.
N/A
n/a
Unknown
Unknown.
Unanswerable
No answer.
No information.
I cannot answer this from the context.
I can't find that in the documents.
I couldn't find any information about the Mars office.
I am unable to answer this question.
I'm not able to determine that from the text.
I don't have enough information to answer.
I don't have any information about that.
I'm not sure.
I am not certain.
It is not stated in the document.
It isn't mentioned in the passages.
The question cannot be answered from the given contexts.
The text does not provide the answer.
The passages are silent on this.
No mention of this is made in the text.
No information about the wifi is given in the handbook's documents.
I apologize, but I cannot find the answer in the provided documents.
不知道
我不知道。
无法回答
文中没有提到这个问题。
上下文中未提及相关信息。
Das weiß ich leider nicht.
Ich weiß es nicht.
Je ne sais pas.
No lo sé.
Не знаю.""".split("\n")

ANSWERED = """\
27 days
Unknown Pleasures
"Unknown Pleasures" by Joy Division.
No answer key is needed.
No answer sheet may leave the room.
No.
No, it is not.
No later than Friday
No information about clients may be shared outside the company.
No more than 5
None
Nobody
Not guilty
Not on Sundays.
Not before 9 o'clock.
This is not stated as a limit but as a goal.
N/A values are dropped.
I don't need a ticket
The document does what it says
The documents do not need a signature.
The text does not matter; the date does.
The contexts of use are three.
I know: five [2]
It is not allowed.
It is not included in the price.
It was not Napoleon but Wellington.
You don't have to know the code.
They cannot be returned after 14 days.
We do not accept cheques.
We don't give refunds.
I'm not sure, but I think it is 27 days.
Sorry seems to be the hardest word
Unclear water is thrown away.
The answer is 42.
The answer is not 42 but 43.
The answer is no.
The information desk is not open on Sundays.
The question is not whether but when.
Information is given at the front desk.
There is no charge.
There is no answer phone in the office.
There is no information desk.
Data is not stored.
It isn't heavy.
This is not a drill.
Provided documents are kept for 10 years.
Based on the table, it is 12 euros.
According to the handbook, staff may not smoke.
Available on request.
Not known for its beaches, the town lives from fishing.
Doe, Jane
没有折扣。
不可以
不需要护照。
未成年人不得入内。
文件保存十年。
Nein.
Nicht vor 9 Uhr.
Sin cargo.
Нет.""".split("\n")


REPLIES = [json.loads(line) for line in Path(__file__).with_name("replies.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda r: r["text"][:40])
def test_replies_with_verdicts(reply: dict[str, str]) -> None:
    assert read_reply(reply["text"], 3, "I don't know.").outcome == reply["outcome"]


def test_half_of_the_replies_abstain() -> None:
    abstained = [r for r in REPLIES if r["outcome"] == "abstained"]
    assert len(WITHHELD) + len(abstained) == len(ANSWERED) + len(REPLIES) - len(abstained) >= 100


@pytest.mark.parametrize("text", WITHHELD)
def test_withheld(text: str) -> None:
    assert abstains(text)
    assert read_reply(text, 2, "I don't know.").outcome == "abstained"


@pytest.mark.parametrize("text", ANSWERED)
def test_answered(text: str) -> None:
    assert not abstains(text)


def test_an_empty_reply_and_the_agreed_sentence() -> None:
    assert abstains("")
    assert abstains("Keine Ahnung", "Keine Ahnung.")


@pytest.mark.parametrize(
    ("text", "withheld"),
    [
        ("The context does not mention it. However, it is about 12.", False),
        ("The context does not mention it. However, you may ask the front desk.", True),
        ("The context does not mention it. It only lists prices.", True),
        ("The context describes the prices but does not mention it.", True),
        ("The price is 12 euros, but the context does not mention discounts.", False),
        ("According to the context, there is no fee for members.", False),
        ("According to the context, there is no information about fees.", True),
        ("不知道，但可能是12。", False),
    ],
)
def test_a_clause_that_gives_an_answer_makes_it_one(text: str, withheld: bool) -> None:
    assert abstains(text) == withheld


def test_a_long_reply_is_read_in_passing() -> None:
    for text in ("the contexts " * 3000, "The text says so, but not " * 3000, "无法从" * 5000):
        assert not abstains(text)


@pytest.mark.parametrize("mark", ["<|im_end|>", "</s>", "<|eot_id|>\n", "<end_of_turn>", " <|endoftext|><|endoftext|>"])
def test_marks_of_the_end_are_no_part_of_an_answer(mark: str) -> None:
    assert read_reply(f"noon [1]{mark}", 1, "no").text == "noon"
    assert read_reply(f"a {mark.strip()} ends a turn", 1, "no").text == f"a {mark.strip()} ends a turn"


PIECES = [
    *("tea", " ", "\n", "  is ", "at 15:30", ".", ":", "a", "`", "=", "-", "<", ">", "[", "]", "（", "。", "茶"),
    *("[1]", " [2]", "[1, 2]", "【1】", "[Context 3]", "[9]", "x[1]", "[1](http", ": https", ".name", "[[1]]"),
    *("<|im_end|>", "</s>", "<eos>", "<br>", "<think>so</think>", "[THINK]so[/THINK]", "<reasoning>"),
]


@given(st.booleans(), st.lists(st.sampled_from(PIECES), max_size=12))
@example(False, ["<think>so</think>", "tea", "</s>", "[THINK]so[/THINK]"])
@settings(max_examples=400, deadline=None)
def test_what_is_certain_of_a_reply_stands_in_it_whatever_follows(thinks: bool, pieces: list[str]) -> None:
    raw = ("<think>\nhm, [1] </think>" * thinks + "".join(pieces)).strip()
    text = read_reply(raw, 3, "I don't know.").text
    shown = ""
    for end in range(len(raw) + 1):
        found = certain(raw[:end], 3)
        assert text.startswith(found) or not text
        assert found.startswith(shown) or shown.startswith(found)
        shown = max(shown, found, key=len)
    assert shown == "" or text.startswith(shown)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("Tea is served", "Tea is served"),
        ("Tea is served at 15:30 [1", "Tea is served at 15:30"),
        ("Tea is served at 15:30 [1]. It", "Tea is served at 15:30. It"),
        ("See a[1", "See a"),
        ("See a[1].b", "See a[1].b"),
        ("<thi", ""),
        ("<think>It is ", ""),
        ("<think>It is</think>\n\nNoon", "Noon"),
        ("<|channel|>analysis<|message|>It is", ""),
        ("Noon.<|im_e", "Noon."),
        ("5 < 7, says", "5"),
    ],
)
def test_what_may_become_a_mark_or_a_thought_is_held_back(raw: str, found: str) -> None:
    assert certain(raw, 2) == found
