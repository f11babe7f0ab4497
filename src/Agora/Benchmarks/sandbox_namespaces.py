"""Runs untrusted Python programs, each in an isolated process, and says whether its tests ran to the end.

Nine files are read as one, in this order: sandbox_group.py, on a worker's core and its programs' memory; this one, on what a program may not reach; sandbox_line.py, on what a program and its tests say to each
other from two processes; sandbox_tests.py, on tests that know the answers; sandbox_program.py, on a program's process; sandbox_zygote.py, on the process that forks it; sandbox_tester.py, on that of tests;
sandbox_watch.py, on what is seen of a program; sandbox_server.py. sandbox_boot.py starts them.

    driver (host)  ->  server (first process of the namespaces; watches clock, memory and output, and never runs a program's code)
                           ->  zygote (warm and already without rights; does nothing but fork)
                                   ->  init (process 1 of the programs' PID namespace; ends all that a program left behind, in memory and in the scratch folder)
                                   ->  the program, one at a time
                           ->  tester (runs tests that know the answers, and no program's code; asks the program for its answers over a line)

A fork costs most by what is written to afterwards, in either process: so who forks does little, and a program finds done all that can be done once.
"""
import builtins
import ctypes
import errno
import gc
import json
import marshal
import resource
import select
import signal
import site
import struct
import time
import warnings

import _ast as ast      # ast itself, like socket, takes long to import
import _socket

# Imported here so that no program pays for them; of random only what it needs, as it seeds itself anew in every process that is forked.
import _random, bisect, collections, collections.abc, copy, functools, heapq, itertools, math, operator, re, string, textwrap, traceback, typing  # noqa: E401,F401

# What the interpreter's own start would have done, but for the code in others' .pth files, which no program needs and every fork would pay for.
sys.path += [path for path in site.getsitepackages() if os.path.isdir(path) and path not in sys.path]
site.setquit()
site.setcopyright()
site.sethelper()

os.environ.pop("LD_BIND_NOW", None)      # it was for this interpreter's own start

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOATIME, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 1024, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_SECUREBITS, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 28, 36, 38
SYS_MOUNT_SETATTR = 442     # the same on every architecture, as are all calls above 424
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

GUEST = 1000                # the program's user inside, where the map has room for one
NOBODY = 65534              # that user outside
BASE = "/tmp"               # covered by a file system in memory, in the server's own mount namespace
ROOT = BASE + "/root"

# Calls no solution needs: other namespaces and mounts, other processes' memory, kernel interfaces with a long record of
# holes, and memory that neither an address-space limit nor the scratch folder's size would count.
DENIED = {
    "x86_64": (0xC000003E, 56, [29, 30, 64, 68, 101, 103, 155, 161, 165, 166, 175, 176, 240, 248, 249, 250, 272, 298, 304,
                                308, 310, 311, 312, 313, 319, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447]),
    "aarch64": (0xC00000B7, 220, [39, 40, 41, 51, 97, 105, 106, 116, 117, 180, 186, 190, 194, 196, 217, 218, 219, 241, 265,
                                  268, 270, 271, 272, 273, 279, 280, 282, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 447]),
}
SYS_CLONE3 = 435
NEW_NAMESPACES = 0x7E020080
NONCE = 16                  # bytes
LONGEST_TESTS = 1 << 16     # characters that the server compiles itself


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
            os.close(proceed)
            if not os.read(entered, 1):
                os._exit(1)                             # the other one is gone
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
    """The seccomp filter of every program; None where the architecture's numbers of system calls are not known here."""
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


def become_harmless(isolated, guest, filter_):
    """For ever: this process and its children may do no more than a program may, and end with their parent."""
    if isolated:
        drop_privileges(guest)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)     # after the rights are gone, as their loss resets it
    forbid_calls(filter_)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def fall_silent():
    silence = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    os.close(silence)


def handed_over(name, data):
    """A descriptor from which another process reads these bytes."""
    file, words = os.memfd_create(name), memoryview(data)
    try:
        while words:
            words = words[os.write(file, words):]
        os.lseek(file, 0, os.SEEK_SET)
    except BaseException:
        os.close(file)
        raise
    return file


def limit_resource(kind, value, ceilings=None):
    hard = resource.getrlimit(kind)[1] if ceilings is None else ceilings[kind]
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (wanted, wanted))


def limit_all_programs():
    """What no program may have more of; returns the highest limits that a single one can be given."""
    for kind, value in ((resource.RLIMIT_NOFILE, 256), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_MEMLOCK, 0), (resource.RLIMIT_MSGQUEUE, 0), (resource.RLIMIT_STACK, 64 << 20)):
        limit_resource(kind, value)
    return {kind: resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_NPROC)}


def limit_program(limits, isolated, ceilings):
    seconds, memory, disk, processes = limits
    limit_resource(resource.RLIMIT_AS, memory, ceilings)
    limit_resource(resource.RLIMIT_FSIZE, disk, ceilings)
    limit_resource(resource.RLIMIT_CPU, int(seconds) + 2, ceilings)
    if isolated:    # outside a user namespace of our own it would count all that the user runs; inside it may count the server, init and the zygote
        limit_resource(resource.RLIMIT_NPROC, processes + 3, ceilings)


def mount_scratch(size, guest):
    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME, "size=%d,nr_inodes=4096,mode=0700,uid=%d,gid=%d" % (size, guest, guest))


def enter_root():
    """Leaves this process's mount namespace with nothing but the root that was built."""
    os.chdir(ROOT)
    check(call(SYS_PIVOT_ROOT[os.uname().machine], ctypes.c_char_p(b"."), ctypes.c_char_p(b".")), "pivot_root")
    check(LIBC.umount2(b".", MNT_DETACH), "umount2")
    os.chdir("/")
