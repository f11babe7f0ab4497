# ---- in the tests' process -------------------------------------------------------------------------------------------------


class TestNames(dict):
    """The tests' globals: what they do not define is the program's, but for the built-in functions' names, by which a program could pass its own off as what compares."""

    def __init__(self, line, tested, known):
        dict.__init__(self)
        self.line, self.tested = line, tested
        if known:
            self[tested] = known

    def __missing__(self, name):
        if name.startswith("__") or hasattr(builtins, name) and name != self.tested:
            raise KeyError(name)
        found = self.line.ask("name", name)
        if not found:
            raise KeyError(name)
        value, = found
        if type(value) is Elsewhere:
            self[name] = value
        return value


class KnownCalls:
    """Stands in tests for the function whose calls are known beforehand: gives its answers in their order."""

    def __init__(self, line, answers):
        self.line, self.answers = line, answers

    def __call__(self, *arguments, **named):
        while not self.answers:
            self.answers = answers_in(self.line.receive())
        answer = self.answers.pop()
        if answer[0] == 1:
            return answer[1]
        raise fault_of(*answer[1:])


def answers_in(message):
    if type(message) is not list or not all(type(answer) is list and len(answer) == (2 if answer[:1] == [1] else 4) for answer in message):
        raise ValueError("the program wrote into its answers")
    return message[::-1]


# Tests of nothing but these leave nothing behind in the process that runs them, so the next program's may follow there.
PURE = frozenset(getattr(ast, name) for name in (
    "Module FunctionDef arguments arg Assert Assign AugAssign Expr Return Pass If For While Break Continue Call keyword Name Load Store Constant List Tuple Dict Set Compare BoolOp UnaryOp BinOp IfExp Subscript Slice Starred JoinedStr FormattedValue "
    "Lambda ListComp SetComp DictComp GeneratorExp comprehension Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn And Or Not USub UAdd Invert Add Sub Mult MatMult Div FloorDiv Mod Pow BitAnd BitOr BitXor LShift RShift Index ExtSlice").split() if hasattr(ast, name))
PURE_BUILTINS = frozenset("abs all any bool bytes chr complex dict divmod enumerate filter float frozenset int isinstance iter len list map max min next ord pow print range repr reversed round set sorted str sum tuple zip".split())

PURE_MODULES = frozenset(("copy", "math", "random", "string"))      # of which only the random numbers have a state; it is set before each program's tests, so that all are asked the same


def leaves_nothing(tree):
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        kind = type(node)
        if kind is ast.Name:
            if node.id.startswith("__") or hasattr(builtins, node.id) and node.id not in PURE_BUILTINS:
                return False
        elif kind is ast.Import and all(name.name in PURE_MODULES for name in node.names) or kind is ast.ImportFrom and node.module in PURE_MODULES and not node.level and node.names[0].name != "*":
            continue
        elif kind is ast.Attribute and type(node.ctx) is ast.Load and not node.attr.startswith("_"):
            pass
        elif kind not in PURE:
            return False
        for name in node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                nodes += [part for part in value if isinstance(part, ast.AST)]
            elif isinstance(value, ast.AST):
                nodes.append(value)
    return True


LITERAL = frozenset((ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp, ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.Mult, ast.Load))
IN_ORDER = LITERAL - {ast.Dict} | frozenset((ast.Assert, ast.Expr, ast.Compare, ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.Not, ast.Assign, ast.Store) + tuple(
    getattr(ast, name) for name in "Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn Div FloorDiv Mod Index".split() if hasattr(ast, name)))


def children(node):
    for name in node._fields:
        value = getattr(node, name, None)
        if type(value) is list:
            yield from value
        elif isinstance(value, ast.AST):
            yield value


def is_literal(node):
    return type(node) in LITERAL and all(map(is_literal, children(node)))


