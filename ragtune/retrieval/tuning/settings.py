"""How an embedder or a re-ranker is tuned, as it stands in an experiment file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PairSettings(BaseModel):
    """What is taught: pairs of a question and the chunk that holds its evidence, or of a heading and the text under it."""

    model_config = _STRICT

    pairs: Literal["auto", "questions", "headings"] = Field(
        "auto",
        description="train on the train questions with evidence, or on headings and the text under them; auto: questions where there are any",
    )
    negatives: int = Field(
        4,
        ge=0,
        le=10,
        description="hits without evidence, the best first, that each right chunk is told from (supervise generator: the hits to choose among, but one)",
    )
    seed: int | None = Field(
        None, ge=0, lt=2**32, description="the seed of this training; default: each of the experiment's seeds"
    )
    epochs: float = Field(3.0, gt=0, le=1000, description="how often each pair is seen")
    batch: int = Field(16, ge=2, le=4096, description="pairs per step")
    learning_rate: float | None = Field(
        None, gt=0, description="the largest learning rate (AdamW); default: 2e-5, with lora 5e-4"
    )
    rank: int = Field(
        8, ge=1, le=1024, description="lora: rank of the adapters, which are merged when they are trained"
    )
    method: str

    @property
    def rate(self) -> float:
        """The learning rate that is meant."""
        return self.learning_rate or (5e-4 if self.method == "lora" else 2e-5)

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here, each with the reason."""
        return {} if self.method == "lora" else {"rank": "it needs method: lora"}


class DenseTuning(PairSettings):
    """How the embedder is tuned.

    ``query-map``: a linear map on the vectors of questions, held near the identity; documents keep their vectors, and no index is
    made anew. A plain form of the adapters of Yoon et al. (Search-Adaptor, arXiv:2310.08750).
    ``full``: all its weights, by the loss of multiple negatives (Henderson et al., arXiv:1705.00652); with ``pairs: headings``
    the structure of the documents is the teacher (the idea of SANTA, Li et al., arXiv:2305.19912). ``lora``: the same with adapters
    in its linear layers in place of all weights (Hu et al., arXiv:2106.09685).
    ``supervise: generator`` teaches what the setup's untuned generator finds useful: LM-supervised retrieval of RA-DIT (Lin et
    al., arXiv:2310.01352) and REPLUG (Shi et al., arXiv:2301.12652).
    """

    method: Literal["query-map", "full", "lora"] = Field(
        description="a linear map on the vectors of questions (documents keep theirs), all weights of the embedder, or adapters in it"
    )
    supervise: Literal["evidence", "generator"] = Field(
        "evidence",
        description="which chunk is right: the one that holds the evidence, or the one with which the generator gives the reference likeliest",
    )
    temperature: float = Field(
        0.1,
        gt=0,
        le=100,
        description="supervise generator: likelihoods are divided by it before the softmax; a small one teaches the best hit alone",
    )
    steps: int = Field(
        300, ge=1, le=100_000, description="query-map: steps of the training, at most; the best on dev is kept"
    )
    near_identity: float = Field(
        100.0,
        ge=0,
        description="query-map: how strongly the map is held near the identity; less learns the train questions' facts better, and loses others",
    )

    @property
    def drawn(self) -> bool:
        """A seed can change it: a query map sees all pairs in every step, and starts from the identity."""
        return self.method != "query-map"

    def unread(self) -> dict[str, str]:
        """The settings that have no effect here, each with the reason."""
        found = super().unread()
        if self.method == "query-map":
            found |= dict.fromkeys(
                ("epochs", "batch", "learning_rate", "seed"), "query-map sees all pairs in every step"
            )
        else:
            found |= dict.fromkeys(("steps", "near_identity"), "it needs method: query-map")
        if self.supervise == "evidence":
            found["temperature"] = "it needs supervise: generator"
        else:
            found["pairs"] = "supervise: generator learns from questions with references"
        return found


class RerankTuning(PairSettings):
    """How the re-ranker is tuned: pairs with evidence against hits without, by binary cross-entropy (Nogueira and Cho,
    arXiv:1901.04085). An encoder that is no CrossEncoder yet gets a head that starts from the seed."""

    method: Literal["full", "lora"] = Field(
        "full", description="all weights, or adapters in its linear layers, and its head (Hu et al., arXiv:2106.09685)"
    )

    @property
    def drawn(self) -> bool:
        """A seed can change it."""
        return True
