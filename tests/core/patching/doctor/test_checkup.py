"""Checks that run the model: what they measure, against plain forwards; each fault is found once and only once."""

from dataclasses import replace

import pytest
import torch

from core.errors import Cancelled
from core.models.catalogue import DEFAULT
from core.patching.doctor.behaviour import without_gap as find_without_gap
from core.patching.doctor.checkup import Report, examine, look, repair
from core.patching.doctor.measure import Looked, measure
from core.patching.doctor.precision import sample_of
from core.progress import Progress
from core.prompts.align import AlignedPairs
from core.prompts.bundled import BUNDLED, load_bundled
from core.prompts.doctor.finding import Case
from core.prompts.pairs import PairSet, PromptPair, TokenPair
from core.prompts.parse import ParsedPairs
from tests.tiny import random_pairs, tiny_model


@pytest.fixture(scope="module")
def model():
    return tiny_model("llama")


def last_logits(model, ids: tuple[int, ...]) -> torch.Tensor:
    with torch.no_grad():
        return model.hf(torch.tensor([ids], device=model.device)).logits[0, -1].cpu()


def solved(model, pairs: tuple[TokenPair, ...]) -> tuple[TokenPair, ...]:
    """The pairs, with the two tokens that the model tells apart best."""
    found = []
    for pair in pairs:
        clean, corrupt = last_logits(model, pair.clean_ids), last_logits(model, pair.corrupt_ids)
        margins = torch.minimum(clean[:, None] - clean, corrupt - corrupt[:, None])  # [answer, distractor]
        answer, distractor = divmod(int(margins.argmax()), len(clean))
        found.append(replace(pair, answer_id=answer, distractor_id=distractor))
    return tuple(found)


def swapped(pair: TokenPair) -> TokenPair:
    return replace(pair, answer_id=pair.distractor_id, distractor_id=pair.answer_id)


def without_gap(model, pair: TokenPair) -> TokenPair:
    """The pair with those two tokens whose logit difference the corrupt prompt changes least."""
    moved = last_logits(model, pair.clean_ids) - last_logits(model, pair.corrupt_ids)
    values, order = moved.sort()
    nearest = int(values.diff().argmin())
    return replace(pair, answer_id=int(order[nearest]), distractor_id=int(order[nearest + 1]))


def case_of(pairs: tuple[TokenPair, ...]) -> Case:
    texts = tuple(PromptPair(f"clean {p.row}", f"corrupt {p.row}", " a", " b") for p in pairs)
    parsed = ParsedPairs(PairSet("set", texts), (), tuple(p.row for p in pairs))
    return Case(parsed, AlignedPairs(pairs, ()), None, "tiny", 64)  # type: ignore[arg-type]


def test_what_is_measured_is_what_plain_forwards_give(model):
    longer = tuple(replace(pair, row=pair.row + 3) for pair in random_pairs(2, 9, first=4, seed=1))
    pairs = (*random_pairs(3, 6, first=2), *longer)
    steps: list[tuple[int, int]] = []
    measured = measure(model, pairs, Progress(5, lambda done, total: steps.append((done, total))))
    assert steps[-1] == (5, 5)
    for pair in pairs:
        clean, corrupt = last_logits(model, pair.clean_ids), last_logits(model, pair.corrupt_ids)
        found = measured[pair.row]
        answer, distractor = pair.answer_id, pair.distractor_id
        assert found.clean == pytest.approx(float(clean[answer] - clean[distractor]), abs=1e-4)
        assert found.corrupt == pytest.approx(float(corrupt[answer] - corrupt[distractor]), abs=1e-4)
        assert found.probability == pytest.approx(float(clean.softmax(-1)[answer]), abs=1e-5)
        assert found.rank == sorted(clean.tolist(), reverse=True).index(float(clean[answer])) + 1


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_patching_all_that_differs_before_the_first_block_gives_the_corrupt_run(family):
    measured = measure(tiny_model(family), random_pairs(4, 8, first=3), Progress(4))
    assert max(abs(found.gap) for found in measured.values()) > 0.1
    for found in measured.values():
        assert found.patched == pytest.approx(found.corrupt, abs=2e-4)


def test_a_set_that_the_model_solves_gives_nothing_to_say(model):
    report = examine(case_of(solved(model, random_pairs(3, 6, first=2))), model)
    assert report.findings == ()
    assert report.solved == 3
    assert report.summary() == "0 errors, 0 warnings, 0 notes; the model gets 3 of 3 pairs right"


