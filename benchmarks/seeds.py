"""Does the gate stay quiet over seeds of one real setup? `python -m benchmarks.seeds [--seeds 20] [--setup rag-tuned] [EXPERIMENT ...]`

The setup is run once per seed; every seed is checked against the one before it, at the default margin. Nothing was changed
between them, so every regression is a false alarm.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from ragtune.experiment.folder import load_run
from ragtune.experiment.progress import Silent
from ragtune.experiment.run import run_experiment
from ragtune.experiment.spec import load_experiment
from ragtune.gate import GateSettings, check, make_baseline
from ragtune.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("experiment", nargs="?", type=Path, default=Path("experiments/quickstart.yaml"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--setup", default="rag")
    parser.add_argument("--set", action="append", default=[], help="as of ragtune run")
    parser.add_argument("--store", type=Path, help="go on in this store")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(args.store or Path(folder) / "store")
        before = None
        counts = {"regressed": 0, "held": 0, "unclear": 0}
        alarms = 0
        for seed in range(args.seeds):
            experiment = load_experiment(args.experiment, [*args.set, f"seeds=[{seed}]"])
            experiment = experiment.model_copy(update={"setups": {args.setup: experiment.setups[args.setup]}})
            made = make_baseline(load_run(run_experiment(experiment, store, Path(folder) / f"run{seed}", Silent())))
            if before is not None:
                gate = check(before, made, GateSettings(setups=[args.setup]))
                alarms += gate.code != 0
                for kind in counts:
                    counts[kind] += len(gate.of(kind))
            mean = [v for _, _, v in made.scores[args.setup]["answer_correctness"] if v is not None]
            print(f"seed {seed}: answer correctness {sum(mean) / len(mean):.3f}", flush=True)
            before = made
    print(f"{args.seeds - 1} checks, {alarms} false alarms; verdicts {counts}")


if __name__ == "__main__":
    main()
