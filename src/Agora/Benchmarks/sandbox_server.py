ENDING = 0.05      # seconds for a program that has said its verdict to end by itself

# ---- the zygote, and process 1 of the programs ---------------------------------------------------------------------------


def serve_as_init(orders, reports, last_pid, guest, patience):
    """The life of process 1 of the programs' namespace: upon an order, ends all other processes in it and sees that the next finds an empty scratch folder of the size that it may have."""
    for number in range(1, signal.NSIG):
        if number not in (signal.SIGKILL, signal.SIGSTOP) and signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)       # which the kernel does not deliver to process 1
    untouched, size = None, 0
    while True:
        order = os.read(orders, 8)
        if len(order) != 8:
            os._exit(0)                                 # the server is gone
        wanted = struct.unpack("=q", order)[0]
        latest = time.monotonic() + patience
        try:
            while time.monotonic() < latest:
                os.kill(-1, signal.SIGKILL)             # everyone but the caller; fails when no one is left
                while reaped():
                    pass
                time.sleep(0.0001)                      # some die later, the program itself when the zygote takes its status
            os._exit(1)
        except ProcessLookupError:
            pass
        if size != wanted or scratch_state() != untouched:
            if untouched is not None:
                check(LIBC.umount2(b"/tmp", MNT_DETACH), "umount2")
            mount_scratch(wanted, guest)
            untouched, size = scratch_state(), wanted
        if last_pid is not None:
            try:
                os.pwrite(last_pid, b"1", 0)
            except OSError:
                last_pid = None                         # then programs see their number grow, and nothing else
        os.write(reports, b"x")


def scratch_state():
    """Changes when anything in the folder is made, removed or renamed, and when its mode, owner or attributes are set: the change time is the kernel's own."""
    seen = os.stat("/tmp")
    return os.listdir("/tmp"), os.listxattr("/tmp"), seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns, seen.st_ctime_ns


def reaped():
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def give_up(words):
    """Ends the namespaces with all their processes; whoever asked finds the words and starts another worker."""
    os.write(2, words.encode() + b"\n")
    os._exit(1)


def keep(*things):
    """For ever: to free them would write to as many pages in each program's process."""
    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


