"""Answers that are sets or several tokens in a row, against patching one node at a time and written-out gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.circuits.settings import CircuitSettings
from core.errors import PromptError, SpecError
from core.patching.missed.failures import find_failures
from core.patching.nodes import all_nodes
from core.patching.question import ask
from core.patching.trust.oracle import Patching
from core.patching.trust.verification import Goal, begin, carry_on
from core.prompts.pairs import PairSet
from core.runs.execute import execute, make_spec
from core.terms import HEAD_KINDS
from tests.core.patching.naive import Naive
from tests.core.patching.test_atp import Explicit
from tests.tiny import VOCAB, random_pairs, tiny_hf, tiny_model

LENGTH, FIRST, LAYERS = 6, 2, 3
FAMILIES = ("llama", "neox", "gemma2")  # grouped heads, parallel blocks, soft-caps
KINDS = ("q", "k", "v", "z", "attn_out", "mlp_out", "resid_pre")
CASES = [
    *((f, m, d) for f in FAMILIES for m in ("logit_diff", "answer_log_prob") for d in ("noising", "denoising")),
    *(("llama", metric, "noising") for metric in ("logit_diff_lse", "log_prob", "prob")),
    *((family, "prob_diff", "denoising") for family in FAMILIES),
]


def tolerance(metric):
    return 2e-6 if metric in ("prob", "prob_diff") else 1e-4


def likely(family, pair, metric):
    """The pair with answers that the model expects, so that probabilities move: two sets, or three tokens in a row."""
    best = Naive(family, tiny_hf(family)).logits(torch.tensor([pair.clean_ids]))[0].argsort(descending=True).tolist()
    if metric == "answer_log_prob":
        return with_rest(pair, best[0], (17, 61))
    return with_sets(pair, tuple(best[:3]), tuple(best[3:5]))


def with_sets(pair, answers=(11, 29, 53), distractors=(7, 90)):
    return replace(
        pair,
        answer_id=answers,
        distractor_id=distractors,
        answer=tuple(map(str, answers)),
        distractor=tuple(map(str, distractors)),
    )


def with_rest(pair, first=11, rest=(17, 61)):
    return replace(pair, answer_id=first, answer=str(first), rest_ids=rest, rest=tuple(map(str, rest)))


def value(name, logits, pair):
    """The metric by its formula; logits of every position, ``[position, vocab]``."""
    rest = len(pair.rest_ids)
    if name == "answer_log_prob":
        log_p = logits[len(logits) - 1 - rest :].log_softmax(-1)
        return sum(log_p[i, token] for i, token in enumerate((*pair.answer_ids, *pair.rest_ids)))
    last, a, d = logits[-1], list(pair.answer_ids), list(pair.distractor_ids)
    p = last.softmax(-1)
    return {
        "logit_diff": last[a].sum() / len(a) - last[d].sum() / len(d),
        "logit_diff_lse": last[a].exp().sum().log() - last[d].exp().sum().log(),
        "prob_diff": p[a].sum() - p[d].sum(),
        "log_prob": p[a].sum().log(),
        "prob": p[a].sum(),
    }[name]


def runs(pair, direction):
    """Ids of the base and of the donor, the answer's tokens but the last after both prompts."""
    forced = (*pair.answer_ids, *pair.rest_ids)[:-1] if pair.rest_ids else ()
    clean, corrupt = (torch.tensor([[*ids, *forced]]) for ids in (pair.clean_ids, pair.corrupt_ids))
    return (clean, corrupt) if direction == "noising" else (corrupt, clean)


def run(model, pairs, method, metric, *, kinds=KINDS, direction="noising"):
    spec = make_spec(model, PairSet("", ()), metric=metric, direction=direction, nodes=kinds, method=method)
    return execute(spec, model, tuple(pairs))


