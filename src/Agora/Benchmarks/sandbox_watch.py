# ---- what the server sees of a program while it runs --------------------------------------------------------------------------


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


def drain(output, seen, flood):
    """Takes what a program that has ended left in the pipe."""
    while seen.total <= flood and select.select([output], [], [], 0)[0]:
        chunk = os.read(output, 65536)
        if not chunk:
            return
        seen.take(chunk)
