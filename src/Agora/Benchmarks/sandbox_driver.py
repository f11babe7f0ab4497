"""Runs untrusted Python programs, each in namespaces of its own, and says whether its tests ran to the end.

Started once and kept warm: it enters namespaces, builds a read-only root, then forks one isolated process per program.

    driver (host)  ->  server (first process of the namespaces, keeps modules imported, watches clock, memory and output)
                           ->  init (process 1 of the programs' PID namespace; ends all that a program left behind)
                           ->  the program, one at a time, in mount and IPC namespaces of its own, without privileges

A request or reply is four bytes of length (big-endian) and that much JSON, on standard input and output.
When the verdict is known, init kills every process of its namespace, and the next program starts when none is left.
"""
import ast
import builtins
import ctypes
import errno
import fcntl
import gc
import json
import os
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time

# Imported here so that no program pays for them.
import bisect, collections, copy, datetime, decimal, fractions, functools, hashlib, heapq, itertools  # noqa: E401,F401
import math, operator, random, re, statistics, string, textwrap, traceback, typing  # noqa: E401,F401

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 28, 36, 38
SYS_PIDFD_OPEN, SYS_MOUNT_SETATTR = 434, 442     # the same on every architecture, as are all calls above 424
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

HIGHEST_DESCRIPTOR = 4096   # the server opens a handful
GUEST = 1000                # the program's user inside, where the map has room for one
NOBODY = 65534              # that user outside
BASE = "/tmp"               # covered by a file system in memory, in the server's own mount namespace
ROOT = BASE + "/root"

# Calls no solution needs: other namespaces and mounts, other processes' memory, kernel interfaces with a long record of
# holes, and memory that neither an address-space limit nor the scratch folder's size would count.
DENIED = {
    "x86_64": (0xC000003E, 56, [29, 30, 64, 68, 101, 103, 155, 161, 165, 166, 175, 176, 240, 248, 249, 250, 272, 298, 304,
                                308, 310, 311, 312, 313, 319, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447]),
    "aarch64": (0xC00000B7, 220, [39, 40, 41, 51, 97, 105, 106, 116, 117, 180, 186, 190, 194, 196, 217, 218, 219, 241, 265,
                                  268, 270, 271, 272, 273, 279, 280, 282, 425, 426, 427, 428, 429, 430, 431, 432, 433, 442, 447]),
}
SYS_CLONE3 = 435
NEW_NAMESPACES = 0x7E020080


def check(result, what):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, what + ": " + os.strerror(code))


def call(number, *arguments):
    return LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])


def mount(source, target, kind, flags, data=""):
    check(LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()), "mount " + target)


def restrict_mount(path, attributes):
    """Sets attributes on a mount and on all below it, which mount(2) cannot."""
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    check(call(SYS_MOUNT_SETATTR, AT_FDCWD, ctypes.c_char_p(path.encode()), AT_RECURSIVE, ctypes.byref(wanted), 32), "mount_setattr " + path)


def write_file(path, text):
    with open(path, "w") as file:
        file.write(text)


# ---- once: namespaces and the root folder ---------------------------------------------------------------------------


def enter_user_namespace():
    """Returns the user that programs run as inside: GUEST where we may map two users, else 0, stripped of all capabilities."""
    uid, gid = os.getuid(), os.getgid()
    kinds = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
    if uid != 0:
        check(LIBC.unshare(kinds), "unshare")
        write_file("/proc/self/setgroups", "deny")
        write_file("/proc/self/uid_map", "0 %d 1" % uid)
        write_file("/proc/self/gid_map", "0 %d 1" % gid)
        return 0
    # The superuser's processes are exempt from the limit on processes, so programs must run as somebody else; only a
    # process outside the new namespace may map somebody else.
    entered, proceed = os.pipe()
    mapper = os.fork()
    if mapper == 0:
        try:
            os.read(entered, 1)
            for name in ("uid_map", "gid_map"):
                write_file("/proc/%d/%s" % (os.getppid(), name), "0 0 1\n%d %d 1" % (GUEST, NOBODY))
            os._exit(0)
        except OSError:
            os._exit(1)
    check(LIBC.unshare(kinds), "unshare")
    os.write(proceed, b"x")
    if os.waitpid(mapper, 0)[1] != 0:
        raise OSError(errno.EPERM, "the user map was refused")
    os.close(entered)
    os.close(proceed)
    return GUEST


