"""Weights and checkpoints (チェックポイント) on disk: whole or not there, and checked before they are believed.

A checkpoint is a folder. Its data lie in files named after the step; ``checkpoint.json`` names those that belong together, with their
checksums, and is put in place last, in one atomic move. Whenever the process is killed, that file names a complete set: the new one or the one before.

    NAME/checkpoint.json
    NAME/step-00001200.weights.safetensors       weights and buffers of each module
    NAME/step-00001200.average.safetensors
    NAME/step-00001200.state.pt                  optimiser and the like; read back without running any code that it may hold
"""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

_FORMAT = 1


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Writes a model's weights and buffers to one safetensors file, atomically.

    Args:
        model: any module; tied weights are stored once.
        path: the file; its folder is made where it is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "line.safetensors"
        >>> save_weights(nn.Linear(2, 1), path)
        >>> load_weights(nn.Linear(2, 1), path)
        Linear(in_features=2, out_features=1, bias=True)
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in _named_tensors(model).items()}
    _write_atomically(Path(path), lambda part: safetensors.torch.save_file(tensors, part))


def load_weights(model: nn.Module, path: str | Path) -> nn.Module:
    """Reads what ``save_weights`` wrote into a model of the same shape.

    Args:
        model: its weights and buffers are overwritten in place, on the device and in the precision that they have.
        path: the safetensors file.

    Returns:
        The same model.

    Raises:
        ValueError: if the file is missing or damaged, or holds other names or shapes than the model's. The model is then unchanged.
    """
    try:
        found = safetensors.torch.load_file(Path(path))
    except FileNotFoundError:
        raise ValueError(f"There are no weights at {path}: train the model and save_weights it there first.") from None
    except SafetensorError as error:
        raise ValueError(f"The weights in {path} are damaged ({error}): delete the file and make it again.") from error
    wanted = _named_tensors(model)
    for name in sorted(wanted.keys() | found.keys()):
        has, needs = (f"{tuple(side[name].shape)}" if name in side else "nothing" for side in (found, wanted))
        if has != needs:
            raise ValueError(f"The weights in {path} are another model's: for {name!r} the file has {has}, this model {needs}.")
    model.load_state_dict(found, strict=False)  # not strict: a tied weight stands under one of its names
    return model


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on disk whose checksums were right when it was read."""

    folder: Path
    facts: dict[str, Any]
    files: dict[str, str]

    def restore(self, modules: dict[str, nn.Module]) -> dict[str, Any]:
        """Loads the weights into ``modules`` and returns the state that was written with them."""
        for name, module in modules.items():
            load_weights(module, self.folder / self.files[name])
        return torch.load(self.folder / self.files["state"], map_location="cpu", weights_only=True)


def write(folder: Path, step: int, *, modules: dict[str, nn.Module], state: dict[str, Any], facts: dict[str, Any]) -> None:
    """Writes a checkpoint so that at every moment the folder holds one complete set.

    Args:
        folder: made where it is missing.
        step: names the files; must differ from that of the checkpoint which the folder holds.
        modules: their weights and buffers, by name.
        state: tensors, numbers, texts, lists and dicts of these.
        facts: what JSON can hold; ``read`` returns it before anything else is loaded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, module in modules.items():
        files[name] = f"step-{step:08d}.{name}.safetensors"
        save_weights(module, folder / files[name])
    files["state"] = f"step-{step:08d}.state.pt"
    _write_atomically(folder / files["state"], lambda part: torch.save(state, part))
    sums = {file: _sha256(folder / file) for file in files.values()}
    about = json.dumps({"format": _FORMAT, "facts": facts, "files": files, "sha256": sums}, indent=1, ensure_ascii=False)
    _write_atomically(folder / "checkpoint.json", lambda part: part.write_text(about, encoding="utf-8"))  # from here on, the new one counts
    for file in folder.glob("step-*"):
        if file.name not in sums:
            file.unlink()


