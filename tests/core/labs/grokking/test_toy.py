"""A trained network as a GPT-2: the same logits, read back from its folder, patched like any other model."""

import numpy as np
import torch

from core.labs.grokking.tasks import make_task
from core.labs.grokking.toy import prompt_pairs, save_model
from core.labs.grokking.training.net import logits, start_weights
from core.labs.grokking.training.row import Run, training_examples
from core.labs.grokking.training.sizes import Net
from core.models.load import load_model
from core.prompts.align import align
from core.runs.execute import execute, make_spec

TASK, NET = make_task("x + y", 11), Net(p=11, d_model=12, n_heads=3, d_mlp=16)
RUN = Run(3, 60, 1.0)


def test_the_copy_computes_the_same_and_can_be_patched(tmp_path):
    flat = start_weights(NET, [5])
    flat += 0.1 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    save_model(NET, flat.numpy(), TASK, tmp_path / "toy")
    model = load_model("toy", location=tmp_path / "toy")
    pairs = prompt_pairs(TASK, RUN, unseen=False, count=6)
    tokens = align(pairs, model.tokenizer).or_raise()
    spec = make_spec(model, pairs, metric="logit_diff", direction="noising", nodes=("z", "mlp_out"), method="exact")
    result = execute(spec, model, tokens)
    for pair, baseline in zip(tokens, result.pairs):
        x, y = torch.tensor([pair.clean_ids[0]]), torch.tensor([pair.clean_ids[2]])
        found = logits(NET, flat, x, y)[0, 0]
        expected = found[pair.answer_id] - found[pair.distractor_id]
        np.testing.assert_allclose(baseline.clean_metric, expected, atol=1e-4)


def test_pairs_are_seen_or_unseen_as_asked():
    known = set(training_examples(TASK, RUN).tolist())
    for unseen in (False, True):
        pairs = prompt_pairs(TASK, RUN, unseen=unseen, count=10)
        assert len(pairs) == 10
        for pair in pairs:
            for text, answer in ((pair.clean, pair.answer), (pair.corrupt, pair.distractor)):
                a, b = int(text.split()[0]), int(text.split()[2])
                assert (a + b) % 11 == int(answer)
                assert (a * 11 + b in known) != unseen