def build_root():
    """A root that holds the system, read-only, and no one's files: not the checkout, no home, no /proc, no sockets."""
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    own_proc = True
    try:
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV)
    except OSError:
        own_proc = False    # in containers that hide parts of /proc; memory is then bounded by the limits per process alone
    executable = os.path.realpath(sys.executable)
    prefixes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(executable))}
    system = [p for p in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32") if os.path.lexists(p)]
    files = [p for p in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives") if os.path.exists(p)]
    sources = {p: os.open(p, os.O_PATH) for p in list(prefixes) + [p for p in system if not os.path.islink(p)] + files}
    devices = {p: os.open(p, os.O_PATH) for p in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")}
    mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,mode=0755")    # may hide where the interpreter lies: hence the handles
    os.mkdir(ROOT)
    mount("tmpfs", ROOT, "tmpfs", MS_NOSUID, "size=1m,mode=0755")
    for path in system:
        if os.path.islink(path):
            os.symlink(os.readlink(path), ROOT + path)
    covered = [os.path.realpath(p) for p in system]
    for path, handle in sources.items():
        if path not in system and any(path == c or path.startswith(c + "/") for c in covered):
            continue
        bind(handle, ROOT + path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
    for path, handle in devices.items():
        bind(handle, ROOT + path, MOUNT_ATTR_NOSUID)
    os.makedirs(ROOT + "/tmp", exist_ok=True)
    restrict_mount(ROOT, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID)
    return own_proc


def bind(handle, target, attributes):
    source = "/proc/self/fd/%d" % handle
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    mount(source, target, "", MS_BIND | MS_REC)
    restrict_mount(target, attributes)
    os.close(handle)


def rule_out_privileges():
    """For all processes to come: no way to gain a capability by starting a program or by changing the user. The server keeps its own."""
    for capability in range(64):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    LIBC.prctl(PR_SET_SECUREBITS, 0x2F, 0, 0, 0)     # no rights by being user 0, none kept over a change of user; locked


def call_filter():
    """The seccomp filter of every program; None where the architecture is unknown, as the namespaces hold by themselves."""
    if os.uname().machine not in DENIED:
        return None
    architecture, clone, denied = DENIED[os.uname().machine]
    refuse, missing, kill, allow = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS, 0x80000000, 0x7FFF0000
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, architecture), (0x06, 0, 0, kill), (0x20, 0, 0, 0)]
    code += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, refuse)]
    for number in denied:
        code += [(0x15, 0, 1, number), (0x06, 0, 0, refuse)]
    code += [(0x15, 0, 1, SYS_CLONE3), (0x06, 0, 0, missing)]     # its flags lie in memory; the C library then uses clone
    code += [(0x15, 0, 3, clone), (0x20, 0, 0, 16), (0x45, 0, 1, NEW_NAMESPACES), (0x06, 0, 0, refuse), (0x06, 0, 0, allow)]
    lines = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    return lines, struct.pack("@HP", len(code), ctypes.addressof(lines))


# ---- once per program: its process --------------------------------------------------------------------------------------


def drop_privileges(guest):
    if guest != 0:
        os.setgroups([])
        os.setresgid(guest, guest, guest)
        os.setresuid(guest, guest, guest)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    check(LIBC.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def forbid_calls(filter_):
    check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    if filter_ is not None:
        check(LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filter_[1]), 0, 0), "seccomp")


def limit_resources(limits, isolated):
    cpu = int(limits["seconds"]) + 2
    # Outside a user namespace of our own, the limit on processes would count all that the user runs.
    processes = ((resource.RLIMIT_NPROC, limits["processes"]),) if isolated else ()
    for kind, value in ((resource.RLIMIT_AS, limits["memory"]), (resource.RLIMIT_CPU, cpu), (resource.RLIMIT_FSIZE, limits["disk"]),
                        (resource.RLIMIT_NOFILE, 256), (resource.RLIMIT_CORE, 0),
                        (resource.RLIMIT_MEMLOCK, 0), (resource.RLIMIT_MSGQUEUE, 0), (resource.RLIMIT_STACK, 64 << 20)) + processes:
        hard = resource.getrlimit(kind)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))


