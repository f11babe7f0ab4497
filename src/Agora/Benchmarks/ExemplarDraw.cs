using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Draws the exemplars of a few-shot prompt from a benchmark's training split.</summary>
internal static class ExemplarDraw
{
    /// <param name="read">One row of the training split, in the benchmark's own format.</param>
    /// <param name="asked">The items' questions, none of which may stand among the exemplars.</param>
    /// <exception cref="AgoraException">The file is bad, too short, or holds a question that is asked.</exception>
    public static ImmutableArray<Exemplar> Of(BenchmarkOptions options, string rootFolder, Func<BenchmarkRow, Exemplar> read, IEnumerable<string> asked)
    {
        if (options.Shots == 0)
            return [];
        var file = options.ExemplarFile ?? throw new InvalidOperationException("no file to draw exemplars from");
        var rows = BenchmarkRows.Read(file, rootFolder, limit: null);
        Exemplar[] all = [.. rows.Rows.Select(read)];
        rows.ThrowIfFaulty();
        if (all.Length < options.Shots)
            throw new AgoraException($"{options.Shots} exemplars are wanted, and the file holds {all.Length}", file, "give the whole training split, or fewer exemplars") { ExitCode = 2 };
        var questions = asked.Select(question => question.Trim()).ToHashSet(StringComparer.Ordinal);
        if (all.Count(exemplar => questions.Contains(exemplar.Question.Trim())) is var leaked and > 0)
            throw new AgoraException(string.Create(CultureInfo.InvariantCulture, $"{leaked} of the exemplars are questions that are asked"), file,
                "give the training split, not the one that is asked")
            { ExitCode = 2 };
        return [.. new RandomStreams(options.Seed).For("exemplars").Sample(all.Length, options.Shots).Select(place => all[place])];
    }
}
