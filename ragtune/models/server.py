"""Language models that answer one message: an OpenAI-compatible endpoint, or a local model."""

from __future__ import annotations

import os
import random
import time
from typing import Any

from ragtune.errors import ModelError
from ragtune.models.causal import LanguageModel
from ragtune.records import Json
from ragtune.store import digest


class EndpointChat:
    """Chat completions with a JSON schema where the server takes one; retries with backoff and jitter; timeouts."""

    def __init__(
        self,
        endpoint: str,
        model: str,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
        retries: int = 4,
        concurrency: int = 8,
        max_tokens: int = 1024,
    ) -> None:
        from openai import OpenAI

        self._client: Any = OpenAI(
            base_url=endpoint, api_key=os.environ.get(api_key_env) or "none", timeout=timeout, max_retries=0
        )
        self._endpoint, self._model, self._key_env = endpoint, model, api_key_env
        self._retries, self._max_tokens = retries, max_tokens
        self._schema = True
        self.concurrency = concurrency
        self.fingerprint = digest("endpoint", endpoint, model, max_tokens)

    def ask(self, message: str, schema: Json) -> str:
        """The reply's text.

        Raises:
            ModelError: refused key, unreachable or failing server after every retry, or something that is no completion.
        """
        import openai

        problem, fix = "", "See its log; replies so far are kept."
        for attempt in range(self._retries + 1):
            try:
                form = (
                    {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}}
                    if self._schema
                    else {}
                )
                done = self._client.chat.completions.create(
                    model=self._model,
                    messages=[{"role": "user", "content": message}],
                    temperature=0.0,
                    max_tokens=self._max_tokens,
                    **form,
                )
                return str(done.choices[0].message.content or "")
            except openai.AuthenticationError:
                raise ModelError(
                    "the judge's server refused the key (401).",
                    where=self._endpoint,
                    fix=f"Put a valid key into ${self._key_env}.",
                ) from None
            except openai.BadRequestError as error:
                if not self._schema:
                    raise ModelError(
                        f"the judge's server refused the request ({error.status_code}).", where=self._endpoint, fix=fix
                    ) from None
                self._schema = False  # the server does not take schemas: ask in words alone
                continue
            except openai.APIStatusError as error:
                problem = f"the judge's server answered {error.status_code}"
                if error.status_code < 500 and error.status_code not in (408, 409, 429):
                    break
            except openai.APITimeoutError:
                problem = "the judge's server gave no answer in time"
            except openai.APIConnectionError:
                problem, fix = (
                    "the judge's server cannot be reached",
                    "Start it or mend judge.endpoint; replies so far are kept.",
                )
            except (AttributeError, IndexError, TypeError, ValueError):
                problem, fix = "the judge's server sent no completion", "Check that it speaks the OpenAI API."
            if attempt < self._retries:
                time.sleep(min(30.0, 0.5 * 2**attempt) * (0.5 + random.random()))
        raise ModelError(f"{problem} after {self._retries} retries.", where=self._endpoint, fix=fix)


class LocalChat:
    """A local model, greedy, one message at a time."""

    concurrency = 1

    def __init__(self, model: LanguageModel, max_tokens: int = 512) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self.fingerprint = digest("local", model.ref.fingerprint, max_tokens)

    def ask(self, message: str, schema: Json) -> str:
        import torch

        ids = torch.tensor(
            [self._model.encode_prompt([{"role": "user", "content": message}])], device=self._model.base.device
        )
        with torch.inference_mode():
            out = self._model.base.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=self._max_tokens,
                do_sample=False,
                pad_token_id=self._model.tokenizer.pad_token_id or 0,
            )
        made = out[0] if getattr(self._model.base.config, "is_encoder_decoder", False) else out[0, ids.shape[1] :]
        return str(self._model.tokenizer.decode(made, skip_special_tokens=True))
