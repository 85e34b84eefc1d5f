"""The experiment file as pydantic models; errors name the line, the key and the nearest right key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ragtune.analysis.costs import CostSettings, Limits
from ragtune.analysis.latency import LatencySettings
from ragtune.corpus.load import CorpusSettings
from ragtune.errors import ExperimentError, without_login
from ragtune.experiment.cutting import CuttingSettings
from ragtune.experiment.explain import explain, lines_of, refuse_endless
from ragtune.experiment.finding import FindingSettings
from ragtune.experiment.heed import refuse_unread
from ragtune.experiment.places import beside, rewritten
from ragtune.experiment.possible import impossible
from ragtune.experiment.search.settings import SearchSettings
from ragtune.experiment.shorthands import expanded, with_system
from ragtune.generation.generators import kind_of, may_vary
from ragtune.generation.prompting import Prompting, PromptSettings, long_form
from ragtune.generation.settings import GeneratorSettings
from ragtune.judging.settings import JudgeSettings
from ragtune.retrieval.parts import Switch
from ragtune.text.data import Unreadable, exists, read_yaml
from ragtune.tuning.order import refuse_order
from ragtune.tuning.settings import TuningSettings

#: what a Run may be called: a file is named after it
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
#: the first line of a Run's experiment.yaml
RESOLVED = "# Resolved: every setting of every setup, heeded or not.\n"

_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Setup(BaseModel):
    """One way to answer. ``retrieval: false`` is without contexts, ``tuning: false`` is the base model.

    Parts that a setup leaves out come from the experiment's own sections; what it gives is merged over them.
    """

    model_config = _STRICT

    title: str | None = Field(None, description="how the report calls it")
    retrieval: Annotated[FindingSettings | None, Switch] = None
    tuning: Annotated[TuningSettings | None, Switch] = None
    generator: GeneratorSettings = GeneratorSettings()
    chunking: CuttingSettings = CuttingSettings()
    prompt: Prompting = PromptSettings()

    @property
    def prompt_name(self) -> str:
        return self.prompt.style or ("cited" if self.retrieval else "closed")

    @property
    def answering(self) -> GeneratorSettings:
        """The generator as it answers: a thought that the prompt asks for has tokens of its own."""
        if not self.prompt.reasoning:
            return self.generator
        most = self.generator.max_new_tokens + self.prompt.reasoning_tokens
        return self.generator.model_copy(update={"max_new_tokens": most})

    @property
    def generators(self) -> list[GeneratorSettings]:
        """What generates for it: its answers, and queries or contexts of chunks where another one writes them."""
        query = self.retrieval.query if self.retrieval else None
        context = self.chunking.context if self.retrieval else None
        summary = self.retrieval.summary if self.retrieval else None
        return [self.generator, *(part.generator for part in (query, context, summary) if part and part.generator)]

    @property
    def queried(self) -> bool:
        """A generator writes what it searches for."""
        return self.retrieval is not None and self.retrieval.query is not None

    @property
    def servable(self) -> bool:
        """It could be asked something new: its answers stand in no file, its contexts come from no evidence."""
        return not kind_of(self.generator).by_id and (not self.retrieval or self.retrieval.source != "oracle")

    @property
    def depends_on_seed(self) -> bool:
        """A seed can change its answers: it is tuned, what finds its hits is, or it samples."""
        finds = self.retrieval is not None and self.retrieval.depends_on_seed
        return self.tuning is not None or finds or may_vary(self.generator)


class Experiment(BaseModel):
    """An experiment, resolved: every setup holds all its settings."""

    model_config = _STRICT

    name: str = Field(pattern=NAME, max_length=100, description="what the Run is called")
    description: str = Field("", description="a sentence for readers of the file; it changes nothing")
    corpus: CorpusSettings
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(
        (0,), min_length=1, description="seeds of tuning and sampling; setups that no seed can change run once"
    )
    split: str = Field("test", description="the questions that are asked: train, dev or test")
    limit: int | None = Field(
        None, ge=1, description="only the first N questions of the split (spread over its tags by order)"
    )
    processes: int = Field(
        1, ge=1, description="adapters trained side by side on a CPU, each in a process of its own that loads the base"
    )
    judge: JudgeSettings = JudgeSettings()
    setups: dict[str, Setup] = Field(min_length=1, description="names with settings, or a list of typical setups")
    main_metric: str = Field("answer_correctness", description="the metric that the decision goes by")
    costs: CostSettings = CostSettings()
    limits: Limits = Limits()
    latency: LatencySettings = LatencySettings()
    search: SearchSettings | None = None

    @model_validator(mode="after")
    def _possible(self) -> Experiment:
        from ragtune.judging.metrics import METRICS

        usable = [m for m, metric in METRICS.items() if metric.higher_is_better and not metric.asks]
        if self.main_metric not in usable:
            raise ValueError(f"main_metric must be one of {', '.join(usable)}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: a seed stands twice")
        if self.split not in ("train", "dev", "test"):
            raise ValueError("split must be train, dev or test")
        if not all(name.strip() for name in self.setups):
            raise ValueError("setups: a setup has no name")
        for name, setup in self.setups.items():
            if why := impossible(setup):
                raise ValueError(f"setup {name}: {why}")
        refuse_order({name: setup.tuning for name, setup in self.setups.items()})
        return self

    def seeds_of(self, setup: Setup) -> tuple[int, ...]:
        """A setup that no seed can change runs once."""
        return self.seeds if setup.depends_on_seed else self.seeds[:1]


#: what a section stands for that is one text
_SHORT = {"corpus": "path", "judge": "name", "prompt": "style"}
#: sections that may stand at the top of the file as defaults for all setups
_SHARED = ("retrieval", "tuning", "generator", "chunking", "prompt")


def _merge(base: Any, over: Any) -> Any:
    """Mappings are merged key by key; anything else replaces."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            k: _merge(base[k], over[k]) if k in base and k in over else over.get(k, base.get(k))
            for k in {**base, **over}
        }
    return {} if over is True and not isinstance(base, dict) else base if over is True else over


