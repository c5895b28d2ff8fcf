"""The states of random generators, which travel between the judge and a student's process, and whether one follows from another.

A test may seed the global generators, or pass one to a student's function, and expects that what the function draws moves it on. But nobody
in a student's process may set a generator of the judge's: the next private inputs would come from it. So a state that is sent back is
believed only if drawing numbers leads to it from the state that was sent out.
"""

import random
import struct
import sys
from typing import Any

if __package__:
    from course_lib.grading.conversation.wire_records import Refused
else:
    from wire_records import Refused

_TORCH = struct.Struct("<QiiQ624Qdddi4xf?3x")  # seed, left, seeded, next, key, three of double normals, valid, single normal, valid
_MERSENNE = struct.Struct("<I2496s?d")  # place, key, whether a normal number waits, which
_KEY = struct.Struct("<624I")
_PCG = struct.Struct("<QQQQ?I")  # state, increment (high, low), whether half a number waits, which
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_WORD, _WIDE = (1 << 64) - 1, (1 << 128) - 1
_FARTHEST = 1 << 34  # draws of one call that are believed


def global_states() -> dict[str, bytes]:
    """Returns the states of the global generators of this process, of the libraries that it has loaded."""
    (_, key, waiting), found = random.getstate(), {}
    found["random"] = _MERSENNE.pack(key[-1], _KEY.pack(*key[:-1]), waiting is not None, waiting or 0.0)
    if (np := sys.modules.get("numpy")) is not None:
        _, key, place, waits, waiting = np.random.get_state()
        found["numpy"] = _MERSENNE.pack(place, key.astype("<u4").tobytes(), bool(waits), waiting)
    if (torch := sys.modules.get("torch")) is not None:
        found["torch"] = torch.get_rng_state().numpy().tobytes()
    return found


def set_global_states(states: dict[str, bytes]) -> None:
    """Sets the global generators of this process; those of libraries that it has not loaded are left out.

    Raises:
        Refused: if these are no states.
    """
    try:
        if "random" in states:
            place, key, waits, waiting = _MERSENNE.unpack(states["random"])
            random.setstate((3, (*_KEY.unpack(key), place), waiting if waits else None))
        if "numpy" in states and (np := sys.modules.get("numpy")) is not None:
            place, key, waits, waiting = _MERSENNE.unpack(states["numpy"])
            np.random.set_state(("MT19937", np.frombuffer(key, "<u4"), place, int(waits), waiting))
        if "torch" in states and (torch := sys.modules.get("torch")) is not None:
            torch.set_rng_state(torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8))
    except (KeyError, TypeError, ValueError, RuntimeError, struct.error) as error:
        raise Refused(f"these are no states of random generators: {error}") from error


def step(name: str) -> None:
    """Draws one number from a global generator of this process, by the name of its library."""
    draw = {"random": random.random, "numpy": lambda: sys.modules["numpy"].random.rand(), "torch": lambda: sys.modules["torch"].rand(())}
    draw[name]()


def is_generator(x: Any) -> bool:
    """Whether this is a generator whose state can travel: torch's on the CPU, or NumPy's usual one."""
    torch, np = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(x, torch.Generator):
        return x.device.type == "cpu"
    return np is not None and isinstance(x, np.random.Generator) and type(x.bit_generator).__name__ == "PCG64"


def state_of(generator: Any) -> bytes:
    """Returns the state of a generator."""
    if hasattr(generator, "get_state"):
        return generator.get_state().numpy().tobytes()
    told = generator.bit_generator.state
    inner = told["state"]
    words = [part for number in (inner["state"], inner["inc"]) for part in (number >> 64, number & _WORD)]
    return _PCG.pack(*words, bool(told["has_uint32"]), told["uinteger"])


