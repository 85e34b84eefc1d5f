"""Train ``bundled:nano`` from scratch: ``python -m ragtune.models.nano.train --out DIR [--prose FOLDER]``.

One seed fixes the tokenizer, the data and the weights. A checkpoint is written every ``--save-every`` steps;
the same command resumes from it. The learning rate warms up, stays, and falls to 0 over the last ``--decay`` of
``--steps`` (so ``--steps`` may be raised on resuming as long as the decay has not begun); the curriculum
(``conversation.level``) follows ``--curriculum`` steps. A second leg of ``--polish`` steps follows (``polish.py``), with
optimisers begun anew at ``--polish-rate`` of the rates.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from ragtune.models.nano import conversation, examples, page_examples, polish, prose, scenes
from ragtune.models.nano import tokenizer as tok
from ragtune.models.nano.model import build_model
from ragtune.models.nano.muon import Muon

CONTEXT_WEIGHT, QUESTION_WEIGHT, ANSWER_WEIGHT, ABSTAIN_WEIGHT = 0.15, 0.15, 1.0, 1.0
#: share of the conversations, once copying has formed, whose contexts and questions are learnt too: the output layer is a quarter of the work
WHOLE_SHARE, POLISH_WHOLE_SHARE = 0.2, 0.1
Row = tuple[list[int], list[float]]


def user_text(contexts: tuple[tuple[str, str], ...], question: str) -> str:
    """The user message; the same layout as ``generation/prompts/rag.yaml`` renders."""
    lines = [f"[{n}] {title}\n{text}" if title else f"[{n}] {text}" for n, (title, text) in enumerate(contexts, 1)]
    return "\n".join([*lines, f"Question: {question}"])


def encode(tokenizer: PreTrainedTokenizerFast, talk: conversation.Conversation, whole: bool = True) -> Row:
    """Token ids with a loss weight each; without ``whole`` contexts and questions weigh nothing."""
    bos, end, user, assistant = (tokenizer.convert_tokens_to_ids(t) for t in ("<|bos|>", "<|end|>", "<|user|>", "<|assistant|>"))
    ids, weights = [bos], [0.0]
    for n, (question, answer) in enumerate(talk.turns):
        text = user_text(talk.contexts if n == 0 else (), question)
        part = [user, *tokenizer.encode(text, add_special_tokens=False), end, assistant]
        ids += part
        weights += [0.0, *[whole * (CONTEXT_WEIGHT if n == 0 else QUESTION_WEIGHT)] * (len(part) - 3), 0.0, 0.0]
        part = [*tokenizer.encode(" " + answer, add_special_tokens=False), end]
        ids += part
        weights += [ABSTAIN_WEIGHT if answer == conversation.ABSTAIN else ANSWER_WEIGHT] * len(part)
    return ids, weights


def repeats(rng: Random, vocabulary: int) -> Row:
    """A run of random tokens, repeated: what makes copying heads form early."""
    pool = [len(tok.SPECIAL) + int((vocabulary - len(tok.SPECIAL)) * rng.random() ** 2) for _ in range(64)]
    run = [rng.choice(pool) for _ in range(rng.randint(4, 32))]
    times = max(2, 96 // len(run))
    return [1, *run * times], [0.0] * (1 + len(run)) + [1.0] * (len(run) * (times - 1))


def first_leg(args: argparse.Namespace, tokenizer: PreTrainedTokenizerFast, pool: list[str], rng: Random, step: int) -> Row:
    share = max(0.0, 0.5 * (1 - step / (0.16 * args.curriculum)))
    whole = step < 0.12 * args.curriculum or rng.random() < WHOLE_SHARE
    if rng.random() < share:
        return repeats(rng, args.vocabulary)
    return encode(tokenizer, examples.conversation(rng, conversation.level(step, args.curriculum), pool), whole)


def batches(args: argparse.Namespace, tokenizer: PreTrainedTokenizerFast, pool: list[str], start: int, second: bool = False) -> Iterator[list[Row]]:
    """Batches of about ``--tokens`` tokens from a leg's step ``start``, rows of similar length together; the step fixes each one."""
    group = 16
    for first in range(start - start % group, 10**9, group):
        rng = Random(f"{args.seed}/polish/{first}" if second else f"{args.seed}/{first}")
        rows: list[Row] = []
        total = 0
        while total < group * args.tokens:
            if second:
                whole = rng.random() < POLISH_WHOLE_SHARE
                row = encode(tokenizer, polish.conversation(rng, pool), whole)
            else:
                row = first_leg(args, tokenizer, pool, rng, first)
            if len(row[0]) <= args.longest:
                rows.append(row)
                total += len(row[0])
        rows.sort(key=lambda r: len(r[0]))
        cut: list[list[Row]] = [[]]
        size = 0
        for row in rows:
            if size >= total / group and len(cut) < group:
                cut.append([])
                size = 0
            cut[-1].append(row)
            size += len(row[0])
        rng.shuffle(cut)
        for n, rows_of_step in enumerate(cut):
            if first + n >= start:
                yield rows_of_step


