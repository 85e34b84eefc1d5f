"""What sharing saves: eight setups on one embedder, one generator and two tunings, ``python benchmarks/sharing.py``.

Pure model time is measured inside the run by timing the calls into the models alone: encoder forwards, generate,
and the trainer's steps. The ratio is the run's wall time (after imports and model loading) over that sum.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.store import Store

EIGHT = [
    "setups.rag-3.retrieval.top_k=3",
    "setups.rag-1.retrieval.top_k=1",
    "setups.tuned-then-rag-1.retrieval.top_k=1",
]
TIME: dict[str, float] = {}


def timed(owner: Any, name: str) -> None:
    """Wrap a method so that the seconds inside it are summed (nested calls count once)."""
    inner: Callable[..., Any] = getattr(owner, name)
    label = f"{owner.__name__}.{name}"
    TIME[label] = 0.0

    def call(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return inner(*args, **kwargs)
        finally:
            TIME[label] += time.perf_counter() - start

    setattr(owner, name, call)


def main() -> int:
    import torch  # noqa: F401
    from transformers import LlamaForCausalLM, Trainer
    from trl import SFTTrainer  # noqa: F401

    from ragtune.models.encoder import SentenceEncoder

    timed(SentenceEncoder, "_forward")
    timed(Trainer, "train")
    base = LlamaForCausalLM.generate
    spent = 0.0

    def generate(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        try:
            return base(self, *args, **kwargs)
        finally:
            spent += time.perf_counter() - start

    LlamaForCausalLM.generate = generate
    path = Path("experiments/quickstart.yaml")
    tuned = load_experiment(path).setups["tuned"].tuning
    assert tuned
    same = f"setups.tuned-then-rag-1.tuning={tuned.model_dump_json()}"  # so that there are two tunings, whatever the file says
    experiment = load_experiment(path, ["seeds=[0]", "processes=1", "latency.sample=0", *EIGHT, same])
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        out = run_experiment(experiment, Store(Path(folder) / "store"), Path(folder) / "run", Silent())
        wall = time.perf_counter() - start
        work = json.loads((out / "work.json").read_text())
    model = TIME["SentenceEncoder._forward"] + TIME["Trainer.train"] + spent
    print(
        f"{len(experiment.setups)} setups: chunks embedded {work['stages']['embed']['computed']} of {work['stages']['chunk']['computed']}, base loaded {work['generator_loads']} time(s), tuned {work['stages']['tune']['computed']} times"
    )
    print(
        f"wall {wall:.1f} s, model time {model:.1f} s (encode {TIME['SentenceEncoder._forward']:.1f}, train {TIME['Trainer.train']:.1f}, generate {spent:.1f}): ratio {wall / model:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
