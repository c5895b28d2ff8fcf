"""Files that are whole or not there: round trips, damage of every kind, and a writer that dies at each of its moves."""

import json

import pytest
import torch
from torch import nn

from course_lib import checkpoint
from course_lib.checkpoint import describe_data, describe_model, load_weights, read, save_weights, write


class Tied(nn.Module):
    """An embedding whose weight is also the output layer's, as in GPT."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def _state_bits(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)),
        lambda: nn.Linear(3, 2, dtype=torch.float64),
        lambda: nn.LSTM(2, 3, num_layers=2),
        lambda: nn.Linear(4, 3).to(memory_format=torch.contiguous_format).requires_grad_(False),
        Tied,
    ],
    ids=["batch norm", "float64", "lstm", "frozen", "tied"],
)
def test_weights_come_back_bit_for_bit(make, tmp_path):
    torch.manual_seed(0)
    model, other = make(), make()
    save_weights(model, tmp_path / "deep" / "weights.safetensors")
    assert load_weights(other, tmp_path / "deep" / "weights.safetensors") is other
    _assert_same(other.state_dict(), model.state_dict())
    assert not list(tmp_path.rglob("*.part"))


def test_tied_weights_stay_tied_and_are_stored_once(tmp_path):
    save_weights(Tied(), tmp_path / "tied")
    model = load_weights(Tied(), tmp_path / "tied")
    assert model.head.weight is model.embedding.weight
    assert (tmp_path / "tied").stat().st_size < 2 * 5 * 3 * 4 + 60


def test_transposed_weights_come_back(tmp_path):
    model = nn.Linear(3, 2)
    model.weight = nn.Parameter(torch.arange(6.0).view(3, 2).T)
    save_weights(model, tmp_path / "w")
    assert torch.equal(load_weights(nn.Linear(3, 2), tmp_path / "w").weight, torch.tensor([[0.0, 2, 4], [1, 3, 5]]))


@pytest.mark.parametrize(
    "other", [nn.Linear(2, 2), nn.Linear(2, 1, bias=False), nn.Sequential(nn.Linear(2, 1))], ids=["shape", "missing", "names"]
)
def test_weights_of_another_model_are_refused_and_change_nothing(other, tmp_path):
    save_weights(nn.Linear(2, 1), tmp_path / "w")
    before = _state_bits(other)
    with pytest.raises(ValueError, match=r"another model's: for '(0.)?(weight|bias)' the file has"):
        load_weights(other, tmp_path / "w")
    _assert_same(other.state_dict(), before)


def test_missing_and_damaged_weights_say_so(tmp_path):
    with pytest.raises(ValueError, match=r"no weights at .*train the model"):
        load_weights(nn.Linear(2, 1), tmp_path / "w")
    save_weights(nn.Linear(2, 1), tmp_path / "w")
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"damaged .*make it again"):
        load_weights(nn.Linear(2, 1), tmp_path / "w")


def _write(folder, step: int) -> nn.Module:
    model = nn.Linear(2, 1)
    nn.init.constant_(model.weight, step)
    write(folder, step, modules={"weights": model}, state={"step": step, "m": torch.full((3,), step)}, facts={"steps": step})
    return model


def _read(folder) -> tuple[int, float]:
    """The step by the state and by the weights: they must agree."""
    found, model = read(folder), nn.Linear(2, 1)
    state = found.restore({"weights": model})
    assert found.facts["steps"] == state["step"]
    return state["step"], model.weight[0, 0].item()


def test_a_folder_without_a_checkpoint_has_none(tmp_path):
    assert read(tmp_path / "nothing") is None


def test_a_new_checkpoint_replaces_the_old_and_leaves_foreign_files(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for step in (1, 20, 300):
        _write(tmp_path, step)
        assert _read(tmp_path) == (step, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint.json",
        "notes.txt",
        "step-00000300.state.pt",
        "step-00000300.weights.safetensors",
    ]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("moves", range(8))
def test_a_writer_that_dies_at_any_move_leaves_one_complete_set(moves, tmp_path, monkeypatch):
    """Each of the three files is written, then renamed; then the old ones go. The writer dies before its n-th move."""
    _write(tmp_path, 1)
    done = 0

    def dying(move):
        def moved(*args, **kwargs):
            nonlocal done
            if done == moves:
                raise Killed
            done += 1
            return move(*args, **kwargs)

        return moved

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", dying(checkpoint.os.fsync))  # the file is written, under its temporary name
        patch.setattr(checkpoint.Path, "replace", dying(checkpoint.Path.replace))
        patch.setattr(checkpoint.Path, "unlink", dying(checkpoint.Path.unlink))
        with pytest.raises(Killed):
            _write(tmp_path, 2)
    assert _read(tmp_path) == ((2, 2) if moves >= 6 else (1, 1))
    _write(tmp_path, 3)  # and the next one is not hindered by what was left lying about
    assert _read(tmp_path) == (3, 3)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["checkpoint.json", "step-00000007.state.pt", "step-00000007.weights.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
def test_damage_is_refused_with_the_file_and_what_to_do(name, damage, tmp_path):
    _write(tmp_path, 7)
    file = tmp_path / name
    content = bytearray(file.read_bytes())
    if name == "checkpoint.json" and damage == "remove":
        pytest.skip("without this file there is no checkpoint")
    if damage == "flip":
        place = content.index(b'"format": 1') if name == "checkpoint.json" else len(content) // 2
        content[place] ^= 1
        file.write_bytes(content)
    elif damage == "remove":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "truncate" else b"")
    with pytest.raises(ValueError, match=rf"{tmp_path}.*{name}.*Delete that folder to train anew"):
        read(tmp_path)


def test_a_format_from_the_future_is_refused(tmp_path):
    _write(tmp_path, 7)
    about = json.loads((tmp_path / "checkpoint.json").read_text())
    (tmp_path / "checkpoint.json").write_text(json.dumps(about | {"format": 99}))
    with pytest.raises(ValueError, match="format is 99, this version of the course reads 1"):
        read(tmp_path)


class Bomb:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_code_in_a_state_is_not_run(tmp_path):
    write(tmp_path, 1, modules={}, state={"bomb": Bomb(tmp_path / "exploded")}, facts={})
    with pytest.raises(Exception, match=r"weights_only|Weights only"):
        read(tmp_path).restore({})
    assert not (tmp_path / "exploded").exists()


def test_a_model_is_described_by_layers_and_shapes_not_by_addresses():
    class Shown(nn.Module):
        def extra_repr(self):
            return repr(object())

    assert describe_model(Shown()) == describe_model(Shown())
    assert describe_model(nn.Dropout(0.1)) != describe_model(nn.Dropout(0.2))
    assert describe_model(nn.Linear(2, 3)) != describe_model(nn.Linear(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int64, torch.bfloat16, torch.float64, torch.complex64])
def test_data_are_described_by_type_shape_and_content(dtype):
    x = (torch.arange(3000).remainder(7) > 3).to(dtype).view(1000, 3)
    assert describe_data((x,)) == describe_data((x.clone(),))
    assert describe_data((x,)) == describe_data((x.T.contiguous().T,))
    for changed in (x.flip(0)[:999], x.flip(1), x.logical_not().to(dtype), x.view(3, 1000)):
        assert describe_data((changed,)) != describe_data((x,))
