"""Which setup to ship, in sentences that the evidence carries; and plainly where it does not."""

from __future__ import annotations

from collections.abc import Mapping

from ragtune.analysis.costs import Limits
from ragtune.records import Json


def excluded(summary: Json, limits: Limits) -> dict[str, str]:
    """Setups that break a limit, with the reason."""
    found = {}
    for name, scores in summary["scores"].items():
        latency = summary.get("latency", {}).get(name, {}).get("p50")
        cost = summary.get("costs", {}).get(name, {}).get("total")
        faithful = scores.get("faithfulness", {}).get("mean")
        if limits.max_latency is not None and latency is not None and latency > limits.max_latency:
            found[name] = f"median latency {latency:.2f} s is over {limits.max_latency:g} s"
        elif limits.max_cost is not None and cost is not None and cost > limits.max_cost:
            found[name] = f"cost {cost:.6f} per question is over {limits.max_cost:g}"
        elif limits.min_faithfulness is not None and (faithful is None or faithful < limits.min_faithfulness):
            found[name] = (
                f"faithfulness {'unscored' if faithful is None else f'{faithful:.2f}'} is under {limits.min_faithfulness:g}"
            )
    return found


def _cheapness(summary: Json, name: str) -> tuple[float, float]:
    """Cost per question where prices are given, else tokens."""
    tokens = summary["tokens"][name]["prompt"] + summary["tokens"][name]["answer"]
    return float(summary.get("costs", {}).get(name, {}).get("total") or 0.0), float(tokens)


def _gaps(summary: Json, metric: str, best: str) -> Mapping[str, Json]:
    """Differences of ``best`` to the others, turned so that + means best is better."""
    found = {}
    for d in summary["differences"]:
        if d["metric"] == metric and best in (d["a"], d["b"]):
            sign = 1 if d["b"] == best else -1
            low, high = sorted((sign * d["low"], sign * d["high"]))
            shown = low > 0 and d.get("p_holm", 0.0) <= 0.05
            found[d["a"] if d["b"] == best else d["b"]] = {
                "mean": sign * d["mean"],
                "low": low,
                "high": high,
                "shown": shown,
                "p": d.get("p_holm"),
            }
    return found


def decide(summary: Json, metric: str, limits: Limits | None = None) -> Json:
    """The setup with the best mean of ``metric`` within the limits; where no difference to a cheaper one is shown, the cheaper.

    A difference is shown when its 95 % interval excludes 0 and the permutation test agrees after Holm's correction.
    Returns ``setup`` (None if none qualifies), ``best``, ``runner_up``, ``excluded``, ``gap`` and ``text``.
    """
    scores, titles = summary["scores"], summary["setups"]
    out = excluded(summary, limits or Limits())
    ranked = sorted(
        (n for n in scores if scores[n].get(metric, {}).get("mean") is not None),
        key=lambda n: -scores[n][metric]["mean"],
    )
    base: Json = {"setup": None, "best": None, "runner_up": None, "metric": metric, "excluded": out, "gap": None}
    if not ranked:
        return {**base, "text": "No setup could be scored, so nothing can be recommended."}
    allowed = [n for n in ranked if n not in out]
    if not allowed:
        return {
            **base,
            "best": ranked[0],
            "text": f"No setup keeps the limits: {'; '.join(f'“{titles[n]}”: {why}' for n, why in out.items())}.",
        }
    best = allowed[0]
    gaps = _gaps(summary, metric, best)
    equals = [n for n in allowed[1:] if n in gaps and not gaps[n]["shown"]]
    chosen = min([best, *equals], key=lambda n: (_cheapness(summary, n), ranked.index(n)))
    own = scores[chosen][metric]
    words = metric.replace("_", " ")
    first = f"Ship “{titles[chosen]}”: {words} {own['mean']:.2f} (95 % interval {own['low']:.2f} to {own['high']:.2f}) over {own['n']} questions."
    rival = next((n for n in allowed if n != chosen), None)
    gap = gaps.get(chosen if chosen != best else rival or "")
    priced = "costs less" if _cheapness(summary, chosen)[0] > 0 else "needs fewer tokens"
    if rival is None:
        second = "It is the only setup that keeps the limits." if out else "It is the only setup that could be scored."
    elif gap is None:
        second = f"It shares no scored question with “{titles[rival]}”."
    elif chosen != best:
        second = f"No difference shown to “{titles[best]}” ({gap['mean']:z.2f} higher, interval {gap['low']:z.2f} to {gap['high']:z.2f}); “{titles[chosen]}” {priced}."
    elif gap["shown"]:
        second = f"It beats the runner-up “{titles[rival]}” by {gap['mean']:.2f} ({gap['low']:.2f} to {gap['high']:.2f}), question by question."
    else:
        second = f"No difference shown to “{titles[rival]}” (interval {gap['low']:z.2f} to {gap['high']:z.2f}), and that one is not cheaper."
    left = f" Left out: {'; '.join(f'“{titles[n]}” ({why})' for n, why in out.items())}." if out else ""
    return {**base, "setup": chosen, "best": best, "runner_up": rival, "gap": gap, "text": f"{first} {second}{left}"}
