"""The hand-derived step against autograd over a plain transformer of all four positions, in float64."""

import pytest
import torch
from torch.nn import functional as F

from core.labs.grokking.tasks import make_task
from core.labs.grokking.training.loss import cross_entropy
from core.labs.grokking.training.net import attention, logits, start_weights, views
from core.labs.grokking.training.sizes import Net
from core.labs.grokking.training.step import Step

NET = Net(p=7, d_model=12, n_heads=3, d_mlp=20)


def plain_logits(net, flat, x, y):
    """One run, written as in a textbook: every position, every token, a causal mask."""
    w = {name: part[0] for name, part in views(net, flat[None]).items()}
    tokens = torch.stack([x, torch.full_like(x, net.p), y, torch.full_like(x, net.p + 1)], dim=1)
    stream = w["embed"][tokens] + w["pos"]

    def heads(part):
        return (stream @ part).unflatten(-1, (net.n_heads, -1)).transpose(1, 2)

    z = F.scaled_dot_product_attention(heads(w["q"]), heads(w["k"]), heads(w["v"]), is_causal=True)
    stream = stream + z.transpose(1, 2).flatten(2) @ w["o"]
    stream = stream + torch.relu(stream @ w["w_in"] + w["b_in"]) @ w["w_out"] + w["b_out"]
    return stream[:, -1] @ w["unembed"]


def some_weights(runs=3):
    flat = start_weights(NET, range(runs), dtype=torch.float64)
    return flat + 0.1 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)


def test_lookup_by_case_is_the_transformer():
    task, flat = make_task("x + y", 7), some_weights()
    x, y = torch.tensor(task.x), torch.tensor(task.y)
    found = logits(NET, flat, x, y)
    for run in range(3):
        torch.testing.assert_close(found[run], plain_logits(NET, flat[run], x, y), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(attention(NET, flat, x, y).sum(2), torch.ones(3, 49, 3, dtype=torch.float64))


def test_gradient_is_that_of_autograd():
    """Runs of different sizes in one group: padding must not count."""
    task, flat = make_task("x^2 + xy + y^2", 7), some_weights()
    draw, sizes = torch.Generator().manual_seed(1), (20, 15, 20)
    chosen = torch.stack([torch.randperm(49, generator=draw)[:20] for _ in sizes])
    weight = torch.stack([(torch.arange(20) < size).double() / size for size in sizes])
    x, y, answer = (torch.tensor(column)[chosen] for column in (task.x, task.y, task.answer))
    step = Step(NET, flat, x, y, answer, weight)
    loss = step.run()
    for run, size in enumerate(sizes):
        own = flat[run].clone().requires_grad_()
        expected = F.cross_entropy(plain_logits(NET, own, x[run, :size], y[run, :size]), answer[run, :size])
        expected.backward()
        torch.testing.assert_close(loss[run], expected.detach(), atol=1e-12, rtol=1e-12)
        torch.testing.assert_close(step.grad[run], own.grad, atol=1e-12, rtol=1e-10)


def test_a_second_call_sees_changed_weights():
    task, flat = make_task("x + y", 7), some_weights(1)
    x, y, answer = (torch.tensor(column)[None] for column in (task.x, task.y, task.answer))
    step = Step(NET, flat, x, y, answer, torch.full((1, 49), 1 / 49))
    before = step.run().item()
    flat -= 0.05 * step.grad
    assert step.run().item() < before


def test_the_loss_keeps_its_digits_in_float32():
    """A logit 60 above all others: the loss is about 6e-26, which no 1 - p in float32 can say."""
    row, answer = torch.zeros(1, 8), torch.tensor([3])
    row[0, 3] = 60.0
    exact = torch.log1p(7 * torch.exp(torch.tensor(-60.0, dtype=torch.float64)))
    assert F.cross_entropy(row, answer).item() == 0.0
    assert cross_entropy(row, answer).item() == pytest.approx(exact.item(), rel=1e-6)
    ordinary = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    answers = torch.arange(50) % 8
    torch.testing.assert_close(cross_entropy(ordinary, answers), F.cross_entropy(ordinary, answers, reduction="none"))