def enter_scratch(server, request):
    """Gives the program an empty folder in memory and a root without anything else to write to."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if server.isolated:
        check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWIPC), "unshare for a program")    # here: the server keeps its view of the system
        scratch = ROOT + "/tmp"
        mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV,
              "size=%d,nr_inodes=4096,mode=0700,uid=%d,gid=%d" % (request["limits"]["disk"], server.guest, server.guest))
    else:
        scratch = server.folder
    for name, text in request["files"].items():
        with open(os.path.join(scratch, os.path.basename(name)), "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(file.name, server.guest, server.guest)
    if not server.isolated:
        os.chdir(scratch)
        return
    os.chdir(ROOT)
    check(call(SYS_PIVOT_ROOT[os.uname().machine], ctypes.c_char_p(b"."), ctypes.c_char_p(b".")), "pivot_root")
    check(LIBC.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/tmp")


def become_program(server, request, output, verdict):
    """Leaves this process with descriptors 0 to 2, the verdict's, and nothing else that the program must not have."""
    os.setsid()
    verdict = fcntl.fcntl(verdict, fcntl.F_DUPFD, 3)
    nothing = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    limit_resources(request["limits"], server.isolated)
    if server.isolated:
        drop_privileges(server.guest)
    forbid_calls(server.filter)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1, errors="replace"), open(2, "w", buffering=1, errors="replace")
    # Line tracing could jump over asserts, and the other one shows frames that frames do not lead to.
    del sys.settrace, sys.setprofile, sys._current_frames
    sys.argv = ["program.py"]
    os.closerange(3, verdict)
    os.closerange(verdict + 1, HIGHEST_DESCRIPTOR)
    return verdict


def start_program(server, request, nonce, pipes):
    """Forks the program. Returns twice: its id in the server, and in the program the task to run."""
    output, verdict, complaint = pipes
    program = os.fork()
    if program != 0:
        return program, None
    try:
        enter_scratch(server, request)
        channel = become_program(server, request, output[1], verdict[1])
        return 0, [nonce, channel, request.pop("tests"), request.pop("code")]
    except BaseException as fault:                      # never into the caller: this is another process
        os.write(complaint[1], str(fault).encode(errors="replace"))
        os._exit(1)


# ---- the server: outside the program's namespaces, decides what happened ------------------------------------------


class Observed:
    """What came out of a program; the text is capped, the pipe is drained."""

    def __init__(self, limit):
        self.head, self.tail, self.total, self.limit = b"", b"", 0, limit

    def take(self, chunk):
        self.total += len(chunk)
        room = self.limit - len(self.head)
        self.head += chunk[:max(room, 0)]
        self.tail = (self.tail + chunk)[-2048:]

    def text(self):
        return self.head.decode("utf-8", "replace") if self.total <= self.limit else \
            self.head.decode("utf-8", "replace") + "\n[... %d bytes in all ...]\n" % self.total + self.tail.decode("utf-8", "replace")


def usage(trusted):
    """Processes in the namespaces but for the trusted ones, and the memory that they share with no file, in bytes."""
    count, total = 0, 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in trusted:
            try:
                with open("/proc/%s/statm" % name) as file:
                    fields = file.read().split()
                count, total = count + 1, total + (int(fields[1]) - int(fields[2])) * resource.getpagesize()
            except (OSError, IndexError):
                pass                                    # ended meanwhile
    return count, total


def watch(server, limits, nonce, output, verdict, complaint, ended, seen):
    """Returns the outcome and its detail, which is None where the program's end has to tell.

    The outcome is "passed" only if exactly the nonce came through the verdict's descriptor.
    """
    said, start = b"", time.monotonic()
    deadline, next_look = start + limits["seconds"], start + 0.05
    waiting = {output, verdict, complaint, ended}
    outcome = None
    while outcome is None:
        now = time.monotonic()
        if now >= deadline:
            return "timed_out", "no verdict within %g s" % limits["seconds"]
        ready = select.select(waiting, [], [], max(0.0, min(deadline, next_look) - now))[0]
        if output in ready:
            chunk = os.read(output, 65536)
            seen.take(chunk)
            if not chunk:
                waiting.discard(output)
            if seen.total > limits["flood"]:
                outcome = ("failed", "wrote more than %d bytes" % limits["flood"])
        if verdict in ready:
            chunk = os.read(verdict, 4096)
            said += chunk
            if not chunk:
                waiting.discard(verdict)
            if said.startswith(nonce):                  # more than once, where a program forked and both halves passed
                outcome = ("passed", "")
            elif not nonce.startswith(said):
                outcome = ("failed", "forged a verdict")
        elif complaint in ready:
            words = os.read(complaint, 4096)            # closed before the program's own code runs
            waiting.discard(complaint)
            if words:
                outcome = ("broken", words.decode(errors="replace"))
        elif ended in ready:
            outcome = ("failed", None)
        if server.own_proc and outcome is None and time.monotonic() >= next_look:
            next_look = time.monotonic() + 0.05
            processes, memory = usage((server.pid, server.init))
            if memory > limits["memory"]:
                outcome = ("failed", "used more than %d MiB of memory" % (limits["memory"] >> 20))
            elif processes > limits["processes"]:       # the limit itself does not bind everywhere
                outcome = ("failed", "ran more than %d processes" % limits["processes"])
    return outcome


