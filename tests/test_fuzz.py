"""Files as nobody should write them, through the command: one line and an exit code, never anything else.

About 1,000 examples; ``RAGTUNE_FUZZ=20000`` (or ``python -m benchmarks.fuzz 20000``) makes so many.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import DOCUMENTS, QUESTIONS, write_corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import ragtune
from ragtune.cli import main
from ragtune.corpus.labelled import read_labelled
from ragtune.errors import RagtuneError, RunError
from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Silent
from ragtune.experiment.spec import Experiment, Setup

EXAMPLES = int(os.environ.get("RAGTUNE_FUZZ", "500"))
#: of all examples, a test's part
fuzz = settings(
    max_examples=max(1, EXAMPLES // 10),
    deadline=None,
    derandomize="RAGTUNE_FUZZ" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

ODD_TEXTS = [
    "",
    " ",
    "../../x",
    "\0",
    "\ud83d",
    "x" * 5000,
    "2024-02-30",
    "!!int abc",
    "~",
    "[",
    "{",
    "${X}",
    "http://[::1",
    "*",
    "&a",
    "1e308",
    ".nan",
    "a\nb",
    "test",
    "q1",
    "tea.md",
    "/dev/null",
    ".",
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**31, -(2**63), 10**30]),
    st.floats(),
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=()), max_size=8),
)
VALUE = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*ODD_TEXTS, "id", "text", "any", "document", "quote", "near", "start", "end"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=5,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value that may be changed."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [at, *(p for key, found in inside for p in paths(found, (*at, key)))]
        if at
        else [p for key, found in inside for p in paths(found, (key,))]
    )


@st.composite
def changed(draw: st.DrawFn, base: Any) -> Any:
    """``base`` with one to three of its values replaced, dropped or added to."""
    made = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, 3))):
        places = paths(made)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        node = made
        for key in way:
            node = node[key]
        if draw(st.integers(0, 9)) == 0:
            del node[last]
        elif isinstance(node, dict) and draw(st.integers(0, 9)) == 0:
            node[draw(st.sampled_from(ODD_TEXTS))] = draw(VALUE)
        else:
            node[last] = draw(VALUE)
    return made


@st.composite
def written(draw: st.DrawFn, base: Any, lines: bool = False) -> bytes:
    """A changed value as JSON (or JSON lines), whole, cut, or with a byte changed."""
    made = draw(changed(base))
    rows = made if lines and isinstance(made, list) else [made]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return data[: draw(st.integers(0, len(data)))]
    if kind == 1 and data:
        at = draw(st.integers(0, len(data) - 1))
        return data[:at] + draw(st.binary(min_size=1, max_size=3)) + data[at + 1 :]
    return data


def check(*argv: object) -> None:
    """The command ends with 0, 1 or 2, and with one line of its own at most."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([str(a) for a in argv])
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    assert code in (0, 1, 2)
    if code == 2:
        assert "ragtune" in err.getvalue()
    assert "Traceback" not in err.getvalue()


@pytest.fixture(scope="module")
def place() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_corpus(root / "corpus")
        (root / "e.yaml").write_text(json.dumps(experiment(root)), "utf-8")
        ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())
        assert main(["baseline", "save", str(root / "run"), "-o", str(root / "b.json")]) == 0
        yield root


def experiment(root: Path) -> dict[str, Any]:
    return {
        "name": "e",
        "description": "x",
        "corpus": {"path": str(root / "corpus"), "bad_documents": "skip"},
        "seeds": [0],
        "retrieval": {"dense": False, "lexical": True, "top_k": 2, "where": {"team": "kitchen"}},
        "generator": {"model": "extractive"},
        "judge": {"name": "local", "support": 0.5},
        "costs": {"machine_hour": 1.0, "currency": "EUR"},
        "limits": {"margin": 0.05},
        "latency": {"sample": 2},
        "setups": {"rag": {"retrieval": True}, "two": {"retrieval": {"top_k": 1}, "prompt": "cited"}},
    }


BASE = experiment(Path("ROOT"))


@fuzz
@given(data=written(BASE))
def test_experiments(place: Path, data: bytes) -> None:
    file = place / "fuzzed.yaml"
    file.write_bytes(data.replace(b"ROOT", str(place).encode()))
    check("run", file, "--dry-run", "--store", place / "store")


