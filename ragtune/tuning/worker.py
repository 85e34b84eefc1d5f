"""The process behind ``beside``: reads jobs from standard input, trains them, tells of its steps on standard output."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from ragtune.errors import RagtuneError


def _listen(lines: queue.SimpleQueue[str]) -> None:
    """Hand on what is read; when the other side is gone, so is this process, whatever it is doing."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, OSError):
        return {"error": str(error), "os": [error.errno, error.strerror or str(error)]}
    return {
        "error": str(error) if isinstance(error, RagtuneError) else f"training failed: {type(error).__name__}: {error}"
    }


def main(share: int) -> None:
    """Serve for ever, with one of ``share`` equal shares of the cores; of the seconds, too, an adapter is charged its share."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that has the terminal; it ends this one
    out: TextIO = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints does not disturb what is said
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=out, flush=True)

    import torch

    from ragtune.models.causal import LanguageModel
    from ragtune.store import decode, encode
    from ragtune.tuning.job import TuneJob

    torch.set_num_threads(max(1, torch.get_num_threads() // share))
    models: dict[tuple[str, str, str], LanguageModel] = {}
    while True:
        told, folder, scratch = map(Path, json.loads(lines.get()))
        try:
            job = decode(TuneJob, json.loads(told.read_text("utf-8")))
            name = (job.model.fingerprint, job.device, job.dtype)
            if name not in models:
                models[name] = LanguageModel(job.model, job.device, job.dtype)
            cost = job.run(models[name], folder, scratch, lambda n: say({"steps": n}))
            say(
                {
                    "cost": encode(
                        replace(cost, seconds=cost.seconds / share, tokens_per_second=cost.tokens_per_second * share)
                    )
                }
            )
        except Exception as error:  # told to the process that waits, which raises it
            say(_failure(error))


if __name__ == "__main__":
    main(int(sys.argv[1]))
