"""What students' notebooks do to the process they run in, done to a real one: it ends as it should, the grader lives on, nothing stays behind.

Kernels cost a second each, so cells that leave theirs in order share one.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import psutil
import pytest
from conftest import needs_program

from course_lib.grading.sandbox import sandbox, student_process
from course_lib.grading.sandbox.limits import Limits
from course_lib.grading.sandbox.student_errors import Gone, TimedOut
from course_lib.grading.sandbox.student_kernel import CellRun, KernelFailed, StudentKernel

pytestmark = pytest.mark.slow

SMALL = Limits(cell_seconds=30.0, memory=1 << 30, processes=60, disk=16 << 20, output=100_000)


@pytest.fixture(autouse=True)
def _sandboxes_can_be_made():
    needs_program("bwrap")
    if missing := sandbox.available():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


MARK = "a-daemon-of-a-student"


def daemons() -> set[int]:
    """The processes that call themselves so and are not yet, or no more, anybody's dead child."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if MARK in process.cmdline() and process.status() != "zombie":
                found.add(process.pid)
    return found


def traces(folder: Path) -> set:
    """What kernels leave where they are not ended properly: processes, control groups, scratch folders."""
    found: set = {child.pid for child in psutil.Process().children(recursive=True)}
    found |= {str(place) for place in Path("/sys/fs/cgroup").rglob(f"course-grading-{os.getpid()}-*")}
    found |= {str(place) for place in folder.iterdir()}
    ours = range(sandbox._FIRST_UID + os.getpid() * 64 % 200_000_000, sandbox._FIRST_UID + os.getpid() * 64 % 200_000_000 + 64)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != "zombie" and (process.uids().real in ours):
                found.add(process.pid)
    return found | daemons()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Where these tests' kernels have their scratch folders."""
    tmp_path_factory.getbasetemp()  # pytest's own, before the place is another
    folder, before = Path(tempfile.mkdtemp(prefix="k-", dir="/tmp")), tempfile.tempdir
    folder.chmod(0o755)
    tempfile.tempdir = str(folder)
    yield folder
    tempfile.tempdir = before
    folder.rmdir()


@pytest.fixture(autouse=True)
def _nothing_stays(request, scratch):
    if "shared" in request.fixturenames:
        yield  # which looks when its last kernel has been closed
        return
    before = traces(scratch)
    yield
    left = traces(scratch) - before
    assert not left


@pytest.fixture(scope="module")
def shared(scratch):
    """A kernel for cells that leave it in order; a new one where one did not."""
    kernels = []

    def get() -> StudentKernel:
        if not (kernels and kernels[-1].alive):
            kernels.append(StudentKernel(limits=SMALL, files={"data/numbers.txt": b"1 2 3", "numpy.py": b"loadtxt = None"}))
        return kernels[-1]

    yield get
    for kernel in kernels:
        kernel.close()
    assert not traces(scratch)


def run(kernel: StudentKernel, code: str, **kwargs) -> CellRun:
    return kernel.run(textwrap.dedent(code), **kwargs)


def text(ran: CellRun) -> str:
    """All that a cell shows, as one text."""
    shown = [output.get("text", "") + str(output.get("data", "")) + output.get("evalue", "") for output in ran.outputs]
    return "".join(shown)


# -------------------------------------------------------------------------------------------------------------- ordinary cells


def test_cells_run_in_order_and_their_outputs_come_back(shared):
    kernel = shared()
    assert run(kernel, "x = 20 + 1").status == "ok"
    ran = run(kernel, "import sys\nprint(2 * x)\nprint('careful', file=sys.stderr)\nx")
    assert ran.status == "ok"
    assert [(o.output_type, o.get("name"), o.get("text")) for o in ran.outputs[:2]] == [
        ("stream", "stdout", "42\n"),
        ("stream", "stderr", "careful\n"),
    ]
    assert ran.outputs[2].data == {"text/plain": "21"}
    ran = run(kernel, "1 / 0")
    assert (ran.status, ran.message) == ("error", "ZeroDivisionError: division by zero")
    assert ran.outputs[-1].ename == "ZeroDivisionError"
    assert run(kernel, "x").status == "ok"  # an error takes nothing away
    assert run(kernel, "def f(:\n  pass").message.startswith("SyntaxError")
    assert text(run(kernel, "%time y = 1\n_ = 3\nprint('magics', y)")).endswith("magics 1\n")