#: values as YAML writes them, and as it should not
SNIPPETS = [
    "!!int abc", "!!float x", "!!bool x", "!!timestamp x", "!!binary x", "!!set {a}", "!!omap [a]", "!!python/none x", "2024-02-30",
    "&a [*a]", "*none", "? [a]", "{? [a]: b}", "<<: 1", "{<<: [1]}", "0x" + "f" * 3000, "9" * 5000, "1:99:99", ".inf", "-.inf", ".nan",
    "1e999", "[" * 3000, "- - - x", "'", '"\\ud83d"', '"\\0"', '"\\U00ffffff"', "|\n x", "%YAML 9.9", "---", "null", "0o9", "{a: 1, a: 2}", "\t", "!x y",
]  # fmt: skip


@fuzz
@given(
    key=st.sampled_from(sorted({str(p[-1]) for p in paths(BASE) if isinstance(p[-1], str)})),
    raw=st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=10)),
    way=st.booleans(),
)
def test_yaml(place: Path, key: str, raw: str, way: bool) -> None:
    text = yaml.safe_dump(experiment(place), sort_keys=False)
    if way:
        text = re.sub(rf"(?m)^( *){key}:.*$", lambda m: f"{m[1]}{key}: {raw}", text, count=1)
        (place / "fuzzed.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        check("run", place / "fuzzed.yaml", "--dry-run", "--store", place / "store")
    else:
        check("run", place / "e.yaml", "--dry-run", "--store", place / "store", "--set", f"{key}={raw}")


def settings_of(kind: Any, at: str = "") -> list[str]:
    """Every setting of a model and of the models in it, dotted."""
    found = []
    for name, field in getattr(kind, "model_fields", {}).items():
        found.append(at + name)
        for part in [field.annotation, *getattr(field.annotation, "__args__", ())]:
            if isinstance(part, type) and issubclass(part, BaseModel):
                found += settings_of(part, f"{at}{name}.")
    return found


#: every setting there is, and those of a setup as they stand at the top
ALL = sorted({*settings_of(Experiment), *settings_of(Setup)})


@fuzz
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(ALL),
            st.one_of(
                ODD.map(lambda v: json.dumps(v)),
                st.sampled_from(["1", "0", "0.5", "true", "false", "x", "-1", "1e9", "[]", "{}"]),
            ),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_settings(place: Path, changes: list[tuple[str, str]]) -> None:
    extra = [word for key, value in changes for word in ("--set", f"{key}={value}")]
    check("run", place / "e.yaml", "--dry-run", "--store", place / "store", *extra)


@fuzz
@given(
    key=st.sampled_from([".".join(map(str, p)) for p in paths(BASE)]),
    value=st.one_of(st.sampled_from(ODD_TEXTS), VALUE.map(json.dumps), st.text(max_size=12)),
)
def test_overrides(place: Path, key: str, value: str) -> None:
    check("run", place / "e.yaml", "--dry-run", "--store", place / "store", "--set", f"{key}={value}")


def over(place: Path, documents: dict[str, bytes], questions: bytes) -> None:
    """`corpus info` over a corpus of these files."""
    folder = place / "fuzzed"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "documents").mkdir(parents=True)
    for name, data in documents.items():
        (folder / "documents" / name).write_bytes(data)
    (folder / "questions.jsonl").write_bytes(questions)
    check("corpus", "info", folder)


@fuzz
@given(
    data=written([{**q, "evidence": [{**e, "near": 0} for e in q.get("evidence", [])]} for q in QUESTIONS], lines=True)
)  # type: ignore[attr-defined]
def test_questions(place: Path, data: bytes) -> None:
    over(place, {name: text.encode() for name, text in DOCUMENTS.items()}, data)


FRONT = "---\ntitle: Tea\nwhen: 2024-02-29\ntags: [a, b]\n---\n# Tea\n\nTea is at noon.\n"
ROWS = [{"id": "a", "text": "Tea is at noon.", "n": 1}, {"id": "b", "text": "The boat carries 12.", "tags": ["x"]}]


@fuzz
@given(
    suffix=st.sampled_from([".txt", ".md", ".html", ".jsonl", ".csv", ".pdf", ".docx"]),
    data=st.one_of(
        st.binary(max_size=80),
        written(ROWS, lines=True),
        st.tuples(st.text(max_size=12), VALUE).map(
            lambda p: FRONT.replace("Tea", p[0], 1).replace("[a, b]", json.dumps(p[1])).encode("utf-8", "surrogatepass")
        ),
    ),
    side=st.one_of(st.none(), written({"team": "kitchen"})),
)
def test_documents(place: Path, suffix: str, data: bytes, side: bytes | None) -> None:
    documents = {"good.txt": b"Tea is at noon.", f"x{suffix}": data}
    if side is not None:
        documents[f"x{suffix}.meta.json"] = side
    over(place, documents, b"")