def resolve(data: dict[str, Any]) -> dict[str, Any]:
    """Fold the shared sections into every setup. ``retrieval`` and ``tuning`` join only setups that ask for them."""
    shared = {k: data.get(k) for k in _SHARED if data.get(k) is not None}
    if isinstance(data.get("seeds"), int):
        data = {**data, "seeds": [data["seeds"]]}
    setups = data.get("setups")
    if not isinstance(setups, dict):
        return {k: v for k, v in data.items() if k not in _SHARED}
    merged = {}
    for name, own in setups.items():
        if own is None:
            own = {}
        if not isinstance(own, dict):
            merged[name] = own
            continue
        own = with_system(own)
        alone = isinstance(own.get("generator"), dict) and own["generator"].get("system")
        common = {
            k: v for k, v in shared.items() if not (alone and k == "generator")
        }  # models' settings are nothing to a system
        setup = {k: v for k, v in common.items() if k not in ("retrieval", "tuning")}
        for key, value in own.items():
            value = long_form(value) if key == "prompt" else value
            setup[key] = _merge(common.get(key), value) if key in _SHARED else value
        merged[name] = setup
    return {**{k: v for k, v in data.items() if k not in _SHARED}, "setups": merged}


def parse_override(text: str) -> tuple[list[str], Any]:
    """``a.b=c`` as (path, value); the value is read as YAML."""
    path, sep, value = text.partition("=")
    if not sep or not path.strip():
        raise ExperimentError(f'"{text}" is not of the form key.key=value.', where="--set")
    keys = path.strip().split(".")
    if keys[:2] == ["search", "ranges"]:  # whose own keys hold dots: search.ranges.retrieval.top_k
        keys = [*keys[:2], *filter(None, [".".join(keys[2:])])]
    try:
        return keys, read_yaml(value)[0]
    except Unreadable as error:
        raise ExperimentError(
            f'"{without_login(value)[:60]}" is not a YAML value ({error.what}).', where=f"--set {path[:60]}"
        ) from None