def test_its_files_and_settings_are_those_of_grading(shared):
    ran = run(
        shared(),
        """
        import os, random, sys
        print(open("data/numbers.txt").read(), os.environ["COURSE_SIZE"], os.environ["COURSE_OFFLINE"], hash("seeds are fixed"))
        print(sys.flags.hash_randomization, os.environ["OMP_NUM_THREADS"], sorted(os.listdir()))
        """,
    )
    assert text(ran).startswith("1 2 3 quick 1 ")
    assert text(ran).endswith("1 ['data', 'numpy.py']\n")


def test_an_own_file_does_not_take_a_librarys_name(shared):
    assert text(run(shared(), "import numpy, numbers\nprint(numpy.array([1, 2]).sum(), numpy.loadtxt is not None)")) == "3 True\n"
    assert text(run(shared(), "open('own_module.py', 'w').write('answer = 42')\nimport own_module\nprint(own_module.answer)")) == "42\n"


def test_a_display_can_be_updated_and_cleared(shared):
    code = """
    from IPython.display import display, clear_output, HTML
    display("first"); clear_output(); handle = display("second", display_id=True); handle.update("third")
    display(HTML("<b>bold</b>"))
    for i in range(100):
        print(f"\\r{i} %", end="")
    """
    ran = run(shared(), code)
    assert ran.outputs[0].data["text/plain"] == "'third'"
    assert ran.outputs[1].data["text/html"] == "<b>bold</b>"
    assert ran.outputs[2].text == "99 %"
    assert len(ran.outputs) == 3


def test_input_is_refused_in_words(shared):
    for code in ("input('how many? ')", "import getpass; getpass.getpass()"):
        ran = run(shared(), code)
        assert ran.status == "error"
        assert "input" in ran.message
    assert text(run(shared(), "import sys\nprint(repr(open('/dev/stdin').read()))")) == "''\n"


# ----------------------------------------------------------------------------------------------------------------- loops, ends


@pytest.mark.parametrize(
    ("code", "lives"),
    [
        ("while True: pass", True),
        ("import time; time.sleep(1000)", True),
        (
            """
            def forever():
                while True:
                    try:
                        while True: pass
                    except BaseException:
                        forever()
            forever()
            """,
            False,
        ),
        ("import signal\nfor s in set(signal.Signals) - {9, 19}: signal.signal(s, signal.SIG_IGN)\nwhile True: pass", False),
        ("sum(range(10 ** 14))", False),
    ],
    ids=["plain", "asleep", "swallows everything", "ignores signals", "inside C"],
)
def test_a_loop_without_end_is_ended(shared, code, lives):
    kernel = shared()
    ran = run(kernel, code, seconds=1.0)
    assert ran.status == "timed_out"
    assert "longer than 1 s" in ran.message
    assert ran.seconds < 20
    assert kernel.alive or not lives
    if kernel.alive:
        assert text(run(kernel, "print('still here')")) == "still here\n"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os._exit(3)", "exit code 3"),
        ("import ctypes; ctypes.string_at(0)", "Segmentation fault"),
        ("import os; os.kill(os.getpid(), 9)", "Killed"),
        ("import os; os.abort()", "Aborted"),
        ("exit", "exit code 0"),
        ("quit()", "exit code 0"),
        ("get_ipython().kernel.do_shutdown(False); exit()", "exit code 0"),
    ],
)
def test_a_process_that_ends_is_told_how_and_a_new_one_knows_nothing_of_it(code, why):
    with StudentKernel(limits=SMALL) as kernel:
        run(kernel, "x = 1; open('left.txt', 'w').write('over')")
        ran = run(kernel, code)
        assert ran.status == "died"
        assert why in ran.message
        assert not kernel.alive
        assert run(kernel, "1 + 1").status == "died"
        with pytest.raises(Gone), kernel.serving():
            pass
        if "_exit" in code:
            kernel.restart()
            assert text(run(kernel, "import os; print(os.listdir(), 'x' in globals())")) == "[] False\n"


