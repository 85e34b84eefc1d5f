"""The nano model before training: its shape, and the copying circuit that its random weights start with."""

from __future__ import annotations

import argparse

import torch
from transformers import LlamaConfig, LlamaForCausalLM

ROPE_THETA, LOOK_BACK, MATCH = 500000.0, 7.0, 1.9


def build_model(args: argparse.Namespace) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=args.vocabulary,
        hidden_size=args.width,
        intermediate_size=args.width * 8 // 3 // 32 * 32,
        num_hidden_layers=args.layers,
        num_attention_heads=args.heads,
        num_key_value_heads=args.heads,
        max_position_embeddings=2048,
        rope_theta=ROPE_THETA,
        attention_bias=True,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.02,
    )
    torch.manual_seed(args.seed)
    model = LlamaForCausalLM(config)
    seed_induction(model)
    return model


@torch.no_grad()
def seed_induction(model: LlamaForCausalLM) -> None:
    """Start from a copying circuit: layer 0 looks one token back, layers 1 and 2 find what followed the same token.

    The induction head of Olsson et al. 2022 (arXiv:2209.11895), written into the random weights; training from
    plain noise spends most of a small budget on finding it. Rotary embeddings turn high frequencies away within
    a few tokens, so contents are matched on the low-frequency dimensions of a head.
    """
    config = model.config
    width, heads = config.hidden_size, config.num_attention_heads
    size = width // heads
    half = size // 2
    model.model.embed_tokens.weight.mul_(5.0)  # std 0.1
    angles = ROPE_THETA ** (-torch.arange(half) / half)
    low = [i for i in range(half) if angles[i] < 0.004]
    low = low + [i + half for i in low]
    turn = torch.linalg.qr(torch.randn(width, width))[0]  # where the previous token is kept, apart from the present one
    first = model.model.layers[0].self_attn
    kept = 2 * size
    for head in range(2):
        rows = slice(head * size, (head + 1) * size)
        first.q_proj.weight[rows] *= 0.1
        first.k_proj.weight[rows] *= 0.1
        first.q_proj.bias[rows] = LOOK_BACK * torch.cat([torch.ones(half), torch.zeros(half)])
        first.k_proj.bias[rows] = LOOK_BACK * torch.cat([torch.cos(angles), torch.sin(angles)])
        first.v_proj.weight[rows] = torch.eye(width)[rows]
        first.o_proj.weight[:, rows] = 0.1 * turn[:, rows]
    for layer in (model.model.layers[1].self_attn, model.model.layers[2].self_attn):
        for head in range(2):
            source = torch.randperm(kept)[: len(low)]
            matched = torch.tensor([head * size + i for i in low])
            layer.q_proj.weight[matched] = MATCH * torch.eye(width)[source]
            layer.k_proj.weight[matched] = MATCH * turn[:, source].T
            every = slice(head * size, (head + 1) * size)
            layer.v_proj.weight[every] = torch.eye(width)[every]
            layer.o_proj.weight[:, every] = 0.3 * torch.eye(width)[:, every]
