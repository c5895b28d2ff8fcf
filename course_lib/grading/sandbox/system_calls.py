"""System calls that a student's process is refused: those that make namespaces, that leave its core, and doors to the kernel that no notebook needs.

    refuse()

It needs nothing of this library, so that a sandbox's launcher can use it, and binds the process and all that it starts for good. Who makes a user
namespace has every privilege in it, and with that far more of the kernel to try mistakes on.

References:
    Linux, Documentation/userspace-api/seccomp_filter.rst; numbers from asm-generic/unistd.h and asm/unistd_64.h.
"""

import ctypes
import errno
import platform
import struct

_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_REFUSED = {  # unshare setns mount ptrace keyctl add_key request_key bpf perf_event_open userfaultfd process_vm_readv process_vm_writev sched_setaffinity
    "x86_64": (272, 308, 165, 101, 250, 248, 249, 321, 298, 323, 310, 311, 203),
    "aarch64": (97, 268, 40, 117, 219, 217, 218, 280, 241, 282, 270, 271, 122),
}
_REFUSED_ANYWHERE = (425, 428, 429, 430)  # io_uring_setup open_tree move_mount fsopen
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NEW_USER = 0x10000000  # CLONE_NEWUSER
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF's instructions
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_NUMBER, _KIND, _FIRST_ARGUMENT = 0, 4, 16  # where they lie in seccomp's data
_X32 = 0x40000000  # the other numbers that an x86_64 kernel may take


def program(machine: str) -> bytes:
    """Returns the filter in BPF's instructions, for ``x86_64`` or ``aarch64``."""
    missing, forbidden = _ERROR | errno.ENOSYS, _ERROR | errno.EPERM
    steps = [(_LOAD, 0, 0, _KIND), (_EQUAL, 1, 0, _ARCHITECTURE[machine]), (_RETURN, 0, 0, missing), (_LOAD, 0, 0, _NUMBER)]
    steps += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, missing)]
    for number in (*_REFUSED[machine], *_REFUSED_ANYWHERE):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, forbidden)]
    # clone3 keeps its flags in memory, where no filter can read them; without it the C library takes clone.
    steps += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, missing)]
    steps += [(_EQUAL, 0, 3, _CLONE[machine]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _NEW_USER), (_RETURN, 0, 0, forbidden)]
    return b"".join(struct.pack("=HBBI", *step) for step in [*steps, (_RETURN, 0, 0, _ALLOW)])


def refuse() -> bool:
    """Refuses the calls from now on, to this process and all that it starts; False on a machine whose numbers are not known here.

    Raises:
        OSError: if the kernel does not take the filter.
    """
    if (machine := platform.machine()) not in _ARCHITECTURE:
        return False
    filtered = program(machine)
    buffer = ctypes.create_string_buffer(filtered, len(filtered))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    described = Program(len(filtered) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    library = ctypes.CDLL(None, use_errno=True)
    for call in ((38, 1, 0, 0, 0), (22, 2, ctypes.addressof(described), 0, 0)):  # PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP with a filter
        if library.prctl(*(ctypes.c_ulong(value) for value in call)):
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")
    return True
