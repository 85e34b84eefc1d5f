from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragtune.corpus.labelled import read_begin, read_labelled, write_labelled
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


@pytest.mark.skipif(not (DATA / "begin").is_dir(), reason="BEGIN is not here")
def test_begin_is_read() -> None:
    found = read_begin(DATA / "begin" / "begin_dev_wow.tsv")
    assert len(found) > 400
    assert 0 < sum(x.supported for x in found) < len(found)


def test_other_tables_are_not_begin(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n", "utf-8")
    with pytest.raises(CorpusError, match="not a BEGIN file"):
        read_begin(tmp_path / "x.tsv")
