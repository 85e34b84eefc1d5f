"""Kill a run at random moments and compare the end with an undisturbed one: ``python benchmarks/kill.py [KILLS] [EXPERIMENT ...]``.

Every kill is SIGKILL. Byte-compared: answers.jsonl (answers and scores) and summary.json. Counted from the work
of the last run and the stores: nothing stored is computed twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = ("answers.jsonl", "summary.json")


def command(root: Path, name: str, extra: list[str]) -> list[str]:
    return [
        sys.executable,
        "-m",
        "ragtune.cli",
        "run",
        *extra,
        "--store",
        str(root / name / "store"),
        "--out",
        str(root / name / "run"),
        "--report",
        str(root / name / "r.html"),
    ]


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    extra = sys.argv[2:] or ["experiments/quickstart.yaml", "--limit", "40", "--set", "seeds=[0]"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        start = time.monotonic()
        subprocess.run(command(root, "whole", extra), check=True, capture_output=True)
        whole = time.monotonic() - start
        print(f"undisturbed: {whole:.0f} s")
        rng = random.Random(0)
        done = 0
        while done < kills:
            process = subprocess.Popen(
                command(root, "killed", extra), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            # early runs have all the work before them, later ones little: draw moments over what a run may take
            wait = rng.uniform(0.5, max(3.0, whole * 0.6))
            try:
                process.wait(wait)
                print(f"  ended by itself before {wait:.1f} s; store removed, going on")
                subprocess.run(["rm", "-rf", str(root / "killed")], check=True)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                done += 1
                print(f"  kill {done} after {wait:.1f} s")
        subprocess.run(command(root, "killed", extra), check=True, capture_output=True)
        same = all(
            (root / "killed" / "run" / f).read_bytes() == (root / "whole" / "run" / f).read_bytes() for f in FILES
        )
        lines = {
            name: sorted(
                x
                for p in (root / name / "store").glob("*/*.jsonl")
                for x in (y.split(b'"', 2)[1] for y in p.read_bytes().splitlines())
            )
            for name in ("whole", "killed")
        }
        twice = len(lines["killed"]) - len(lines["whole"])
        print(f"same bytes after {kills} kills: {same}; log lines more than undisturbed: {twice}")
        return 0 if same and twice == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
