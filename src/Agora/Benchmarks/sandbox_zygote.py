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
        fall_silent()
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
        become_harmless(server.isolated, server.guest, server.filter)
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
            if not server.isolated:
                line.send(struct.pack("=i", program))
            for descriptor in descriptors:
                os.close(descriptor)
            line.send(struct.pack("=i", os.waitpid(program, 0)[1]))

    def start(self, folder, descriptors):
        """Returns the program's process where its end is ours to bring about, which in namespaces is init's."""
        self.line.sendmsg([(folder or "-").encode()], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=3i", *descriptors))])
        return self.answer() if folder else None

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
