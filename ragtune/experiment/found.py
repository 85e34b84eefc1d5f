"""How well evidence was found: retrieval quality of each setup that retrieves."""

from __future__ import annotations

from ragtune.analysis.means import Estimate, clusters_of, estimate
from ragtune.experiment import retrieve
from ragtune.experiment.workbench import Workbench
from ragtune.retrieval.measure import measure_retrieval


def measure(bench: Workbench) -> dict[str, dict[str, Estimate]]:
    """Retrieval quality per setup that retrieves (setups that share a source share the numbers), by measure."""
    found: dict[str, dict[str, Estimate]] = {}
    by_key: dict[str, dict[str, Estimate]] = {}
    questions = [q for q in bench.questions if q.evidence]
    for name, setup in bench.experiment.setups.items():
        if not setup.retrieval or not setup.retrieval.measurable or not questions:
            continue
        key = retrieve.retrieve_key(bench, setup)
        if key not in by_key:
            with bench.timed("measure"):
                deep = [row for row, _ in retrieve.hits(bench, setup, questions, top_k=retrieve.KEPT)]
                values = measure_retrieval(questions, deep, retrieve.chunks(bench, setup))
                clusters = clusters_of(bench.questions)
                by_key[key] = {
                    m: estimate([(q.id, 0, x) for q, x in zip(questions, v, strict=True)], clusters)
                    for m, v in values.items()
                }
        found[name] = by_key[key]
    return found
