using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>Finds programs in answers as EvalPlus does, which takes Python's own parser: <c>program_extraction.py</c>, run in the sandbox with the answer as its data.</summary>
/// <remarks>
/// EvalPlus has no limits here, and every sample stands in its pass@k: what passes no test has failed. So an answer that cannot be searched within the limits is wrong and
/// stays in the mean; only a sandbox that is broken leaves it without a grade.
/// </remarks>
internal static class ProgramExtraction
{
    private static readonly Lazy<string> Script = new(() => EmbeddedPython.Read("program_extraction.py"));

    /// <summary>The number of runs of lines grows with the square of the answer's length.</summary>
    private static readonly SandboxLimits Limits = new() { Seconds = 20, OutputBytes = 2 << 20, FloodBytes = 4 << 20 };

    private const int LongestAnswer = 1 << 18;

    public static async Task<FoundProgram> RunAsync(CodeSandbox sandbox, string answer, string entryPoint, CancellationToken cancellationToken)
    {
        if (answer.Length > LongestAnswer)
            return FoundProgram.None($"the answer is longer than {LongestAnswer} characters");
        if (!IsWellFormed(answer))
            return FoundProgram.None("the answer holds an unpaired surrogate");
        var files = ImmutableSortedDictionary<string, string>.Empty.Add("answer.txt", answer).Add("entry_point.txt", entryPoint);
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = Script.Value, Tests = "pass", TestsApart = false, Files = files, Limits = Limits }, cancellationToken);
        return verdict.Outcome switch
        {
            SandboxOutcome.Passed => new FoundProgram(verdict.Output, null),
            SandboxOutcome.TimedOut => FoundProgram.None("looking for the program took too long"),
            SandboxOutcome.Failed => FoundProgram.None($"looking for the program failed: {verdict.Detail}"),
            _ => new FoundProgram(null, $"looking for the program failed: {verdict.Detail}"),
        };
    }

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }
        return true;
    }
}
