"""Which setup to ship, in two sentences that the evidence carries."""

from __future__ import annotations

from ragtune.records import Json


def recommend(summary: Json, metric: str) -> Json:
    """The setup with the best mean of ``metric``; where no difference to a cheaper one is shown, the cheaper one.

    Cheaper means fewer prompt tokens per answer. Only differences whose 95 % interval excludes 0 count as shown.
    """
    scores, titles = summary["scores"], summary["setups"]
    ranked = sorted((n for n in scores if scores[n].get(metric, {}).get("mean") is not None), key=lambda n: -scores[n][metric]["mean"])
    if not ranked:
        return {"setup": None, "metric": metric, "text": "No setup could be scored, so nothing can be recommended."}
    best = ranked[0]
    gaps = {}
    for d in summary["differences"]:
        if d["metric"] == metric and best in (d["a"], d["b"]):
            sign = 1 if d["b"] == best else -1
            low, high = sorted((sign * d["low"], sign * d["high"]))
            gaps[d["a"] if d["b"] == best else d["b"]] = (sign * d["mean"], low, high)
    equals = [n for n in ranked[1:] if n in gaps and gaps[n][1] <= 0]
    chosen = min([best, *equals], key=lambda n: (summary["tokens"][n]["prompt"] + summary["tokens"][n]["answer"], ranked.index(n)))
    own = scores[chosen][metric]
    words = metric.replace("_", " ")
    first = f"Ship “{titles[chosen]}”: {words} {own['mean']:.2f} (95 % interval {own['low']:.2f} to {own['high']:.2f}) over {own['n']} questions."
    others = [n for n in ranked if n != chosen]
    rival = others[0] if others else None
    mean, low, high = gaps.get(rival or "", (0.0, 0.0, 0.0))
    if rival is None:
        second = "It is the only setup that could be scored."
    elif chosen != best:
        mean, low, high = gaps[chosen]
        second = (
            f"“{titles[best]}” scores {mean:.2f} higher, but no difference is shown (interval {low:.2f} to {high:.2f}), "
            f"and “{titles[chosen]}” needs fewer tokens."
        )
    elif low > 0:
        second = f"It beats the runner-up “{titles[rival]}” by {mean:.2f} ({low:.2f} to {high:.2f}), question by question."
    else:
        second = f"No difference to “{titles[rival]}” is shown (interval {low:.2f} to {high:.2f}), and that one is not cheaper in tokens."
    return {"setup": chosen, "best": best, "metric": metric, "text": f"{first} {second}"}
