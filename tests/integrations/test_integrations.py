"""A LangChain chain and a LlamaIndex query engine, as they are, beside one of our setups (`make integrations`).

They run by the Python that RAGTUNE_INTEGRATIONS names, which has their packages and not ragtune.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import write_corpus

import ragtune
from ragtune.experiment.progress import Silent

PYTHON = os.environ.get("RAGTUNE_INTEGRATIONS", "")
pytestmark = [pytest.mark.integrations, pytest.mark.skipif(not PYTHON, reason="`make integrations` names a Python")]


@pytest.mark.parametrize("bot", ["langchain_bot", "llama_index_bot"])
def test_a_framework_stands_beside_a_setup(bot: str, tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    shutil.copy(Path(__file__).with_name(f"{bot}.py"), tmp_path)
    system = f"{{system: {bot}.py:answer, python: {json.dumps(PYTHON)}}}"
    (tmp_path / "e.yaml").write_text(
        "corpus: corpus\njudge: {embedder: 'bundled:minilm'}\nlatency: {sample: 0}\n"
        f"setups:\n  ours: {system}\n  rag: {{retrieval: {{dense: false, lexical: true}}, generator: {{model: extractive}}}}\n",
        "utf-8",
    )
    run = ragtune.run(tmp_path / "e.yaml", out=tmp_path / "run", store=tmp_path / "store", progress=Silent())
    rows = {row.question.id: row for row in run.rows if row.setup == "ours"}
    assert "15:30" in rows["q1"].answer.text
    assert [h.chunk.document_id for h in rows["q1"].answer.hits] == ["tea.md"]
    assert "Ida Moen" in rows["q2"].answer.contexts[0]
    assert rows["q1"].value("faithfulness") == 1
    assert [d.metric for d in run.summary.differences if (d.a, d.b) == ("ours", "rag")]
    [asked] = ragtune.ask(run.path, "When is tea served?", setup="ours", progress=Silent())
    assert asked.answer.text == rows["q1"].answer.text
