using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>In which form a benchmark's items are put to a model.</summary>
public enum PromptStyle
{
    /// <summary>The item alone as a user message: the form in which students are trained.</summary>
    Chat,
    /// <summary>A text to be continued, for models that have no chat template.</summary>
    Base,
    /// <summary>Code benchmarks: a request, the task in a bare fence, and an answer that already begins with a Python fence, as EvalPlus asks chat models.</summary>
    EvalPlus,
}

/// <summary>By whose conventions an answer is read and compared.</summary>
public enum AnswerGrader
{
    /// <summary>The project's own: see docs/evaluation.md.</summary>
    Agora,
    /// <summary>gsm8k: the first <c>#### number</c>, compared as text. math: Minerva's closing sentence and normalisation.</summary>
    LmEvalStrict,
    /// <summary>gsm8k: the last thing that looks like a number, compared as text.</summary>
    LmEvalFlexible,
    /// <summary>gsm8k: the first "The answer is number."</summary>
    LmEvalCotStrict,
    /// <summary>gsm8k: the last "The final answer is number".</summary>
    LmEvalLlamaStrict,
    /// <summary>Code: the longest run of lines that is Python, and of it what the entry point needs.</summary>
    EvalPlus,
}

/// <summary>How a benchmark is asked and graded, beyond its file.</summary>
public sealed record BenchmarkOptions
{
    public PromptStyle Style { get; init; } = PromptStyle.Chat;
    public AnswerGrader Grader { get; init; } = AnswerGrader.Agora;
    /// <summary>Exemplars before every item, drawn once from <see cref="ExemplarFile"/>; the same for all items.</summary>
    public int Shots { get; init; }
    /// <summary>The benchmark's own training split, in the format of its test split.</summary>
    public string? ExemplarFile { get; init; }
    /// <summary>Decides which exemplars are drawn.</summary>
    public long Seed { get; init; } = 42;
    /// <summary>Whether a file of EvalPlus counts its additional tests too, or the original ones alone.</summary>
    public bool PlusTests { get; init; }
    /// <summary>Model-written code runs with resource limits alone; the grader's version and every grade say so.</summary>
    public bool UnsafeNoSandbox { get; init; }

    /// <exception cref="AgoraException">The benchmark is not asked or graded in the wanted way.</exception>
    internal void Require(string benchmark, ReadOnlySpan<PromptStyle> styles, ReadOnlySpan<AnswerGrader> graders, bool exemplars)
    {
        if (!styles.Contains(Style))
            throw Refused($"{benchmark} is not asked in the style {Name(Style)}", "--prompt-style", $"choose {string.Join(" or ", styles.ToArray().Select(Name))}");
        if (!graders.Contains(Grader))
            throw Refused($"{benchmark} has no grader {Name(Grader)}", "--grader", $"choose {string.Join(" or ", graders.ToArray().Select(Name))}; --grader {benchmark}=NAME sets it for this benchmark alone");
        if (Shots > 0 && !exemplars)
            throw Refused($"{benchmark} has no training split to draw exemplars from", "--few-shot", $"leave it out for {benchmark}");
        if (Shots > 0 && ExemplarFile is null)
            throw Refused($"--few-shot {Shots} needs {benchmark}'s training split", $"--exemplars {benchmark}", $"give it with --exemplars {benchmark}=FILE; none is shipped");
        if (Shots == 0 && ExemplarFile is not null)
            throw Refused($"the exemplars of {benchmark} are not used", $"--exemplars {benchmark}", "add --few-shot N, or leave --exemplars out");
    }

    /// <summary>As on the command line: <c>lm-eval-strict</c>.</summary>
    public static string Name(AnswerGrader grader) => grader switch
    {
        AnswerGrader.Agora => "agora",
        AnswerGrader.LmEvalStrict => "lm-eval-strict",
        AnswerGrader.LmEvalFlexible => "lm-eval-flexible",
        AnswerGrader.LmEvalCotStrict => "lm-eval-cot-strict",
        AnswerGrader.LmEvalLlamaStrict => "lm-eval-llama-strict",
        AnswerGrader.EvalPlus => "evalplus",
        _ => throw new ArgumentOutOfRangeException(nameof(grader), grader, null),
    };

    public static string Name(PromptStyle style) => style switch
    {
        PromptStyle.Chat => "chat",
        PromptStyle.Base => "base",
        PromptStyle.EvalPlus => "evalplus",
        _ => throw new ArgumentOutOfRangeException(nameof(style), style, null),
    };

    private static AgoraException Refused(string what, string where, string fix) => new(what, where, fix) { ExitCode = 2 };
}
