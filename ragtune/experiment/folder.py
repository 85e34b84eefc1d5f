"""The Run folder: what a Run leaves behind, and reading it back with pandas."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ragtune.errors import RunError
from ragtune.records import Json, hit_to_json
from ragtune.store import write_text

if TYPE_CHECKING:
    import pandas as pd

    from ragtune.analysis.summary import Row
    from ragtune.experiment.workbench import Workbench

FORMAT = 2
PACKAGES = (
    "ragtune torch transformers sentence-transformers peft trl accelerate faiss-cpu faiss-gpu bm25s rank-bm25 pandas numpy scipy ir-measures"
).split()


def environment() -> Json:
    """Versions and hardware that a reader needs to reproduce a Run."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions,
    }


def answer_line(row: Row) -> Json:
    """One line of ``answers.jsonl``."""
    a = row.answered
    return {
        "setup": a.setup,
        "seed": a.seed,
        "question_id": a.question.id,
        "question": a.question.text,
        "tags": list(a.question.tags),
        "split": a.question.split,
        "answer": a.answer.text,
        "abstained": a.answer.abstained,
        "citations": list(a.answer.citations),
        "contexts": [hit_to_json(h) for h in a.answer.hits],
        "dropped": a.answer.dropped,
        "reference": list(a.question.answers),
        "evidence": [asdict(e) for e in a.question.evidence],
        "scores": {
            m: {"value": s.value, "reason": s.reason, **({"failed": True} if s.failed else {})}
            for m, s in row.scores.items()
        },
        "cause": row.cause,
        "tokens": asdict(a.answer.tokens),
        "finish": a.answer.finish,
        "confidence": a.answer.confidence,
    }


def _lines(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)


def write_run(out: Path, bench: Workbench, rows: Sequence[Row], summary: Json, costs: Json, command: str = "") -> None:
    """Write every file of the Run; ``run.json`` comes last and marks it complete."""
    from ragtune.analysis.summary import tunings

    (out / "run.json").unlink(missing_ok=True)
    settings = bench.experiment.model_dump(mode="json")
    write_text(out / "experiment.yaml", yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
    write_text(out / "answers.jsonl", _lines([answer_line(r) for r in rows]))
    write_text(out / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1))
    write_text(out / "costs.json", json.dumps({"settings": settings["costs"], **costs}, indent=1))
    write_text(out / "environment.json", json.dumps(environment(), indent=1))
    times = [
        {
            "setup": r.answered.setup,
            "seed": r.answered.seed,
            "question_id": r.answered.question.id,
            "retrieval": r.answered.retrieval_seconds,
            "generation": r.answered.seconds,
        }
        for r in rows
    ]
    write_text(out / "times.jsonl", _lines(times))
    write_text(out / "tuning.json", json.dumps(tunings(bench), indent=1))
    stages = {
        k: {"computed": w.computed, "reused": w.reused, "seconds": round(w.seconds, 3)} for k, w in bench.work.items()
    }
    write_text(out / "work.json", json.dumps({"stages": stages, "generator_loads": bench.model_loads}, indent=1))
    corpus = {
        "path": str(bench.experiment.corpus.path),
        "hash": bench.corpus.hash,
        "documents": len(bench.corpus.documents),
        "questions": len(bench.corpus.questions),
    }
    write_text(
        out / "run.json",
        json.dumps(
            {
                "format": FORMAT,
                "name": bench.experiment.name,
                "store": os.path.relpath(bench.store.root, out),
                "corpus": corpus,
                "command": command,
                "python": sys.version.split()[0],
            },
            indent=1,
        ),
    )


@dataclass(frozen=True)
class Run:
    """A Run read back. ``answers`` has one row per setup, seed and question, a column per metric, and times."""

    path: Path
    experiment: Json
    summary: Json
    environment: Json
    work: Json
    tuning: list[Json]
    lines: list[Json]
    times: list[Json]
    about: Json
    costs: Json

    @property
    def answers(self) -> pd.DataFrame:
        """Scores as columns (NaN where unscored), ``seconds`` for retrieval plus generation."""
        import pandas as pd

        rows = []
        for line, time in zip(self.lines, self.times, strict=True):
            row = {k: v for k, v in line.items() if k not in ("scores", "tokens")}
            row |= {m: s["value"] for m, s in line["scores"].items()}
            row |= {
                "prompt_tokens": line["tokens"]["prompt"],
                "answer_tokens": line["tokens"]["answer"],
                "seconds": time["retrieval"] + time["generation"],
            }
            rows.append(row)
        frame = pd.DataFrame(rows)
        return frame.astype(dict.fromkeys(self.summary["metrics"], "float64"))


def load_run(path: str | Path) -> Run:
    """Read a Run folder.

    Raises:
        RunError: there is no complete Run there.
    """
    path = Path(path)
    if not (path / "run.json").exists():
        what = "this Run is not complete." if (path / "experiment.yaml").exists() else "there is no Run here."
        raise RunError(what, where=path, fix="Make one with `ragtune run EXPERIMENT.yaml`.")
    try:

        def read(name: str) -> Any:
            return json.loads((path / name).read_text("utf-8"))

        def read_lines(name: str) -> list[Json]:
            return [json.loads(x) for x in (path / name).read_text("utf-8").splitlines()]

        experiment = yaml.safe_load((path / "experiment.yaml").read_text("utf-8"))
        return Run(
            path,
            experiment,
            read("summary.json"),
            read("environment.json"),
            read("work.json"),
            read("tuning.json"),
            read_lines("answers.jsonl"),
            read_lines("times.jsonl"),
            read("run.json"),
            read("costs.json"),
        )
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RunError(
            f"this Run is damaged ({type(error).__name__}).",
            where=path,
            fix="Run the experiment again; stored work is reused.",
        ) from None
