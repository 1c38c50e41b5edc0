"""An accelerator that is only pretended: tensors that claim to live on `pretend:0` and hold their numbers on the CPU.

What a program computes on it is, to the bit, what it computes on the CPU, so that any difference is the program's own.
What CUDA refuses is refused: operations on tensors of two devices, NumPy arrays of tensors elsewhere, products of
matrices of integers. Where a CUDA device would make the program wait (a number read, a mask turned into indices, a copy
from or to the CPU), that is counted, with the line that asked for it.

The rules are those of PyTorch: tensors of one element without dimensions may stay on the CPU where an operation works
elementwise on two operands, as may the indices of `x[index]`; nothing else may.

PyTorch has a place for another kind of device, PrivateUse1, which a process can take once; importing this module does,
but for where there is a CUDA device, with which it would compete. Random numbers are those of the CPU's generator.

Within `known()` the library, and the functions of PyTorch that build tensors from numbers, know of the device.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as tree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretend"
if not torch.cuda.is_available():
    _setup_privateuseone_for_python_backend(NAME)
    # What PyTorch asks of a device module when it keeps the state of all generators; those here are the CPU's.
    torch.get_device_module(NAME).get_rng_state = lambda device=None: torch.get_rng_state()
    torch.get_device_module(NAME).set_rng_state = lambda state, device=None: None
HERE = torch.device("cpu" if torch.cuda.is_available() else NAME, 0)

only_pretended = pytest.mark.skipif(
    torch.cuda.is_available(), reason="there is a real accelerator; CUDA_VISIBLE_DEVICES= hides it"
)
PLACES = [
    pytest.param(NAME, marks=only_pretended),
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no accelerator")],
    ),
]
"""Where a test that holds an accelerator against the CPU runs, as pytest's parameters."""

ROOT = Path(__file__).resolve().parents[1]

#: With three operands, which else do not mix; the value of `masked_fill` and of `x[index] = value` has no dimensions.
MIXING = {
    "aten::where",
    "aten::addcmul",
    "aten::addcmul_",
    "aten::masked_fill",
    "aten::masked_fill_",
    "aten::index_put",
    "aten::index_put_",
    "aten::copy_",
    "aten::fill_",
}
PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "matmul", "mv", "addmv", "dot", "linear"}
#: They look at their result before they return.
WAITING = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::nonzero",
    "aten::masked_select",
    "aten::masked_scatter",
    "aten::_unique2",
    "aten::unique_dim",
    "aten::unique_consecutive",
    "aten::repeat_interleave",
    "aten::bincount",
    "aten::multinomial",
    "aten::linalg_cholesky",
    "aten::linalg_inv",
    "aten::linalg_solve",
    "aten::linalg_lstsq",
    "aten::_linalg_eigh",
    "aten::_linalg_svd",
    "aten::_linalg_det",
}
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}


@dataclass
class Waits:
    """What a CUDA device would have been waited for.

    Attributes:
        found: how often, by the operation and the line of the library or test that asked for it.
    """

    found: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.found.total()

    def at(self, place: str) -> int:
        """Return how often a line whose name contains `place` waited."""
        return sum(count for (_, line), count in self.found.items() if place in line)


_listening: list[Waits] = []


@contextmanager
def waits() -> Iterator[Waits]:
    """Count what is waited for inside."""
    heard = Waits()
    _listening.append(heard)
    try:
        yield heard
    finally:
        _listening.remove(heard)


def _wait(name: str) -> None:
    if not _listening:
        return
    frame = sys._getframe(1)
    here, line = str(Path(__file__)), "elsewhere"
    while frame is not None:
        path = frame.f_code.co_filename
        if path != here and path.startswith(str(ROOT)) and "site-packages" not in path:
            line = f"{Path(path).name}:{frame.f_lineno} {frame.f_code.co_name}"
            break
        frame = frame.f_back  # type: ignore[assignment]
    for heard in _listening:
        heard.found[name.removeprefix("aten::"), line] += 1


