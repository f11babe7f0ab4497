using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

/// <summary>Tests run in a process of their own: no program finds what it is to answer, none decides what its answer equals, and what tests do with right answers is as in one process.</summary>
[Collection("sandbox")]
public sealed class TestsApartTests
{
    private const string Check = """
        def check(candidate):
            wanted = 73215
            assert candidate(2, 3) == wanted
        check(add)
        """;

    [Theory]
    [InlineData("in the frames above", """
        import sys
        def add(a, b):
            frame = sys._getframe(1)
            while frame:
                for value in list(frame.f_locals.values()) + list(frame.f_code.co_consts):
                    if type(value) is int and value > 1000:
                        return value
                frame = frame.f_back
        """)]
    [InlineData("in a traceback", """
        def add(a, b):
            try:
                raise ValueError
            except ValueError as fault:
                frame = fault.__traceback__.tb_frame
            while frame:
                for value in frame.f_code.co_consts:
                    if type(value) is int and value > 1000:
                        return value
                frame = frame.f_back
        """)]
    [InlineData("in the tests' own function", """
        def add(a, b):
            return max(value for value in globals()['check'].__code__.co_consts if type(value) is int)
        """)]
    [InlineData("by a generator's frame", """
        def add(a, b):
            def walk():
                yield
            steps = walk()
            next(steps)
            frame = steps.gi_frame
            import inspect
            for call in inspect.stack(0):
                for value in call.frame.f_code.co_consts:
                    if type(value) is int and value > 1000:
                        return value
        """)]
    [InlineData("in the comparison itself", """
        import sys
        class Reader:
            def __eq__(self, other):
                return other == sys._getframe(1).f_locals.get('wanted', other)
        def add(a, b):
            return Reader()
        """)]
    [InlineData("in all of its memory", """
        import ctypes, sys
        def add(a, b):
            # The number as Python writes it, in every object near the ones that a call makes.
            wanted = (73000, 74000)
            near = id([])
            for place in range(near - (1 << 16), near + (1 << 16), 8):
                try:
                    value = ctypes.c_long.from_address(place).value
                except Exception:
                    continue
                if wanted[0] < value < wanted[1] and ctypes.c_long.from_address(place - 8).value == 1:
                    return value
        """)]
    [InlineData("by the name of a built-in function", "class int(int):\n    def __eq__(self, other): return True\n    __hash__ = None\ndef add(a, b):\n    return int(1)\n")]
    public async Task A_program_that_looks_for_the_answer_fails(string where, string code)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = code, Tests = Check, Tested = "add" }, TestContext.Current.CancellationToken);
        Assert.True(verdict.Outcome == SandboxOutcome.Failed, $"{where}: {verdict}");
    }

    // What arrives from a program is data. In these it writes to the line itself what a call of the tests' own, or of Python's, would be.
    [Theory]
    [InlineData("""[0, "call", {"z": "exec"}, {"t": [PAYLOAD]}, {"d": []}]""")]
    [InlineData("""[0, "call", {"y": 0}, {"t": [{"z": "exec"}, PAYLOAD]}, {"d": []}]""")]
    [InlineData("""[0, "get", {"y": 0}, "__globals__"]""")]
    [InlineData("""[0, "set", {"y": 0}, "__code__", 1]""")]
    [InlineData("""[0, "object", "str", {"y": 0}]""")]
    [InlineData("""[1, {"u": "os"}]""")]
    [InlineData("""[1, {"z": "exec"}]""")]
    [InlineData("""[1, {"?": 1}]""")]
    [InlineData("""[2, "SystemExit", "0", "E"]""")]
    [InlineData("""[2, "exec", "0", "E"]""")]
    [InlineData("[[[[")]
    [InlineData("7")]
    public async Task Nothing_that_a_program_sends_is_carried_out(string message)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        const string payload = "'import os\\nfor fd in range(3, 30):\\n    try: os.write(fd, b\\'[\"passed\", \"\", true]\\')\\n    except OSError: pass'";
        var verdict = await sandbox.RunAsync(
            new SandboxProgram
            {
                Code = $$"""
                    import json, os
                    def add(call, b):
                        said = {{System.Text.Json.JsonSerializer.Serialize(message)}}.replace('PAYLOAD', json.dumps({{payload}})).encode()
                        for fd in range(3, 256):
                            try: os.write(fd, len(said).to_bytes(4, 'big') + said)
                            except OSError: pass
                        return 0
                    """,
                Tests = "assert add(lambda call, *more: call(*more), 3) == 5",
            }, TestContext.Current.CancellationToken);
        Assert.Equal(SandboxOutcome.Failed, verdict.Outcome);
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(new SandboxProgram { Code = "def add(a, b):\n    return a + b", Tests = "assert add(2, 3) == 5" }, TestContext.Current.CancellationToken)).Outcome);
    }

    [Theory]
    [InlineData("return [1, (2.5, None), {'a': {3}, 'b': b'x'}, frozenset([1j])]", "f() == [1, (2.5, None), {'a': {3}, 'b': b'x'}, frozenset([1j])]")]
    [InlineData("return 3 ** 9000", "f() == 3 ** 9000")]
    [InlineData("return [float('inf'), -0.0, 1e-320]", "str(f()) == '[inf, -0.0, 1e-320]'")]
    [InlineData("return float('nan')", "f() != f()")]
    [InlineData("return '\\ud800é\\n'", "f() == '\\ud800é\\n'")]
    [InlineData("return (n * n for n in range(3))", "list(f()) == [0, 1, 4] and f() != [0, 1, 4]")]
    [InlineData("return range(3)", "f() == range(3) and f() != [0, 1, 2]")]
    [InlineData("return {1: 2}.keys()", "f() == {1}")]
    [InlineData("import collections; return collections.Counter('aab')", "f() == {'a': 2, 'b': 1}")]
    [InlineData("import collections; return collections.namedtuple('P', 'x y')(1, 2)", "f() == (1, 2) and isinstance(f(), tuple)")]
    [InlineData("import collections; return collections.UserList([1])", "f() == [1]")]
    [InlineData("from fractions import Fraction; return Fraction(1, 2)", "f() == 0.5 and f() * 2 == 1")]
    [InlineData("from decimal import Decimal; return Decimal('0.5')", "f() == 0.5")]
    [InlineData("import enum; return enum.IntEnum('E', 'a b').b", "f() == 2")]
    [InlineData("return True", "f() is True")]
    [InlineData("return None", "f() is None")]
    [InlineData("return int", "f() is int")]
    [InlineData("return len", "callable(f()) and f()([1, 2]) == 2")]
    [InlineData("return lambda x: x + 1", "f()(2) == 3")]
    [InlineData("return Node(1)", "f().value == 1 and len(f()) == 1 and list(f()) == [1] and f()[0] == 1 and str(f()) == 'Node'")]
    [InlineData("raise KeyError('k')", "__import__('contextlib').suppress(KeyError).__exit__(KeyError, None, None) and fails(KeyError)")]
    [InlineData("raise Own('k')", "fails(ValueError)")]
    [InlineData("raise UnicodeDecodeError('utf-8', b'', 0, 1, 'x')", "fails(Exception)")]
    [InlineData("return given([3, 1, 2])", "f() == [1, 2, 3]")]
    [InlineData("return given(5, key=lambda x: -x) if False else math.pi", "f() == math.pi")]
    public async Task What_tests_ask_is_answered_as_in_one_process(string body, string test)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var program = new SandboxProgram
        {
            Code = $$"""
                import math
                class Own(ValueError): pass
                class Node:
                    def __init__(self, value): self.value = value
                    def __len__(self): return 1
                    def __iter__(self): return iter([self.value])
                    def __getitem__(self, place): return [self.value][place]
                    def __str__(self): return 'Node'
                given = None
                def take(callback):
                    global given
                    given = callback
                def f():
                    {{body}}
                """,
            Tests = $"""
                def fails(kind):
                    try:
                        f()
                    except kind:
                        return True
                take(lambda values, key=None: sorted(values, key=key))
                assert {test}
                """,
        };
        foreach (var apart in (bool[])[true, false])
            Assert.Equal((SandboxOutcome.Passed, ""), await sandbox.RunAsync(program with { TestsApart = apart }, TestContext.Current.CancellationToken) is var verdict ? (verdict.Outcome, verdict.Detail) : default);
    }

    // Calls that the tests' text shows are made beforehand, in the order in which Python evaluates them: of an assignment the value first.
    [Theory]
    [InlineData("d = {}\nd[f(1)] = f(2)\nassert d == {1: 2}")]
    [InlineData("assert (f(1), f(2))[f(0)] == 1")]
    [InlineData("assert f([f(1), f(2)]) == [1, 2]")]
    [InlineData("assert {f(1): f(2), f(3): f(4)} == {1: 2, 3: 4}")]
    [InlineData("assert f(1) < f(2) < f(3)")]
    [InlineData("def check(candidate, more=f(1)):\n    assert candidate(2) == 2 and more == 1\ncheck(f)")]
    [InlineData("def check(candidate: f(1)):\n    assert candidate(2) == 2\ncheck(f)")]
    [InlineData("f = lambda x: x\nassert f(1) == 1")]
    [InlineData("for i in range(3):\n    assert f(i) == i\nassert f(7) == 7")]
    public async Task Each_call_of_the_tests_gets_its_own_answer(string tests)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = "def f(x):\n    return x", Tests = tests, Tested = "f" }, TestContext.Current.CancellationToken);
        Assert.Equal((SandboxOutcome.Passed, ""), (verdict.Outcome, verdict.Detail));
    }

    [Theory]
    [InlineData("return 4", "AssertionError")]
    [InlineData("raise ValueError('two\\nlines')", "ValueError: two lines")]
    [InlineData("raise type('Own', (ValueError,), {})('x')", "Own: x")]
    [InlineData("import sys; sys.exit(3)", "ended with exit code 3 before its tests did")]
    [InlineData("import os; os._exit(0)", "ended with exit code 0 before its tests did")]
    [InlineData("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL")]
    [InlineData("return 'x' * (20 << 20)", "OverflowError: a value is too large to be handed over")]
    [InlineData("deep = []\n    for _ in range(100000): deep = [deep]\n    return deep", "AssertionError")]
    [InlineData("own = []; own.append(own); return own", "AssertionError")]
    public async Task A_failure_is_told_as_it_was(string body, string detail)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = $"def f():\n    {body}", Tests = "assert f() == 5" }, TestContext.Current.CancellationToken);
        Assert.Equal((SandboxOutcome.Failed, detail), (verdict.Outcome, verdict.Detail));
    }

    // A function that dies in a call is not a function that raises, whatever the tests catch.
    [Fact]
    public async Task Tests_that_catch_everything_do_not_pass_a_program_that_ended()
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = "import os\ndef f():\n    os._exit(0)", Tests = "try:\n    f()\nexcept:\n    pass" }, TestContext.Current.CancellationToken);
        Assert.Equal(SandboxOutcome.Failed, verdict.Outcome);
    }

    [Fact]
    public async Task A_built_in_functions_name_is_the_programs_only_where_it_is_what_is_tested()
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var own = new SandboxProgram { Code = "def sum(a, b):\n    return a + b\ndef abs(x):\n    return 0\ndef f(x):\n    return 1000", Tests = "assert sum(1, 2) == 3", Tested = "sum" };
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(own, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(SandboxOutcome.Failed, (await sandbox.RunAsync(own with { Tested = "" }, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(SandboxOutcome.Failed, (await sandbox.RunAsync(own with { Tests = "assert abs(f(1) - 5) < 1e-6", Tested = "f" }, TestContext.Current.CancellationToken)).Outcome);
    }

    // Tests that could leave something behind are the last of their process; a value that takes the tests' process down takes no verdict along but its own.
    [Fact]
    public async Task Tests_share_no_state_either()
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var leaving = new SandboxProgram { Code = "def f():\n    return 1", Tests = "import math\nmath.pi = 3\nimport builtins\nbuiltins.left = 1\nassert f() == 1" };
        var next = leaving with { Tests = "import math\nassert math.pi > 3.1\ntry:\n    left\nexcept NameError:\n    pass\nelse:\n    assert False" };
        var bomb = leaving with { Code = "def f():\n    return list(range(1000000))", Tests = "big = [f() for _ in range(100)]\nassert [part * 1000 for part in big]" };
        foreach (var program in (SandboxProgram[])[leaving, next, bomb, next])
            Assert.Equal(program != bomb, (await sandbox.RunAsync(program with { Limits = new SandboxLimits { Seconds = 4 } }, TestContext.Current.CancellationToken)).Outcome == SandboxOutcome.Passed);
    }

    // A value that costs the comparison more time than there is: the clock holds for the tests' process, too.
    [Fact]
    public async Task Tests_that_do_not_end_are_ended()
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var endless = new SandboxProgram { Code = "def f():\n    return 1", Tests = "while f(): pass", Limits = new SandboxLimits { Seconds = 1 } };
        await sandbox.RunAsync(endless with { Tests = "" }, TestContext.Current.CancellationToken);
        var before = ChildProcesses.Now().All.Count;
        Assert.Equal(SandboxOutcome.TimedOut, (await sandbox.RunAsync(endless, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(SandboxOutcome.TimedOut, (await sandbox.RunAsync(endless with { Tests = "while True: pass" }, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(endless with { Tests = "assert f() == 1" }, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(before, ChildProcesses.Now().All.Count);
    }

    [Fact]
    public async Task Tests_that_hand_over_what_cannot_be_handed_over_are_no_ones_failure()
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = "def f(x):\n    return x", Tests = "class Own: pass\nassert f(Own())" }, TestContext.Current.CancellationToken);
        Assert.Equal((SandboxOutcome.Broken, "the tests hand the program an object of their own, of type Own"), (verdict.Outcome, verdict.Detail));
    }
}
