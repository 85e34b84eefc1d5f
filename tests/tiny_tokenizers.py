"""Tiny tokenizers of the common families, built on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

TEXTS = ["Tea is served at 15:30.", "The boat carries 12 people. <b>Why?</b> [1] user assistant model system think"] * 9
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' "
    "+ m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
INST = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set s = messages[0]['content'] + '\\n\\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set s = '' %}{% endif %}{% for m in messages %}"
    "{% if m['role'] == 'user' %}{{ '[INST] ' + (s if loop.first else '') + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n' + m['content'] | trim "
    "+ '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
THINKING = CHATML.replace(
    "'<|im_start|>assistant\\n' }}",
    "'<|im_start|>assistant\\n' }}{% if enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}",
)


def byte_level(
    special: list[str],
    plain: list[str],
    template: str | None,
    texts: Sequence[str] = TEXTS,
    size: int = 400,
    **names: Any,
) -> PreTrainedTokenizerFast:
    """Bytes and what is frequent in the texts, ``size`` entries; the special tokens come first."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=alphabet)
    )
    core.add_tokens([AddedToken(name, special=False, normalized=False) for name in plain])
    made = PreTrainedTokenizerFast(tokenizer_object=core, clean_up_tokenization_spaces=False, **names)
    made.chat_template = template
    return made


def _metaspace() -> PreTrainedTokenizerFast:
    """As Mistral's: a space before the text, control tokens with names in square brackets."""
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"]
    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    core.decoder = decoders.Metaspace(prepend_scheme="first")
    letters = ["\n", *map(chr, range(32, 127))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=letters)
    core.train_from_iterator(TEXTS, trainer)
    core.add_tokens([AddedToken("[INST]", special=True), AddedToken("[/INST]", special=True)])
    made = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    made.chat_template = INST
    return made


def _unigram() -> PreTrainedTokenizerFast:
    """As T5's: pieces with scores, names of control tokens among them, an end token after every text."""
    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    letters = sorted(set("".join(TEXTS)) | set("</s>|_endoftxim[]INS0123456789"))
    special = ["<pad>", "</s>", "<unk>"]
    core.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", initial_alphabet=letters),
    )
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def tokenizer(family: str) -> Any:
    """A new tokenizer of the family."""
    thoughts = ["<think>", "</think>"]
    if family in ("chatml", "thinking"):
        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        template = CHATML if family == "chatml" else THINKING
        return byte_level(special, thoughts, template, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    if family == "llama-3":
        special = ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]
        return byte_level(special, [], LLAMA3, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")
    if family == "gemma":
        special = ["<pad>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]
        return byte_level(special, ["\n\n"], GEMMA, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>")
    if family == "gpt2":
        return byte_level(["<|endoftext|>"], [], None, eos_token="<|endoftext|>", bos_token="<|endoftext|>")
    if family == "plain":
        return byte_level(["<s>", "</s>"], ["<think>"], None, eos_token="</s>", bos_token="<s>")
    if family == "mistral":
        return _metaspace()
    if family == "t5":
        return _unigram()
    assert family == "slow"
    made = ByT5Tokenizer()
    made.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    return made


FAMILIES = ("chatml", "thinking", "llama-3", "mistral", "gemma", "t5", "gpt2", "plain", "slow")
