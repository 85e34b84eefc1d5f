from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ragtune.corpus.labelled import read_begin, read_judged, read_labelled, write_labelled
from ragtune.errors import CorpusError
from tests.conftest import DATA


def test_labelled_files_round_trip_and_complain_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    with pytest.raises(CorpusError, match="no such file"):
        read_labelled(path)
    good = {"answer": "a", "context": "c", "label": True}
    for lines, says in (
        (["{"], "not JSON"),
        ([{"answer": "a", "label": 1}], "contexts"),
        ([{"answer": "a", "contexts": ["c"]}], 'no "label"'),
        ([{**good, "label": "maybe"}], "unknown label"),
        ([good, good], "one class"),
        ([], "no labelled"),
    ):
        path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines), "utf-8")
        with pytest.raises(CorpusError, match=says) as caught:
            read_labelled(path)
        assert "\n" not in str(caught.value)
    path.write_text("\n".join(json.dumps(x) for x in (good, {**good, "label": "unsupported"})), "utf-8")
    found = read_labelled(path)
    assert [x.supported for x in found] == [True, False]
    write_labelled(found, tmp_path / "again.jsonl")
    assert read_labelled(tmp_path / "again.jsonl") == found


def test_answers_judged_by_references_are_read(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    good = {"question": "Who?", "references": ["Ada", "A. L."], "answer": "It was Ada.", "label": 1}
    also = {"question": "Who?", "answers": "Ada", "answer": "I don't know.", "label": "wrong", "group": "g"}
    for lines, says in (
        ([{**good, "references": []}], '"references"'),
        ([{k: v for k, v in good.items() if k != "question"}], '"question"'),
        ([good, good], "one class.*right or not"),
        ([{**good, "label": "perhaps"}], "right or not"),
    ):
        path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
        with pytest.raises(CorpusError, match=says):
            read_judged(path)
    text = "\n".join(map(json.dumps, (good, also)))
    path.write_text(text, "utf-8")
    packed = tmp_path / "j.jsonl.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    found = read_judged(path)
    assert [(x.supported, x.group, x.row.question.references, x.row.answer.abstained) for x in found] == [
        (True, "Who?", ("Ada", "A. L."), False),
        (False, "g", ("Ada",), True),
    ]
    assert read_judged(packed) == found
    packed.write_bytes(b"no gzip")
    with pytest.raises(CorpusError, match="cannot be unpacked"):
        read_judged(packed)
    with pytest.raises(CorpusError, match="--metric answer_correctness"):
        read_labelled(path)


@pytest.mark.skipif(not (DATA / "evouna-trivia").is_dir(), reason="EVOUNA is not here")
def test_evouna_is_read() -> None:
    found = read_judged(DATA / "evouna-trivia" / "evouna-trivia.jsonl.gz")
    assert len(found) == 9690
    assert len({x.group for x in found}) < 2000


@pytest.mark.skipif(not (DATA / "begin").is_dir(), reason="BEGIN is not here")
def test_begin_is_read() -> None:
    found = read_begin(DATA / "begin" / "begin_dev_wow.tsv")
    assert len(found) > 400
    assert 0 < sum(x.supported for x in found) < len(found)


def test_other_tables_are_not_begin(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    with pytest.raises(CorpusError, match="not a BEGIN file"):
        read_begin(tmp_path / "x.tsv")
