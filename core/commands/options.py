"""Options that name a model and prompt pairs, and what they stand for."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import PromptError
from core.terms import DIRECTIONS, METRICS, WHOLE_ANSWER, NodeKind

if TYPE_CHECKING:
    from core.models.load import LoadedModel
    from core.prompts.align import AlignedPairs
    from core.prompts.pairs import TokenPair
    from core.prompts.parse import ParsedPairs


def add_question(parser: argparse.ArgumentParser) -> None:
    """Model, pairs, direction, metric, and how they are read."""
    parser.add_argument("--model", required=True, help="catalogue id, hub id, local folder or GGUF file")
    parser.add_argument("--pairs", required=True, type=Path, help="CSV or JSONL: clean, corrupt, answer, distractor")
    parser.add_argument("--direction", default="noising", choices=DIRECTIONS)
    parser.add_argument(
        "--metric",
        default="logit_diff",
        choices=METRICS,
        help="what is read; answer_log_prob: the whole answer, of one token or several in a row",
    )
    add_device(parser)
    parser.add_argument("--trim", action="store_true", help="strip spaces from the end of prompts")
    parser.add_argument("--first-token", action="store_true", help="let a longer answer stand for its first token")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16 or float16")


@dataclass(frozen=True)
class Loaded:
    """A model, and the pairs as texts and as its tokens."""

    model: LoadedModel
    parsed: ParsedPairs
    aligned: AlignedPairs
    tokens: tuple[TokenPair, ...]


def read_question(options: argparse.Namespace) -> Loaded:
    """Read the pairs, load the model and align them; warnings go to stderr.

    Raises:
        UserError: a file, row or model that cannot be used.
    """
    from core.models.load import load_model
    from core.prompts.align import MAX_TOKENS, align
    from core.prompts.parse import parse_pairs

    parsed = parse_pairs(read_bytes(options.pairs, "--pairs"), filename=options.pairs.name)
    pairs = parsed.or_raise()
    model = load_model(options.model, device=options.device, dtype=options.dtype)
    aligned = align(
        pairs,
        model.tokenizer,
        trim=options.trim,
        first_token=options.first_token,
        whole_answer=options.metric == WHOLE_ANSWER,
        max_tokens=min(MAX_TOKENS, model.max_tokens),
        rows=parsed.rows,
    )
    tokens = aligned.or_raise()
    for problem in (*parsed.problems, *aligned.problems):
        print(f"warning: {problem}", file=sys.stderr)
    return Loaded(model, parsed, aligned, tokens)


def of_one_length(pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs of the commonest number of tokens, because nodes at a position must mean the same in all of them;
    says so on stderr where some are left out."""
    from core.prompts.pairs import largest_group

    kept = largest_group(pairs)
    if len(kept) < len(pairs):
        left = len(pairs) - len(kept)
        print(f"warning: {left} of {len(pairs)} pairs left out: not {len(kept[0])} tokens long", file=sys.stderr)
    return kept


def node_kinds(text: str) -> tuple[NodeKind, ...]:
    """``q,k,neurons`` as kinds."""
    return tuple("neuron" if name == "neurons" else name for name in listed(text))  # type: ignore[misc]


def show_progress(done: int, total: int) -> None:
    print(f"\r{done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def listed(text: str) -> tuple[str, ...]:
    """``a, b`` as a tuple."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def read_bytes(path: Path, option: str) -> bytes:
    """A file's content.

    Raises:
        PromptError: it cannot be read; ``option`` is named as the place.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.", where=option) from error