def pad(rows: list[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, weights), right-padded, shape (rows, longest)."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([r + [0] * (longest - len(r)) for r, _ in rows])
    weights = torch.tensor([x + [0.0] * (longest - len(x)) for _, x in rows])
    return ids, weights


def schedule(step: int, args: argparse.Namespace) -> float:
    if step >= args.steps:
        done = step - args.steps
        return float(args.polish_rate * min((done + 1) / 50, max(0.01, (args.polish - done) / (0.9 * args.polish)), 1.0))
    decay = max(1, round(args.steps * args.decay))
    return float(min(1.0, (step + 1) / args.warmup, max(0.01, (args.steps - step) / decay)))


@torch.no_grad()
def forced_exact(model: LlamaForCausalLM, rows: list[Row]) -> float:
    """Share of answers whose every token is the most likely one, given the answer so far."""
    right = total = 0
    for at in range(0, len(rows), 16):
        ids, weights = pad(rows[at : at + 16])
        hit = model(input_ids=ids).logits[:, :-1].argmax(-1) == ids[:, 1:]
        answers = weights[:, 1:] >= ABSTAIN_WEIGHT
        for row_hit, row_answers in zip(hit.tolist(), answers.tolist(), strict=True):
            ok, inside = True, False
            for h, a in zip([*row_hit, True], [*row_answers, False], strict=True):
                if a:
                    ok, inside = (ok and h) if inside else h, True
                elif inside:
                    right, total, inside = right + ok, total + 1, False
    return right / max(1, total)


def probes(args: argparse.Namespace, tokenizer: PreTrainedTokenizerFast, pool: list[str]) -> dict[str, list[Row]]:
    rng = Random(f"probe/{args.seed}")
    last = conversation.level(args.curriculum, args.curriculum)
    first = conversation.Level(1, 3, 1, 0)
    made = {
        "one": [examples.made_up(rng, first) for _ in range(args.probe)],
        "trained": [examples.made_up(rng, last) for _ in range(args.probe)],
        "held_out": [examples.made_up(rng, last, held_out=True) for _ in range(args.probe * 3 // 2)],
        "pages": [page_examples.from_pages(rng, last) for _ in range(args.probe)],
        "prose": [examples.from_prose(rng, last, pool) for _ in range(args.probe)] if pool else [],
        "scenes": [scenes.from_scene(rng, conversation.Level(1, 2, 4, 0, 0, True), held_out=True) for _ in range(2 * args.probe)],
    }
    return {name: [encode(tokenizer, c) for c in conversations] for name, conversations in made.items() if conversations}


def load_or_train_tokenizer(args: argparse.Namespace, pool: list[str]) -> PreTrainedTokenizerFast:
    for folder in (args.out, args.start_from):
        if folder and (folder / "tokenizer.json").exists():
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
            tokenizer.save_pretrained(args.out)
            return tokenizer
    rng = Random(args.seed)
    last = conversation.level(args.curriculum, args.curriculum)
    made = (examples.made_up(rng, last) if n % 2 else page_examples.from_pages(rng, last) for n in range(args.texts))
    texts = [user_text(c.contexts, c.turns[0][0] if c.turns else "") for c in made]
    tokenizer = tok.train([*texts, *pool, *pool, *pool], args.vocabulary)
    tokenizer.save_pretrained(args.out)
    return tokenizer


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, tokenizer and checkpoint")
    parser.add_argument("--start-from", type=Path, help="folder with weights and tokenizer to go on from, where there is no checkpoint")
    parser.add_argument("--prose", type=Path, help="folder of Markdown or text to derive questions from")
    for name, default in {
        "seed": 0,
        "steps": 10500,
        "polish": 4000,
        "curriculum": 5000,
        "tokens": 3072,
        "longest": 900,
        "width": 192,
        "layers": 6,
        "heads": 4,
        "vocabulary": 4096,
        "warmup": 100,
        "save_every": 200,
        "threads": 0,
        "probe": 64,
        "texts": 6000,
    }.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--decay", type=float, default=0.7, help="share of the steps over which the learning rate falls to 0")
    parser.add_argument("--polish-rate", type=float, default=0.5, help="of the rates, where the second leg begins")
    parser.add_argument("--lr", type=float, default=2e-3, help="AdamW's, for embeddings and norms")
    parser.add_argument("--matrix-lr", type=float, default=3e-3, help="Muon's, for the layers' matrices")
    return parser.parse_args(argv)


def new_optimizers(model: LlamaForCausalLM, args: argparse.Namespace) -> tuple[list[torch.optim.Optimizer], list[float]]:
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [Muon(matrices, lr=args.matrix_lr), torch.optim.AdamW(others, lr=args.lr, betas=(0.9, 0.98), weight_decay=0.0)], [args.matrix_lr, args.lr]


def stream(args: argparse.Namespace, tokenizer: PreTrainedTokenizerFast, pool: list[str], start: int) -> Iterator[list[Row]]:
    """The batches from step ``start`` to the end of the second leg."""
    yield from islice(batches(args, tokenizer, pool, start), max(0, args.steps - start))
    done = max(0, start - args.steps)
    yield from islice(batches(args, tokenizer, pool, done, second=True), max(0, args.polish - done))


def learn(model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], rows: list[Row]) -> float:
    """One step on one batch, in two halves; the loss."""
    for optimizer in optimizers:
        optimizer.zero_grad()
    half = (len(rows) + 1) // 2
    total = sum(sum(x) for _, x in rows)
    loss_sum = 0.0
    for part in (rows[:half], rows[half:]):
        if not part:
            continue
        ids, weights = pad(part)
        weight = weights[:, 1:].flatten()
        learnt = weight.nonzero().squeeze(1)
        states = model.model(input_ids=ids).last_hidden_state[:, :-1].flatten(0, 1)[learnt]
        loss = (cross_entropy(model.lm_head(states), ids[:, 1:].flatten()[learnt], reduction="none") * weight[learnt]).sum() / total
        torch.autograd.backward(loss)
        loss_sum += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(optimizers[1].param_groups[0]["params"], 1.0)
    for optimizer in optimizers:
        optimizer.step()
    return loss_sum


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.threads:
        torch.set_num_threads(args.threads)
    pool = prose.paragraphs(args.prose) if args.prose else []
    tokenizer = load_or_train_tokenizer(args, pool)
    model = build_model(args)
    step, seconds = 0, 0.0
    optimizers, rates = new_optimizers(model, args)
    checkpoint = args.out / "checkpoint.pt"
    if args.start_from and not checkpoint.exists():
        model.load_state_dict(LlamaForCausalLM.from_pretrained(args.start_from).state_dict())
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        if state["step"] != args.steps:  # the second leg begins with new ones
            for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
        step, seconds = state["step"], state["seconds"]
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}M parameters, {len(pool)} paragraphs, from step {step}", flush=True)
    probe = probes(args, tokenizer, pool)
    seen, clock, loss_sum, loss_n = 0, time.time(), 0.0, 0
    for rows in stream(args, tokenizer, pool, step):
        if step == args.steps:
            optimizers, rates = new_optimizers(model, args)
        for optimizer, rate in zip(optimizers, rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * schedule(step, args)
        loss_sum += learn(model, optimizers, rows)
        step, seen, loss_n = step + 1, seen + sum(len(r) for r, _ in rows), loss_n + 1
        if step % 50 == 0:
            now = time.time()
            print(f"step {step} loss {loss_sum / loss_n:.3f} {seen / (now - clock):.0f} tok/s {(seconds + now - clock) / 60:.1f} min", flush=True)
            loss_sum, loss_n = 0.0, 0
        if step % args.save_every == 0 or step in {args.steps, args.steps + args.polish}:
            model.eval()
            print(f"step {step} " + " ".join(f"{k} {forced_exact(model, v):.3f}" for k, v in probe.items()), flush=True)
            model.train()
            state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step, "seconds": seconds + time.time() - clock}
            torch.save(state, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
    model.save_pretrained(args.out)
    sha = hashlib.sha256((args.out / "model.safetensors").read_bytes()).hexdigest()
    (args.out / "sha256.json").write_text(json.dumps({"model.safetensors": sha}))
    (args.out / "recipe.json").write_text(
        json.dumps(
            {
                "steps": step,
                "seconds": round(seconds + time.time() - clock),
                **{k: str(v) for k, v in vars(args).items() if k not in {"out", "prose", "start_from"}},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
