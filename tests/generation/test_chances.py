"""The probabilities of an answer's tokens are those of the model's own logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragtune.generation.abstention import AbstainAbove
from ragtune.generation.chances import Chances
from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve

GREEDY = {"do_sample": False}
SAMPLED = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 0}


@pytest.mark.parametrize("kind", ["llama", "t5"])
@pytest.mark.parametrize("options", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_they_are_those_of_all_steps_logits(kind: str, options: dict[str, Any], tiny_models: dict[str, Path]) -> None:
    import torch

    model = LanguageModel(resolve(str(tiny_models[kind])), "cpu")
    ids = torch.tensor([[model.pad, 9, 8, 7], [12, 11, 10, 9]])
    chances, start = Chances(), 1 if kind == "t5" else ids.shape[1]
    torch.manual_seed(0)
    out = model.base.generate(  # type: ignore[operator]
        input_ids=ids,
        attention_mask=(ids != model.pad).long(),
        max_new_tokens=5,
        pad_token_id=model.pad,
        logits_processor=[chances, AbstainAbove(3, 0.9, start)],
        return_dict_in_generate=True,
        output_logits=True,
        **options,
    )
    new = out.sequences[:, start:]
    wanted = [step.float().log_softmax(-1).gather(1, new[:, i : i + 1])[:, 0] for i, step in enumerate(out.logits)]
    assert torch.allclose(torch.tensor(chances.of(new)), torch.stack(wanted, 1), atol=1e-5)