def failure(code, seen):
    lines = [line for line in seen.tail.decode("utf-8", "replace").split("\n") if line.strip()]
    if code == 1 and lines:
        return lines[-1][:500]
    if code > 128:
        return "killed by %s" % signal.Signals(code - 128).name if code - 128 in set(signal.Signals) else "killed by signal %d" % (code - 128)
    return "ended with exit code %d before its tests did" % code


def end_descendants():
    """Without namespaces: what outlived init was handed to us, its subreaper, and dies generation by generation."""
    while True:
        with open("/proc/self/task/%d/children" % os.getpid()) as file:
            children = [int(child) for child in file.read().split()]
        if not children:
            return
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def end_program(server, program):
    """Kills all that the program started; returns the program's own status."""
    if server.isolated:
        os.write(server.orders, b"x")
    else:
        os.kill(program, signal.SIGKILL)
    status = os.waitpid(program, 0)[1]
    if not server.isolated:
        end_descendants()
    elif not os.read(server.reports, 1):
        os._exit(1)                                     # without init there is no namespace for a next program
    return status


def serve_as_init(orders, reports):
    """The life of process 1 of the programs' namespace: upon an order, ends all other processes in it."""
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)       # which the kernel does not deliver to process 1
    last_pid = None
    try:
        last_pid = os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY)
    except OSError:
        pass                                            # then programs see their number grow, and nothing else
    while os.read(orders, 1):
        try:
            while True:
                os.kill(-1, signal.SIGKILL)             # everyone but the caller; fails when no one is left
                while reaped():
                    pass
                time.sleep(0.0001)                      # some die later, the program itself when the server takes its status
        except ProcessLookupError:
            pass
        if last_pid is not None:
            try:
                os.pwrite(last_pid, b"1", 0)
            except OSError:
                last_pid = None
        os.write(reports, b"x")
    os._exit(0)


def reaped():
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def start_init(server):
    """Makes the namespace that this process's children are born in from now on, and its process 1."""
    check(LIBC.unshare(CLONE_NEWPID), "unshare for programs")
    orders, reports = os.pipe(), os.pipe()
    server.init = os.fork()
    if server.init == 0:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        for descriptor in (0, 1, 2, orders[1], reports[0]):
            os.close(descriptor)
        try:
            serve_as_init(orders[0], reports[1])
        finally:
            os._exit(1)
    os.close(orders[0])
    os.close(reports[1])
    server.orders, server.reports = orders[1], reports[0]


def answer(server, request):
    """Runs one program. Returns (reply, None), and in the program's own process (None, the task to run)."""
    nonce = os.urandom(16)
    pipes = os.pipe(), os.pipe(), os.pipe()
    try:
        program, task = start_program(server, request, nonce, pipes)
    except OSError as fault:
        for end in itertools.chain(*pipes):
            os.close(end)
        return broken(str(fault)), None
    if task is not None:
        return None, task
    reads = []
    for read, write in pipes:
        os.close(write)
        reads.append(read)
    try:
        return attend(server, request["limits"], nonce, program, *reads), None
    except OSError as fault:
        return broken(str(fault)), None
    finally:
        for read in reads:
            os.close(read)


def attend(server, limits, nonce, program, output, verdict, complaint):
    """Watches a program to its end and says what came of it."""
    seen, start = Observed(limits["output"]), time.monotonic()
    ended = -1
    try:
        ended = call(SYS_PIDFD_OPEN, program, 0)
        if ended < 0:
            raise OSError(ctypes.get_errno(), "pidfd_open")
        outcome, detail = watch(server, limits, nonce, output, verdict, complaint, ended, seen)
        seconds = time.monotonic() - start
    finally:
        status = end_program(server, program)
        if ended >= 0:
            os.close(ended)
    drain(output, seen, limits["flood"])
    if detail is None:
        detail = failure(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), seen)
    return {"outcome": outcome, "detail": detail, "output": seen.text(), "seconds": seconds}


def drain(output, seen, flood):
    """Takes what a program that has ended left in the pipe."""
    while seen.total <= flood and select.select([output], [], [], 0)[0]:
        chunk = os.read(output, 65536)
        if not chunk:
            return
        seen.take(chunk)


