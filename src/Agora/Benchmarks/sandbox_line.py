# ---- the line between a program and its tests, which run in two processes -----------------------------------------------------

LONGEST_MESSAGE = 16 << 20
LONGEST_ITERATION = 100000
WRITTEN = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
AS_IT_IS = frozenset((str, float, bool, type(None)))
# What tests ask of a program's own objects besides calls and attributes. No comparison and no arithmetic: those are for values that both sides can read.
OBJECT_QUESTIONS = {"iter": lambda thing: list(itertools.islice(iter(thing), LONGEST_ITERATION)), "len": len, "getitem": operator.getitem, "bool": bool, "str": str, "repr": repr}
PLAIN_TYPES = frozenset(("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"))
# Where a name of the program is one of these modules, the tests use their own.
MODULES = frozenset(("bisect", "cmath", "collections", "copy", "decimal", "fractions", "functools", "heapq", "itertools", "math", "operator", "random", "re", "string", "sys"))


class Elsewhere:
    """An object of the other process. It equals nothing but itself: whoever holds it cannot read it, and what it says of itself is no evidence."""

    __slots__ = ("line", "place")

    def __init__(self, line, place):
        object.__setattr__(self, "line", line)
        object.__setattr__(self, "place", place)

    def __call__(self, *arguments, **named):
        return self.line.ask("call", self, arguments, named)

    def __getattr__(self, name):
        return self.line.ask("get", self, name)

    def __setattr__(self, name, value):
        self.line.ask("set", self, name, value)


def questioner(question):
    return lambda self, *more: self.line.ask("object", question, self, *more)


for question in OBJECT_QUESTIONS:
    setattr(Elsewhere, "__%s__" % question, questioner(question))
Elsewhere.__iter__ = lambda self: iter(self.line.ask("object", "iter", self))
Elsewhere.__contains__ = None       # what an object holds by its own account is a comparison, too


