"""Where a system runs: a function in a process of its own, or an HTTP address."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from ragtune.errors import ModelError, without_login
from ragtune.generation.settings import OPENAI_KEY, GeneratorSettings, file_of, is_address
from ragtune.models.address import NO_KEY, address
from ragtune.text.fold import whole

#: seconds that a file may take until its function is there (it may load models)
_LOADING = 600.0
_KEPT = "finished replies are kept."
_SCRIPT = Path(__file__).with_name("hosted.py")


def _listen(said: IO[str] | None, lines: Queue[str | None]) -> None:
    """Hand on what the process says, and None when it ends."""
    with suppress(ValueError, OSError):
        for line in said or ():
            lines.put(line)
    lines.put(None)


def check(settings: GeneratorSettings) -> None:
    """Raises ModelError where the system's file is not there, or its address or key cannot be used."""
    system = str(settings.system)
    if is_address(system):
        address(system, settings.api_key_env)
    elif not file_of(system)[0].is_file():
        raise ModelError("there is no such file.", where=file_of(system)[0], fix="Mend generator.system.")


class Process:
    """A function in a process of its own, which begins with the first question."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self.where = str(settings.system)
        self._path, self._name = file_of(self.where)
        self._python = str(Path(settings.python).expanduser()) if settings.python else sys.executable
        self._timeout = settings.timeout
        self._process: subprocess.Popen[str] | None = None
        self._lines: Queue[str | None] = Queue()
        self._printed: Any = None

    def ask(self, question: str) -> tuple[Any, float]:
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"question": question}) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, OSError):
            raise self._gone() from None
        found = self._hear(self._timeout, f"gave no answer within {self._timeout:g} s")
        if "odd" in found:
            raise ModelError(
                f"the system gave {found['odd']}.", where=self.where, fix="Give text, or a mapping of plain values."
            )
        if "raised" in found:
            raise self._raised(found, f'raised {found["raised"]} (asked "{question[:60]}")')
        return found["value"], float(found["seconds"])

    def _start(self) -> None:
        self._printed = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [self._python, str(_SCRIPT), str(self._path.absolute()), self._name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise ModelError(
                f"this Python cannot be started ({error.strerror}).", where=self._python, fix="Mend generator.python."
            ) from None
        self._lines = Queue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._lines), daemon=True).start()
        found = self._hear(_LOADING, f"did not load within {_LOADING:g} s")
        if "raised" in found:
            raise self._raised(found, f"cannot be loaded: {found['raised']}")

    def _hear(self, seconds: float, late: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=seconds)
        except Empty:
            self._kill()
            raise ModelError(f"the system {late}.", where=self.where, fix=f"Raise generator.timeout; {_KEPT}") from None
        if line is None:
            raise self._gone()
        found: dict[str, Any] = json.loads(line)
        return found

    def _raised(self, found: dict[str, Any], what: str) -> ModelError:
        self.close()
        place = f"{self._path}:{found['line']}" if found["line"] else self.where
        return ModelError(f"the system {whole(what)}.", where=place, fix=f"Mend it; {_KEPT}")

    def _gone(self) -> ModelError:
        """Its process ended by itself."""
        code = self._process.wait() if self._process else 0
        last = ""
        if self._printed is not None:
            self._printed.seek(0)
            last = next((line.strip() for line in reversed(self._printed.readlines()) if line.strip()), "")
        self.close()
        return ModelError(
            f"the system's process ended ({code}){': ' + last[:200] if last else ''}.",
            where=self.where,
            fix=f"Mend it; {_KEPT}",
        )

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self.close()

    def close(self) -> None:
        """End the process; one that does not end when nothing more is asked is killed."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with suppress(OSError):
                process.stdin.close()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._printed is not None:
            self._printed.close()
            self._printed = None


#: answers of servers that may be otherwise when asked again
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


class Address:
    """An HTTP address: the question as JSON in a POST, the reply as JSON or as text."""

    def __init__(self, settings: GeneratorSettings) -> None:
        import httpx

        self._address = address(str(settings.system), settings.api_key_env)
        self.where = without_login(str(settings.system))
        self._retries, self._timeout = settings.retries, settings.timeout
        key, named = self._address.key, settings.api_key_env != OPENAI_KEY  # that one is for OpenAI's servers alone
        headers = {"Authorization": f"Bearer {key}"} if named and key != NO_KEY else {}
        self._client = httpx.Client(timeout=settings.timeout, headers={**headers, **self._address.headers})

    def ask(self, question: str) -> tuple[Any, float]:
        import httpx

        told, start = "", time.perf_counter()
        for n in range(self._retries + 1):
            if n:
                time.sleep(min(8.0, 0.5 * 2 ** (n - 1)))
            start = time.perf_counter()
            try:
                reply = self._client.post(self._address.url, json={"question": question})
            except httpx.TimeoutException:
                told = f"gave no answer within {self._timeout:g} s"
                continue
            except httpx.HTTPError as error:
                told = f"cannot be reached ({self._address.cleaned(str(error)) or type(error).__name__})"
                continue
            if reply.status_code in _PASSING:
                told = f"answered {reply.status_code}"
                continue
            break
        else:
            raise self._failure(f"{told}, after {self._retries} retries")
        if reply.status_code != 200:
            raise self._failure(f'answered {reply.status_code} (asked "{question[:60]}")')
        return self._read(reply), time.perf_counter() - start

    def _read(self, reply: Any) -> Any:
        if "json" not in reply.headers.get("content-type", ""):
            return reply.text
        try:
            return reply.json()
        except (ValueError, RecursionError):
            raise self._failure("sent what is no JSON") from None

    def _failure(self, what: str) -> ModelError:
        return ModelError(f"the system {what}.", where=self.where, fix=f"See its log; {_KEPT}")

    def close(self) -> None:
        self._client.close()
