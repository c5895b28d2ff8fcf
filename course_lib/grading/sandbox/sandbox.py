"""A place for a student's process: no network, none of the instructor's files, no process but its own, nothing that stays.

    furnish(folder, files={"data.csv": data})
    subprocess.run([*command(folder, limits), sys.executable, "-c", "print('inside')"])

Made by bubblewrap. Run by root, the process inside gets a user id that nobody else has: were it root's, even without any privilege, it could
write what root owns, the kernel's settings below /proc/sys among it.
"""

import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from course_lib.grading.sandbox.limits import Limits

INSIDE = "/grading"  # where a student's process sees the folder that was made for it
SCRATCH = "/tmp"  # the one place where it may write
COURSE_LIB = Path(__file__).parents[2]
_NOBODY = 65534
_FIRST_UID = 1_900_000_000  # far from all that are given to people and programs
_COUNT = itertools.count()
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts")
_OF_A_PREFIX = ("bin", "lib", "lib64", "share", "etc/fonts", "ssl", "pyvenv.cfg")  # not all of it: courses and passwords may lie around
FIXED = {  # what a student's process finds in its environment, in a sandbox or not
    "COURSE_OFFLINE": "1",
    "COURSE_SIZE": "quick",
    "CUDA_VISIBLE_DEVICES": "",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
_SHARED_MEMORY = 64 << 20
_LOOK_AROUND = """
import json, os, site, sys
hops = [sys.executable]
while os.path.islink(hops[-1]):
    hops.append(os.path.join(os.path.dirname(hops[-1]), os.readlink(hops[-1])))
users = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))}
print(json.dumps([sorted(prefixes), [os.path.dirname(hop) for hop in hops] + users]))
"""


def furnish(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts into a folder what a process in a sandbox is given, so that it may read all of it.

    Args:
        folder: an empty folder, which none but this user may enter from outside.
        files: what lies in the process's working folder, by relative name.

    Raises:
        ValueError: if a name leads out of the working folder.
    """
    for name in ("code", "empty", "files", "fonts", "judge"):
        (folder / name).mkdir(mode=0o755)
    (folder / "empty-file").touch()
    (folder / "passwd").write_text(f"student:x:{_NOBODY}:{_NOBODY}::{SCRATCH}:/bin/sh\n")
    for name, data in files.items():
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} lies outside the working folder: give names relative to it, without '..'")
        place = folder / "files" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    let_read(folder)


def let_read(folder: Path) -> None:
    """Lets everybody read a folder, whatever this process's own files are made like; who may enter it is said by the folder around it."""
    for place in [folder, *folder.rglob("*")]:
        place.chmod(0o755 if place.is_dir() else 0o644)


def environment(python: str = sys.executable) -> dict[str, str]:
    """Returns the environment of a process in a sandbox: nothing of the instructor's but where shared libraries lie."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONUSERBASE") if name in os.environ}
    path = f"{Path(python).parent}:/usr/local/bin:/usr/bin:/bin"
    home = {
        "HOME": f"{SCRATCH}/home",
        "IPYTHONDIR": f"{SCRATCH}/home/.ipython",
        "MPLCONFIGDIR": f"{SCRATCH}/home/matplotlib",
        "TMPDIR": SCRATCH,
        "USER": "student",
        "LOGNAME": "student",
    }
    return {**kept, **home, "PATH": path, "LANG": "C.UTF-8", "TZ": "UTC", **FIXED}


def font_lists() -> list[Path]:
    """Returns Matplotlib's lists of this machine's fonts, where it has made any: making one takes every fresh home most of a second."""
    caches = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    return sorted(Path(os.environ.get("MPLCONFIGDIR", f"{caches}/matplotlib")).glob("fontlist-*.json"))


def command(
    folder: Path, limits: Limits, *, python: str = sys.executable, read_only: Sequence[Path] = (), hidden: Iterable[Path] = ()
) -> list[str]:
    """Returns the bubblewrap command to which the program to be run is added.

    Args:
        folder: a furnished folder; the program sees it as ``/grading``.
        limits: what it may use.
        python: the interpreter that it needs.
        read_only: further files and folders that it may read, if everybody may.
        hidden: files and folders among those that it finds empty.

    References:
        bubblewrap's manual, ``man bwrap``.
    """
    by_root = os.geteuid() == 0
    asked = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    asked += ["--cap-drop", "ALL", "--hostname", "grading", "--new-session", "--die-with-parent"]
    if by_root:
        asked += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]  # for setpriv, below, which gives them up
    else:
        asked += ["--unshare-user", "--uid", str(_NOBODY), "--gid", str(_NOBODY)]
    given = sum(file.stat().st_size for file in (folder / "files").rglob("*") if file.is_file())
    asked += [*_system(), "--proc", "/proc", "--dev", "/dev"]
    asked += [*_in_memory("/dev/shm", min(limits.disk, _SHARED_MEMORY)), *_in_memory(SCRATCH, limits.disk + given)]
    asked += _bound([*_places_of(python), str(COURSE_LIB), *(str(place.absolute()) for place in read_only)])
    asked += ["--ro-bind", f"{folder}/passwd", "/etc/passwd", *_passable(INSIDE), "--ro-bind", str(folder), INSIDE]
    for place in _with_bytecode([COURSE_LIB / "grading", *hidden]):
        asked += ["--ro-bind", f"{folder}/{'empty' if place.is_dir() else 'empty-file'}", str(place)]
    asked += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH, "--"]
    uid = str(_FIRST_UID + (os.getpid() * 64 + next(_COUNT) % 64) % 200_000_000)
    return [*asked, "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--"] if by_root else asked


@functools.cache
def available() -> str | None:
    """Returns None where a sandbox can be made, else what is missing and how to mend it; tried with Python in a sandbox."""
    if not sys.platform.startswith("linux"):
        return f"sandboxes are made by bubblewrap, which {sys.platform} has not: grade on a Linux machine"
    missing = [name for name in ("bwrap", *(["setpriv"] if os.geteuid() == 0 else [])) if shutil.which(name) is None]
    if missing:
        package = "bubblewrap" if missing[0] == "bwrap" else "util-linux"
        return f"{missing[0]} is missing: install {package} (apt install {package}, dnf install {package})"
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        folder = Path(name) / "given"
        folder.mkdir()
        furnish(folder, {})
        tried = subprocess.run(
            [*command(folder, Limits()), sys.executable, "-I", "-S", "-c", ""], capture_output=True, text=True, timeout=60, check=False
        )
    return None if tried.returncode == 0 else _advice(tried.stderr.strip() or f"it ended with code {tried.returncode}")


_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_SWITCHES = {  # a file of the kernel's: the value that forbids, how to allow it
    Path("/proc/sys/user/max_user_namespaces"): ("0", "sudo sysctl user.max_user_namespaces=10000"),
    Path("/proc/sys/kernel/unprivileged_userns_clone"): ("0", "sudo sysctl kernel.unprivileged_userns_clone=1"),
}


def _advice(said: str) -> str:
    """What bubblewrap's failure means here, and what to do."""
    if "Unknown option" in said:
        return f"bubblewrap is too old ({said}): 0.5 or newer is needed"
    if "execvp" in said or "failed to execute" in said or "can't open file" in said:
        return f"Python cannot be run inside a sandbox ({said}): its folders must be readable by everyone (chmod -R o+rX)"
    if os.geteuid() != 0 and _APPARMOR.is_file() and _APPARMOR.read_text().strip() == "1":
        profile = "bwrap-userns-restrict"
        return (
            f"AppArmor forbids user namespaces to bubblewrap ({said}): sudo apt install apparmor-profiles, then sudo install -m 644"
            f" /usr/share/apparmor/extra-profiles/{profile} /etc/apparmor.d/ && sudo apparmor_parser -r /etc/apparmor.d/{profile}"
        )
    for switch, (forbids, mend) in _SWITCHES.items():
        if os.geteuid() != 0 and switch.is_file() and switch.read_text().strip() == forbids:
            return f"user namespaces are switched off on this machine ({said}): {mend}"
    return f"bubblewrap fails ({said}): in a container it needs the right to mount (docker run --privileged); else grade on another machine"


# ---------------------------------------------------------------------------------------------------------- what is seen inside


def _system() -> Iterator[str]:
    """The system's programs and libraries, and the few settings that they need."""
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", os.readlink(place), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    yield from _passable("/etc")
    for name in _SETTINGS:
        yield from ("--ro-bind-try", name, name)


def _bound(places: Iterable[str]) -> Iterator[str]:
    """Each place at its own name, the folders above it made so that they can be passed through but hold nothing else."""
    seen = [place for place in _SYSTEM if Path(place).is_dir() and not Path(place).is_symlink()]
    made = {Path(SCRATCH)}
    for place in dict.fromkeys(places):
        if not Path(place).exists() or any(Path(place).is_relative_to(above) for above in seen):
            continue
        for above in reversed(Path(place).parents[:-1]):
            if above not in made:
                yield from _passable(str(above))
                made.add(above)
        yield from ("--ro-bind", place, place)
        seen.append(place)


def _passable(place: str) -> list[str]:
    """An empty folder on the way to others; bubblewrap alone would let nobody but root through where the real one does."""
    return ["--perms", "0755", "--dir", place]


def _in_memory(place: str, size: int) -> list[str]:
    """A file system in memory; without a size it could take half of the machine's."""
    return ["--perms", "1777", "--size", str(size), "--tmpfs", place]


@functools.cache
def _places_of(python: str) -> list[str]:
    """The folders that an interpreter needs; its base may lie outside its virtual environment."""
    prefixes, more = json.loads(subprocess.run([python, "-c", _LOOK_AROUND], capture_output=True, text=True, check=True).stdout)
    return [*(f"{prefix}/{part}" for prefix in prefixes for part in _OF_A_PREFIX), *more]


def _with_bytecode(places: Iterable[Path]) -> list[Path]:
    """The places that exist, and the compiled forms of the modules among them."""
    there = [place.resolve() for place in places if place.exists()]
    return [*there, *(compiled for place in there for compiled in place.parent.glob(f"__pycache__/{place.stem}.*.pyc") if place.is_file())]
