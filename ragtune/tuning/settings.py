"""Tuning settings, as they stand in an experiment file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ragtune.corpus.load import CorpusSettings

#: settings that are newer than keys of stored tunings
_LATER = (
    *("contexts", "method", "virtual_tokens", "virtual_text", "bottleneck", "init", "rank_stabilised"),
    *("start", "choose", "both", "teacher", "teacher_filter", "preference"),
)
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


#: LoRA's learning rate, and that of methods that say none of their own
RATE = 1e-3
#: learning rates of methods for which that of LoRA would be too large or too small
RATES = {"full": 5e-5, "ia3": 3e-3, "prompt": 1e-2, "prefix": 1e-2}


def _usual(method: str, preference: bool) -> float:
    return 5e-5 if preference else RATES.get(method, RATE)


def _named(targets: Any) -> Any:
    """``all`` is what stands where nothing is named; one name is a list of one."""
    return None if targets == "all" else [targets] if isinstance(targets, str) else targets


class LoraSettings(BaseModel):
    """The adapter that is trained: LoRA (Hu et al. 2021, arXiv:2106.09685), or a relative of it."""

    model_config = _STRICT

    r: int = Field(16, ge=1, description="rank of the adapter's matrices")
    alpha: int | None = Field(None, ge=1, description="the adapter counts alpha / r; default: 2 r")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the adapter's inputs left out in training")
    targets: Annotated[tuple[str, ...] | None, BeforeValidator(_named)] = Field(
        None, description="attention (its linear layers), all, or module names; default: all linear layers"
    )
    upper: int | None = Field(
        None,
        ge=1,
        description="only in so many of the upper blocks; no gradient goes below them, so training is faster",
    )
    init: Literal["default", "pissa"] = Field(
        "default",
        description="what training begins with: nothing added, or the largest components of the weights (PiSSA, arXiv:2404.02948); stored at twice the rank",
    )
    rank_stabilised: bool = Field(False, description="the adapter counts alpha / sqrt(r) (rsLoRA, arXiv:2312.03732)")


class PreferenceSettings(BaseModel):
    """Preference tuning on top of a tuned model: DPO (Rafailov et al. 2023, arXiv:2305.18290). Its pairs of a right and a wrong
    answer are what that model says itself to the train questions."""

    model_config = _STRICT

    samples: int = Field(8, ge=2, le=1000, description="answers sampled of each train question")
    temperature: float = Field(1.0, gt=0, description="at which they are sampled")
    beta: float = Field(0.1, gt=0, description="how close to the model that training begins with it stays")


class TrainingCorpus(CorpusSettings):
    """One of several corpora that are trained on."""

    weight: float = Field(
        1.0, gt=0, le=100, description="below 1: that share of its train split, drawn by the seed; above: so often each"
    )


class TuningSettings(BaseModel):
    """How a setup's generator is tuned.

    ``train_on`` is what it trains on: ``closed-book`` (question -> answer), ``contexts`` (the retrieved hits, as in
    serving) or ``raft`` (the right chunk among distractors and, for the share ``without_right``, distractors
    alone: Zhang et al. 2024, RAFT, arXiv:2403.10131).
    """

    model_config = ConfigDict(**_STRICT, populate_by_name=True, serialize_by_alias=True)

    train_on: Literal["closed-book", "contexts", "raft"] = Field(
        description="what the model is shown in training: the question alone, with its hits, or with right and wrong chunks"
    )
    without_right: float = Field(
        0.2, ge=0, le=1, description="raft: share of questions trained without the right chunk"
    )
    when_absent: Literal["answer", "abstain"] = Field(
        "answer", description="raft: target where the right chunk is left out; RAFT's own is answer"
    )
    corpus: CorpusSettings | None = Field(
        None, description="another corpus whose train split is trained on, or this one before its changes"
    )
    corpora: tuple[TrainingCorpus, ...] = Field((), description="several corpora in place of one; each with its weight")
    prompts: tuple[str, ...] = Field(
        (), description="each question is taught in one of these prompts, drawn by the seed; default: the setup's own"
    )
    contexts: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = Field(
        None, description="from how many to how many contexts are shown, drawn by the seed; default: top_k"
    )
    questions: int | None = Field(
        None,
        ge=1,
        description="train on this many questions, drawn by the seed; a smaller number is part of a larger one",
    )
    choose: Literal["random", "diverse"] = Field(
        "random",
        description="which questions: by lot, or each as far as can be from those before it, over all tags (k-centre, Gonzalez 1985); needs questions",
    )
    start: str | None = Field(
        None,
        alias="from",
        min_length=1,
        description="go on from the tuned model of another setup, under the same seed, or from the folder of an adapter (a path with a /)",
    )
    teacher: str | None = Field(
        None, min_length=1, description="another setup, whose answers to the train questions are what is taught"
    )
    teacher_filter: Literal["none", "right"] = Field(
        "none", description="right: only answers of the teacher that the references take for right"
    )
    preference: PreferenceSettings | None = Field(None, description="needs from")
    both: bool = Field(
        False, description="raft: each question twice, with the right chunk and without (PA-RAG, arXiv:2412.14510)"
    )
    variants: int = Field(
        0, ge=0, description="closed-book: further copies of each training question with words left out at random"
    )
    evidence_words: int = Field(
        0, ge=0, description="closed-book: a variant also holds up to this many words from around the evidence"
    )
    word_dropout: float = Field(
        0.3, ge=0, lt=1, description="closed-book: share of the words that a variant leaves out"
    )
    method: Literal["lora", "dora", "qlora", "ia3", "prompt", "p-tuning", "prefix", "bottleneck", "full"] = Field(
        "lora",
        description="what is trained: an adapter of one of these kinds, or with full all weights (docs/methods.md)",
    )
    lora: LoraSettings = LoraSettings()
    virtual_tokens: int = Field(
        20, ge=1, le=1000, description="prompt, p-tuning and prefix: how many virtual tokens stand before every prompt"
    )
    virtual_text: str | None = Field(
        None,
        min_length=1,
        description="prompt and prefix: a text whose words they begin as; default: words drawn by the seed",
    )
    bottleneck: int = Field(64, ge=1, description="bottleneck: width of the layers between, in units")
    epochs: float = Field(3.0, gt=0, description="how often each training question is seen")
    learning_rate: float = Field(
        RATE,
        gt=0,
        description="the largest learning rate (AdamW); default with full 5e-5, ia3 3e-3, prompt and prefix 1e-2, with preference 5e-5",
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(
        "cosine", description="how the learning rate falls after warming up"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of the steps in which the learning rate rises")
    weight_decay: float = Field(0.0, ge=0, description="weight decay of the optimiser")
    batch_tokens: int = Field(2048, ge=16, description="padded tokens per batch")
    batch_rows: int = Field(
        64, ge=1, description="conversations per batch, at most; raise it where batch_tokens has room"
    )
    accumulate: int = Field(1, ge=1, description="batches per optimiser step")
    max_grad_norm: float = Field(1.0, gt=0, description="longer gradients are cut to this length")
    evaluate_every: float | None = Field(
        None, gt=0, description="epochs between evaluations on the dev split; none: at the end only"
    )
    early_stop: int | None = Field(
        None, ge=1, description="evaluations without a better dev loss before stopping; needs evaluate_every"
    )
    save_seconds: float = Field(20.0, gt=0, description="a checkpoint at least this often")

    @model_validator(mode="before")
    @classmethod
    def _rate(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        rate = _usual(str(given.get("method", "lora")), bool(given.get("preference")))
        return {"learning_rate": rate, **given}

    @property
    def usual_rate(self) -> float:
        """The learning rate where none is given."""
        return _usual(self.method, self.preference is not None)

    def identity(self, left_out: Collection[str]) -> dict[str, Any]:
        """What a tuning is known by, without the settings ``left_out``. Those that came later stand in it only where they differ
        from what was done before."""
        found = self.model_dump(mode="json")
        found["lora"]["alpha"] = self.lora.alpha or 2 * self.lora.r
        for section, cls in ((found, TuningSettings), (found["lora"], LoraSettings)):
            later = {name: cls.model_fields[name].default for name in _LATER if name in cls.model_fields}
            for name, default in later.items():
                key = cls.model_fields[name].alias or name
                if section[key] == default:
                    section.pop(key)
        for name in left_out:
            first, _, second = name.partition(".")
            if second:
                found.get(first, {}).pop(second, None)
            else:
                found.pop(first, None)
        return found

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.corpora and (self.corpus or self.questions):
            other = "corpus" if self.corpus else "questions"
            raise ValueError(f"corpora and {other} exclude each other (a corpus of corpora has its weight)")
        if self.preference and (not self.start or self.teacher):
            raise ValueError("preference needs from, a tuned model to begin with, and no teacher")
        if self.contexts and self.contexts[0] > self.contexts[1]:
            raise ValueError("contexts: the first number is the smaller one")
        return self
