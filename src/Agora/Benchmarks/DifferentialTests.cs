namespace Agora.Benchmarks;

/// <summary>Tests that hold a program's outputs against a reference's on the same inputs, as EvalPlus does.</summary>
/// <remarks>
/// The reference runs first, in a sandbox of its own, so that no sample can touch it; what came out is written into the sample's tests as Python. Limits are
/// EvalPlus's: an input may take 4 s or four times the reference's time, all of them together a minute.
/// </remarks>
/// <param name="Reference">A whole program.</param>
/// <param name="Inputs">A Python expression: a list of lists of arguments.</param>
/// <param name="Tolerance">A Python number: the absolute tolerance of floating-point outputs.</param>
/// <param name="Oracle">How outputs are compared; see <c>differential_tests.py</c>.</param>
internal sealed record DifferentialTests(string Reference, string EntryPoint, string Inputs, string Tolerance, string Oracle)
{
    private const double LongestInput = 4;
    private const double LongestRun = 60;
    private const string Mark = "<<agora outputs>>\n";

    private static readonly Lazy<string> Outputs = new(() => EmbeddedPython.Read("reference_outputs.py"));
    private static readonly Lazy<string> Comparison = new(() => EmbeddedPython.Read("differential_tests.py"));
    private static readonly SandboxLimits ReferenceLimits = new() { Seconds = LongestRun, MemoryBytes = 4L << 30, OutputBytes = 16 << 20, FloodBytes = 32 << 20 };

    public async Task<PreparedTests> PrepareAsync(CodeSandbox sandbox, CancellationToken cancellationToken)
    {
        var run = Filled(Outputs.Value, ("__NOT_NONE__", Oracle == "not_none" ? "True" : "False"));
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = Reference, Tests = run, TestsApart = false, Limits = ReferenceLimits with { Seconds = LongestRun * sandbox.TimeScale } }, cancellationToken);
        if (verdict.Outcome != SandboxOutcome.Passed || verdict.Output.LastIndexOf(Mark, StringComparison.Ordinal) is not (>= 0 and var mark))
            return new PreparedTests(null, 0, $"the benchmark's own solution does not run: {(verdict.Detail.Length > 0 ? verdict.Detail : "its outputs are too long")}");
        var tests = Filled(Comparison.Value, ("__EXPECTED__", verdict.Output[(mark + Mark.Length)..]), ("__TOLERANCE__", Tolerance), ("__ORACLE__", EvalPlusShapes.Literal(Oracle)));
        var inputs = Math.Max(1, Inputs.AsSpan().Count("], ["));      // an upper bound: an argument may hold lists of its own
        // What the reference took was measured on this machine; the rest are limits for the reference machine.
        var scale = sandbox.TimeScale;
        return new PreparedTests(tests, Math.Ceiling(Math.Min(LongestRun * scale, Math.Max(LongestInput * inputs * scale, LongestInput * verdict.Seconds)) + 1), null);
    }

    private string Filled(string script, params ReadOnlySpan<(string Place, string Python)> more)
    {
        // Comments name the places; only the code below them is filled.
        var text = script[script.IndexOf("def ", StringComparison.Ordinal)..]
            .Replace("__FUNCTION__", EntryPoint, StringComparison.Ordinal).Replace("__INPUTS__", Inputs, StringComparison.Ordinal);
        foreach (var (place, python) in more)
            text = text.Replace(place, python, StringComparison.Ordinal);
        return text;
    }
}

/// <summary>Tests that are ready to run behind a program.</summary>
/// <param name="Text">Null where there are none, for the reason given.</param>
internal sealed record PreparedTests(string? Text, double Seconds, string? Fault);
