from __future__ import annotations

import time

import pytest

from ragtune.text.data import Unreadable, finite, read_json, read_yaml

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("source", "says", "line"),
    [
        ("a: 1\nb: 2024-02-30", '"2024-02-30" cannot be read', 2),
        ("a: !!int abc", '"abc" cannot be read', 1),
        ("a: !!bool abc", "cannot be read", 1),
        ("a: !!timestamp abc", "cannot be read", 1),
        ("a: !!float x", "cannot be read", 1),
        ("a: !!int ''", "cannot be read", 1),
        ("a: " + "9" * 5000, "cannot be read", 1),
        ("a: " + "[" * 9000 + "]" * 9000, "nested too deeply", 1),
        ("a: &x [1, *x]", "stands in what it names", 1),
        ("a: 1\nb: &x {c: *x}", "stands in what it names", 2),
        (BOMB, "too many values", 0),
        ("a: \0", "characters that YAML has not", 0),
        ('a: "\\U00ffffff"', "cannot be read", 0),
        ("a: *none", "undefined alias", 1),
        ("a: !!python/object:os.system x", "constructor", 1),
    ],
)
def test_yaml_that_cannot_be_read_is_one_complaint(source: str, says: str, line: int) -> None:
    start = time.monotonic()
    with pytest.raises(Unreadable, match=says) as caught:
        read_yaml(source)
    assert time.monotonic() - start < 2
    if line:
        assert caught.value.line == line


@pytest.mark.parametrize("text", ["{", "[" * 99999, "9" * 5000, "", '{"a": ' * 80 + "1" + "}" * 80])
def test_json_that_cannot_be_read_is_one_complaint(text: str) -> None:
    with pytest.raises(Unreadable):
        read_json(text)


def test_half_characters_and_nul_are_replaced() -> None:
    assert read_json('{"a\\ud83d": ["\\u0000", "\\ud83d\\ude00"]}') == {"a\ufffd": ["\ufffd", "\U0001f600"]}
    assert read_yaml('a: ["\\ud83d", "\\0"]')[0] == {"a": ["\ufffd", "\ufffd"]}
    assert read_yaml("a: &x [1]\nb: *x")[0] == {"a": [1], "b": [1]}


def test_numbers_to_reckon_with() -> None:
    assert all(map(finite, (0, -1.5, 2**32, True, "x", None)))
    assert not any(map(finite, (float("inf"), float("nan"), 1e308, 10**5000)))
