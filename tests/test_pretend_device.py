"""The pretended accelerator does what PyTorch does on the CPU, and refuses and waits as it does on CUDA.

What is known of CUDA is written here as a table, which holds on a real one too, where there is one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import pretend_device
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pretend_device import PLACES, Away, known, only_pretended, waits
from torch import Tensor


@pytest.fixture(autouse=True)
def pretended() -> Iterator[None]:
    with known():
        yield


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    return request.param


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype) + 0.1


def changing(change: Callable[[Tensor], object]) -> Callable[[Tensor], object]:
    """A function that changes a tensor in place and returns it with what the change returned."""

    def call(x: Tensor) -> object:
        return x, change(x)

    return call


def set_to(index: object, value: object) -> Callable[[Tensor], object]:
    def change(x: Tensor) -> object:
        x[index] = value.to(x.device) if isinstance(value, Tensor) else value  # type: ignore[index]
        return x

    return change


def out(x: Tensor) -> Tensor:
    room = torch.empty(4, 4, dtype=x.dtype, device=x.device)
    assert torch.matmul(x, x.T, out=room[:]) is not None
    return room


def scattered(x: Tensor) -> object:
    kept = torch.zeros_like(x)
    rows = torch.tensor([2, 0], device=x.device)
    kept[rows, rows] += x[rows, rows]
    kept[:, :2] = x[:, 3:]
    return kept, kept.index_copy(0, rows, x[:2]), kept.scatter_add(0, rows[None, :1], x[:1, :1])


def of_parts(x: Tensor) -> object:
    a, b = x.chunk(2)
    a.add_(b)
    first, *_ = x.unbind()
    first.mul_(3)
    return x, torch.cat([a, b]), torch.stack([a, b], -1), x.split([1, 2], 1)[0] if x.shape[1] == 3 else a


def drawn(x: Tensor) -> object:
    generator = torch.Generator("cpu").manual_seed(4) if x.device.type == "cpu" else None
    if generator is None:
        generator = torch.Generator(x.device).manual_seed(4)
    made = {"generator": generator, "device": x.device}
    room = torch.empty(3, 2, device=x.device)
    room[1].exponential_(generator=generator)
    room[0].normal_(generator=generator)
    return torch.rand(3, **made), torch.randn(2, 2, **made), torch.randperm(7, **made), room[:2]


# From a tensor (4, 5) to anything made of tensors and numbers.
OPERATIONS: dict[str, Callable[[Tensor], object]] = {
    "arithmetic": lambda x: (x + x, x - 2, 3 * x, x / x.sum(), x**2, -x, x // 0.3, x % 0.3, 1 / x),
    "broadcasting": lambda x: (x * x[0], x.unsqueeze(1) - x.unsqueeze(0), x.expand(2, 4, 5) * 2),
    "comparisons": lambda x: (x > 0.5, x <= x.T[0].unsqueeze(1), (x > 0.5) & (x < 0.9), ~(x > 0.5), x == x),
    "functions": lambda x: (x.exp(), x.log(), x.sqrt(), x.sin(), torch.special.i0e(x), torch.remainder(x, 0.3)),
    "sums": lambda x: (x.sum(), x.sum(0), x.mean((0, 1)), x.std(-1, keepdim=True), x.cumsum(1), x.norm(dim=1)),
    "extrema": lambda x: (x.amax(0), x.argmax(1), x.max(0), x.sort(1), x.argsort(0), torch.minimum(x, x.flip(0))),
    "choices": lambda x: (torch.where(x > 0.5, x, 0.0), torch.where(x > 0.5, 1, 2), x.clamp(0.2, 0.8), x.clamp_min(1)),
    "any and all": lambda x: ((x > 0.5).any(), (x > 0.5).all(1), bool((x > 0).all()), len(x)),
    "shapes": lambda x: (x.T, x.reshape(2, 10), x.view(5, 4), x.flatten(), x.unflatten(1, (5, 1)), x.permute(1, 0)),
    "more shapes": lambda x: (x[None], x[..., 1:3], x[:, ::2], x.diagonal(), x.roll(1, 0), x.mT.contiguous()),
    "products": lambda x: (x @ x.T, torch.bmm(x[None], x.T[None]), torch.baddbmm(x[None, :, :4], x[None], x.T[None])),
    "linear algebra": lambda x: torch.linalg.cholesky_ex(x @ x.T + torch.eye(4, dtype=x.dtype, device=x.device)),
    "softmax": lambda x: (x.softmax(0), x.log_softmax(1), torch.logsumexp(x, 1), torch.nn.functional.softplus(x)),
    "factories": lambda x: (
        torch.zeros_like(x),
        x.new_full((2,), 3.0),
        torch.ones(2, device=x.device),
        torch.arange(3, device=x.device),
        torch.eye(3, device=x.device),
        torch.linspace(0, 1, 4, device=x.device),
        torch.full((2,), 7, device=x.device),
        x.new_tensor([1.5, 2]),
    ),
    "made of numbers": lambda x: (
        torch.tensor([[1, 2], [3, 4]], device=x.device),
        torch.tensor(2.5, dtype=x.dtype, device=x.device),
        torch.as_tensor(np.arange(3.0), device=x.device),
        torch.as_tensor(x, dtype=torch.float32),
    ),
    "dtypes": lambda x: (x.float(), x.to(torch.int64), (x > 0.5).to(x), x.double() is x, x.long().double()),
    "gathering": lambda x: (x.gather(1, x.argsort(1)), x.index_select(0, torch.tensor([1, 1], device=x.device))),
    "indexing": lambda x: (x[x > 0.5], x[torch.tensor([3, 0], device=x.device)], x[[1, 2]], x[:, [0, 4]], x[2, 3]),
    "indices on the CPU": lambda x: (x[torch.tensor([3, 0])], x[torch.tensor([True, False, True, True])]),
    "unique": lambda x: (torch.unique(x > 0.5), x.nonzero(), torch.unique(x.round(), return_inverse=True)),
    "numbers": lambda x: (x[0, 0].item(), float(x.sum()), int(x.sum()), x.tolist(), x.cpu(), x.detach().cpu().numpy()),
    "scalars": lambda x: (x + torch.tensor(2.0), torch.tensor(2.0) * x, x.lerp(x + 1, 0.3), x.masked_fill(x > 1, 0)),
    "fill": changing(lambda x: x.fill_(3)),
    "in place": changing(lambda x: x.mul_(2).add_(1).clamp_min_(1.5).sqrt_()),
    "in place on a view": changing(lambda x: x.T.mul_(2)),
    "in place on a view of a view": changing(lambda x: x.view(5, 4)[1:].T[0].sub_(1)),
    "in place by operators": changing(lambda x: x.__iadd__(1)),
    "moments": changing(lambda x: x.lerp_(x.flip(0), 0.1).addcmul_(x, x, value=0.5).addcdiv_(x, x + 1, value=-0.1)),
    "set a row": changing(set_to(0, 1.0)),
    "set a column": changing(set_to((slice(None), 1), torch.arange(4.0))),
    "set by a mask": changing(lambda x: set_to(x > 0.5, 0)(x)),
    "set rows": changing(set_to(([0, 2], [1, 1]), 9)),
    "masked fill": changing(lambda x: x.masked_fill_(x > 0.5, 0)),
    "copy": changing(lambda x: x.copy_(torch.ones(4, 5))),
    "copy elsewhere": lambda x: torch.zeros(4, 5).copy_(x),
    "out": out,
    "scattered": scattered,
    "parts": of_parts,
    "drawn": drawn,
    "detached": changing(lambda x: x.detach().zero_()),
    "cloned": changing(lambda x: x.clone().zero_()),
    "threshold": lambda x: (torch.nn.functional.threshold(x, 0.5, -1.0), torch.tanh_(x * 2), x.sign(), x.nan_to_num()),
    "checks": lambda x: (torch.allclose(x, x), torch.equal(x, x + 1), torch.isfinite(x).all(), x.is_floating_point()),
}


def same(found: object, expected: object, place: str) -> None:
    if isinstance(expected, Tensor) and isinstance(found, Tensor):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        if place == pretend_device.NAME:
            assert found.stride() == expected.stride()
            np.testing.assert_array_equal(found.detach().cpu().numpy(), expected.detach().numpy())
    elif isinstance(expected, tuple | list):
        assert len(found) == len(expected)  # type: ignore[arg-type]
        for one, other in zip(found, expected, strict=True):  # type: ignore[call-overload]
            same(one, other, place)
    elif place == pretend_device.NAME:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_gives_what_it_gives_on_the_cpu(name: str, place: str) -> None:
    here, there = numbers(4, 5), numbers(4, 5).to(place)
    found, expected = OPERATIONS[name](there), OPERATIONS[name](here)
    same(found, expected, place)
    if name != "drawn":
        torch.testing.assert_close(there.cpu(), here, rtol=1e-12, atol=0)  # what it was made of has changed alike


@only_pretended
def test_results_are_away() -> None:
    x = numbers(4, 5).to("pretend")
    for made in (
        x + 1,
        x.T,
        x[0],
        x > 0.5,
        torch.zeros_like(x),
        x.sum(),
        x.sort(0).indices,
        torch.ones(2, device="pretend"),
    ):
        assert isinstance(made, Away)
        assert made.device == torch.device("pretend", 0)
    assert type(x.cpu()) is Tensor
    assert x.to("pretend:0") is x


@only_pretended
def test_an_operation_in_place_returns_the_tensor_itself() -> None:
    x = numbers(4, 5).to("pretend")
    room = torch.empty_like(x)
    assert x.mul_(2) is x
    assert torch.add(x, x, out=room) is room


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "powers": lambda x: (x**3).sum(),
    "views": lambda x: (x.T[1:, 2] * x[:, 0]).square().sum(),
    "picked": lambda x: x[[0, 2]].exp().sum() + x[x > 0.5].log().sum() + x.gather(1, x.argsort(1))[:, 0].sum(),
    "products": lambda x: torch.baddbmm(x[None, :, :4], x[None], x.T[None]).tanh().square().sum(),
    "softmax": lambda x: (x.log_softmax(1) * x.softmax(0)).sum() + torch.logsumexp(2 * x, 1).mean(),
    "extrema": lambda x: x.amax(0).sum() + torch.minimum(x, x.flip(0)).sum() + x.clamp(0.3, 0.8).sum(),
    "in place": lambda x: (lambda y: (y[0].mul_(3), (y * y).sum())[1])(x * 1),
    "parts": lambda x: (
        torch.cat([part * k for k, part in enumerate(x.split(1, 1))], 1)
        .index_copy(0, torch.tensor([1], device=x.device), 2 * x[:1])
        .norm()
    ),
    "tables": lambda x: torch.stack(x.unbind(1), 0).flatten(0, 1).unflatten(0, (2, 10)).std(-1).sum(),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name: str, place: str) -> None:
    gradients = []
    for where in ("cpu", place):
        leaf = numbers(4, 5).to(where).requires_grad_()
        first = torch.autograd.grad(FUNCTIONS[name](leaf), leaf)[0]
        FUNCTIONS[name](leaf).backward()
        assert leaf.grad is not None
        assert leaf.grad.device.type == where
        torch.testing.assert_close(leaf.grad, first, rtol=1e-12, atol=0)
        gradients.append(leaf.grad.cpu())
    torch.testing.assert_close(*gradients, rtol=0 if place == "pretend" else 1e-12, atol=0)


@only_pretended
@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["t", "row", "mask", "view", "scale", "add", "set", "clone", "flip"]), max_size=8))
def test_any_sequence_of_views_and_changes(steps: list[str]) -> None:
    """Whatever is looked at and changed in turn, all that was ever looked at is as on the CPU."""
    seen: list[list[Tensor]] = []
    for x in (numbers(4, 4), numbers(4, 4).to("pretend")):
        views = [x]
        for step in steps:
            now = views[-1]
            match step:
                case "t":
                    views.append(now.transpose(0, -1))
                case "row":
                    views.append(now[-2:])
                case "mask":
                    now[now > 0.6] = 0.25
                case "view":
                    views.append(now.unsqueeze(0)[0])
                case "scale":
                    now.mul_(1.5)
                case "add":
                    now += now[:1].clone()
                case "set":
                    now[0] = now[-1] * 2
                case "clone":
                    views.append(now.clone())
                case "flip":
                    views.append(now.flip(0))
        seen.append(views)
    same(seen[1], seen[0], "pretend")


REFUSED: dict[str, Callable[[Tensor, Tensor], object]] = {
    "add": lambda x, y: x + y,
    "add from the left": lambda x, y: y + x,
    "one without dimensions away": lambda x, y: y * x.sum(),
    "add in place": lambda x, y: y.add_(x),
    "change one without dimensions": lambda x, y: y.sum().add_(x.sum()),
    "product": lambda x, y: x @ y,
    "cat": lambda x, y: torch.cat([x, y]),
    "stack one without dimensions": lambda x, y: torch.stack([x.sum(), y.sum()]),
    "where": lambda x, y: torch.where(x > 0.5, x, y),
    "where by a condition on the CPU": lambda x, y: torch.where(y > 0.5, x, x),
    "mask away of a tensor here": lambda x, y: y[x > 0.5],
    "indices away of a tensor here": lambda x, y: y[x.long() * 0],
    "index_select": lambda x, y: x.index_select(0, torch.tensor([1])),
    "gather": lambda x, y: x.gather(0, y.argsort(0)),
    "set to values here": lambda x, y: x.__setitem__(torch.tensor([0], device=x.device), y[:1]),
    "out": lambda x, y: torch.add(x, x, out=y),
    "numpy": lambda x, y: x.numpy(),
    "an array": lambda x, y: np.asarray(x),
    "product of integers": lambda x, y: x.long() @ x.long(),
    "a generator of the CPU": lambda x, y: torch.rand(3, generator=torch.Generator(), device=x.device),
    "minimum": lambda x, y: torch.minimum(x, y),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cuda_refuses(name: str, place: str) -> None:
    x = numbers(4, 4).to(place)
    with pytest.raises((RuntimeError, TypeError)):
        REFUSED[name](x, numbers(4, 4))


# How often each makes the program wait.
WAITS: dict[str, tuple[Callable[[Tensor], object], int]] = {
    "arithmetic": (lambda x: (x + 1).clamp_min(0) @ x.T, 0),
    "a scalar on the CPU": (lambda x: x * torch.tensor(2.0), 0),
    "where": (lambda x: torch.where(x > 0.5, x, 0.0), 0),
    "fill": (lambda x: x.masked_fill_(x > 0.5, 0), 0),
    "zeros": (lambda x: torch.zeros(3, device=x.device), 0),
    "indices": (lambda x: x[x.argmax(0)], 0),
    "item": (lambda x: x[0, 0].item(), 1),
    "bool": (lambda x: bool((x > 0).all()), 1),
    "to the CPU": (lambda x: x.cpu(), 1),
    "from the CPU": (lambda x: torch.ones(3).to(x.device), 1),
    "made of numbers": (lambda x: torch.tensor([1.0, 2.0], device=x.device), 1),
    "a mask": (lambda x: x[x > 0.5], 1),
    "set by a mask": (lambda x: x.__setitem__(x[:, 0] > 0.5, x[:1].clone()), 1),
    "a number by a mask": (lambda x: x.__setitem__(x > 0.5, 0.0), 0),
    "a list of indices": (lambda x: x[[0, 1]], 1),
    "nonzero": (lambda x: x.nonzero(), 1),
    "unique": (lambda x: x.unique(), 1),
}


@only_pretended
@pytest.mark.parametrize("name", WAITS)
def test_waiting_is_counted(name: str) -> None:
    call, count = WAITS[name]
    x = numbers(4, 4).to("pretend")
    with waits() as heard:
        call(x)
    assert heard.total == count
    assert heard.at("test_pretend_device.py") == count
    call(x)
    assert heard.total == count, "nobody listens any more"


@only_pretended
def test_a_file_holds_the_device_and_may_be_read_elsewhere() -> None:
    buffer = io.BytesIO()
    x = numbers(4, 5).to("pretend")
    torch.save({"x": x, "more": [x.float(), 3]}, buffer)
    for where in ("cpu", None):
        buffer.seek(0)
        read = torch.load(buffer, map_location=where, weights_only=True)
        assert read["x"].device.type == (where or "pretend")
        torch.testing.assert_close(read["x"].cpu(), x.cpu(), rtol=0, atol=0)


def test_an_optimiser_of_pytorch(place: str) -> None:
    ends = []
    for where in ("cpu", place):
        leaf = numbers(4, 5).to(where).requires_grad_()
        adam = torch.optim.Adam([leaf], lr=0.1)
        for _ in range(4):
            adam.zero_grad(set_to_none=True)
            (leaf - 1).square().sum().backward()
            adam.step()
        ends.append(leaf.detach().cpu())
    torch.testing.assert_close(*ends, rtol=0 if place == "pretend" else 1e-9, atol=0)
