using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>How programming tasks are put to a model, by style.</summary>
internal static class CodePrompts
{
    private static readonly ImmutableArray<string> EndOfProgram = ["<|endoftext|>", "<|endofmask|>", "</s>", "\nif __name__", "\ndef main(", "\nprint("];

    /// <summary>EvalPlus's form (a request, the task in a bare fence, an answer that begins with a Python fence) in the project's own words.</summary>
    public static string Request(string task) => $"Write a complete Python program that solves this task, in one Markdown code block.\n```\n{task.Trim()}\n```\n";

    public static BenchmarkAsking InChat { get; } = new()
    {
        AnswerPrefix = "This program solves the task and passes its tests:\n```python\n",
        Stop = [.. EndOfProgram, "\n```\n"],
    };

    /// <summary>The task is continued; what begins anew at the margin belongs to something else.</summary>
    /// <param name="more">Stops of the benchmark's own.</param>
    public static BenchmarkAsking Continued(params ReadOnlySpan<string> more) => new()
    {
        IsContinued = true,
        Stop = [.. EndOfProgram, .. more],
    };
}
