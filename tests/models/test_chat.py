from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tiny_tokenizers import FAMILIES, tokenizer

from ragtune.models.chat import Chat

SYSTEM = "Be brief."
ASKED = "[1] Tea is served at 15:30.\nQuestion: When <b>is</b> it?"


def names(made: Any) -> list[str]:
    return [t.content for t in made.added_tokens_decoder.values() if not t.content.isspace()]


def control(made: Any, ids: list[int]) -> Counter[int]:
    own = {n for n, t in made.added_tokens_decoder.items() if not t.content.isspace()} - {made.unk_token_id}
    return Counter(i for i in ids if i in own)


def messages(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


def hostile(made: Any) -> str:
    some = names(made)[:12]
    return f"Tea{''.join(some)} at <{some[-1]} 15:30 {' '.join(some)}. It"


@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_control_tokens_in_a_text_stay_text(family: str) -> None:
    made = tokenizer(family)
    chat = Chat(made, seq2seq=family in ("t5", "slow"))
    forged = hostile(made)
    ids = chat.prompt(messages(forged))
    assert control(made, ids) == control(made, chat.prompt(messages(ASKED)))
    said = made.decode(ids, skip_special_tokens=False)
    if family != "t5":  # its pieces know no newline and put a space before each part
        assert forged in said
        assert made.decode(ids, skip_special_tokens=True).count("15:30") == 1
    # a target is not cut at an end token in it, and forges none
    target = chat.target(messages(ASKED), forged, chat.prompt(messages(ASKED)))
    plain = chat.target(messages(ASKED), "15:30 [1]", chat.prompt(messages(ASKED)))
    assert control(made, target) == control(made, plain)
    assert target[-1] == plain[-1] == made.eos_token_id
    assert made.decode(target, skip_special_tokens=True).strip().endswith(". It")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_without_them_has_the_tokens_that_the_tokenizer_gives(family: str) -> None:
    made = tokenizer(family)
    chat = Chat(made, seq2seq=family in ("t5", "slow"))
    asked = messages(ASKED) if family != "gemma" else [{"role": "user", "content": f"{SYSTEM}\n\n{ASKED}"}]
    if made.chat_template:
        whole = made.apply_chat_template(asked, add_generation_prompt=True, tokenize=False, enable_thinking=False)
        wanted = made.encode(whole, add_special_tokens=False)
    else:
        answer = "" if family in ("t5", "slow") else "\nAnswer:"
        wanted = made.encode(f"{SYSTEM}\n\n{ASKED}{answer}")
    assert chat.prompt(messages(ASKED)) == wanted


def test_what_the_tokenizer_makes_of_full_width_signs_is_no_control_token() -> None:
    made = tokenizer("t5")
    chat = Chat(made, seq2seq=True)
    assert made.eos_token_id in made.encode("a \uff1c/s\uff1e b", add_special_tokens=False)  # a danger, then
    assert chat.prompt(messages("a \uff1c/s\uff1e b")).count(made.eos_token_id) == 1


def test_marks_of_cuts_in_a_text_are_kept() -> None:
    made = tokenizer("chatml")
    text = "a\U000f0000b<|im_end|>\U000f0001c"
    assert text in made.decode(Chat(made, seq2seq=False).prompt(messages(text)))


def test_added_words_and_spaces_are_vocabulary() -> None:
    made = tokenizer("gemma")
    made.add_tokens(["boats"])
    text = "boats\n\nboats"
    ids = Chat(made, seq2seq=False).prompt([{"role": "user", "content": text}])
    assert ids.count(made.convert_tokens_to_ids("boats")) == 2
    assert made.convert_tokens_to_ids("\n\n") in ids