def test_it_cannot_end_what_is_around_it(shared):
    """What it can see of the sandbox's own process it cannot harm; were the sandbox gone, so were it."""
    for code in ("import os; os.kill(os.getppid(), 9)", "import os; os.kill(-1, 9)", "import os; os.killpg(os.getpgid(1), 9)"):
        assert run(shared(), code).status in ("error", "died")


def test_sys_exit_is_an_error_like_another(shared):
    assert run(shared(), "import sys; sys.exit(1)").status == "error"


# --------------------------------------------------------------------------------------------------------------------- floods


def test_a_flood_of_memory_ends_the_cell_or_the_process_and_says_so():
    with StudentKernel(limits=SMALL) as kernel:
        ran = run(kernel, "x = bytearray(b'1') * 2 ** 31")
        assert (ran.status, ran.message) == ("error", "MemoryError")
        code = """
        import os, time
        for i in range(4):
            if os.fork() == 0:
                x = bytearray(b"1") * (400 << 20)
                time.sleep(100)
        os.wait()
        x = bytearray(b"1") * (800 << 20)
        time.sleep(2)
        print("how many live:", 5)
        """
        ran = run(kernel, code, seconds=20.0)
        assert psutil.Process().memory_info().rss < 8 << 30
        if ran.status == "died":
            assert "memory" in ran.message


def test_a_flood_of_processes_stays_within_its_number():
    code = """
    import os, threading, time
    made = 0
    try:
        for made in range(1000):
            if os.fork() == 0:
                time.sleep(100); os._exit(0)
    except OSError as error:
        print(error, made < 60)
    """
    with StudentKernel(limits=SMALL) as kernel:
        ran = run(kernel, code)
        assert "unavailable True" in text(ran) or "processes" in ran.message
    with StudentKernel(limits=SMALL) as kernel:
        ran = run(kernel, "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", seconds=1.0)
        assert ran.status in ("timed_out", "died")
        kernel.close()


def test_a_flood_of_files_ends_at_its_bytes(shared):
    code = """
    import errno, os
    found = []
    for place in ("/tmp", "/dev/shm", "."):
        written = 0
        try:
            for i in range(100):
                with open(f"{place}/flood-{i}", "wb") as file:
                    written += file.write(bytes(1 << 20))
        except OSError as error:
            found.append((errno.errorcode[error.errno], written >> 20 <= 16))
        for i in range(100):
            try: os.remove(f"{place}/flood-{i}")
            except OSError: pass
    print(found)
    for place in ("/", "/dev", "/grading", "/etc", "/usr", "/grading/judge", "/proc/sys/kernel", os.path.dirname(os.__file__)):
        try:
            open(f"{place}/new", "w")
            print("could write into", place)
        except OSError: pass
    """
    assert text(run(shared(), code)) == "[('ENOSPC', True), ('ENOSPC', True), ('ENOSPC', True)]\n"


@pytest.mark.parametrize(
    "code",
    [
        "for i in range(40): print('x' * 1_000_000)",
        "print('x' * 30_000_000)",
        "while True: print('spam ' * 1000)",
        "import os\nwhile True: os.write(1, b'x' * 60_000)",
        "from IPython.display import display, HTML\nwhile True: display(HTML('<p>' * 100_000))",
        "raise ValueError('x' * 20_000_000)",
        "def f(n): return f(n - 1) if n else 1 / 0\nimport sys; sys.setrecursionlimit(100_000); f(3000)",
        "print('\\n'.join(f'\\x1b[31m{i}\\ud800' for i in range(100_000)))",
    ],
)
def test_a_flood_of_output_is_cut_off_or_stopped(shared, code):
    ran = run(shared(), code, seconds=6.0)
    assert sum(len(str(output)) for output in ran.outputs) < 2.5 * SMALL.output
    assert ran.status in ("ok", "error", "flooded", "timed_out", "died")
    if "while" in code:
        assert ran.status in ("flooded", "timed_out", "died")
    for output in ran.outputs:
        str(output).encode()


# ------------------------------------------------------------------------------------------------------------- what is not theirs


