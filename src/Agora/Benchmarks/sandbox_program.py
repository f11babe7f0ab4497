# ---- the tests, compiled before the program has run ---------------------------------------------------------------------

EQUAL = "agora: equal"      # stands in the tests' constants until the function takes its place


def make_equal():
    stranger, unknown = object(), object()
    plain = frozenset((int, float, complex, bool, str, bytes, type(None)))

    def deceiver(value, other, most=100000, oddity=Exception, kind=type, size=len, pairs=zip, whole=(list, tuple), loose=(set, frozenset), named=dict):
        """What in a value, down its lists, tuples, sets and dictionaries, claims an equality that is none; unknown where there is nothing like it."""
        waiting = [(value, other)]
        while waiting and most > 0:
            value, other = waiting.pop()
            most -= 1
            if kind(value) in plain:
                continue
            if kind(value) in whole:
                waiting += pairs(value, other) if kind(other) in whole and size(value) == size(other) else [(part, unknown) for part in value]
            elif kind(value) in loose:
                waiting += [(part, unknown) for part in value]
            elif kind(value) is named:
                waiting += [(part, unknown) for part in value.values()]
            else:
                try:
                    if (value == stranger) is True or (value == unknown) is True:
                        return value
                except oddity:      # its comparison wants its own kind, which is no fault
                    pass
                if kind(other) in plain and kind(other).__eq__(other, value) is False:
                    return value    # a number or text that is asked itself knows better
        return unknown

    def equal(left, right, error=AssertionError, kind=type):
        result = left == right
        if result is True:
            for value in (deceiver(left, right), deceiver(right, left)):
                if value is not unknown:
                    raise error("a value equals what it is not: " + kind(value).__name__)
        return result

    return equal


LEAVES = frozenset((int, str, type(None), ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.Eq, ast.NotEq, ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.Not, ast.USub, ast.And, ast.Or))


def distrust_equality(tree):
    """Rewrites every ``a == b`` in place into a call, so that an object which equals everything equals nothing."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                for index, item in enumerate(value):
                    if type(item) not in LEAVES:
                        value[index] = item = distrusted(item)
                        nodes.append(item)
            elif type(value) not in LEAVES:
                value = distrusted(value)
                setattr(node, name, value)
                nodes.append(value)
    return tree


def distrusted(node):
    if type(node) is not ast.Compare or len(node.ops) != 1 or type(node.ops[0]) is not ast.Eq:
        return node
    place = {name: getattr(node, name) for name in node._attributes}
    return ast.Call(ast.Constant(EQUAL, kind=None, **place), [node.left, node.comparators[0]], [], **place)


ONLY_TREE = 0x400       # ast.PyCF_ONLY_AST


def compile_tests(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # that a constant is called
        return compile(distrust_equality(compile(source, "tests.py", "exec", ONLY_TREE)), "tests.py", "exec")


def with_constant(code, old, new):
    """The function itself among the constants, where no program can put another in its place by giving it its name."""
    return code.replace(co_consts=tuple(
        with_constant(value, old, new) if type(value) is type(code) else new if type(value) is str and value == old else value
        for value in code.co_consts))


# ---- the program's process ------------------------------------------------------------------------------------------------


def become_program(output, verdict, task, folder, isolated, ceilings, restored):
    """In a process that the zygote has just forked. Returns the steps of run(), the last first, and leaves the descriptors 0 to 2 and the verdict's alone."""
    passed, broken, limits, code, tests, files = marshal.loads(os.read(task, os.fstat(task).st_size))
    try:
        os.close(task)
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        limit_program(limits, isolated, ceilings)
        os.chdir(folder)
        for name, text in files.items():
            with open(os.path.basename(name), "w", encoding="utf-8") as file:
                file.write(text)
    except BaseException as fault:
        os.write(verdict, broken + str(fault).encode(errors="replace")[:1000])
        os._exit(1)
    module = sys.modules["__main__"] = type(sys)("__main__")     # not the sandbox's own
    namespace = module.__dict__
    # The tests are made before the program can touch what makes them, and get the built-in functions as they were before.
    tests = with_constant(marshal.loads(tests) if type(tests) is bytes else compile_tests(tests), EQUAL, make_equal())
    program = compile(code.lstrip("\ufeff"), "program.py", "exec")
    return [namespace, program, exec, restored, namespace.update, namespace, tests, exec, passed, verdict, os.write]
