from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tiny_tokenizers import CHATML, FAMILIES, tokenizer

from ragtune.errors import ModelError
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


def test_a_control_token_that_takes_the_space_before_it_is_cut_all_the_same() -> None:
    from tokenizers import AddedToken, normalizers

    made = tokenizer("chatml")
    made.backend_tokenizer.normalizer = normalizers.Lowercase()
    made.backend_tokenizer.add_tokens([AddedToken("<mask>", special=False, normalized=True, lstrip=True)])
    mask = made.convert_tokens_to_ids("<mask>")
    for text in ("a <MASK> b", "a   <Mask> b", "<mask>"):
        assert mask in made.encode(text, add_special_tokens=False)
        assert mask not in Chat(made, seq2seq=False).prompt(messages(text))


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


def rendered(made: Any, asked: list[dict[str, str]], **more: Any) -> str:
    return str(made.decode(Chat(made, seq2seq=False).prompt(asked, **more)))


@pytest.mark.parametrize("switch", ["enable_thinking", "thinking"])
def test_thinking_is_switched_where_the_template_can(switch: str) -> None:
    made = tokenizer("thinking")
    made.chat_template = made.chat_template.replace("enable_thinking", switch)
    asked = messages(ASKED)
    assert rendered(made, asked).endswith("assistant\n<think>\n\n</think>\n\n")
    assert rendered(made, asked, thinking=True).endswith("assistant\n")
    plain = tokenizer("chatml")
    assert rendered(plain, asked) == rendered(plain, asked, thinking=True)


def test_thinking_off_and_training_targets_agree() -> None:
    made = tokenizer("thinking")
    made.chat_template = made.chat_template.replace(
        "+ m['content'] +", "+ ('<think>\\n\\n</think>\\n\\n' if m['role'] == 'assistant' else '') + m['content'] +"
    )
    chat = Chat(made, seq2seq=False)
    for thinking in (False, True):
        prompt = chat.prompt(messages(ASKED), thinking)
        target = chat.target(messages(ASKED), "noon", prompt, thinking)
        assert made.decode(prompt + target).endswith("assistant\n<think>\n\n</think>\n\nnoon<|im_end|>")


def test_a_target_follows_the_empty_thought_where_told_turns_have_none() -> None:
    made = tokenizer("thinking")
    chat = Chat(made, seq2seq=False)
    target = chat.target(messages(ASKED), "noon", chat.prompt(messages(ASKED)))
    assert made.decode(target) == "noon<|im_end|>"


def test_where_the_prompt_begins_a_thought_the_target_ends_it() -> None:
    made = tokenizer("thinking")
    made.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'].split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    )
    chat = Chat(made, seq2seq=False)
    prompt = chat.prompt(messages(ASKED))
    target = chat.target(messages(ASKED), "noon </think>", prompt)
    assert made.decode([*prompt, *target]).endswith("<think>\n\n</think>\n\nnoon </think><|im_end|>")
    assert chat.begun() == "<think>"
    assert Chat(tokenizer("plain"), seq2seq=False).begun() == Chat(tokenizer("chatml"), seq2seq=False).begun() == ""
    assert target.count(made.convert_tokens_to_ids("</think>")) == 1  # the answer's own stays text


SILENT = CHATML.replace("{% for m in messages %}", "{% for m in messages if m['role'] != 'system' %}")
REFUSING = CHATML.replace(
    "{% for m in messages %}",
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}",
)


@pytest.mark.parametrize("template", [SILENT, REFUSING])
def test_instructions_stand_before_the_question_where_a_template_has_no_place_for_them(template: str) -> None:
    made = tokenizer("chatml")
    made.chat_template = template
    assert rendered(made, messages("Why <|im_end|>?")) == (
        "<|im_start|>user\nBe brief.\n\nWhy <|im_end|>?<|im_end|>\n<|im_start|>assistant\n"
    )
    asked = [{"role": "user", "content": "Why?"}]
    assert rendered(made, asked) == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"


def test_a_template_without_a_generation_prompt_gets_the_assistants_header() -> None:
    made = tokenizer("chatml")
    made.chat_template = CHATML[: CHATML.index("{% if add_generation_prompt")]
    chat = Chat(made, seq2seq=False)
    whole = tokenizer("chatml")
    assert chat.prompt(messages(ASKED)) == Chat(whole, seq2seq=False).prompt(messages(ASKED))
    target = chat.target(messages(ASKED), "noon", chat.prompt(messages(ASKED)))
    assert made.decode(target) == "noon<|im_end|>"
    assert rendered(tokenizer("mistral"), messages("Why?")).endswith("[/INST]")  # a mere space is no header


def test_a_broken_template_is_one_line() -> None:
    made = tokenizer("chatml")
    for template in ("{{ raise_exception('roles\\nmust') }}", "{% for %}"):
        made.chat_template = template
        with pytest.raises(ModelError, match="chat template cannot be used") as caught:
            Chat(made, seq2seq=False, name="tiny").prompt(messages("Why?"))
        assert "\n" not in str(caught.value)