def test_there_is_no_network(shared):
    code = """
    import socket, subprocess, urllib.request
    for address in (("1.1.1.1", 53), ("127.0.0.1", 22), ("localhost", 80)):
        try:
            socket.create_connection(address, timeout=2)
            print("connected to", address)
        except OSError: pass
    try: urllib.request.urlopen("https://example.org", timeout=2); print("reached")
    except OSError: pass
    print(socket.gethostname(), [name for _, name in socket.if_nameindex()])
    """
    assert text(run(shared(), code)) in ("grading ['lo']\n", "grading ['lo', 'sit0']\n")
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        ran = run(shared(), f"import socket; socket.create_connection(('127.0.0.1', {here.getsockname()[1]}), timeout=2)")
        assert ran.status == "error"
    ran = run(shared(), "!timeout 20 python -m pip install --retries 0 --timeout 2 cowsay; python -c 'import cowsay'", seconds=30.0)
    assert "ModuleNotFoundError" in text(ran)


def test_nothing_of_the_instructors_can_be_read(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("A_PASSWORD_OF_THE_INSTRUCTOR", "swordfish")
    secret = tmp_path / "gradebook.db"
    secret.write_text("swordfish")
    root = Path(__file__).parents[1]
    home = Path.home()
    places = [
        secret,
        root / "solutions",
        root / "tests",
        root / "nbgrader_config.py",
        root / ".git",
        home / ".ssh",
        home / ".bashrc",
        Path("/etc/shadow"),
    ]
    with StudentKernel(limits=SMALL) as kernel:
        code = f"""
        import os, subprocess
        for place in {[str(place) for place in places]!r}:
            try:
                print("read", place, os.listdir(place) if os.path.isdir(place) else open(place, "rb").read(10))
            except OSError: pass
        os.symlink({str(secret)!r}, "link")
        try: print(open("link").read())
        except OSError: pass
        for pid in filter(str.isdigit, os.listdir("/proc")):
            for name in ("environ", "cmdline", "maps"):
                try:
                    if b"swordfish" in open(f"/proc/{{pid}}/{{name}}", "rb").read(): print("found in", pid, name)
                except OSError: pass
        print(sorted(map(int, filter(str.isdigit, os.listdir("/proc"))))[:3], {os.getpid()} in map(int, filter(str.isdigit, os.listdir("/proc"))))
        print("swordfish" in str(os.environ), os.listdir({str(root / "course_lib" / "grading")!r}), os.getuid() in (0, {os.getuid()}))
        """
        ran = run(kernel, code)
    assert ran.status == "ok"
    assert "read" not in text(ran)
    assert "found" not in text(ran)
    assert text(ran).splitlines()[-1] == "False [] False"


def test_root_does_not_lend_its_name_to_the_kernels_settings(shared):
    """Without any privilege, who has root's user id may still write root's files below /proc/sys: a core pattern there runs as root."""
    code = """
    import os
    for folder, _, names in os.walk("/proc/sys"):
        for name in names:
            place = os.path.join(folder, name)
            # Of its own namespaces are message queues, shared memory, semaphores and process ids.
            if os.access(place, os.W_OK) and not place.startswith("/proc/sys/fs/mqueue/") and not name.startswith(("msg", "shm", "sem", "auto_msg", "ns_last_pid", "pid_max")):
                print(place)
    print(open("/proc/self/status").read().count("0000000000000000"))
    print(len([line for line in open("/proc/self/status") if line.startswith(("CapPrm", "CapEff", "CapAmb")) and int(line.split()[1], 16)]))
    """
    lines = text(run(shared(), code)).splitlines()
    assert not [line for line in lines if line.startswith("/proc")]
    assert lines[-1] == "0"


def test_no_namespace_of_its_own_can_be_made(shared):
    """Who makes one has every privilege in it, and far more of the kernel to try mistakes on."""
    assert "not permitted" in text(run(shared(), "!unshare --user --map-root-user id"))


def test_a_link_or_a_socket_of_its_own_leads_the_grader_nowhere(tmp_path):
    """Its sockets lie in its own file system; replaced by links they are not opened again."""
    (tmp_path / "target").write_text("as it was")
    code = f"""
    import os
    for name in os.listdir("/tmp"):
        if name.startswith("."):
            os.remove("/tmp/" + name); os.symlink({str(tmp_path / "target")!r}, "/tmp/" + name)
    """
    with StudentKernel(limits=SMALL) as kernel:
        assert run(kernel, code).status == "ok"
        assert text(run(kernel, "print('as before')")) == "as before\n"
    assert (tmp_path / "target").read_text() == "as it was"


def test_daemons_end_with_the_kernel():
    code = f"""
    import os, subprocess, sys, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp(sys.executable, [sys.executable, "-c", "import time, signal; signal.signal(15, signal.SIG_IGN); time.sleep(1000)", {MARK!r}])
        os._exit(0)
    subprocess.Popen(["setsid", "nohup", "sleep", "1000"])
    time.sleep(1)
    """
    with StudentKernel(limits=SMALL) as kernel:
        assert run(kernel, code).status == "ok"
        assert daemons()
        run(kernel, "import os; os._exit(0)")
        assert not daemons()


def test_there_is_no_gpu_and_no_device(shared):
    code = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'] == '', [n for n in os.listdir('/dev') if n.startswith(('nvidia', 'sd', 'vd', 'kvm', 'mem'))])"
    assert text(run(shared(), code)) == "True []\n"


# ------------------------------------------------------------------------------------------------------------------ forgeries


FORGE = """
import json, zmq
kernel = get_ipython().kernel
send = lambda kind, content, parent: kernel.session.send(kernel.iopub_socket, kind, content, parent=parent)
"""


def test_forged_messages_hurt_nobody_else(shared):
    code = (
        FORGE
        + """
parent = kernel.get_parent()
for content in ({}, {"name": 3, "text": {"deep": [1]}}, {"name": "stdout"}, {"text": "no name"}, {"data": "text"}, {"data": {"text/plain": {"a": 1}}},
                {"data": {"image/png": None}, "metadata": "none", "transient": "no"}, {"traceback": "no list"}, {"traceback": [1, None, "line"]},
                {"execution_state": ["idle"]}, {"wait": {}}):
    for kind in ("stream", "display_data", "execute_result", "update_display_data", "error", "status", "clear_output", "comm_open", "nonsense"):
        send(kind, content, parent)
text = json.dumps({"name": "stdout", "text": "half a pair \\ud800"}).encode()
header = json.dumps(parent["header"], default=str).encode()
kernel.iopub_socket.send_multipart([b"", b"<IDS|MSG>", b"", b'{"msg_type": "stream"}', header, b"{}", text])
"""
    )
    ran = run(shared(), code)
    assert ran.status == "ok"
    assert "half a pair ?" in text(ran)
    for output in ran.outputs:
        str(output).encode()
    assert text(run(shared(), "print('goes on')")) == "goes on\n"


@pytest.mark.parametrize(
    "raw",
    [
        "[b'<IDS|MSG>']",
        "[b'<IDS|MSG>', b'', b'{', b'[]', b'3', b'null']",
        "[b'x'] * 10_000",
        "[b'', b'<IDS|MSG>', b'', b'{\"msg_type\": \"stream\"}', b'[' * 100_000, b'{}', b'[' * 100_000]",
        "[b'', b'<IDS|MSG>', b'', json.dumps({'msg_type': 'stream'}).encode(), json.dumps(kernel.get_parent()['header'], default=str).encode(), b'{}', b'{\"text\": ' + b'9' * 1_000_000 + b'}']",
        "[b'', b'<IDS|MSG>', b'\\xff\\xfe', b'\\x00' * 1000, b'\\xff', b'', b'']",
    ],
)
def test_malformed_messages_are_passed_over(shared, raw):
    ran = run(shared(), FORGE + f"for _ in range(3): kernel.iopub_socket.send_multipart({raw})")
    assert ran.status == "ok"
    assert text(run(shared(), "print('goes on')")) == "goes on\n"


def test_a_forged_reply_ends_nothing_but_its_own_cell():
    """Who says that a cell is done while it runs loses that cell's time in the next one, and no more."""
    code = (
        FORGE
        + """
import time
identity = kernel._parent_ident["shell"] if isinstance(getattr(kernel, "_parent_ident", None), dict) else None
reply = {"status": "ok", "execution_count": 10**400, "payload": [{"source": ["ask_exit"]}, 3], "user_expressions": {}}
kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=kernel.get_parent())
"""
    )
    with StudentKernel(limits=SMALL) as kernel:
        assert run(kernel, code).status in ("ok", "error")
        assert text(run(kernel, "print('goes on')")) == "goes on\n"


def test_a_patched_shell_is_ones_own_loss():
    with StudentKernel(limits=SMALL) as kernel:
        code = """
        shell = get_ipython()
        type(shell).run_cell = lambda self, *a, **k: None
        type(shell).run_cell_async = None
        shell.kernel.do_execute = None
        """
        run(kernel, code)
        ran = run(kernel, "print('not seen')", seconds=2.0)
        assert ran.status in ("error", "timed_out", "died", "ok")
        assert "not seen" not in text(ran)
        with pytest.raises((Gone, TimedOut)), kernel.serving(seconds=2.0):
            pass


# -------------------------------------------------------------------------------------------------------------------- serving


ECHO = """
import socket, struct

def serve(address, names):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        while data := connection.recv(100):
            connection.sendall(repr(names[data.decode()]()).encode())
"""


@pytest.fixture
def echo(monkeypatch, tmp_path):
    """Serves with a tiny server, so that these tests stand on the kernel alone."""
    (tmp_path / "serving.py").write_text(ECHO)
    monkeypatch.setattr(student_process.serving, "FILES", ("serving.py",))
    monkeypatch.setattr(student_process, "_CONVERSATION", tmp_path)


def asked(connection: socket.socket, name: str, seconds: float = 10.0) -> str:
    connection.settimeout(seconds)
    connection.sendall(name.encode())
    return connection.recv(1000).decode()


@pytest.mark.usefixtures("echo")
def test_the_judge_is_answered_and_the_kernel_goes_on():
    with StudentKernel(limits=SMALL) as kernel:
        run(kernel, "def f(): return x + 1\nx = 1\nimport time\ndef sleeps(): time.sleep(1000)\ndef ends(): import os; os._exit(1)")
        for x in (1, 2):
            with kernel.serving(seconds=20.0) as connection:
                assert asked(connection, "f") == str(x + 1)
            assert text(run(kernel, "x += 1; print(sorted(n for n in globals() if 'serv' in n))")) == "[]\n"
        with pytest.raises(TimeoutError), kernel.serving(seconds=20.0) as connection:
            asked(connection, "sleeps", 0.5)
        assert kernel.alive
        assert text(run(kernel, "print(f())")) == "4\n"
        with kernel.serving(seconds=20.0) as connection:
            assert asked(connection, "ends") == ""
        assert not kernel.alive
        kernel.restart()
        run(kernel, "def f(): return 'again'\nimport sys; sys.modules['serving'] = None")
        with pytest.raises(Gone, match=r"^it does not answer the judge$"), kernel.serving(seconds=20.0):
            pass
        assert kernel.alive


def test_where_no_group_holds_processor_time_it_keeps_to_one_core_for_good(monkeypatch):
    from course_lib.grading.sandbox import control_groups

    monkeypatch.setattr(control_groups, "way", control_groups.Watchdog)
    with StudentKernel(limits=SMALL) as kernel:
        cores = "import os\nfirst = os.sched_getaffinity(0)\n"
        tried = "try:\n    os.sched_setaffinity(0, range(os.cpu_count()))\nexcept PermissionError:\n    pass\n"
        assert text(run(kernel, cores + tried + "print(len(first), os.sched_getaffinity(0) == first)")) == "1 True\n"


@pytest.mark.usefixtures("echo")
def test_a_server_that_will_not_stop_is_ended():
    with StudentKernel(limits=SMALL) as kernel:
        run(kernel, "def f():\n  while True:\n    try:\n      for _ in iter(int, 1): x = 1\n    except BaseException: pass")
        with kernel.serving(seconds=20.0) as connection:
            connection.sendall(b"f")
        assert not kernel.alive


def test_what_the_student_wrote_is_called_through_the_judges_link():
    from course_lib.grading.judging.proxies import Link

    with StudentKernel(limits=SMALL) as kernel:
        run(kernel, "import numpy as np\ndef double(x): return 2 * x\ndef raises(): raise KeyError('gone')")
        with kernel.serving(seconds=60.0) as connection:
            link = Link(connection, 60.0)
            names = link.names("double", "raises")
            assert names["double"](21) == 42
            with pytest.raises(KeyError, match="gone"):
                names["raises"]()
            link.done()
        assert text(run(kernel, "print('goes on')")) == "goes on\n"


# ------------------------------------------------------------------------------------------------------------- what it is given


def test_hidden_modules_cannot_be_had(tmp_path):
    from course_lib.classical import gmm

    compiled = list(Path(gmm.__file__).parent.glob("__pycache__/gmm.*.pyc"))
    code = f"""
    import sys
    try: import course_lib.classical.gmm; print("imported")
    except ImportError as error: print(type(error).__name__)
    del sys.modules["course_lib.classical.gmm"]
    try: from course_lib.classical.gmm import GaussianMixture; print("imported")
    except ImportError as error: print(type(error).__name__)
    print([len(open(place, "rb").read()) for place in {[gmm.__file__, *map(str, compiled)]!r}])
    import course_lib.classical.gaussian
    """
    with StudentKernel(limits=SMALL, hidden_modules=["course_lib.classical.gmm", "no.such.module"]) as kernel:
        ran = run(kernel, code)
    assert ran.status == "ok"
    assert text(ran).splitlines() == ["ModuleNotFoundError", "ImportError", str([0] * (1 + len(compiled)))]


def test_further_folders_can_be_read_and_not_written(tmp_path):
    (tmp_path / "more.txt").write_text("more")
    tmp_path.chmod(0o755)
    with StudentKernel(limits=SMALL, read_only=[tmp_path]) as kernel:
        assert text(run(kernel, f"print(open({str(tmp_path / 'more.txt')!r}).read())")) == "more\n"
        assert run(kernel, f"open({str(tmp_path / 'more.txt')!r}, 'w')").status == "error"


def test_a_kernel_that_cannot_start_is_no_students_fault(tmp_path, monkeypatch):
    with pytest.raises(KernelFailed, match="outside the working folder"):
        StudentKernel(limits=SMALL, files={"../out.txt": b""})
    with pytest.raises(KernelFailed, match=r"not ready within|nobody answers|greet|could not be made"):
        StudentKernel(limits=Limits(start_seconds=0.01))
    (tmp_path / "kernel_launch.py").write_text("raise SystemExit('no such luck')")
    (tmp_path / "system_calls.py").touch()
    monkeypatch.setattr(student_process.serving, "FILES", ())
    monkeypatch.setattr(student_process, "_HERE", tmp_path)
    with pytest.raises(KernelFailed, match="no such luck"):
        StudentKernel(limits=SMALL)
    (tmp_path / ("x" * 100)).mkdir()
    with pytest.raises(KernelFailed, match="shorter name"):
        StudentKernel(tmp_path / ("x" * 100), SMALL)
    monkeypatch.setattr(sandbox, "available", lambda: "bubblewrap is missing: install it")
    with pytest.raises(KernelFailed, match="install it"):
        StudentKernel(limits=SMALL)


# ------------------------------------------------------------------------------------------------------------- other ways to run


def test_without_a_sandbox_it_is_the_same_to_use(tmp_path):
    with StudentKernel(limits=SMALL, sandboxed=False, files={"a.txt": b"given"}) as kernel:
        assert text(run(kernel, "print(open('a.txt').read())")) == "given\n"
        assert run(kernel, "while True: pass", seconds=0.5).status == "timed_out"
        assert kernel.alive
        assert (
            run(kernel, "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True); import os; os._exit(4)").status
            == "died"
        )
        kernel.restart()
        assert run(kernel, "import os; os.listdir()").status == "ok"


def test_an_ordinary_user_has_the_same_sandbox(root):
    """Run by root, as a user without any right: bubblewrap then stands on a user namespace instead of root's privileges."""
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    base = Path(sys.base_prefix).resolve()
    # What leads to the interpreter may be closed to others: there, a folder that is not.
    top = Path(*base.parts[:2])
    opened = ["--perms", "0755", "--tmpfs", str(top), *sandbox._bound([str(base)])] if top.name not in ("usr", "opt") else []
    tests = "plain or instructors or root_does or daemons or of_processes or of_files or judge_is"
    code = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", tests]
    drop = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "--"]
    around = ["bwrap", "--dev-bind", "/", "/", *opened, "--cap-add", "ALL", *drop]
    environment = {**os.environ, "HOME": "/nonexistent", "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    tried = subprocess.run([*around, *code], cwd=root, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert tried.returncode == 0, tried.stdout[-5000:] + tried.stderr[-2000:]
    assert "passed" in tried.stdout
    assert "skipped" not in tried.stdout.splitlines()[-1]
