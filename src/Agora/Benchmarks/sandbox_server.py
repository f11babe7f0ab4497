# ---- the server: outside the program's namespaces, decides what happened ------------------------------------------

ENDING = 0.05      # seconds for a program that has said its verdict to end by itself


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
    task = handed_over("task", marshal.dumps((None if apart else passed, broken, own, request["code"], [calls] if apart else tests, request["files"])))
    output, output_end = os.pipe()
    if apart:
        tests_end, verdict_end = (end.detach() for end in _socket.socketpair())
        verdict = server.tester_ready()
    else:
        tests_end, verdict_end = os.pipe()
        verdict = Nonce(tests_end, passed)
    try:
        program = server.zygote.start(server.folder, (output_end, verdict_end, task))
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
