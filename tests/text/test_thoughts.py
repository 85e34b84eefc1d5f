from __future__ import annotations

import pytest

from ragtune.text.outcome import read_reply
from ragtune.text.thoughts import Told, apart, begun


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("noon [1]", Told("", "noon [1]")),
        (" noon \n", Told("", " noon \n")),
        ("<think>\nTea, so noon.\n</think>\n\nnoon [1]", Told("Tea, so noon.", "noon [1]")),
        ("<think>\n\n</think>\n\nnoon", Told("", "noon")),
        ("Tea, so noon.</think>noon", Told("Tea, so noon.", "noon")),  # begun in the prompt
        ("<think><think>Tea.</think>noon", Told("Tea.", "noon")),
        ("[THINK]Tea.[/THINK]noon", Told("Tea.", "noon")),
        ("<Thinking>Tea.</Thinking> noon <thought>Or one?</thought>", Told("Tea.\n\nOr one?", "noon")),
        ("<think>Tea is served at", Told("Tea is served at", "", cut=True)),
        ("<think>a</think><think>b", Told("a\n\nb", "", cut=True)),
        ("<think>a<think>b 4</think>c</think>5", Told("a<think>b 4</think>c", "5")),
        ("<think>a\n</think>\n5</think>6", Told("a\n\n5", "6")),
        ("<think>a</think>Wrap it in <thought> tags.", Told("a", "Wrap it in <thought> tags.")),
        ("<think>The tag <think> starts it.</think>It is 42.", Told("The tag <think> starts it.", "It is 42.")),
        ("Let me see. It is noon. </think> It is 42.", Told("Let me see. It is noon.", "It is 42.")),
        ("<|channel|>analysis<|message|>4?", Told("4?", "", cut=True)),
        ("<think>4</thinking>5", Told("4", "5")),
        ("The tag is </think> of course", Told("", "The tag is </think> of course")),
        ("Write <think>x</think> around it.", Told("", "Write <think>x</think> around it.")),
        ("Tea \n</think>\nnoon", Told("Tea", "noon")),
        ("<|channel|>analysis<|message|>4?<|end|><|start|>assistant<|channel|>final<|message|>5", Told("4?", "5")),
        ("The tag ends with </think>", Told("", "The tag ends with </think>")),
        ("It begins with <think> and", Told("", "It begins with <think> and")),
    ],
)
def test_what_was_thought_is_told_apart(raw: str, wanted: Told) -> None:
    assert apart(raw) == wanted


def test_a_prompt_that_begins_a_thought() -> None:
    assert begun("<|im_start|>assistant\n<think>\n") == "<think>"
    assert begun("assistant\n<think>\n\n</think>\n\n") == begun("What is <think>?") == ""


def test_thoughts_are_no_part_of_the_answer() -> None:
    found = read_reply("<think>I don't know yet. [2]</think>noon [1]", 2, "I don't know.")
    assert (found.text, found.citations, found.outcome, found.thought) == (
        "noon",
        (1,),
        "answered",
        "I don't know yet. [2]",
    )
    assert read_reply("<think>noon</think>I don't know.", 2, "I don't know.").outcome == "abstained"
    for finish in ("length", "stop"):
        cut = read_reply("<think>noon, I think", 2, "I don't know.", finish=finish)
        assert (cut.text, cut.outcome, cut.cut, cut.thought) == ("", "none", True, "noon, I think")
