# Runs a benchmark's reference on its inputs and writes what came out as Python, which the tests of a sample then hold. Takes the place of the tests of the
# reference's own run; "__FUNCTION__", "__INPUTS__" and "__NOT_NONE__" are filled in.
def __agora_outputs__(function, inputs, not_none):
    import sys
    import time

    def written(value):
        if value is None or isinstance(value, (bool, str, bytes)):
            return repr(value)
        if isinstance(value, int):
            return hex(value)
        if isinstance(value, float):
            return repr(value) if value - value == 0 else "float(%r)" % repr(value)
        if isinstance(value, complex):
            return "complex(%s, %s)" % (written(value.real), written(value.imag))
        if isinstance(value, list):
            return "[%s]" % ", ".join(map(written, value))
        if isinstance(value, tuple):
            return "(%s)" % "".join(written(part) + ", " for part in value)
        if isinstance(value, (set, frozenset)):
            return "%s([%s])" % (type(value).__name__, ", ".join(map(written, value)))
        if isinstance(value, dict):
            return "{%s}" % ", ".join("%s: %s" % (written(key), written(part)) for key, part in value.items())
        raise TypeError("an output of type %s cannot be written down" % type(value).__name__)

    outputs, seconds = [], []
    for arguments in inputs:
        start = time.perf_counter()
        output = function(*arguments)
        seconds.append(time.perf_counter() - start)
        outputs.append(output is not None if not_none else output)
    sys.stdout.flush()
    sys.stdout.write("\n<<agora outputs>>\n(%s, %s)" % (written(outputs), written(seconds)))
    sys.stdout.flush()


__agora_outputs__(__FUNCTION__, __INPUTS__, __NOT_NONE__)
