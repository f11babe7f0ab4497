"""Where a worker's programs run and how much they may take: its processor and its control group. Read first: the kernel takes some 15 ms for the first move into a group, in which the rest is read."""
import os
import sys


def keep_to_a_core(place, workers):
    """Where there is a worker for each core, each keeps to its own: its processes wait for each other some ten times a program, and would wake each other's cores for it.

    With fewer workers than cores the scheduler places them: another evaluation on this machine may use the same few.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == workers:
        os.sched_setaffinity(0, {cores[place]})


class ControlGroup:
    """Bounds memory and processes of a program with all its children, where this user may make such a group: in both versions of the kernel's interface.

    What is written to is opened here, outside the namespaces: inside, the files are out of sight, and whose right counts is the opener's.
    """

    LIMITS = {"memory": ("memory.max", "memory.limit_in_bytes"), "pids": ("pids.max", "pids.max")}

    def __init__(self, wanted):
        self.folders, self.entries, self.limits = [], [], {}
        for controller, names in self.LIMITS.items() if wanted else ():
            try:
                self.join(controller, names)
            except (OSError, LookupError):
                pass        # not allowed here; the limits per process and the server's watch remain
        self.trial = os.fork() if self.folders else None
        if self.trial == 0:
            try:
                for entry in self.entries:
                    os.write(entry, b"0")
                os._exit(0)
            except BaseException:
                os._exit(1)

    def settle(self):
        """Making a group is one right, moving a process there another: which a process of no other use has tried meanwhile."""
        if self.trial is not None and os.waitpid(self.trial, 0)[1] != 0:
            self.remove()
            for file in self.entries + list(self.limits.values()):
                os.close(file)
            self.folders, self.entries, self.limits = [], [], {}

    def join(self, controller, names):
        parent = own_group(controller)
        for stale in os.listdir(parent):        # of a worker that was killed before it could tidy up
            if stale.startswith("agora-") and not os.path.exists("/proc/" + stale[6:]):
                self.remove_folder(os.path.join(parent, stale))
        folder = os.path.join(parent, "agora-%d" % os.getpid())
        if folder not in self.folders:
            os.mkdir(folder)
            self.folders.append(folder)
        limit = next(name for name in names if os.path.exists(os.path.join(folder, name)))
        self.limits[controller] = os.open(os.path.join(folder, limit), os.O_WRONLY)
        self.entries.append(os.open(os.path.join(folder, "cgroup.procs"), os.O_WRONLY))

    def enter(self):
        """Takes this process and all its later children in, and leaves the limits to the server."""
        for entry in self.entries:
            os.write(entry, b"0")
            os.close(entry)
        for limit in self.limits.values():
            os.close(limit)

    def bound(self, memory, processes):
        """Sets what a program may use; what the group holds beside one is small."""
        for controller, value in (("memory", memory + (64 << 20)), ("pids", processes + 3)):
            if controller in self.limits:
                os.pwrite(self.limits[controller], b"%d" % value, 0)

    def remove(self):
        for folder in self.folders:
            self.remove_folder(folder)

    @staticmethod
    def remove_folder(folder):
        try:
            os.rmdir(folder)
        except OSError:
            pass        # a process in it is still dying, or another worker was faster; the next worker on this machine tries again


def own_group(controller):
    """The folder of the group that this process is in."""
    for line in open("/proc/self/cgroup"):
        number, controllers, path = line.rstrip("\n").split(":", 2)
        if number == "0" or controller in controllers.split(","):
            for mounted in open("/proc/self/mounts"):
                _, target, kind, options = mounted.split()[:4]
                if kind == "cgroup2" and number == "0" or kind == "cgroup" and controller in controllers.split(",") and controller in options.split(","):
                    folder = target + path
                    if kind == "cgroup" or controller in open(folder + "/cgroup.subtree_control").read().split():
                        return folder
    raise LookupError(controller)


keep_to_a_core(int(sys.argv[3]), int(sys.argv[4]))
GROUP = ControlGroup(sys.argv[1] == "namespaces")     # under bubblewrap process numbers are others, and without a sandbox no one would be there to remove it
