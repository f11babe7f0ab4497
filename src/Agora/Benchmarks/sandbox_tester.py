# ---- the tests' process, as the server sees it -------------------------------------------------------------------------------

TESTER_MEMORY = 4 << 30
SETTLING = 1.0      # seconds for tests whose program has ended to say so


class Tester:
    """A process that runs benchmarks' tests and no program's code. Whether a program passed is said by it alone; what programs send it is read as plain values.

    It has programs' rights or fewer, in namespaces of its own, and goes on from one program's tests to the next's unless they could leave something behind.
    """

    def __init__(self, server):
        self.busy, self.spent, self.inner = False, False, None
        self.line, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        self.process = os.fork()
        if self.process == 0:
            try:
                self.become(server, theirs.detach())
            finally:
                os._exit(1)
        theirs.close()

    def started(self, server):
        """Its process as the server numbers it, which is known when it is in its namespaces."""
        if self.inner is None:
            said = struct.pack("=i", self.process)
            if server.isolated:
                said = self.line.recv(4) if select.select([self.line], [], [], server.patience)[0] else b""
            if len(said) != 4:
                give_up("the tests' process did not start")
            self.inner = struct.unpack("=i", said)[0]
        return self.inner

    def become(self, server, channel):
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        fall_silent()
        os.closerange(3, channel)
        os.closerange(channel + 1, 256)
        if server.isolated:
            check(LIBC.unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC), "unshare for tests")
            enter_root()
            first = os.fork()
            if first != 0:      # the namespace's own end: with this process it dies
                os.write(channel, struct.pack("=i", first))
                os.close(channel)
                os.waitpid(first, 0)
                return
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        limit_all_programs()
        limit_resource(resource.RLIMIT_AS, TESTER_MEMORY)
        limit_resource(resource.RLIMIT_FSIZE, 0)
        become_harmless(server.isolated, server.guest, server.filter)
        gc.freeze()
        gc.enable()
        line, space = _socket.socket(fileno=channel), _socket.CMSG_SPACE(2 * 4)
        while True:
            message, passed, _, _ = line.recvmsg(4096, space)
            if not message:
                os._exit(0)
            descriptor, task = struct.unpack("=2i", passed[0][2][:8])
            source = os.read(task, os.fstat(task).st_size)
            os.close(task)
            outcome, detail, pure = run_tests(descriptor, source if message[:1] == b"c" else source.decode(), message[1:].decode())
            report(channel, outcome, detail, pure)
            os.close(descriptor)        # upon which the program ends: not before the server can hear why
            if not pure:
                os._exit(0)

    def begin(self, source, tested, descriptor):
        """Has it run tests, as text or compiled, against the program at the other end of a line."""
        task = handed_over("tests", source if type(source) is bytes else source.encode())
        try:
            self.busy = True
            self.line.sendmsg([(b"c" if type(source) is bytes else b"t") + tested.encode()[:1000]], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=2i", descriptor, task))])
        finally:
            os.close(task)

    def fileno(self):
        return self.line.fileno()

    def heard(self, broken):
        """The outcome and its detail, which is None where the program's end has to tell."""
        said = self.line.recv(4096)
        self.busy = False
        if not said:
            return "broken", "the tests' process ended"
        outcome, detail, pure = json.loads(said)
        self.spent = not pure
        if outcome == "unready":
            return ("broken", detail) if broken.hex() in detail else ("failed", "forged its start")
        return ("failed", None) if outcome == "ended" else (outcome, detail)

    def usable(self, broken):
        """After a program's end: whether the next one's tests may be given to it."""
        if self.busy and select.select([self.line], [], [], SETTLING)[0]:
            self.heard(broken)
        return not self.busy and not self.spent

    def end(self):
        self.line.close()
        try:
            os.kill(self.process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.process, 0)
        if self.inner not in (None, self.process):
            try:
                os.waitpid(self.inner, 0)       # whose parent the server is now, as the first process of its namespace
            except ChildProcessError:
                pass                            # it had ended by itself


def report(channel, outcome, detail, pure):
    os.write(channel, json.dumps([outcome, detail, pure]).encode())


class Nonce:
    """The verdict of a program whose tests run in its own process: passed if exactly that nonce came; the other one begins what went wrong before the program's own code ran."""

    def __init__(self, end, passed):
        self.end, self.passed, self.said, self.open = end, passed, b"", True

    def fileno(self):
        return self.end

    def heard(self, broken):
        chunk = os.read(self.end, 4096)
        self.said += chunk
        self.open = bool(chunk)
        if self.said.startswith(self.passed):       # more than once, where a program forked and both halves passed
            return "passed", ""
        if self.said.startswith(broken):
            return "broken", self.said[len(broken):].decode(errors="replace")
        if not self.passed.startswith(self.said) and not broken.startswith(self.said):
            return "failed", "forged a verdict"
        return None


