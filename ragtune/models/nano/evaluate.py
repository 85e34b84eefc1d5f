"""How well a reader reads: ``python -m ragtune.models.nano.evaluate [--model NAME] [--squad FILE]``.

Greedy answers, token F1 and exact match as SQuAD defines them, citations and abstentions counted.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from ragtune.models.causal import LanguageModel
from ragtune.models.names import resolve
from ragtune.models.nano import conversation, examples, scenes
from ragtune.models.nano.train import user_text

Case = tuple[tuple[tuple[str, str], ...], str, list[str], int]  # contexts, question, references, cited context (0: none)


def plain(text: str) -> list[str]:
    return re.sub(r"\b(?:a|an|the)\b", " ", re.sub(r"[^\w\s]", "", re.sub(r"\[\d+\]", "", text).lower())).split()


def f1(answer: str, reference: str) -> float:
    a, r = plain(answer), plain(reference)
    same = sum((Counter(a) & Counter(r)).values())
    return 2 * same / (len(a) + len(r)) if same else float(a == r)


def answer_all(model: LanguageModel, cases: list[Case], size: int = 16) -> list[str]:
    import torch

    ids = [model.encode_prompt([{"role": "user", "content": user_text(c, q)}]) for c, q, _, _ in cases]
    order = sorted(range(len(cases)), key=lambda i: len(ids[i]))
    found = [""] * len(cases)
    pad = int(model.tokenizer.pad_token_id)  # type: ignore[arg-type]
    for at in range(0, len(order), size):
        rows = order[at : at + size]
        longest = max(len(ids[i]) for i in rows)
        batch = torch.tensor([[pad] * (longest - len(ids[i])) + ids[i] for i in rows])
        mask = torch.tensor([[0] * (longest - len(ids[i])) + [1] * len(ids[i]) for i in rows])
        with torch.inference_mode():
            out = model.base.generate(input_ids=batch, attention_mask=mask, max_new_tokens=32, do_sample=False, pad_token_id=pad)
        for i, row in zip(rows, out[:, longest:].tolist(), strict=True):
            found[i] = str(model.tokenizer.decode(row, skip_special_tokens=True)).strip()
    return found


def measure(model: LanguageModel, cases: list[Case]) -> dict[str, float]:
    """F1 and exact match on answerable cases, right citations among them, abstentions on unanswerable ones."""
    replies = answer_all(model, cases)
    asked = [(r, c) for r, c in zip(replies, cases, strict=True) if c[2]]
    unknown = [r for r, c in zip(replies, cases, strict=True) if not c[2]]
    cited = [re.findall(r"\[(\d+)\]", r) == [str(c[3])] for r, c in asked if c[3]]
    result = {
        "questions": len(asked),
        "f1": sum(max(f1(r, x) for x in c[2]) for r, c in asked) / max(1, len(asked)),
        "exact": sum(any(plain(r) == plain(x) for x in c[2]) for r, c in asked) / max(1, len(asked)),
        "abstained": sum(r.startswith("I don't know") for r, _ in asked) / max(1, len(asked)),
    }
    if cited:
        result["cited"] = sum(cited) / len(cited)
    if unknown:
        result |= {"unanswerable": len(unknown), "rightly_abstained": sum(r.startswith("I don't know") for r in unknown) / len(unknown)}
    return {k: round(v, 4) for k, v in result.items()}


def made_up(held_out: bool, count: int, contexts: int) -> list[Case]:
    rng = Random(f"evaluate/{held_out}/{contexts}")
    at = conversation.Level(contexts, 4, 1, 0.0)
    return _cases(lambda: examples.made_up(rng, at, held_out), count)


def of_scenes(held_out: bool, count: int, contexts: int) -> list[Case]:
    rng = Random(f"evaluate/scenes/{held_out}/{contexts}")
    at = conversation.Level(contexts, 2, 1, 0.0, more=True)
    return _cases(lambda: scenes.from_scene(rng, at, held_out), count)


def _cases(make: Callable[[], conversation.Conversation], count: int) -> list[Case]:
    cases: list[Case] = []
    while len(cases) < count:
        made = make()
        for question, answer in made.turns:
            known = answer != conversation.ABSTAIN
            numbers = re.findall(r"\[(\d+)\]", answer)
            cases.append((made.contexts, question, [re.sub(r" ?\[\d+\]", "", answer)] if known else [], int(numbers[0]) if len(numbers) == 1 else 0))
    return cases


def squad(path: Path, paragraphs: int = 1) -> list[Case]:
    """Questions with their paragraph, alone or among others of the same article."""
    rng = Random(0)
    cases: list[Case] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        texts = [p["context"] for p in article["paragraphs"]]
        for n, p in enumerate(article["paragraphs"]):
            for qa in p["qas"]:
                shown = [n, *rng.sample([i for i in range(len(texts)) if i != n], min(paragraphs - 1, len(texts) - 1))]
                rng.shuffle(shown)
                cases.append((tuple(("", texts[i]) for i in shown), qa["question"], [a["text"] for a in qa["answers"]], shown.index(n) + 1))
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="bundled:nano")
    parser.add_argument("--squad", type=Path, help="a SQuAD file: each question with its right paragraph given")
    parser.add_argument("--count", type=int, default=400)
    args = parser.parse_args()
    model = LanguageModel(resolve(args.model))
    sets = {
        f"{'held-out' if h else 'trained'} domains, {'1 context' if c == 1 else f'1 to {c} contexts'}": made_up(h, args.count, c)
        for h in (True, False)
        for c in (1, 3, 6)
    }
    sets |= {f"held-out scenes, {'1 context' if c == 1 else f'1 to {c} contexts'}": of_scenes(True, args.count, c) for c in (1, 3)}
    if args.squad:
        sets |= {f"{args.squad.name}, right paragraph": squad(args.squad), f"{args.squad.name}, right among 3": squad(args.squad, 3)}
    for name, cases in sets.items():
        print(f"{name:<36} {json.dumps(measure(model, cases))}", flush=True)


if __name__ == "__main__":
    main()
