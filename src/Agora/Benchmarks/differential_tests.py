# Holds a program's outputs against those of the benchmark's reference, by the rules of EvalPlus. Runs after the program; "__FUNCTION__", "__INPUTS__",
# "__EXPECTED__", "__TOLERANCE__" and "__ORACLE__" are filled in. Built-in functions come from the dictionary that the sandbox restored, since the program may
# have defined names of its own over them.
def __agora_differential__(names, function, tolerance, oracle):
    abs, all, bool, complex, float, frozenset, int, isinstance, len, list, max, ord, round, set, str, sum, tuple, type, zip = (names[name] for name in (
        "abs", "all", "bool", "complex", "float", "frozenset", "int", "isinstance", "len", "list", "max", "ord", "round", "set", "str", "sum", "tuple", "type", "zip"))
    inputs = __INPUTS__
    expected, seconds = __EXPECTED__
    import signal

    def late(*_):
        raise names["TimeoutError"]("one input took too long")

    def limit(seconds):
        signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def is_float(value):
        return isinstance(value, float) or isinstance(value, (list, tuple)) and len(value) > 0 and all([isinstance(part, float) for part in value])

    # A type of the program's own could do sums as it likes: what it is worth as a float is said before anything to compare it with is known.
    def number(value):
        return value if type(value) in (int, float, bool, complex) else float(type(value).__float__(value))

    def close(output, wanted):
        if isinstance(wanted, (list, tuple)):
            return len(output) == len(wanted) and all([close(one, other) for one, other in zip(output, wanted)])
        return abs(number(output) - wanted) <= tolerance + 1e-7 * abs(wanted)

    def pyramid(edge, height):
        return round(edge ** 2 + 2 * edge * ((edge / 2) ** 2 + height ** 2) ** 0.5)

    def digit_distance(one, other):
        one, other = str(one), str(other)
        width = max(len(one), len(other))
        return sum([abs(ord(a) - ord(b)) for a, b in zip(one.zfill(width), other.zfill(width))])

    for arguments, wanted, usual in zip(inputs, expected, seconds):
        limit(max(4.0, 4 * usual))
        output = function(*arguments)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if oracle == "root":
            output = number(output)
            assert abs(sum([part * output ** power for power, part in names["enumerate"](arguments[0])])) <= tolerance
            continue
        same = output == wanted
        if oracle == "anything":
            same = True
        elif oracle == "zero":
            same = same or output == 0
        elif oracle == "pyramid":
            same = same or abs(number(output) - pyramid(*arguments)) <= tolerance
        elif oracle == "digit_distance":
            same = same or output == digit_distance(*arguments)
        elif oracle == "set":
            same = set(output) == set(wanted)
        elif oracle == "not_none":
            same = output == wanted if isinstance(output, bool) else wanted == (output is not None)
        if tolerance == 0 and is_float(wanted):
            tolerance = 1e-6
        if not same and tolerance != 0:
            assert type(output) is type(wanted), "another type: %s" % type(output).__name__
            assert close(output, wanted), "%r is not %r" % (output, wanted)
        else:
            assert same, "%r is not %r" % (output, wanted)


__agora_differential__(__builtins__, __FUNCTION__, __TOLERANCE__, __ORACLE__)