class Away(Tensor):
    """A tensor that claims to live on `pretend:0`."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Away:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=HERE,
        )
        made.held = held
        return made

    def __repr__(self, *, tensor_contents: object = None) -> str:
        return f"Away({self.held})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        # As tensors of a CUDA device: the file tells the device, and `map_location` may put another in its place.
        rebuild = torch._utils._rebuild_device_tensor_from_cpu_tensor
        return rebuild, (self.detach().held, self.dtype, str(HERE), self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self.detach().clone().requires_grad_(self.requires_grad)

    def new_tensor(self, data: Any, *, dtype: torch.dtype | None = None, device: Any = None) -> Tensor:
        return torch.tensor(data, dtype=dtype or self.dtype).to(device or HERE)

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(f"can't convert {HERE} device type tensor to numpy; use Tensor.cpu() first")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.numpy()

    def __getitem__(self, index: Any) -> Tensor:
        return super().__getitem__(_plain(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(_plain(index), value)

    # What is done elementwise here is done below autograd, which PyTorch brings.
    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, *args, **(kwargs or {}))


def _plain(index: Any) -> Any:
    """Turn lists among indices into tensors: PyTorch builds them below where this device is known."""
    if isinstance(index, tuple):
        return tuple(_plain(one) for one in index)
    return _own_tensor(index) if isinstance(index, list) else index


class Generator(torch.Generator):
    """A generator that claims to be of `pretend:0`; its numbers are the CPU's."""

    def __new__(cls, device: Any = "cpu") -> torch.Generator:  # type: ignore[misc]
        if torch.device(device).type != NAME:
            return _own_generator(device)
        made = super().__new__(cls, "cpu")
        _generators[made._cdata] = made  # PyTorch hands operations another object for the same generator
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return HERE


_generators: WeakValueDictionary[int, Generator] = WeakValueDictionary()
_own_generator, _own_tensor, _own_as_tensor = torch.Generator, torch.tensor, torch.as_tensor


def _is_here(device: Any) -> bool:
    return device is not None and not isinstance(device, int) and torch.device(device).type == NAME


def _tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **more: Any) -> Tensor:
    if not _is_here(device):
        return _own_tensor(data, dtype=dtype, device=device, requires_grad=requires_grad, **more)
    return _own_tensor(data, dtype=dtype, **more).to(device).requires_grad_(requires_grad)


def _as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    if isinstance(data, Tensor):
        return data.to(device=data.device if device is None else device, dtype=dtype or data.dtype)
    made = _own_as_tensor(data, dtype=dtype)
    return made.to(device) if device is not None else made


@contextmanager
def known() -> Iterator[None]:
    """Make the functions that build tensors from numbers, and the library, know of `pretend`."""
    from dpslib import _validate

    if torch.cuda.is_available():
        yield
        return
    own = _validate.device

    def device(value: Any) -> torch.device:
        return HERE if str(value) in (NAME, str(HERE)) else own(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "tensor", _tensor)
        patch.setattr(torch, "as_tensor", _as_tensor)
        patch.setattr(torch, "Generator", Generator)
        patch.setattr(_validate, "device", device)
        yield


@cache
def _written(func: Any) -> list[int | str | None]:
    """For each value that an operation returns, the argument that it is, or None if it is new."""
    found: list[int | str | None] = []
    arguments = func._schema.arguments
    for value in func._schema.returns:
        alias = value.alias_info
        place: int | str | None = None
        if alias is not None and alias.is_write:
            for index, argument in enumerate(arguments):
                other = argument.alias_info
                if other is not None and other.before_set == alias.before_set:
                    place = argument.name if argument.kwarg_only else index
        found.append(place)
    return found


@cache
def _mixes(func: Any) -> bool:
    if func._schema.name in MIXING:
        return True
    operands = sum(str(argument.type) in ("Tensor", "Optional[Tensor]") for argument in func._schema.arguments)
    operands -= sum(argument.is_out for argument in func._schema.arguments)
    return torch.Tag.pointwise in func.tags and operands <= 2


def _check(func: Any, args: Any, kwargs: Any, tensors: list[Tensor]) -> None:
    """Refuse what CUDA refuses."""
    name = func._schema.name
    away = [one for one in tensors if isinstance(one, Away)]
    if not away:
        return
    if name.removeprefix("aten::").rstrip("_") in PRODUCTS and not away[0].is_floating_point():
        raise NotImplementedError(f'"{name}" not implemented for {away[0].dtype} on {HERE}')
    if name in ("aten::copy_", "aten::_to_copy", "aten::_copy_from"):
        return
    near = [one for one in tensors if not isinstance(one, Away)]
    if name in INDEXING and isinstance(args[0], Away):
        near = [one for one in near if not any(one is index for index in args[1])]
    mixes = _mixes(func)
    for one in near:
        # A tensor without dimensions stays on the CPU only as an operand beside one that is away.
        if one.dim() or not mixes or any(one is _argument(place, args, kwargs) for place in _written(func)):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found {HERE} and cpu")