@pytest.mark.parametrize(("family", "metric", "direction"), CASES)
def test_exact_effects_equal_one_at_a_time_patching(family, metric, direction):
    pair = likely(family, random_pairs(1, LENGTH, FIRST, seed=3)[0], metric)
    result = run(tiny_model(family), [pair], "exact", metric, direction=direction)
    naive = Naive(family, tiny_hf(family))
    base, donor = runs(pair, direction)
    clean, _ = runs(pair, "noising")
    base_value = value(metric, naive.all_logits(base)[0].double(), pair)
    assert result.pairs[0].clean_metric == pytest.approx(
        float(value(metric, naive.all_logits(clean)[0].double(), pair)), abs=1e-4
    )
    rng, largest = np.random.default_rng(0), 0.0
    for kind in KINDS:
        effects = result.effects[kind][0]
        assert effects.shape[1] == LENGTH
        donors = [naive.read(kind, layer, donor) for layer in range(LAYERS)]
        cells = np.argwhere(np.ones_like(effects[:, FIRST:])) + np.array([0, FIRST, 0])
        last = [c for c in cells if c[0] == LAYERS - 1 and c[1] == LENGTH - 1][:1]
        for cell in [*rng.choice(cells, 4, replace=False), *last]:
            layer, position, unit = map(int, cell)
            logits = naive.all_patched_logits(base, [(kind, layer, position, unit, donors[layer])])[0].double()
            expected = float(value(metric, logits, pair) - base_value)
            assert effects[layer, position, unit] == pytest.approx(expected, abs=tolerance(metric)), (kind, cell)
            largest = max(largest, abs(expected))
    assert largest > 50 * tolerance(metric)


class ExplicitAnswers(Explicit):
    """Gradients of the metrics of this file."""

    def __init__(self, family, pair, name, *, direction="noising"):
        super().__init__(family, pair, direction=direction)
        self.base, self.donor = runs(pair, direction)
        self.name = name

    def metric(self, logits):
        return value(self.name, logits, self.pair)


@pytest.mark.parametrize(("family", "metric", "direction"), CASES)
def test_atp_is_the_derivative(family, metric, direction):
    pair = likely(family, random_pairs(1, LENGTH, FIRST, seed=3)[0], metric)
    result = run(tiny_model(family), [pair], "atp", metric, direction=direction)
    explicit = ExplicitAnswers(family, pair, metric, direction=direction)
    for kind in KINDS:
        for layer in range(LAYERS):
            expected = explicit.estimate(kind, layer).detach().numpy()[:LENGTH]
            np.testing.assert_allclose(result.effects[kind][0][layer], expected, atol=1e-4, err_msg=f"{kind} {layer}")
        assert np.abs(result.effects[kind][0]).max() > 5 * tolerance(metric)


@pytest.mark.parametrize("family", FAMILIES)
def test_qk_fix_and_graddrop_of_a_whole_answer(family):
    """Patched one by one: keys of the prompt are read by queries of the answer, too."""
    metric = "answer_log_prob"
    pair = likely(family, random_pairs(1, LENGTH, FIRST, seed=4)[0], metric)
    fixed = run(tiny_model(family), [pair], "atp-qk", metric, kinds=("q", "k"))
    star = run(tiny_model(family), [pair], "atp-star", metric, kinds=("k", "z"))
    explicit = ExplicitAnswers(family, pair, metric)
    for kind, layer, position, unit in (("q", 1, 4, 1), ("q", 2, LENGTH - 1, 0), ("k", 1, 3, 1), ("k", 2, 5, 0)):
        expected = explicit.fixed(kind, layer, position, unit)
        assert fixed.effects[kind][0][layer, position, unit] == pytest.approx(expected, abs=1e-4)
    assert max(np.abs(x[0]).max() for x in fixed.effects.values()) > 0.01
    for layer in range(LAYERS):
        dropped = [explicit.estimate("z", layer, dropped=d).detach().abs() for d in range(LAYERS)]
        expected = (sum(dropped) / (LAYERS - 1)).numpy()[:LENGTH]
        np.testing.assert_allclose(star.effects["z"][0][layer], expected, atol=1e-4)
        fixes = [abs(explicit.fixed("k", layer, 3, 1, dropped=d)) for d in range(LAYERS)]
        assert star.effects["k"][0][layer, 3, 1] == pytest.approx(sum(fixes) / (LAYERS - 1), abs=1e-4)


@pytest.mark.parametrize("method", ["exact", "atp", "atp-star"])
def test_a_set_of_one_is_the_same_to_the_last_bit(method):
    model, pairs = tiny_model("llama"), random_pairs(2, LENGTH, FIRST)
    ones = [with_sets(pair, (pair.answer_id,), (pair.distractor_id,)) for pair in pairs]
    for metric in ("logit_diff", "log_prob", "prob"):
        one, plain = (run(model, p, method, metric, kinds=("z", "resid_pre")) for p in (ones, pairs))
        assert [r.clean_metric for r in one.pairs] == [r.clean_metric for r in plain.pairs]
        for kind in plain.effects:
            np.testing.assert_array_equal(one.effects[kind], plain.effects[kind])