class Zygote:
    """The server's end of the process that forks programs. All that a program finds is made here once: root, limits, rights, streams."""

    def __init__(self, server):
        self.patience = server.patience
        self.limits = None
        self.line, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        (orders, self.orders), (self.reports, reports) = os.pipe(), os.pipe()
        self.process = os.fork()
        self.life = None
        if self.process == 0:
            try:
                for ours in (self.line.detach(), self.orders, self.reports):
                    os.close(ours)
                self.life = self.serve(server, theirs, orders, reports)
                return
            except BaseException as fault:              # never into the caller: this is another process
                theirs.send(b"!" + str(fault).encode(errors="replace")[:1000])
                os._exit(1)
        for end in (theirs.detach(), orders, reports):
            os.close(end)
        said = self.line.recv(1004) if self.speaks(self.line) else b""
        if not said or said[:1] == b"!":
            raise OSError(errno.EPERM, said[1:].decode(errors="replace") or "the zygote ended")
        self.init = struct.unpack("=i", said)[0]

    def serve(self, server, line, orders, reports):
        """Forks a program for each message. Returns only in a program's process, with what it was told."""
        silence = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(silence, number)
        os.close(silence)
        init, folder = 0, None
        server.group.enter()
        if server.isolated:
            check(LIBC.unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC), "unshare for programs")
            try:
                last_pid = os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY)
            except OSError:
                last_pid = None
            enter_root()
            folder = "/tmp"
            init = os.fork()
            if init == 0:
                try:
                    for descriptor in (0, 1, 2, line.detach()):
                        os.close(descriptor)
                    serve_as_init(orders, reports, last_pid, server.guest, self.patience)
                finally:
                    os._exit(1)
            if last_pid is not None:
                os.close(last_pid)
        os.close(orders)
        os.close(reports)
        ceilings = limit_all_programs()
        if server.isolated:
            drop_privileges(server.guest)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)     # after the rights are gone, as their loss resets it
        forbid_calls(server.filter)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1, errors="replace"), open(2, "w", buffering=1, errors="replace")
        # Line tracing could jump over asserts; the others show frames and objects that no name leads to.
        del sys.settrace, sys.setprofile, sys._current_frames, gc.get_objects, gc.get_referrers, gc.get_referents, gc.unfreeze
        sys.argv = ["program.py"]
        line.send(struct.pack("=i", init))
        channel, space = line.detach(), _socket.CMSG_SPACE(3 * 4)
        line = _socket.socket(fileno=channel)
        restored = {"__builtins__": dict(builtins.__dict__)}
        keep(server, self)
        gc.freeze()
        gc.disable()
        while True:
            message, passed, _, _ = line.recvmsg(256, space)
            if not message:
                os._exit(0)                             # the server is gone
            descriptors = struct.unpack("=3i", passed[0][2][:12])
            try:
                program = os.fork()
            except OSError:
                os._exit(1)
            if program == 0:
                line.detach()
                os.close(channel)
                return descriptors + (folder or message.decode(), server.isolated, ceilings, restored)
            line.send(struct.pack("=i", program))
            for descriptor in descriptors:
                os.close(descriptor)
            line.send(struct.pack("=i", os.waitpid(program, 0)[1]))

    def start(self, folder, descriptors):
        """Returns a program's process, as it is numbered here."""
        self.line.sendmsg([folder.encode()], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=3i", *descriptors))])
        return self.answer()

    def status(self):
        """How the program ended; comes when it has."""
        return self.answer()

    def answer(self):
        said = self.line.recv(4) if self.speaks(self.line) else b""
        if len(said) != 4:
            give_up("the process that forks programs ended or does not answer")
        return struct.unpack("=i", said)[0]

    def prepare(self, server, limits):
        """Sees to what is bounded outside a program's own process."""
        if self.limits is not None and all(limits[name] == value for name, value in self.limits.items()):
            return
        server.group.bound(limits["memory"], limits["processes"])
        self.limits = {name: limits[name] for name in ("memory", "disk", "processes")}
        if server.isolated:
            self.clean()
            self.cleaned()

    def clean(self):
        """Has init end all processes in the programs' namespace, and empty the scratch folder."""
        os.write(self.orders, struct.pack("=q", self.limits["disk"]))

    def cleaned(self):
        if not self.speaks(self.reports) or not os.read(self.reports, 1):
            give_up("the first process of the programs' namespace ended or does not answer")

    def speaks(self, end):
        return bool(select.select([end], [], [], self.patience)[0])


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


def watch(server, limits, broken, output, verdict, seen, may_end):
    """Returns the outcome and its detail, which is None where the program's end has to tell; a program that may end has left all its answers to its tests then."""
    start = time.monotonic()
    deadline, next_look = start + limits["seconds"], start + 0.05
    ended = server.zygote.line                          # which tells the program's status
    waiting = {output, verdict, ended}
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
            outcome = verdict.heard(broken) or outcome
            if outcome is None and not verdict.open:
                waiting.discard(verdict)
        elif ended in ready and may_end:
            waiting.discard(ended)
        elif ended in ready and outcome is None:
            outcome = ("failed", None)
        if server.own_proc and outcome is None and time.monotonic() >= next_look:
            next_look = time.monotonic() + 0.05
            processes, memory = usage(server.trusted)
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


def end_descendants(trusted):
    """Without namespaces: what outlived a program was handed to us, its subreaper, and dies generation by generation."""
    while True:
        with open("/proc/self/task/%d/children" % os.getpid()) as file:
            children = [int(child) for child in file.read().split() if int(child) not in trusted]
        if not children:
            return
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def end_program(server, program, ends):
    """Kills a program and all that it started; returns its own status. One that is about to end by itself is given a moment: init finds less to do then."""
    zygote = server.zygote
    if server.isolated:
        if ends:
            select.select([zygote.line], [], [], ENDING)
        zygote.clean()
    elif not select.select([zygote.line], [], [], 0)[0]:
        os.kill(program, signal.SIGKILL)
    status = zygote.status()
    if server.isolated:
        zygote.cleaned()
    else:
        end_descendants(server.trusted)
    return status


@functools.lru_cache(maxsize=256)
def prepared_tests(source, apart, tested):
    """Tests as marshalled code, where that costs the server little: here it is done once for many programs, and no page is copied for it; and the calls that they are known to make."""
    if len(source) <= LONGEST_TESTS:
        try:
            tests = compiled_tests(source, tested)
            return (marshal.dumps(tests), tests[2]) if apart else (marshal.dumps(tests[0]), None)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass        # the process that runs them says what is wrong
    return source, None


def answer(server, request):
    """Runs one program and says what came of it."""
    limits, apart = request["limits"], request["apart"]
    passed, broken = os.urandom(NONCE), os.urandom(NONCE)
    own = limits["seconds"], limits["memory"], limits["disk"], limits["processes"]
    tests, calls = prepared_tests(request["tests"], apart, request["tested"])
    words = memoryview(marshal.dumps((None if apart else passed, broken, own, request["code"], [calls] if apart else tests, request["files"])))
    (output, output_end), task = os.pipe(), os.memfd_create("task")
    if apart:
        tests_end, verdict_end = (end.detach() for end in _socket.socketpair())
        verdict = server.tester_ready()
    else:
        tests_end, verdict_end = os.pipe()
        verdict = Nonce(tests_end, passed)
    try:
        while words:
            words = words[os.write(task, words):]
        os.lseek(task, 0, os.SEEK_SET)
        program = server.zygote.start(server.folder or "-", (output_end, verdict_end, task))
        for end in (output_end, verdict_end, task):
            os.close(end)
        if apart:
            verdict.begin(tests, request["tested"], tests_end)
            os.close(tests_end)
            tests_end = None
        seen, start = Observed(limits["output"]), time.monotonic()
        outcome, detail = watch(server, limits, broken, output, verdict, seen, bool(calls) and calls[2])
        seconds = time.monotonic() - start
        status = end_program(server, program, outcome == "passed" or detail is None)
        drain(output, seen, limits["flood"])
    finally:
        os.close(output)
        if tests_end is not None:
            os.close(tests_end)
    if apart and not verdict.usable(broken):
        server.renew_tester()
        server.tester_ready()
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


# ---- the server: requests and replies --------------------------------------------------------------------------------------


class Server:
    def __init__(self, isolated, guest, own_proc, group, patience):
        self.group, self.patience = group, patience
        self.isolated, self.guest, self.own_proc, self.folder, self.zygote, self.tester, self.trusted = isolated, guest, own_proc, None, None, None, ()
        self.filter = call_filter()

    def begin(self):
        """Returns False in a program's process."""
        self.zygote = Zygote(self)
        if self.zygote.life is not None:
            return False
        self.renew_tester()
        return True

    def renew_tester(self):
        if self.tester is not None:
            self.tester.end()
        self.tester = Tester(self)
        self.trusted = (os.getpid(), self.zygote.process, self.zygote.init, self.tester.process)

    def tester_ready(self):
        self.trusted += (self.tester.started(self),) if self.tester.inner is None else ()
        return self.tester


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
    """Answers requests for ever; a request or reply is four bytes of length (big-endian) and that much JSON."""
    send(1, {"ready": True, "python": "%d.%d.%d" % sys.version_info[:3], "guest": server.guest, "watches_memory": server.own_proc,
             "filters_calls": server.filter is not None,
             "groups": sorted(server.group.limits)})
    while True:
        request = json.loads(read_exactly(0, struct.unpack(">I", read_exactly(0, 4))[0]))
        if not server.isolated:
            import tempfile
            server.folder = tempfile.mkdtemp()
        try:
            server.zygote.prepare(server, request["limits"])
            reply = answer(server, request)
        except OSError as fault:
            reply = {"outcome": "broken", "detail": str(fault), "output": "", "seconds": 0}
        if not server.isolated:
            import shutil
            shutil.rmtree(server.folder, ignore_errors=True)
        send(1, reply)


def main():
    mode, patience = sys.argv[1], float(sys.argv[2])
    group = GROUP
    server = Server(False, os.getuid(), False, group, patience)
    group.settle()
    if mode == "none":
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    else:
        if server.filter is None:
            # Programs of one worker share an IPC namespace: only the filter keeps one from leaving something there for the next.
            raise OSError(errno.ENOSYS, "system calls cannot be filtered on a processor of kind " + os.uname().machine)
        guest = enter_user_namespace() if mode == "namespaces" else 0
        if mode == "bubblewrap":
            check(LIBC.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC), "unshare")
        first = os.fork()
        if first != 0:
            os.close(0)
            status = os.waitpid(first, 0)[1]
            group.remove()
            os._exit(status and 1)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        server = Server(True, guest, build_root(), group, patience)
        rule_out_privileges()
        try:
            write_file("/proc/sys/user/max_user_namespaces", "0")
        except OSError:
            pass                                        # the filter forbids the call anyway
    if not server.begin():
        return server.zygote.life
    gc.freeze()
    gc.disable()
    serve(server)


steps = become_program(*main())
gc.enable()