def _argument(place: int | str | None, args: Any, kwargs: Any) -> Any:
    if place is None:
        return None
    if isinstance(place, str):
        return kwargs.get(place)
    return args[place] if place < len(args) else None


def _count(func: Any, args: Any, kwargs: Any, tensors: list[Tensor], goes: bool) -> None:
    name = func._schema.name
    away = any(isinstance(one, Away) for one in tensors)
    if name in WAITING and away:
        _wait(name)
    elif name == "aten::copy_":
        if len({isinstance(one, Away) for one in tensors}) == 2:
            _wait("copy_ to or from the CPU")
    elif name == "aten::_to_copy":
        if away != goes:
            _wait("copy to the CPU" if away else "copy from the CPU")
    elif name in INDEXING and away:
        for index in args[1]:
            if index is not None and not isinstance(index, Away):
                _wait(f"{name} by indices on the CPU")
            elif index is not None and index.dtype == torch.bool:
                filled = name != "aten::index" and args[2].dim() == 0 and len(args[1]) == 1
                if not filled:
                    _wait(f"{name} by a mask")
        if name != "aten::index" and not isinstance(args[2], Away):
            _wait(f"{name} of a value on the CPU")


def _is_itself(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are all of the same memory: PyTorch, which asks their storages, would not copy it."""
    if not (isinstance(one, Away) and isinstance(other, Away)):
        return False
    a, b = one.held, other.held
    return a.data_ptr() == b.data_ptr() and a.numel() == b.numel() and a.is_contiguous() and b.is_contiguous()


def _run(func: Any, *args: Any, **kwargs: Any) -> Any:
    if func.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd):
        # In inference mode PyTorch leaves it to the device to take an operation apart.
        return func.decompose(*args, **kwargs)
    tensors = [one for one in tree.tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    _check(func, args, kwargs, tensors)
    device = kwargs.get("device")
    goes = _is_here(device) if device is not None else any(isinstance(one, Away) for one in tensors)
    generator = kwargs.get("generator")
    if generator is not None and (generator._cdata in _generators) != goes:
        raise RuntimeError(f"{func._schema.name}: expected a generator of {HERE if goes else 'cpu'}")
    _count(func, args, kwargs, tensors, goes)
    if device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    if func._schema.name == "aten::copy_" and _is_itself(*args[:2]):
        return args[0]
    shapes = [(one, one.held.shape, one.held.stride()) for one in tensors if isinstance(one, Away)]
    inside, named = tree.tree_map_only(Away, lambda one: one.held, (args, kwargs))
    out = func(*inside, **named)
    if func._schema.is_mutable:
        for one, shape, stride in shapes:
            if (one.held.shape, one.held.stride()) != (shape, stride):
                raise NotImplementedError(f"{func._schema.name} changes the shape of a tensor in place")
    if not goes:
        # `out` may be what was held: a copy to a device that it claims not to be on is a copy.
        return out
    places = _written(func)
    values = out if isinstance(out, tuple) and len(places) > 1 else (out,)
    made = tuple(
        _argument(place, args, kwargs)
        if place is not None
        else tree.tree_map_only(Tensor, lambda one: one if isinstance(one, Away) else Away(one), value)
        for place, value in zip(places, values, strict=False)
    )
    return made if len(places) > 1 else made[0] if made else out


_everything, _factories = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
_everything.fallback(_run, "PrivateUse1")
# PyTorch makes these from an empty tensor that it then resizes, which a tensor that holds another does not allow.
for _name in ("arange", "arange.start", "arange.start_step", "linspace", "logspace", "eye", "eye.m"):
    _packet, _, _overload = _name.partition(".")
    _function = getattr(getattr(torch.ops.aten, _packet), _overload or "default")
    _factories.impl(_name, partial(_run, _function), "PrivateUse1")
