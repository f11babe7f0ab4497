using System.Text;
using Agora.Experiments;

namespace Agora.IntrinsicMetrics;

/// <summary>What a judge scores from 1 to 5, and what each score means: a text of <c>prompts/rubrics</c>, first the question, then one line a score.</summary>
public sealed class Rubric
{
    private Rubric(string metric, bool seesResponse, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (lines.Length != 6 || Enumerable.Range(1, 5).Any(score => !lines[score].StartsWith($"{score}: ", StringComparison.Ordinal)))
            throw new InvalidOperationException($"a rubric has a question and five lines that begin with their score: {lines.FirstOrDefault()}");
        (Metric, SeesResponse, Question, Levels) = (metric, seesResponse, lines[0], [.. lines.Skip(1).Select(line => line[3..])]);
    }

    /// <summary>instruction_difficulty or response_quality.</summary>
    public string Metric { get; }
    /// <summary>Whether the judge is shown the response, too.</summary>
    public bool SeesResponse { get; }
    public string Question { get; }
    /// <summary>What the scores 1 to 5 mean.</summary>
    public IReadOnlyList<string> Levels { get; }

    public static Rubric Difficulty(Domain domain) => new("instruction_difficulty", seesResponse: false, Text($"{domain.Name()}_difficulty"));

    public static Rubric Quality(Domain domain) => new("response_quality", seesResponse: true, Text($"{domain.Name()}_quality"));

    /// <summary>Both of a domain.</summary>
    public static IReadOnlyList<Rubric> Of(Domain domain) => [Difficulty(domain), Quality(domain)];

    private static string Text(string name)
    {
        using var stream = typeof(Rubric).Assembly.GetManifestResourceStream($"Agora.IntrinsicMetrics.rubrics.{name}")
            ?? throw new InvalidOperationException($"prompts/rubrics/{name}.txt is not embedded");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
