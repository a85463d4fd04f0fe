"""Reading a stored result: every field, size and shape is checked before anything is believed."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import numpy as np
from safetensors import SafetensorError, deserialize

from core.errors import ResultError, SpecError
from core.export.screened import read_screened, tensor_names
from core.patching.results.result import AttributionResult, PairRun
from core.patching.spec import RunSpec
from core.prompts.links import Links, as_links, fault
from core.prompts.pairs import MOST_ANSWERS, Item, TokenPair, one_or_several
from core.terms import ModelShape, NodeKind

SCHEMA = 1
LARGEST_RUN = 32 * 2**20  # bytes of run.json
LARGEST_EFFECTS = 4 * 2**30  # bytes of effects.safetensors
MOST_PAIRS, MOST_TOKENS, LARGEST_SIZE = 10_000, 100_000, 10_000_000
SIZES = ("n_layers", "n_heads", "n_kv_heads", "d_model", "d_head", "d_mlp")
PAIR_FIELDS = {
    "name": str,
    "row": int,
    "clean_tokens": list,
    "corrupt_tokens": list,
    "clean_token_text": list,
    "corrupt_token_text": list,
    "answer_id": int | list,
    "distractor_id": int | list,
    "answer": str | list,
    "distractor": str | list,
    "clean_metric": float,
    "corrupt_metric": float,
}


def read_files(run_json: bytes, effects: bytes) -> AttributionResult:
    """A result from the contents of ``run.json`` and ``effects.safetensors``.

    Raises:
        ResultError: anything missing, damaged, too large or not as the run describes it.
    """
    if len(run_json) > LARGEST_RUN or len(effects) > LARGEST_EFFECTS:
        _refuse(
            "The file is too large to be a result.",
            "run.json" if len(run_json) > LARGEST_RUN else "effects.safetensors",
        )
    data = _json(run_json)
    spec, shape = _spec(data["spec"]), _shape(data["shape"])
    pairs = tuple(_pair(i, entry) for i, entry in enumerate(data["pairs"]))
    tensors = _tensors(effects)
    screened = read_screened(data.get("screened", []), tensors, spec, shape, [len(run.tokens) for run in pairs])
    return AttributionResult(
        spec=spec,
        shape=shape,
        pairs=pairs,
        effects=_effects(tensors, spec, shape, pairs),
        seconds={str(stage): _number(value, "seconds") for stage, value in data["seconds"].items()},
        provenance=data["provenance"],
        screened=screened,
        partial=str(data.get("partial", ""))[:200],
    )


def _json(content: bytes) -> dict[str, Any]:
    def constant(name: str) -> NoReturn:
        _refuse(f"The file holds {name} where a number belongs.", "run.json")

    try:
        data = json.loads(content.decode("utf-8"), parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise ResultError("The file is damaged: it is not JSON.", where="run.json") from error
    if not isinstance(data, dict) or "schema" not in data:
        _refuse("The file is not the description of a run.", "run.json")
    if data["schema"] != SCHEMA:
        raise ResultError(
            f"The result has format {data['schema']!r}; this version reads format {SCHEMA}.",
            where="run.json",
            next_step="Run it again, or open it with the version that wrote it.",
        )
    fields = {"spec": dict, "shape": dict, "pairs": list, "seconds": dict, "provenance": dict}
    for name, kind in fields.items():
        if not isinstance(data.get(name), kind):
            _refuse(f"The field {name!r} is missing or not of the right kind.", "run.json")
    if not 0 < len(data["pairs"]) <= MOST_PAIRS:
        _refuse(f"A result has between 1 and {MOST_PAIRS} pairs, this one {len(data['pairs'])}.", "run.json")
    return data


def _spec(data: dict[str, Any]) -> RunSpec:
    try:
        spec = RunSpec.from_json(data)
        texts = (spec.model, spec.revision, spec.dtype, spec.pairs_digest)
        hash(spec)
    except (SpecError, TypeError, KeyError, ValueError, AttributeError) as error:
        raise ResultError("The run's description does not make sense.", where="run.json: spec") from error
    if not all(isinstance(text, str) for text in texts):
        _refuse("The run's description does not make sense.", "run.json: spec")
    return spec


def _shape(data: dict[str, Any]) -> ModelShape:
    if set(data) != set(SIZES) or not all(_whole(n) and 0 < n <= LARGEST_SIZE for n in data.values()):
        _refuse("The model's sizes are missing or not positive whole numbers.", "run.json: shape")
    return ModelShape(**data)


def _pair(index: int, entry: Any) -> PairRun:
    where = f"run.json: pair {index}"
    if not isinstance(entry, dict):
        _refuse("The pair is not described.", where)
    for name, kind in PAIR_FIELDS.items():
        value = entry.get(name)
        if not (isinstance(value, kind) or (kind is float and _whole(value))) or isinstance(value, bool):
            _refuse(f"The field {name!r} is missing or not of the right kind.", where)
    ids = {run: entry[f"{run}_tokens"] for run in ("clean", "corrupt")}
    texts = {run: entry[f"{run}_token_text"] for run in ("clean", "corrupt")}
    lengths = {run: len(tokens) for run, tokens in ids.items()}
    links = _links(entry.get("links"), lengths["clean"], lengths["corrupt"], where)
    if links is None and lengths["clean"] != lengths["corrupt"]:
        _refuse("The clean and corrupt prompts do not have equal numbers of tokens.", where)
    if any(len(texts[run]) != n or not 0 < n <= MOST_TOKENS for run, n in lengths.items()):
        _refuse("A prompt has no tokens, too many, or texts for other ones.", where)
    if not all(_whole(token) and token >= 0 for tokens in ids.values() for token in tokens):
        _refuse("A token id is not a whole number.", where)
    if not all(isinstance(text, str) for run in texts.values() for text in run):
        _refuse("A token's text is not text.", where)
    if ids["clean"] == ids["corrupt"]:
        _refuse("The clean and corrupt prompts are the same.", where)
    answers, distractors = _each(entry["answer"], str, where), _each(entry["distractor"], str, where)
    answer_ids, distractor_ids = _each(entry["answer_id"], int, where), _each(entry["distractor_id"], int, where)
    rest, rest_ids = _each(entry.get("rest", []), str, where), _each(entry.get("rest_ids", []), int, where)
    counts = [(len(answers), len(answer_ids)), (len(distractors), len(distractor_ids)), (len(rest), len(rest_ids))]
    if any(texts != ids for texts, ids in counts) or not answers or not distractors:
        _refuse("The answer or the distractor does not have as many texts as tokens.", where)
    tokens = TokenPair(
        row=entry["row"],
        name=entry["name"],
        clean_ids=tuple(ids["clean"]),
        corrupt_ids=tuple(ids["corrupt"]),
        clean_tokens=tuple(texts["clean"]),
        corrupt_tokens=tuple(texts["corrupt"]),
        answer_id=one_or_several(answer_ids),
        distractor_id=one_or_several(distractor_ids),
        answer=one_or_several(answers),
        distractor=one_or_several(distractors),
        rest_ids=rest_ids,
        rest=rest,
        links=links,
    )
    return PairRun(tokens, _number(entry["clean_metric"], where), _number(entry["corrupt_metric"], where))


def _links(value: Any, n_clean: int, n_corrupt: int, where: str) -> Links | None:
    if value is None:
        return None
    whole = isinstance(value, list) and all(isinstance(span, list) and all(map(_whole, span)) for span in value)
    try:
        links = as_links(value) if whole else ()
    except ValueError:
        whole = False
    if not whole or fault(links, n_clean, n_corrupt):
        _refuse("The links between the two prompts do not fit them.", where)
    return links


def _each(value: Any, kind: type[Item], where: str) -> tuple[Item, ...]:
    """One value, or a list of several, as a tuple."""
    values = value if isinstance(value, list) else [value]
    if len(values) > MOST_ANSWERS or not all(isinstance(x, kind) and not isinstance(x, bool) for x in values):
        _refuse("The answer or the distractor is not of the right kind.", where)
    return tuple(values)


def _tensors(content: bytes) -> dict[str, Any]:
    try:
        return dict(deserialize(content))
    except (SafetensorError, ValueError) as error:
        raise ResultError("The file is damaged or cut short.", where="effects.safetensors") from error


def _effects(
    tensors: dict[str, Any], spec: RunSpec, shape: ModelShape, pairs: tuple[PairRun, ...]
) -> dict[NodeKind, tuple[np.ndarray, ...]]:
    expected = {f"{kind}/{i}" for kind in spec.nodes for i in range(len(pairs))} | tensor_names(spec)
    if set(tensors) != expected:
        odd = sorted(set(tensors) ^ expected)[0]
        _refuse(f"The file does not hold the effects that the run describes (see {odd[:40]!r}).", "effects.safetensors")

    def read(kind: NodeKind, i: int) -> np.ndarray:
        tensor, name = tensors[f"{kind}/{i}"], f"effects.safetensors: {kind}/{i}"
        size = (shape.n_layers, len(pairs[i].tokens.base_ids(spec.direction)), shape.units(kind))
        if tensor["dtype"] != "F32" or tuple(tensor["shape"]) != size:
            _refuse(f"The tensor is {tensor['dtype']} {tuple(tensor['shape'])}, not F32 {size}.", name)
        x = np.frombuffer(tensor["data"], dtype="<f4").reshape(size).astype(np.float32)
        if np.isinf(x).any() or (not spec.signed and (x < 0).any()):
            _refuse("The tensor holds infinite effects, or negative scores.", name)
        return x

    return {kind: tuple(read(kind, i) for i in range(len(pairs))) for kind in spec.nodes}


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e300 or not math.isfinite(value):
        _refuse("A metric or a time is not a finite number.", where)
    return float(value)


def _refuse(what: str, where: str) -> NoReturn:
    raise ResultError(what, where=where)
