"""When a local model abstains: a threshold on the probability it gives to doing so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragtune.generation.settings import GeneratorSettings
from ragtune.models.names import PLUS
from ragtune.models.packages import DEFAULT_READER

if TYPE_CHECKING:
    import torch


#: models with a threshold of their own: the lowest tenth at which at most 8 % of the answerable questions were withheld on each of
#: three development sets (`python -m benchmarks.abstaining`). Greedy decoding abstains wherever that is likelier than each single first
#: token of an answer, though these share what is left.
OWN = {DEFAULT_READER: 0.8}
#: what they were taught to say
TAUGHT = "I don't know."


def threshold(settings: GeneratorSettings, sentence: str) -> float | None:
    """The probability from which the model of ``settings`` abstains; None: as it decodes. ``sentence`` is the prompt's for
    abstaining: a model's own threshold holds for the one that it was taught."""
    if settings.abstain_above is not None or sentence != TAUGHT:
        return settings.abstain_above
    return OWN.get(settings.model.partition(PLUS)[0].strip())


class AbstainAbove:
    """A logits processor that decides on the first new token whether the answer is to abstain.

    The answer abstains where the model gives the first token of the agreed sentence at least ``least``, and says the
    likeliest other thing elsewhere, as SQuAD 2.0's readers do with a threshold chosen on a development set (Devlin et
    al. 2019, arXiv:1810.04805, section 4.3). ``length`` is the number of tokens before the first new one.
    """

    def __init__(self, first: int, least: float, length: int) -> None:
        self.first, self.least, self.length = first, least, length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """``scores``, shape (rows, vocabulary), with all but one choice taken away where it is made."""
        if input_ids.shape[1] != self.length:
            return scores
        abstains = scores.float().softmax(-1)[:, self.first] >= self.least
        decided = scores.clone()
        decided[~abstains, self.first] = float("-inf")
        kept = scores[abstains, self.first]
        decided[abstains] = float("-inf")
        decided[abstains, self.first] = kept
        return decided
