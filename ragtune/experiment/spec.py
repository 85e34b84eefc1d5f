"""The experiment file as pydantic models; errors name the line, the key and the nearest right key."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ragtune.analysis.costs import CostSettings, Limits
from ragtune.corpus.chunking import ChunkSettings
from ragtune.corpus.load import CorpusSettings
from ragtune.errors import ExperimentError
from ragtune.generation.generators import kind_of
from ragtune.generation.settings import GeneratorSettings
from ragtune.judging.settings import JudgeSettings
from ragtune.retrieval.settings import RetrievalSettings, Switch
from ragtune.tuning.recipes import RECIPES
from ragtune.tuning.settings import TuningSettings

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Setup(BaseModel):
    """One way to answer. ``retrieval: false`` is without contexts, ``tuning: false`` is the base model.

    Parts that a setup leaves out come from the experiment's own sections; what it gives is merged over them.
    """

    model_config = _STRICT

    title: str | None = Field(None, description="how the report calls it")
    retrieval: Annotated[RetrievalSettings | None, Switch] = None
    tuning: Annotated[TuningSettings | None, Switch] = None
    generator: GeneratorSettings = GeneratorSettings()
    chunking: ChunkSettings = ChunkSettings()
    prompt: str | None = Field(None, description="default: cited with retrieval, closed without")

    @property
    def prompt_name(self) -> str:
        return self.prompt or ("cited" if self.retrieval else "closed")

    @property
    def depends_on_seed(self) -> bool:
        """A seed can change its answers: it is tuned, or it samples."""
        return self.tuning is not None or (kind_of(self.generator).samples and self.generator.sampled)


class Experiment(BaseModel):
    """An experiment, resolved: every setup holds all its settings."""

    model_config = _STRICT

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    corpus: CorpusSettings
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    split: str = "test"
    limit: int | None = Field(
        None, ge=1, description="only the first N questions of the split (spread over its tags by order)"
    )
    processes: int = Field(
        1, ge=1, description="adapters trained side by side on a CPU, each in a process of its own that loads the base"
    )
    judge: JudgeSettings = JudgeSettings()
    setups: dict[str, Setup] = Field(min_length=1)
    main_metric: str = Field("answer_correctness", description="the metric that the decision goes by")
    costs: CostSettings = CostSettings()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _possible(self) -> Experiment:
        from ragtune.judging.metrics import METRICS

        usable = [m for m, metric in METRICS.items() if metric.higher_is_better and not metric.asks]
        if self.main_metric not in usable:
            raise ValueError(f"main_metric must be one of {', '.join(usable)}")
        if self.split not in ("train", "dev", "test"):
            raise ValueError("split must be train, dev or test")
        for name, setup in self.setups.items():
            kind = kind_of(setup.generator)
            if setup.tuning and not kind.tunable:
                raise ValueError(f"setup {name}: only a local model can be tuned")
            if setup.tuning and RECIPES[setup.tuning.train_on].sees_contexts and not setup.retrieval:
                raise ValueError(f"setup {name}: tuning on {setup.tuning.train_on} needs retrieval")
            if kind.brings_hits and setup.retrieval:
                raise ValueError(f"setup {name}: given answers bring their own contexts; take retrieval away")
            if kind.needs_retrieval and not setup.retrieval:
                raise ValueError(f"setup {name}: {setup.generator.kind} needs retrieval")
        return self

    def seeds_of(self, setup: Setup) -> tuple[int, ...]:
        """A setup that no seed can change runs once."""
        return self.seeds if setup.depends_on_seed else self.seeds[:1]


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
        setup = {k: v for k, v in shared.items() if k not in ("retrieval", "tuning")}
        for key, value in own.items():
            setup[key] = _merge(shared.get(key), value) if key in _SHARED else value
        merged[name] = setup
    return {**{k: v for k, v in data.items() if k not in _SHARED}, "setups": merged}


def parse_override(text: str) -> tuple[list[str], Any]:
    """``a.b=c`` as (path, value); the value is read as YAML."""
    path, sep, value = text.partition("=")
    if not sep or not path.strip():
        raise ExperimentError(f'"{text}" is not of the form key.key=value.', where="--set")
    try:
        return path.strip().split("."), yaml.safe_load(value)
    except yaml.YAMLError:
        raise ExperimentError(f'"{value}" is not a YAML value.', where=f"--set {path}") from None


def apply_override(data: dict[str, Any], path: list[str], value: Any) -> None:
    node: Any = data
    for part in path[:-1]:
        following = node.get(part)
        if not isinstance(following, dict):
            following = node[part] = {}
        node = following
    node[path[-1]] = value


def _lines(node: yaml.Node | None, at: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Key path -> line number in the file."""
    found: dict[tuple[str, ...], int] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*at, str(key.value))
            found[path] = key.start_mark.line + 1
            found |= _lines(value, path)
    return found