def known_calls(tree, tested):
    """The arguments of all calls that tests will make of a function, in order, as tuples; None where that shows only as they run."""
    calls, names = [], {tested}

    def visit(node):
        """Whether what is below is evaluated once, in the order of the text."""
        if type(node) is ast.Call and type(node.func) is ast.Name and node.func.id in names:
            calls.append(node)
            return not node.keywords and all(map(is_literal, node.args))
        if type(node) is ast.Name:
            return node.id not in names
        if is_literal(node):
            return True
        return type(node) in IN_ORDER and not (type(node) is ast.Compare and len(node.ops) > 1) and all(map(visit, children(node)))

    def statements(body):
        for node in body:
            if type(node) is ast.Assert and node.msg is not None and not is_literal(node.msg):
                return False
            if type(node) is not ast.Import and not visit(node):
                return False
        return True

    *first, last = tree.body or [ast.Pass()]
    checks = [node for node in first if type(node) is ast.FunctionDef]
    if checks:
        # def check(candidate): ... and, as the last statement, check(tested).
        arguments = checks[0].args
        if len(checks) > 1 or checks[0].decorator_list or len(arguments.args) != 1 or arguments.vararg or arguments.kwarg or arguments.kwonlyargs or getattr(arguments, "posonlyargs", None):
            return None
        call = last.value if type(last) is ast.Expr and type(last.value) is ast.Call else None
        if call is None or type(call.func) is not ast.Name or call.func.id != checks[0].name or call.keywords or [type(part) is ast.Name and part.id for part in call.args] != [tested]:
            return None
        rest = [node for node in first if node is not checks[0]]
        if not statements(rest) or calls:
            return None
        names.add(arguments.args[0].arg)
        body = checks[0].body
    else:
        body = tree.body
    if not statements(body) or not calls:
        return None
    return [call.args for call in calls]


def foreign_names(tree):
    nodes, used, own = [tree], set(), set()
    while nodes:
        node = nodes.pop()
        if type(node) is ast.Name:
            (used if type(node.ctx) is ast.Load else own).add(node.id)
        elif type(node) is ast.FunctionDef:
            own.add(node.name)
        elif type(node) is ast.arg:
            own.add(node.arg)
        elif type(node) is ast.Import:
            own.update(name.asname or name.name.split(".")[0] for name in node.names)
        nodes += [part for part in children(node) if isinstance(part, ast.AST)]
    return used - own


def compiled_tests(source, tested):
    """The tests, whether they leave nothing behind, and, where those are known, the calls that they make: of what, with which arguments, marshalled, and whether that is all they want of the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(source, "tests.py", "exec", 0x400)       # ast.PyCF_ONLY_AST
        calls = known_calls(tree, tested) if tested else None
        if calls is not None:
            no_more = all(name == tested or hasattr(builtins, name) for name in foreign_names(tree))
            place = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
            given = ast.Tuple([ast.Tuple(arguments, ast.Load(), **place) for arguments in calls], ast.Load(), **place)
            calls = tested, marshal.dumps(compile(ast.Expression(given), "arguments", "eval")), no_more
        return compile(tree, "tests.py", "exec"), leaves_nothing(tree), calls


def run_tests(descriptor, source, tested):
    """Returns the outcome, its detail, and whether another program's tests may follow in this process."""
    import random       # by no other process: it seeds itself in each that is forked
    line, pure = Line(descriptor), True
    try:
        hello = line.receive()
        if type(hello) is list and hello[:1] == ["unready"]:
            return "unready", str(hello), pure
        answers = answers_in(hello)
        tests, pure, known = marshal.loads(source) if type(source) is bytes else compiled_tests(source, None)
        random.seed(0)
        exec(tests, TestNames(line, tested, KnownCalls(line, answers) if known else None))
        return "ended" if line.ended else "passed", "", pure
    except Unsendable as fault:
        return "broken", str(fault), pure
    except Ended:
        return "ended", "", pure
    except BaseException as fault:
        name, words, own = named_fault(fault)
        return "failed", (getattr(fault, "own_name", own) + (": " + words if words else "")).replace("\n", " ")[:500], pure