def apply_override(data: dict[str, Any], path: list[str], value: Any) -> None:
    node: Any = data
    for part in path[:-1]:
        following = node.get(part)
        if not isinstance(following, dict):
            following = node[part] = {}
        node = following
    node[path[-1]] = value
    if path[0] in _SHARED and isinstance(data.get("setups"), dict):
        for setup in data["setups"].values():  # a Run's own file holds every setting in every setup
            if isinstance(setup, dict) and isinstance(setup.get(path[0]), dict) and _holds(setup, path):
                apply_override(setup, path, value)


def _holds(node: Any, path: list[str]) -> bool:
    """Whether a setup says something of its own about ``path``."""
    for part in path:
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def load_experiment(path: Path, overrides: list[str] | None = None, limit: int | None = None) -> Experiment:
    """Read, override, merge and validate an experiment file. Relative paths are looked for as `places` says.

    Raises:
        ExperimentError: the file is missing, is not YAML, or holds a wrong key or value, or a setting without effect.
    """
    if not exists(path):
        raise ExperimentError("there is no such experiment file.", where=path, fix="See experiments/ for examples.")
    try:
        source = path.read_text("utf-8")
        data, node = read_yaml(source)
        lines = lines_of(node)
    except UnicodeDecodeError:
        raise ExperimentError("this is not YAML (it is not UTF-8 text).", where=path) from None
    except Unreadable as error:
        place = f"{path}:{error.line}" if error.line else path
        what = f"{error.what}." if "stands twice" in error.what else f"this is not YAML ({error.what})."
        raise ExperimentError(what, where=place) from None
    except OSError as error:
        raise ExperimentError(f"the file cannot be read ({error.strerror}).", where=path) from None
    if not isinstance(data, dict):
        raise ExperimentError("an experiment is a mapping of keys.", where=path, fix="See experiments/ for examples.")
    if limit is not None:
        if limit < 1:
            raise ExperimentError(
                f"{limit} questions cannot be compared.", where="--limit", fix="Give a number from 1 up."
            )
        data["limit"] = limit
    data.setdefault("name", path.stem)
    resolved = source.startswith(RESOLVED) or (path.parent / "run.json").exists()
    found = experiment_of(data, path, overrides or (), lines, resolved)
    if (path.parent / "run.json").exists():  # a Run knows where its files are
        return found
    return Experiment.model_validate(rewritten(found.model_dump(), beside(path)))


def _long(data: dict[str, Any]) -> dict[str, Any]:
    """``corpus: FOLDER`` and ``judge: NAME`` in full, so that an override can add to them."""
    return {k: {_SHORT[k]: v} if k in _SHORT and isinstance(v, str) else v for k, v in data.items()}


def experiment_of(
    data: dict[str, Any],
    where: Path,
    overrides: Sequence[str] = (),
    lines: dict[tuple[str, ...], int] | None = None,
    resolved: bool = False,
) -> Experiment:
    """The experiment that ``data`` describes, overridden, merged and validated; ``lines`` are its keys' lines in ``where``.

    ``resolved`` data hold every setting of every setup, heeded or not.

    Raises:
        ExperimentError: a wrong key or value, or a setting without effect.
    """
    data = _long(data)
    line = (lines or {}).get(("setups",))
    data = expanded(data, f"{where}:{line}" if line else where)
    for override in overrides:
        apply_override(data, *parse_override(override))
        data = _long(expanded(data, f"--set {override}"))
    refuse_endless(data, lines or {}, Path(where), overrides)
    try:
        found = Experiment.model_validate(resolve(data))
    except ValidationError as error:
        raise explain(error.errors()[0], lines or {}, where, Experiment, _SHARED, overrides) from None
    try:  # also the shared sections that no setup asked for; a setup may add what a section lacks
        Setup.model_validate({key: data[key] for key in _SHARED if data.get(key) is not None})
    except ValidationError as error:
        wrong = [p for p in error.errors() if p["type"] not in ("missing", "value_error")]
        if wrong:
            raise explain(wrong[0], lines or {}, where, Setup, (), overrides) from None
    refuse_endless(found.model_dump(), lines or {}, Path(where), overrides)  # and texts that were read as numbers
    refuse_unread(found, data, where, lines or {}, overrides, resolved)
    return found