GIVEN = [{"id": "q1", "question": "When?", "answer": "noon", "contexts": ["Tea is at noon."], "answers": ["noon"]}]


@fuzz
@given(data=written(GIVEN * 2, lines=True), suffix=st.sampled_from([".jsonl", ".csv"]))
def test_answers(place: Path, data: bytes, suffix: str) -> None:
    file = place / f"answers{suffix}"
    file.write_bytes(data)
    made = {
        "corpus": {"path": str(place), "answers": [str(file)]},
        "setups": {"x": {"generator": {"model": "given", "answers": str(file)}}},
    }
    (place / "given.yaml").write_text(json.dumps(made), "utf-8")
    check("run", place / "given.yaml", "--dry-run", "--store", place / "store")


LABELS = [
    {"question": "When?", "answer": "noon", "contexts": ["Tea is at noon."], "label": label, "references": ["noon"]}
    for label in (1, 0, 1)
]


@fuzz
@given(data=written(LABELS, lines=True))
def test_labels(place: Path, data: bytes) -> None:
    (place / "labels.jsonl").write_bytes(data)
    with contextlib.suppress(RagtuneError):
        read_labelled(place / "labels.jsonl")


@fuzz
@given(data=st.data())
def test_baselines(place: Path, data: st.DataObject) -> None:
    found = json.loads((place / "b.json").read_text("utf-8"))
    (place / "fuzzed.json").write_bytes(data.draw(written(found)))
    check("check", place / "run", "--baseline", place / "fuzzed.json")


@fuzz
@given(data=st.data())
def test_run_folders(place: Path, data: st.DataObject) -> None:
    hurt = place / "hurt"
    shutil.rmtree(hurt, ignore_errors=True)
    shutil.copytree(place / "run", hurt)
    file = data.draw(st.sampled_from(sorted(p for p in hurt.iterdir() if p.name != "experiment.yaml")))
    lines = file.suffix == ".jsonl"
    text = file.read_text("utf-8")
    base = [json.loads(line) for line in text.splitlines()] if lines else json.loads(text)
    if base:
        file.write_bytes(data.draw(written(base, lines)))
    check("report", hurt, "--out", place / "fuzzed.html")
    check("check", hurt, "--baseline", place / "b.json")
    check("ask", hurt, "Who?", "--setup", "nosuch")


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", "5", "cut"])
def test_damaged_files_of_a_run_are_one_line_to_every_verb(place: Path, content: str) -> None:
    for name in sorted(p.name for p in (place / "run").iterdir()):
        hurt = place / "hurt"
        shutil.rmtree(hurt, ignore_errors=True)
        shutil.copytree(place / "run", hurt)
        whole = (hurt / name).read_text("utf-8")
        (hurt / name).write_text(whole[: len(whole) // 2] if content == "cut" else content, "utf-8")
        check("report", hurt, "--out", place / "damaged.html")
        check("check", hurt, "--baseline", place / "b.json")
        check("baseline", "save", hurt, "-o", place / "damaged.json", "--force")
        check("ask", hurt, "Who?")


def test_a_summary_that_lacks_a_setup_is_damage(place: Path) -> None:
    hurt = place / "hurt"
    for section in ("setups", "scores", "tokens", "abstentions", "causes", "slices"):
        shutil.rmtree(hurt, ignore_errors=True)
        shutil.copytree(place / "run", hurt)
        summary = json.loads((hurt / "summary.json").read_text("utf-8"))
        held = summary[section] if section != "slices" else summary[section]["answerable"]
        del held["rag"]
        (hurt / "summary.json").write_text(json.dumps(summary), "utf-8")
        with pytest.raises(RunError, match="this Run is damaged"):
            load_run(hurt)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("answers.jsonl", '"value": 1.0', '"value": NaN'),
        ("answers.jsonl", '"value": 1.0', '"value": 7.5'),
        ("answers.jsonl", '"seed": 0', '"seed": 9'),
        ("experiment.yaml", "two:", "three:"),
    ],
)
def test_what_cannot_stand_in_a_run_is_damage(place: Path, name: str, before: str, after: str) -> None:
    hurt = place / "hurt"
    shutil.rmtree(hurt, ignore_errors=True)
    shutil.copytree(place / "run", hurt)
    text = (hurt / name).read_text("utf-8")
    assert before in text
    (hurt / name).write_text(text.replace(before, after), "utf-8")
    with pytest.raises(RunError, match="this Run is damaged"):
        load_run(hurt)
