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
    "Module FunctionDef arguments arg Assert Assign AugAssign Expr Return Pass If For While Break Continue Call keyword Name Constant List Tuple Dict Set Compare BoolOp UnaryOp BinOp IfExp Subscript Slice Starred JoinedStr FormattedValue "
    "Attribute Lambda ListComp SetComp DictComp GeneratorExp comprehension Index ExtSlice").split() if hasattr(ast, name))
PURE_BUILTINS = frozenset("abs all any bool bytes chr complex dict divmod enumerate filter float frozenset int isinstance iter len list map max min next ord pow print range repr reversed round set sorted str sum tuple zip".split())
PURE_MODULES = frozenset(("copy", "math", "random", "string"))      # of which only the random numbers have a state; it is set before each program's tests, so that all are asked the same

# What is evaluated once and in the order of the text, and how: see TestsRead.look.
UNKNOWN, IN_ORDER, LITERAL = 0, 1, 2
SEQUENCES = frozenset((ast.List, ast.Tuple, ast.Set))
ONLY_CONSTANTS = frozenset((ast.Constant,))
LITERAL_OPERATORS = frozenset((ast.USub, ast.UAdd, ast.Add, ast.Sub, ast.Mult))
ORDERED_OPERATORS = LITERAL_OPERATORS | frozenset((ast.Not, ast.Div, ast.FloorDiv, ast.Mod))
ORDERED = frozenset(getattr(ast, name) for name in "Assert Expr Compare Attribute Subscript Assign Index".split() if hasattr(ast, name))


class TestsRead:
    """What the text of tests shows of them, in one walk over their tree: it costs the server as much as the compiler does."""

    def __init__(self, tested):
        self.pure, self.used, self.own = True, set(), set()
        self.names, self.calls = {tested}, []       # of the function that is tested

    def look(self, node):
        """LITERAL; or IN_ORDER, if what is below is evaluated once, in the order of the text, and calls what is tested with literals alone; else UNKNOWN."""
        kind = type(node)
        if kind is ast.Constant:
            return LITERAL
        if kind in SEQUENCES:
            elements = node.elts
            return LITERAL if ONLY_CONSTANTS.issuperset(map(type, elements)) else min([self.look(part) for part in elements])
        if kind is ast.Name:
            name = node.id
            (self.used if type(node.ctx) is ast.Load else self.own).add(name)
            if name[:2] == "__" or name not in PURE_BUILTINS and hasattr(builtins, name):
                self.pure = False
            return UNKNOWN if name in self.names else IN_ORDER
        if kind is ast.Call and type(node.func) is ast.Name and node.func.id in self.names:
            self.look(node.func)
            self.calls.append(node)
            given = [self.look(part) for part in node.args + node.keywords]
            return IN_ORDER if not node.keywords and min(given, default=LITERAL) == LITERAL else UNKNOWN
        below = [self.look(part) for part in parts_of(node)]
        lowest = min(below, default=LITERAL)
        if kind is ast.UnaryOp or kind is ast.BinOp:
            operator_kind = type(node.op)
            return lowest if lowest == LITERAL and operator_kind in LITERAL_OPERATORS else min(lowest, IN_ORDER) if operator_kind in ORDERED_OPERATORS else UNKNOWN
        if kind is ast.Dict:
            return LITERAL if lowest == LITERAL and None not in node.keys else UNKNOWN
        if kind is ast.Compare:
            return min(lowest, IN_ORDER) if len(node.ops) == 1 else UNKNOWN
        if kind is ast.Assert:
            return min(lowest, IN_ORDER) if node.msg is None or below[-1] == LITERAL else UNKNOWN
        if kind is ast.Call or kind in ORDERED:
            if kind is ast.Attribute and (type(node.ctx) is not ast.Load or node.attr[:1] == "_"):
                self.pure = False
            return min(lowest, IN_ORDER)
        if kind is ast.Import or kind is ast.ImportFrom:
            return self.imported(node, kind)
        if kind is ast.FunctionDef:
            self.own.add(node.name)
        elif kind is ast.arg:
            self.own.add(node.arg)
        elif kind not in PURE:
            self.pure = False
        return UNKNOWN

    def imported(self, node, kind):
        modules = [name.name for name in node.names] if kind is ast.Import else [node.module]
        if not PURE_MODULES.issuperset(modules) or kind is ast.ImportFrom and (node.level or node.names[0].name == "*"):
            self.pure = False
        if kind is ast.ImportFrom:
            return UNKNOWN
        self.own.update(name.asname or name.name.split(".")[0] for name in node.names)
        return IN_ORDER

    def known_calls(self, tree, tested):
        """The arguments of all calls that tests will make of what is tested, in their order; None where that shows only as they run."""
        check = checked_function(tree, tested)
        order = min([self.look(node) for node in (tree.body if check is None else tree.body[:-1]) if node is not check], default=LITERAL)
        if check is not None:
            self.look(tree.body[-1])
            self.own.add(check.name)
            for part in parts_of(check):
                if not isinstance(part, ast.stmt):
                    self.look(part)
            order = UNKNOWN if self.calls else order
            self.names.add(check.args.args[0].arg)
            order = min([order] + [self.look(node) for node in check.body])
        return [call.args for call in self.calls] if order != UNKNOWN and self.calls else None


def checked_function(tree, tested):
    """The function of tests that are def check(candidate): ... and, as the last statement, check(tested); None where they are of another form."""
    *first, last = tree.body or [ast.Pass()]
    checks = [node for node in first if type(node) is ast.FunctionDef]
    if len(checks) != 1:
        return None
    check, = checks
    arguments = check.args
    if check.decorator_list or len(arguments.args) != 1 or arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs or arguments.defaults:
        return None
    call = last.value if type(last) is ast.Expr and type(last.value) is ast.Call else None
    if call is None or type(call.func) is not ast.Name or call.func.id != check.name or call.keywords or [type(part) is ast.Name and part.id for part in call.args] != [tested]:
        return None
    return check


FIELDS = {ast.Assign: ["value", "targets"]}     # of each kind of node, those that hold further ones, in the order in which they are evaluated


def parts_of(node):
    """The nodes below one, but for its operators and what says how a name is used."""
    kind = type(node)
    fields = FIELDS.get(kind)
    if fields is None:
        fields = FIELDS[kind] = [name for name in kind._fields if name not in ("ctx", "op", "ops", "type_comment", "kind", "name", "names", "id", "attr", "module", "level", "simple", "is_async", "conversion", "type_ignores")]
    found = []
    for name in fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [part for part in value if isinstance(part, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def compiled_tests(source, tested):
    """The tests, whether they leave nothing behind, and, where those are known, the calls that they make: of what, with which arguments, marshalled, and whether that is all they want of the program."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = compile(source, "tests.py", "exec", 0x400)       # ast.PyCF_ONLY_AST
        read = TestsRead(tested)
        try:
            calls = read.known_calls(tree, tested)
        except RecursionError:
            calls, read.pure = None, False
        if calls is not None:
            no_more = all(name == tested or hasattr(builtins, name) for name in read.used - read.own)
            place = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
            given = ast.Tuple([ast.Tuple(arguments, ast.Load(), **place) for arguments in calls], ast.Load(), **place)
            calls = tested, marshal.dumps(compile(ast.Expression(given), "arguments", "eval")), no_more
        return compile(tree, "tests.py", "exec"), read.pure, calls


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
