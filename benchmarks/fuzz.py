"""The fuzz test with many examples: ``python -m benchmarks.fuzz [EXAMPLES]``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    root = Path(__file__).parents[1]
    examples = sys.argv[1] if len(sys.argv) > 1 else "20000"
    search = os.pathsep.join([str(root), str(root / "tests")])
    environment = {**os.environ, "RAGTUNE_FUZZ": examples, "PYTHONPATH": search}
    call = [sys.executable, "-m", "pytest", "-q", "--no-header", str(root / "tests" / "test_fuzz.py")]
    return subprocess.run(call, env=environment, check=False, cwd=root).returncode


if __name__ == "__main__":
    raise SystemExit(main())