def read(folder: Path) -> Checkpoint | None:
    """Finds the checkpoint of a folder and proves its files whole.

    Args:
        folder: where ``write`` wrote.

    Returns:
        The checkpoint, or None where there is none.

    Raises:
        ValueError: if a file of it is damaged, missing, or of a format that this version does not know.
    """
    if not (folder / "checkpoint.json").exists():
        return None
    try:
        about = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        version, facts, files, sums = (about[key] for key in ("format", "facts", "files", "sha256"))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(_damaged(folder, f"checkpoint.json cannot be read: {error!r}")) from error
    if version != _FORMAT:
        raise ValueError(_damaged(folder, f"its format is {version!r}, this version of the course reads {_FORMAT}"))
    for file, expected in sums.items():
        if not (folder / file).exists():
            raise ValueError(_damaged(folder, f"{file} is missing"))
        if (found := _sha256(folder / file)) != expected:
            raise ValueError(_damaged(folder, f"{file} has the checksum {found[:12]}…, expected {expected[:12]}…"))
    return Checkpoint(folder, facts, files)


def describe_model(model: nn.Module) -> str:
    """Returns what a model is made of, one line each: its layers with their settings, then its weights and buffers with type and shape."""
    layers = re.sub(r" at 0x[0-9a-f]+", "", repr(model))  # an address in memory is another one in each run
    return "\n".join([layers] + [f"{name}: {tensor.dtype} {tuple(tensor.shape)}" for name, tensor in _named_tensors(model).items()])


def describe_data(tensors: tuple[Tensor, ...]) -> str:
    """Returns type, shape and a checksum of at most 256 rows, evenly spread, of each tensor."""
    described = []
    for tensor in tensors:
        rows = torch.linspace(0, len(tensor) - 1, min(len(tensor), 256), dtype=torch.float64).long().to(tensor.device)
        content = tensor[rows].detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        described.append(f"{tensor.dtype} {tuple(tensor.shape)} checksum {hashlib.sha256(content).hexdigest()[:12]}")
    return ", ".join(described)


def refuse_foreign(found: Checkpoint, settings: dict[str, str], steps: int) -> None:
    """Raises ValueError unless a checkpoint was written with these settings and has not gone beyond ``steps``."""
    was, done = found.facts["settings"], found.facts["steps"]
    names = [name for name in {**was, **settings} if was.get(name) != settings.get(name)]
    if done == steps:
        names = [name for name in names if name != "precision"]  # what was trained on a GPU is read on a laptop
    differences = [_difference(name, was.get(name, "None"), settings.get(name, "None")) for name in names]
    if done > steps:
        differences.append(f"it has taken {done} steps, and this fit ends at {steps}")
    if differences:
        raise ValueError(
            f"The checkpoint in {found.folder} belongs to another fit: {'; '.join(differences)}. "
            "To go on with it, return to its settings; to train with these, give another checkpoint folder or delete that one."
        )


def _difference(name: str, was: str, now: str) -> str:
    """One line on the first difference between two descriptions."""
    lines = zip_longest(was.splitlines(), now.splitlines(), fillvalue="nothing")
    first_was, first_now = next((a.strip(), b.strip()) for a, b in lines if a != b)
    return f"{name} was {first_was}, now {first_now}"


def _damaged(folder: Path, what: str) -> str:
    return f"The checkpoint in {folder} cannot be used: {what}. Delete that folder to train anew."


def _named_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers by name; of several names for the same memory (tied weights) the first."""
    first: dict[Any, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict().items():
        memory = (tensor.data_ptr(), tensor.shape, tensor.stride()) if tensor.numel() else name
        first.setdefault(memory, (name, tensor))
    return dict(first.values())


def _write_atomically(path: Path, write_to: Callable[[Path], Any]) -> None:
    part = path.with_name(path.name + ".part")
    write_to(part)
    with part.open("r+b") as file:
        os.fsync(file.fileno())  # on disk before it gets its name: a machine that vanishes leaves no empty file behind
    part.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