def broken(complaint):
    return {"outcome": "broken", "detail": complaint, "output": "", "seconds": 0}


# ---- the server: requests and replies --------------------------------------------------------------------------------------


class Server:
    def __init__(self, isolated, guest, own_proc):
        self.isolated, self.guest, self.own_proc, self.folder, self.pid = isolated, guest, own_proc, None, os.getpid()
        self.init, self.orders, self.reports = None, None, None
        self.filter = call_filter()


def read_exactly(descriptor, count):
    data = b""
    while len(data) < count:
        chunk = os.read(descriptor, min(count - len(data), 1 << 20))
        if not chunk:
            os._exit(0)                                 # the other side is gone: so are we, and with us every program
        data += chunk
    return data


def send(descriptor, message):
    data = json.dumps(message).encode()
    data = struct.pack(">I", len(data)) + data
    while data:
        data = data[os.write(descriptor, data):]


def serve(server):
    """Answers requests for ever; returns only in a program's process, with its task."""
    send(1, {"ready": True, "python": "%d.%d.%d" % sys.version_info[:3], "guest": server.guest, "watches_memory": server.own_proc,
             "filters_calls": os.uname().machine in DENIED})
    while True:
        request = json.loads(read_exactly(0, struct.unpack(">I", read_exactly(0, 4))[0]))
        if not server.isolated:
            server.folder = tempfile.mkdtemp()
        reply, task = answer(server, request)
        if task is not None:
            return task
        if not server.isolated:
            shutil.rmtree(server.folder, ignore_errors=True)
        send(1, reply)


# ---- the program's process ------------------------------------------------------------------------------------------------


class DistrustEquality(ast.NodeTransformer):
    """Rewrites ``a == b`` in tests so that an object which equals everything equals nothing."""

    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            return node
        call_ = ast.Call(ast.Name("__agora_equal__", ast.Load()), [node.left, node.comparators[0]], [])
        return ast.copy_location(call_, node)


STRANGER = object()


def equal(left, right):
    result = left == right
    for value in (left, right):
        if result is True and equals_anything(value):
            raise AssertionError("a value equals everything: " + type(value).__name__)
    return result


def equals_anything(value):
    try:
        return (value == STRANGER) is True
    except Exception:       # its comparison wants its own kind, which is no fault
        return False


def compile_tests(source):
    return compile(ast.fix_missing_locations(DistrustEquality().visit(ast.parse(source, "tests.py"))), "tests.py", "exec")


def trusted(namespace, names):
    """Gives the tests the built-in functions as they were, whatever the program did to them."""
    namespace["__builtins__"] = names
    namespace["__agora_equal__"] = equal


def run(task, names):
    """Runs a program and its tests; writes the nonce if and only if both came to their end.

    Nonce, descriptor and function are taken out of their list before the program starts and live on this frame's value
    stack alone: no frame, global or garbage-collected object that the program can reach leads to them.
    """
    module = sys.modules["__main__"] = type(sys)("__main__")     # not this driver's
    namespace = module.__dict__
    os.write(task.pop(1), first(task.pop(0), exec(compile(task.pop().lstrip("\ufeff"), "program.py", "exec"), namespace), trusted(namespace, names), exec(compile_tests(task.pop()), namespace)))


def first(value, *_):
    return value


def main():
    mode = sys.argv[1]
    server = Server(False, os.getuid(), False)
    if mode == "none":
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    else:
        guest = enter_user_namespace() if mode == "namespaces" else 0
        if mode == "bubblewrap":
            check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC), "unshare")
        first = os.fork()
        if first != 0:
            os.close(0)
            os._exit(os.waitpid(first, 0)[1] and 1)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        server = Server(True, guest, build_root())
        rule_out_privileges()
        start_init(server)
        try:
            write_file("/proc/sys/user/max_user_namespaces", "0")
        except OSError:
            pass                                        # the filter forbids the call anyway
    gc.freeze()
    gc.disable()
    task = serve(server)
    gc.enable()
    names = dict(builtins.__dict__)
    try:
        run(task, names)
    except SystemExit as fault:
        os._exit(fault.code & 0x7F if isinstance(fault.code, int) else 1 if fault.code else 0)
    except BaseException as fault:
        try:
            traceback.print_exception(type(fault), fault, fault.__traceback__.tb_next.tb_next)     # without this driver's frames
            sys.stderr.flush()
        finally:
            os._exit(1)
    os._exit(0)


main()