def set_state(generator: Any, state: bytes) -> None:
    """Sets a generator.

    Raises:
        Refused: if this is no state of such a generator.
    """
    try:
        if hasattr(generator, "set_state"):
            import torch

            generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))
            return
        numbers = _pcg(state)
        *_, waits, waiting = _PCG.unpack(state)
        inner = {"state": numbers[0], "inc": numbers[1]}
        generator.bit_generator.state = {"bit_generator": "PCG64", "state": inner, "has_uint32": int(waits), "uinteger": waiting}
    except (TypeError, ValueError, RuntimeError, struct.error) as error:
        raise Refused(f"this is no state of a random generator: {error}") from error


def new_generator(state: bytes) -> Any:
    """Returns a generator in a state; torch's states are the long ones."""
    if len(state) == _TORCH.size:
        import torch

        generator = torch.Generator()
    else:
        import numpy as np

        generator = np.random.default_rng(0)
    set_state(generator, state)
    return generator


class Walker:
    """Tells whether one state follows from another by drawing, within a budget for one conversation.

    Args:
        blocks: how many times 624 numbers are drawn in search, in all.
    """

    def __init__(self, blocks: int = 1 << 16):
        self.blocks = blocks

    def follows(self, old: bytes, new: bytes) -> bool:
        """Whether drawing leads from the old state to the new one."""
        if len(old) != len(new):
            return False
        if len(old) == _PCG.size:
            (start, step), (end, other) = _pcg(old), _pcg(new)
            return step == other and _distance(start, end, step) <= _FARTHEST
        return all(abs(number) < 10 for number in _waiting(new)) and self.walked(*_mersenne(old), *_mersenne(new))

    def walked(self, key: bytes, place: int, wanted: bytes, end: int) -> bool:
        """Whether a Mersenne Twister comes from one block of numbers, and a place in it, to another."""
        import numpy as np

        if not 0 <= end <= _BLOCK:
            return False
        if key == wanted:
            return end >= place
        engine, aim, together = np.random.MT19937(0), _tempered(np.frombuffer(wanted, "<u4")), 1
        engine.state = {"bit_generator": "MT19937", "state": {"key": np.frombuffer(key, "<u4"), "pos": _BLOCK}}
        while self.blocks > 0:
            self.blocks -= together
            drawn = engine.random_raw(together * _BLOCK).reshape(together, _BLOCK)
            if (drawn == aim).all(axis=1).any():
                return True
            together = min(2 * together, 256)
        return False


_BLOCK = 624


def _tempered(key: Any) -> Any:
    """The numbers that a Mersenne Twister gives from a block (Matsumoto & Nishimura, 1998, "Mersenne Twister", section 2.1)."""
    y = key.astype("<u4")
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C5680
    y ^= (y << 15) & 0xEFC60000
    return y ^ (y >> 18)


def _mersenne(state: bytes) -> tuple[bytes, int]:
    if len(state) == _TORCH.size:
        _, left, _, following, *rest = _TORCH.unpack(state)
        return _KEY.pack(*(word & 0xFFFFFFFF for word in rest[:_BLOCK])), _BLOCK if left == 1 else following
    place, key, *_ = _MERSENNE.unpack(state)
    return key, place


def _waiting(state: bytes) -> tuple[float, ...]:
    """Normal numbers, drawn in pairs, of which the second waits."""
    if len(state) == _TORCH.size:
        x, y, rho, _, single, _ = _TORCH.unpack(state)[-6:]
        return x, y, rho, single
    return _MERSENNE.unpack(state)[-1:]


def _pcg(state: bytes) -> tuple[int, int]:
    high, low, other_high, other_low, *_ = _PCG.unpack(state)
    return high << 64 | low, other_high << 64 | other_low


def _distance(start: int, end: int, increment: int) -> int:
    """Steps of PCG64's linear congruence from one state to another (Brown, 1994, "Random number generation with arbitrary strides")."""
    multiplier, bit, steps = _MULTIPLIER, 1, 0
    while start != end:
        if (start ^ end) & bit:
            start = (start * multiplier + increment) & _WIDE
            steps |= bit
        bit = bit << 1 & _WIDE
        if not bit:
            return _WIDE
        increment = (multiplier + 1) * increment & _WIDE
        multiplier = multiplier * multiplier & _WIDE
    return steps