class Line:
    """One end. Messages are four bytes of length and JSON: whoever reads one gets plain values, whatever the other side is."""

    def __init__(self, descriptor, names=None):
        # All that a program could replace is kept here: its damage would only be its own, but an innocent one may define what it likes.
        self.descriptor, self.names, self.things, self.seen, self.ended, self.rest = descriptor, names, [], {}, False, b""
        self.read, self.write = os.read, os.write
        self.text, self.value = WRITTEN, json.JSONDecoder(object_hook=self.unpacked).decode

    def send(self, message):
        data = self.text(message).encode()
        if len(data) > LONGEST_MESSAGE:
            raise OverflowError("a value is too large to be handed over")
        data = len(data).to_bytes(4, "big") + data
        try:
            sent = self.write(self.descriptor, data)
            while sent < len(data):
                sent += self.write(self.descriptor, data[sent:])
        except OSError:
            self.ended = True
            raise Ended

    def receive(self):
        chunks, length, wanted = [self.rest], len(self.rest), None
        while True:
            if wanted is None and length >= 4:
                chunks = [b"".join(chunks)]
                wanted = 4 + int.from_bytes(chunks[0][:4], "big")
                if wanted > LONGEST_MESSAGE:
                    raise OverflowError("a value is too large to be compared")
            if wanted is not None and length >= wanted:
                break
            try:
                chunk = self.read(self.descriptor, 1 << 16)
            except TimeoutError:        # of the tests' own clock
                raise
            except OSError:
                chunk = b""
            if not chunk:
                self.ended = True
                raise Ended
            chunks.append(chunk)
            length += len(chunk)
        data = b"".join(chunks)
        self.rest = data[wanted:]
        return self.value(data[4:wanted].decode())

    def ask(self, *question):
        """Sends a question and returns the answer; answers meanwhile what the other side asks to find it."""
        self.send([0] + [self.packed(part) for part in question])
        while True:
            message = self.receive()
            if message[0] == 0:
                self.answer(message[1:])
            elif message[0] == 1:
                return message[1]
            else:
                raise fault_of(*message[1:])

    def answer(self, question):
        reply = self.reply(*question)
        try:
            self.send(reply)
        except (OverflowError, RecursionError, MemoryError, ValueError) as fault:
            self.send([2] + named_fault(fault))

    def reply(self, *question):
        try:
            found = self.found(*question)
            try:
                return [1, self.packed(found)]
            except RecursionError:
                return [1, self.placed(found)]
        except (SystemExit, Ended):
            raise
        except BaseException as fault:
            return [2] + named_fault(fault)

    def found(self, kind, *question):
        if kind == "call":
            thing, arguments, named = question
            if self.names is None and not any(thing is own for own in self.things):
                raise LookupError("a program calls nothing of its tests but what they gave it to call")
            return thing(*arguments, **named)
        if self.names is None:
            raise LookupError("a program asks its tests for nothing")
        if kind == "name":
            return (self.names[question[0]],) if question[0] in self.names else ()
        if kind == "get":
            return getattr(*question)
        if kind == "set":
            return setattr(*question)
        return OBJECT_QUESTIONS[question[0]](*question[1:])

    def packed(self, value):
        kind = type(value)
        if kind in AS_IT_IS:
            return value
        if kind is int:
            return value if -1 << 60 < value < 1 << 60 else {"i": hex(value)}       # decimals of long numbers are slow, and forbidden by newer versions
        if kind is list:
            return [self.packed(part) for part in value]
        if kind is tuple:
            return {"t": [self.packed(part) for part in value]}
        if kind is dict:
            return {"d": [[self.packed(key), self.packed(part)] for key, part in value.items()]}
        if kind is set or kind is frozenset:
            return {"s" if kind is set else "f": [self.packed(part) for part in value]}
        if kind is bytes:
            return {"b": value.hex()}
        if kind is complex:
            return {"c": [value.real, value.imag]}
        if kind is range:
            return {"r": [self.packed(part) for part in (value.start, value.stop, value.step)]}
        if kind is Elsewhere:
            return {"y": value.place}
        if getattr(value, "__module__", None) == "builtins" and isinstance(value, (type, type(len))) and getattr(builtins, value.__name__, None) is value \
                and (self.names is None or value.__name__ in PLAIN_TYPES):
            return {"z": value.__name__}
        return self.packed_object(value, kind)

    def packed_object(self, value, kind):
        """Of a kind that is not plain, the plain value which Python's own comparison would see in it, where there is one; else a place in this process."""
        if self.names is None and not callable(value):
            raise Unsendable("the tests hand the program an object of their own, of type " + kind.__name__)
        if self.names is not None:
            try:
                if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"):
                    return bool(value)
                for base, plain in ((int, int.__pos__), (float, float.__pos__), (str, str.__str__), (list, list), (tuple, tuple), (dict, dict), (set, set), (frozenset, frozenset),
                                    (bytes, bytes), (bytearray, bytes), (collections.UserList, list), (collections.abc.Set, set), (collections.abc.Mapping, dict)):
                    if isinstance(value, base):
                        return self.packed(plain(value))
                if kind is type(builtins) and value.__name__ in MODULES and sys.modules.get(value.__name__) is value:
                    return {"u": value.__name__}
                decimal, numbers = sys.modules.get("decimal"), sys.modules.get("numbers")     # who has such a number has imported its module
                if decimal is not None and isinstance(value, decimal.Decimal):
                    return {"m": str(value)}
                if numbers is not None and isinstance(value, numbers.Integral):
                    return self.packed(int(value))
                if numbers is not None and isinstance(value, numbers.Rational):
                    return {"q": [self.packed(int(value.numerator)), self.packed(int(value.denominator))]}
                if numbers is not None and isinstance(value, numbers.Real):
                    return float(value)
                if isinstance(value, collections.abc.Iterator):
                    return {"n": [self.packed(part) for part in itertools.islice(value, LONGEST_ITERATION)]}
            except (Exception, RecursionError):
                pass        # its own methods are at fault: then it has no value
        return self.placed(value)

    def placed(self, value):
        for place, thing in enumerate(self.things):
            if thing is value:
                return {"o": place}
        self.things.append(value)
        return {"o": len(self.things) - 1}

    def unpacked(self, parts):
        (kind, value), = parts.items()
        if kind == "t":
            return tuple(value)
        if kind == "d":
            return {key: part for key, part in value}
        if kind == "s":
            return set(value)
        if kind == "f":
            return frozenset(value)
        if kind == "i":
            return int(value, 16)
        if kind == "b":
            return bytes.fromhex(value)
        if kind == "c":
            return complex(*value)
        if kind == "r":
            return range(*value)
        if kind == "m":
            import decimal
            return decimal.Decimal(value)
        if kind == "q":
            import fractions
            return fractions.Fraction(*value)
        if kind == "n":
            return iter(value)
        if kind == "u" and value in MODULES:
            return __import__(value)
        if kind == "z" and (self.names is not None or value in PLAIN_TYPES):      # the tests call what they are given: nothing of a program's choice that could do anything
            return getattr(builtins, value)
        if kind == "y":
            return self.things[value]
        if kind == "o":
            return self.seen.setdefault(int(value), Elsewhere(self, int(value)))
        raise ValueError("no value of a known kind")


class Ended(BaseException):
    """The other process is gone."""


class Unsendable(BaseException):
    """A fault of the tests, not of the program."""


def named_fault(fault):
    """An exception as the other side can raise it: the next built-in class above its own, and its words."""
    try:
        words = str(fault)[:500]
    except BaseException:
        words = ""
    for kind in type(fault).__mro__:
        if getattr(builtins, kind.__name__, None) is kind and issubclass(kind, Exception):
            return [kind.__name__, words, type(fault).__name__]
    return ["RuntimeError", words, type(fault).__name__]


def fault_of(name, words, own):
    kind = getattr(builtins, str(name), None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        kind = RuntimeError
    try:
        fault = kind(str(words))
    except Exception:           # wants other arguments, as UnicodeDecodeError does
        fault = RuntimeError(str(words))
    fault.own_name = str(own)[:100]
    return fault


def serve_program(descriptor, namespace, program, asked):
    """In a program's process: runs it, and then calls of it what its tests ask for. Nothing in this process knows what they compare the answers with.

    What they are known to ask of one function is asked here at once: a wait for each other costs two processes more than most calls.
    """
    line, now, SLOW = Line(descriptor, namespace), time.monotonic, 0.01
    exec(program, namespace)
    try:
        answers, start = [], now()
        if asked is not None:
            name, arguments, no_more = asked
            function, arguments = namespace.get(name), eval(marshal.loads(arguments), {"__builtins__": {}})
            for given in arguments:
                answers.append(line.reply("call", function, given, {}))
                if now() - start > SLOW:
                    line.send(answers)
                    answers, start = [], now()
        line.send(answers)
        while asked is None or not no_more or line.things:
            line.answer(line.receive()[1:])
    except Ended:
        pass        # there is no more to ask