def test_a_pair_that_the_model_gets_wrong_is_found_and_left_out(model):
    first, second, third = solved(model, random_pairs(3, 6, first=2))
    case = case_of((first, swapped(second), third))
    report = examine(case, model)
    (finding,) = report.findings
    assert (finding.row, finding.check, finding.severity) == (1, "solved", "warning")
    assert "does not prefer the answer after the clean prompt and does not prefer the distractor" in finding.what
    found = report.measured[1]
    assert f"rank {found.rank}." in finding.what
    assert f"−{abs(found.clean):.3g} clean, +{found.corrupt:.3g} corrupt" in finding.what
    assert report.solved == 2
    assert repair(case.parsed, report.findings, ("solved",)).parsed.rows == (0, 2)


def test_a_pair_without_a_gap_is_found_and_left_out(model):
    first, second, third = solved(model, random_pairs(3, 6, first=2))
    case = case_of((without_gap(model, first), second, third))
    report = examine(case, model)
    (finding,) = report.findings
    assert (finding.row, finding.check, finding.severity) == (0, "gap", "error")
    wide = {row: replace(m, clean=3.0, corrupt=-3.0, patched=-3.0) for row, m in report.measured.items()}
    small = wide | {0: replace(wide[0], clean=0.1, corrupt=-0.1)}
    (finding,) = find_without_gap(Looked(case, model, small, False, Progress(0)))
    assert (finding.row, finding.check, finding.severity) == (0, "gap", "warning")
    assert repair(case.parsed, report.findings, ("gap",)).left_out == (0,)


def test_patches_that_do_not_lead_to_the_corrupt_run_are_errors(model, monkeypatch):
    import core.patching.subsets as subsets

    right = subsets.joint_effects
    monkeypatch.setattr(subsets, "joint_effects", lambda *args, **options: 0.5 * right(*args, **options))
    pairs = solved(model, random_pairs(2, 6, first=2))
    findings = examine(case_of(pairs), model).findings
    assert [(finding.row, finding.check, finding.severity) for finding in findings] == [
        (0, "patching", "error"),
        (1, "patching", "error"),
    ]


def test_a_precision_too_low_for_the_gap(model):
    coarse = tiny_model("llama")
    coarse.hf.to(torch.bfloat16)
    pairs = tuple(without_gap(model, pair) for pair in random_pairs(2, 6, first=2))
    (finding,) = [f for f in examine(case_of(pairs), coarse).findings if f.check == "precision"]
    assert (finding.row, finding.severity) == (None, "warning")
    assert "In bfloat16 the logit difference is off by" in finding.what
    assert coarse.dtype == torch.bfloat16


def test_precision_is_compared_in_float32_only_when_asked(model, monkeypatch):
    case = case_of(solved(model, random_pairs(6, 6, first=2)))
    assert examine(case, model).findings == ()
    (finding,) = examine(case, model, compare=True).findings
    assert (finding.check, finding.severity) == ("precision", "note")
    assert "(4 pairs of the set)" in finding.what
    monkeypatch.setattr("core.models.device.free_bytes", lambda _: 0)
    (finding,) = examine(case, model, compare=True).findings
    assert "could not be compared" in finding.what
    assert model.dtype == torch.float32


def test_a_sample_is_spread_over_the_set():
    assert [pair.row for pair in sample_of(random_pairs(10, 4, first=1))] == [0, 3, 6, 9]
    assert len(sample_of(random_pairs(2, 4, first=1))) == 2


def test_a_checkup_can_be_cancelled(model):
    with pytest.raises(Cancelled):
        examine(case_of(random_pairs(2, 6, first=2)), model, cancelled=lambda: True)


def test_a_set_without_sound_rows_is_not_run(model):
    report = examine(case_of(()), model)
    assert report == Report((), {})
    assert "gets" not in report.summary()


@pytest.mark.model
def test_bundled_sets_are_healthy(default_model):
    for entry in (entry for entry in BUNDLED if entry.model == DEFAULT):
        pairs = load_bundled(entry.id)
        parsed = ParsedPairs(pairs, (), tuple(range(len(pairs))))
        case = Case.of(parsed, default_model.tokenizer, model_name=DEFAULT, max_tokens=default_model.max_tokens)
        assert {finding.severity for finding in look(case)} <= {"note"}
    first = ParsedPairs(PairSet("first", pairs.pairs[:4]), (), (0, 1, 2, 3))
    report = examine(Case.of(first, default_model.tokenizer), default_model)
    assert report.findings == ()
    assert report.solved == 4