def _known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Field names at ``path`` inside ``model``; the dictionary of setups takes any key."""
    current: Any = model
    for part in path:
        options = [current, *getattr(current, "__args__", ())]
        current = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if current is None:
            return []
        field = current.model_fields.get(str(part))
        if field is None:
            return []
        annotation: Any = field.annotation
        if getattr(annotation, "__origin__", None) is dict:
            return _known_keys_of_dict(annotation.__args__[1], path[path.index(part) + 1 :])
        current = annotation
    options = [current, *getattr(current, "__args__", ())]
    current = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
    return list(current.model_fields) if current else []


def _known_keys_of_dict(value: Any, rest: tuple[str | int, ...]) -> list[str]:
    return _known_keys(value, rest[1:]) if rest else []


def explain(error: ValidationError, lines: dict[tuple[str, ...], int], where: Path) -> ExperimentError:
    """The first problem as one line: file and line, key, what is wrong, the nearest right key."""
    problem = error.errors()[0]
    loc = tuple(p for p in problem["loc"] if not (isinstance(p, str) and p.startswith("function-")))
    keys = tuple(str(p) for p in loc)
    # a shared section's problem shows in a setup: the path that the file matches furthest is the right one
    paths = [keys, keys[2:]] if keys[:1] == ("setups",) else [keys]
    depths = [
        (len(path) - cut, -cut, lines[path[:cut]])
        for path in paths
        for cut in range(len(path), 0, -1)
        if path[:cut] in lines
    ]
    line = min(depths)[2] if depths else None
    place = f"{where}:{line}" if line else str(where)
    dotted = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(Experiment, loc[:-1]) + (list(_SHARED) if len(loc) == 1 else [])
        near = difflib.get_close_matches(keys[-1], known, 1, 0.5)
        fix = f'Did you mean "{near[0]}"?' if near else f"Known keys: {', '.join(known)}."
        return ExperimentError(f'unknown key "{keys[-1]}" (at {dotted}).', where=place, fix=fix)
    if problem["type"] == "missing":
        return ExperimentError(f'the key "{dotted}" is missing.', where=place)
    message = problem["msg"].removeprefix("Value error, ")
    given = "" if isinstance(problem["input"], dict | BaseModel) else f" (given: {str(problem['input'])[:60]!r})"
    return ExperimentError(f"{dotted + ': ' if dotted else ''}{message}{given}.", where=place)


def load_experiment(path: Path, overrides: list[str] | None = None, limit: int | None = None) -> Experiment:
    """Read, override, merge and validate an experiment file. Relative corpus paths count from the working folder.

    Raises:
        ExperimentError: the file is missing, is not YAML, or holds a wrong key or value.
    """
    if not path.exists():
        raise ExperimentError("there is no such experiment file.", where=path, fix="See experiments/ for examples.")
    try:
        source = path.read_text("utf-8")
        data = yaml.safe_load(source)
        lines = _lines(yaml.compose(source, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else path
        raise ExperimentError(f"this is not YAML ({getattr(error, 'problem', None) or error}).", where=place) from None
    except OSError as error:
        raise ExperimentError(f"the file cannot be read ({error.strerror}).", where=path) from None
    if not isinstance(data, dict):
        raise ExperimentError("an experiment is a mapping of keys.", where=path, fix="See experiments/ for examples.")
    for override in overrides or []:
        apply_override(data, *parse_override(override))
    if limit is not None:
        data["limit"] = limit
    data.setdefault("name", path.stem)
    try:
        return Experiment.model_validate(resolve(data))
    except ValidationError as error:
        raise explain(error, lines, path) from None
