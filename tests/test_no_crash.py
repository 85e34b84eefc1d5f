"""Whatever stands in a file, the command says one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.cli import main
from ragtune.corpus.importers import import_corpus
from ragtune.corpus.load import CorpusSettings, load_corpus

PLAIN = "corpus: {corpus}\nsetups: {{rag: {{retrieval: true}}}}\ngenerator: {{model: extractive}}\nretrieval: {{dense: false, lexical: true}}\n"


def one_line(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """What the command says when it refuses."""
    assert main([str(a) for a in argv]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("ragtune: ")
    assert len(said) < 6500
    return said


@pytest.mark.parametrize(
    "more",
    [
        "costs: {machine_hour: .inf}",
        "costs: {machine_hour: 1e308}",
        "limits: {margin: .nan}",
        "seeds: [99999999999999999999999]",
        "tuning: {epochs: 1e308}",
        "description: 2024-02-30",
        "description: !!int abc",
        f"description: {'9' * 5000}",
        f"description: {'[' * 5000}{']' * 5000}",
        "description: &a [*a]",
        f"name: {'x' * 5000}",
        "name: ../../x",
        f"prompt: {'x' * 5000}.yaml",
        'prompt: "a\\0.yaml"',
        "setups: {a: {retrieval: {where: {x: .nan}}}}",
    ],
)
@pytest.mark.parametrize("way", ["file", "set"])
def test_experiments(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, way: str) -> None:
    write_corpus(tmp_path / "corpus")
    path = tmp_path / "e.yaml"
    text = PLAIN.format(corpus=tmp_path / "corpus")
    if more.startswith("setups"):
        text = text.replace("setups: {rag: {retrieval: true}}\n", "")
    path.write_text(text + (more if way == "file" else "setups: [rag]" if more.startswith("setups") else ""), "utf-8")
    key, _, value = more.partition(": ")
    one_line(capsys, "run", path, "--dry-run", *([] if way == "file" else ["--set", f"{key}={value}"]))


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "/dev/null/x", "~nobody-at-all/x"])
def test_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    write_corpus(tmp_path / "corpus")
    whole = tmp_path / "e.yaml"
    whole.write_text(PLAIN.format(corpus=tmp_path / "corpus"), "utf-8")
    for argv in (
        ["run", path],
        ["run", whole, "--set", f"corpus.path={path}"],
        ["report", path],
        ["check", path, "--baseline", path],
        ["ask", path, "Why?"],
        ["corpus", "info", path],
        ["corpus", "import", "squad", path, tmp_path / "x"],
        ["score", path],
    ):
        one_line(capsys, *argv)


@pytest.mark.parametrize("bad", ["{}", "[]", "null", "5", "", "cut"])
def test_run_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, made_run: Path) -> None:
    baseline = tmp_path / "b.json"
    assert main(["baseline", "save", str(made_run), "-o", str(baseline)]) == 0
    for file in sorted(made_run.iterdir()):
        hurt = tmp_path / "hurt"
        shutil.copytree(made_run, hurt)
        text = file.read_text("utf-8")
        (hurt / file.name).write_text(text[: len(text) // 2] if bad == "cut" else bad, "utf-8")
        for argv in (
            ["report", hurt, "--out", tmp_path / "r.html"],
            ["check", hurt, "--baseline", baseline],
            ["baseline", "save", hurt, "-o", tmp_path / "b2.json", "--force"],
        ):
            assert main([str(a) for a in argv]) in (0, 1, 2), (file.name, argv)
            assert capsys.readouterr().err.count("\n") <= 1
        shutil.rmtree(hurt)


@pytest.fixture(scope="module")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import ragtune
    from ragtune.experiment.progress import Silent

    root = tmp_path_factory.mktemp("run")
    write_corpus(root / "corpus")
    (root / "e.yaml").write_text(PLAIN.format(corpus=root / "corpus"), "utf-8")
    ragtune.run(root / "e.yaml", out=root / "run", store=root / "store", progress=Silent())
    return root / "run"


def test_a_run_writes_its_report_in_reports_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt = tmp_path / "a" / "b" / "run"
    shutil.copytree(made_run, hurt)
    about = json.loads((hurt / "run.json").read_text("utf-8"))
    (hurt / "run.json").write_text(json.dumps({**about, "name": "../../x"}), "utf-8")
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert "damaged" in one_line(capsys, "report", "run")
    assert not list(tmp_path.rglob("x.html"))


def test_texts_of_documents_and_questions(tmp_path: Path) -> None:
    front = "---\nwhen: 2024-02-30\n---\nTea is at noon."
    documents = {
        "a.md": front,
        "b.md": f"---\nn: {'9' * 3000}\nm: .nan\n---\nTea is at one.",
        "c.md": "---\na: &a [*a]\n---\nTea is at two.",
        "d.jsonl": '{"id": "x\\ud83d", "text": "Half \\ud83d a boat.", "n": NaN, "m": 1e400}\n',
        "e.txt": "Tea.",
        "e.txt.meta.json": "[1]",
    }
    asked = [{"id": "q\ud83d", "question": "When \ud83d\0?", "answers": ["noon"], "tags": ["\0"]}]
    corpus = load_corpus(CorpusSettings(path=str(write_corpus(tmp_path / "c", documents, asked))))
    assert {d.id for d in corpus.documents} == {"a.md", "b.md", "c.md", "x\ufffd"}
    assert [s.path for s in corpus.skipped] == ["e.txt"]
    assert corpus.hash
    assert corpus.questions[0].id == "q\ufffd"
    text = json.dumps([d.metadata for d in corpus.documents], allow_nan=False)
    assert '"m": null' in text


def test_squad_as_hugging_face_writes_it(tmp_path: Path) -> None:
    rows = [
        {
            "id": "1",
            "title": "Tea",
            "context": "Tea is at noon.",
            "question": "When?",
            "answers": {"text": ["noon"], "answer_start": [10]},
        },
        {
            "id": "2",
            "title": "Tea",
            "context": "Tea is at noon.",
            "question": "Why?",
            "answers": {"text": [], "answer_start": []},
        },
    ]
    for number in (1, 2):
        (tmp_path / "s.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows[:number]), "utf-8")
        import_corpus("squad", tmp_path / "s.jsonl", tmp_path / f"c{number}")
        corpus = load_corpus(CorpusSettings(path=str(tmp_path / f"c{number}")))
        assert len(corpus.documents) == 1
        assert [(q.answers, len(q.evidence)) for q in corpus.questions] == [(("noon",), 1), ((), 0)][:number]


def test_tables_with_long_cells_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "tea " * 50_000
    write_corpus(tmp_path / "c", {"a.csv": f'text,n\n"{long}",1\n'}, [])
    assert main(["corpus", "info", str(tmp_path / "c")]) == 0
    (tmp_path / "q.csv").write_text(f'question,answers,context\nWhen?,tea,"{long}"\n', "utf-8")
    assert main(["corpus", "import", "csv", str(tmp_path / "q.csv"), str(tmp_path / "d")]) == 0


def test_places_below_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], made_run: Path) -> None:
    (tmp_path / "f").write_text("x")
    (tmp_path / "q.csv").write_text("question,answers,context\nWhen?,noon,Tea is at noon.\n", "utf-8")
    capsys.readouterr()
    below = tmp_path / "f" / "x"
    for argv in (
        ["run", made_run / "experiment.yaml", "--out", below],
        ["run", made_run / "experiment.yaml", "--store", below],
        ["report", made_run, "--out", below],
        ["baseline", "save", made_run, "-o", below],
        ["corpus", "import", "csv", tmp_path / "q.csv", below],
    ):
        one_line(capsys, *argv)
