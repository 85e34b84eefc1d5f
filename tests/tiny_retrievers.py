"""Tiny random embedders and CrossEncoders, built on the spot."""

from __future__ import annotations

from pathlib import Path

from conftest import DOCUMENTS, QUESTIONS


def _tokenizer():  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    texts = [*DOCUMENTS.values(), *(str(q["question"]) for q in QUESTIONS), *SUBJECTS, *ASKS, "It is kept in the."]
    inner = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}, unk_token="[UNK]"))
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    words = sorted({w for t in texts for w, _ in inner.pre_tokenizer.pre_tokenize_str(t.lower())})
    vocabulary = {w: n for n, w in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    inner.model = models.WordLevel(vocabulary, unk_token="[UNK]")
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )


#: documents say one word of a pair, questions the other: an untuned embedder cannot know that they belong together
SUBJECTS = ("anchor", "barrel", "candle", "drum", "engine", "flag", "gear", "hook", "iron", "jar", "kettle", "lamp")
ASKS = ("mooring", "cask", "taper", "snare", "motor", "banner", "cog", "crook", "press", "pot", "boiler", "lantern")


def embedder(folder: Path) -> Path:
    """A random BERT of one layer with mean pooling, as a sentence-transformers folder."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    inner = folder.with_name(folder.name + "-inner")
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(inner)
    tokenizer.save_pretrained(inner)
    transformer = Transformer(str(inner))
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[transformer, pooling]).save_pretrained(str(folder), create_model_card=False)
    return folder


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=64,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def synonyms(folder: Path) -> Path:
    """A corpus whose questions name things by other words than its documents; each thing is asked about in all three splits."""
    import json

    (folder / "documents").mkdir(parents=True)
    rows = []
    for n, (subject, asked) in enumerate(zip(SUBJECTS, ASKS, strict=True)):
        (folder / "documents" / f"{subject}.md").write_text(f"# {subject}\n\nIt is kept in the {subject}.\n", "utf-8")
        for split, text in (("train", f"served {asked}"), ("dev", f"people {asked}"), ("test", f"captain {asked}")):
            evidence = [{"document": f"{subject}.md", "quote": f"kept in the {subject}"}]
            row = {"id": f"{split}{n}", "question": text, "answers": [subject], "evidence": evidence, "split": split}
            rows.append(row)
    (folder / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    return folder