@pytest.mark.parametrize("method", ["exact", "atp-star"])
def test_a_whole_answer_of_one_token_has_its_log_probability(method):
    model, pairs = tiny_model("gemma2"), random_pairs(2, LENGTH, FIRST)
    whole, plain = (run(model, pairs, method, m, kinds=("z", "k")) for m in ("answer_log_prob", "log_prob"))
    for kind in plain.effects:
        np.testing.assert_array_equal(whole.effects[kind], plain.effects[kind])


@pytest.mark.parametrize("method", ["exact", "atp-star"])
def test_pairs_of_other_answers_do_not_change_one_another(method):
    """Sets of other sizes share a batch; answers of other lengths do not."""
    model, pairs = tiny_model("neox"), random_pairs(4, LENGTH, FIRST, seed=2)
    whole = [with_rest(pairs[0]), pairs[1], with_rest(pairs[2], rest=(5,)), with_rest(pairs[3], rest=(33, 8))]
    sets = [with_sets(pairs[0]), pairs[1], with_sets(pairs[2], (5, 8), (9, 4, 17, 80)), pairs[3]]
    for metric, chosen in (("answer_log_prob", whole), ("prob_diff", sets), ("logit_diff", sets)):
        together = run(model, chosen, method, metric, kinds=("z", "v"))
        for i, pair in enumerate(chosen):
            alone = run(model, [pair], method, metric, kinds=("z", "v"))
            assert together.pairs[i].tokens == pair
            for kind in alone.effects:
                np.testing.assert_allclose(together.effects[kind][i], alone.effects[kind][0], atol=1e-5)


def test_verifying_patches_one_by_one_and_jointly_with_whole_answers():
    model, pairs = tiny_model("llama"), [with_rest(pair) for pair in random_pairs(2, LENGTH, FIRST)]
    question = ask(model, pairs, kinds=("k", "z"), metric="answer_log_prob", direction="noising")
    nodes = all_nodes(("k", "z"), model.shape, FIRST, LENGTH)
    oracle, exact = Patching(question, nodes), run(model, pairs, "exact", "answer_log_prob", kinds=("k", "z"))
    chosen = np.arange(0, len(nodes), 5)
    expected = nodes.read({kind: np.stack(x) for kind, x in exact.effects.items()})[:, chosen]
    np.testing.assert_allclose(oracle.effects(chosen), expected, atol=1e-5)
    members = np.eye(len(nodes), dtype=bool)[chosen]
    np.testing.assert_allclose(oracle.joint(members, np.ones(len(chosen), int)), expected[1], atol=1e-5)
    assert np.abs(expected).max() > 0.05


def test_verifying_takes_pairs_whose_answers_have_one_length():
    model, plain = tiny_model("llama"), random_pairs(3, LENGTH, FIRST)
    pairs = [with_rest(plain[0]), with_rest(plain[1], rest=(5,)), with_rest(plain[2])]
    verified = begin(run(model, pairs, "atp", "answer_log_prob", kinds=("z",)))
    assert verified.pairs == (pairs[0], pairs[2])
    carry_on(verified, model, Goal(count=2))
    assert verified.state.done == 2


@pytest.mark.parametrize(
    "change", [{"answer_id": (5, VOCAB)}, {"distractor_id": VOCAB}, {"clean_ids": (VOCAB,) * LENGTH}]
)
def test_a_token_that_the_model_does_not_have_is_refused(change):
    pair = replace(random_pairs(1, LENGTH, FIRST)[0], **change)
    with pytest.raises(PromptError, match=f"token {VOCAB}; the model has {VOCAB} tokens"):
        run(tiny_model("llama"), [pair], "exact", "prob_diff")


def test_metrics_that_read_one_token_refuse_a_whole_answer_and_the_reverse():
    model, pair = tiny_model("llama"), random_pairs(1, LENGTH, FIRST)[0]
    with pytest.raises(PromptError, match=r"row 1: .*3 tokens in a row; the metric logit_diff reads one"):
        run(model, [with_rest(pair)], "exact", "logit_diff")
    with pytest.raises(PromptError, match=r"row 1: .*reads one answer; there are 3"):
        run(model, [with_sets(pair)], "atp", "answer_log_prob")


def test_what_ends_at_one_position_refuses_a_whole_answer():
    with pytest.raises(SpecError, match="Circuits end at the logits of one position"):
        CircuitSettings(metric="answer_log_prob")
    pair = with_rest(random_pairs(1, LENGTH, FIRST)[0])
    question = ask(tiny_model("llama"), [pair], kinds=HEAD_KINDS, metric="answer_log_prob", direction="noising")
    with pytest.raises(SpecError, match="metrics that read one token"):
        find_failures(question)
