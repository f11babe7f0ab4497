# ---- the tests, compiled before the program has run ---------------------------------------------------------------------

EQUAL, CONTAINED = "agora: equal", "agora: contained"      # stand in the tests' constants until the functions take their places


def make_comparisons():
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
                    if value == stranger or value == unknown:
                        return value
                except oddity:      # its comparison wants its own kind, which is no fault
                    pass
                if kind(other) in plain and kind(other).__eq__(other, value) is False:
                    return value    # a number or text that is asked itself knows better
        return unknown

    def refuse(value, error=AssertionError, kind=type):
        if value is not unknown:
            raise error("a value equals what it is not: " + kind(value).__name__)

    def equal(left, right, *more):
        result = left == right
        if result is False:     # what is not counts as true in an assertion, whatever it is
            return result
        refuse(deceiver(left, right))
        refuse(deceiver(right, left))
        return equal(right, *more) if more and result else result

    def contained(value, among, oddity=Exception, kind=type, has=hasattr, known=(list, tuple, set, frozenset, dict)):
        result = value in among
        if not result:
            return result
        if kind(among) not in known and not has(kind(among), "__next__"):       # to ask an iterator is to move it on
            try:
                everything = stranger in among
            except oddity:      # texts hold texts only
                everything = False
            if everything:
                refuse(among)
        if kind(value) not in plain:
            refuse(deceiver(value, unknown))
            if kind(among) in known:
                for part in among:
                    if kind(part) not in plain or kind(part).__eq__(part, value) is not False:
                        return result
                refuse(value)       # none of the numbers and texts that are asked themselves knows it
        return result

    return equal, contained


LEAVES = frozenset((int, str, type(None), ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.Eq, ast.NotEq, ast.Add, ast.Sub, ast.Mult, ast.Mod, ast.Not, ast.USub, ast.And, ast.Or))


def distrust_equality(tree):
    """Rewrites every ``a == b`` and ``a in b`` in place into a call, so that an object which equals everything equals nothing."""
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
    if type(node) is not ast.Compare:
        return node
    kinds = {type(op) for op in node.ops}
    if kinds == {ast.Eq}:
        function = EQUAL            # of a chain, too, whose every part is then evaluated
    elif kinds == {ast.In} and len(node.ops) == 1:
        function = CONTAINED
    else:
        return node
    place = {name: getattr(node, name) for name in node._attributes}
    return ast.Call(ast.Constant(function, kind=None, **place), [node.left] + node.comparators, [], **place)


ONLY_TREE = 0x400       # ast.PyCF_ONLY_AST


def compile_tests(source):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # that a constant is called
        return compile(distrust_equality(compile(source, "tests.py", "exec", ONLY_TREE)), "tests.py", "exec")


def with_functions(code, functions):
    """The functions themselves among the constants, where no program can put others in their place by giving them their names."""
    return code.replace(co_consts=tuple(
        with_functions(value, functions) if type(value) is type(code) else functions.get(value, value) if type(value) is str else value
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
    tests = with_functions(marshal.loads(tests) if type(tests) is bytes else compile_tests(tests), dict(zip((EQUAL, CONTAINED), make_comparisons())))
    program = compile(code.lstrip("\ufeff"), "program.py", "exec")
    return [namespace, program, exec, restored, namespace.update, namespace, tests, exec, passed, verdict, os.write]
