using Agora.Benchmarks;

namespace Agora.Reports;

/// <summary>A bounded number of answers of every model and of rejected completions, with links to the files that hold them all.</summary>
internal static class HtmlSamples
{
    private const int MostInAll = 400;
    private const int LongestText = 3000;     // characters

    public static Markup Render(RunReport report, SampleFiles files)
    {
        var sources = files.Answers.Length + files.Rejects.Length;
        if (sources == 0)
            return Markup.None;
        var each = Math.Clamp(MostInAll / sources, 1, 6);
        return Markup.Of($"""
            <p>A few of each; the files hold them all, one JSON object a line.</p>
            {Group("Answers", files.Answers.Select(file => Answers(file.Samples, file.Path, each)))}{Group("Rejected completions", files.Rejects.Select(file => Rejects(file.Samples, file.Path, each)))}
            """);
    }

    private static Markup Group(string title, IEnumerable<Markup> sources)
    {
        var content = Markup.Join(sources);
        return content == Markup.None ? Markup.None : Markup.Of($"<h3>{title}</h3>\n{content}");
    }

    private static Markup Answers(AnswerSamples source, string path, int each)
    {
        var shown = Choose(source.Samples, each, sample => sample.Graded.Grade switch { Grade.Unscored => 0, Grade.Scored { Value: >= 0.5 } => 1, _ => 2 });
        return Details($"{source.Model}, {source.Benchmark}", path, shown.Count, shown.Total, shown.Samples.Select(sample => Sample(
            $"{sample.Answer.ItemId}: {Words(sample.Graded.Grade)}{(sample.Answer.Finished ? "" : ", cut off at the token limit")}",
            [
                ("prompt", sample.Answer.Prompt),
                ("completion", sample.Answer.Completion),
                ("extracted answer", sample.Graded.Extracted ?? "(none found)"),
                .. sample.Graded.Detail is { } detail ? [("what the grader saw", detail)] : Array.Empty<(string, string)>(),
            ])));
    }

    private static Markup Rejects(InstanceSamples source, string path, int each)
    {
        var shown = Choose(source.Rejects, each, sample => sample.Reason);
        return shown.Total == 0 ? Markup.None : Details($"{source.Generator}, {source.Setting.Title()}", path, shown.Count, shown.Total, shown.Samples.Select(sample => Sample(
            sample.Reason,
            [("what the check saw", sample.Detail), ("completion", sample.Completion)])));
    }

    // The first of each kind in turn, so that a rare kind is seen too; in the order of the file.
    private static (IReadOnlyList<T> Samples, int Count, int Total) Choose<T, TKind>(IEnumerable<T> samples, int each, Func<T, TKind> kindOf) where TKind : notnull
    {
        var kinds = new Dictionary<TKind, List<(int Place, T Sample)>>();
        var total = 0;
        foreach (var sample in samples)
        {
            var kind = kindOf(sample);
            if (!kinds.TryGetValue(kind, out var found))
                kinds[kind] = found = [];
            if (found.Count < each)
                found.Add((total, sample));
            total++;
        }
        var chosen = Enumerable.Range(0, each).SelectMany(turn => kinds.Values.Where(found => turn < found.Count).Select(found => found[turn]))
            .Take(each).OrderBy(entry => entry.Place).Select(entry => entry.Sample).ToList();
        return (chosen, chosen.Count, total);
    }

    private static Markup Details(string title, string path, int shown, int total, IEnumerable<Markup> samples) => Markup.Of($"""
        <details><summary>{title} ({ReportText.Count(shown)} of {ReportText.Count(total)})</summary>
        <p><a href="{path}">{path}</a></p>
        {Markup.Join(samples)}</details>

        """);

    private static Markup Sample(string title, IEnumerable<(string Name, string Text)> parts) => Markup.Of($"""
        <div class="sample"><h4>{title}</h4><dl>{Markup.Join(parts.Select(part => Markup.Of($"<dt>{part.Name}</dt><dd><pre dir=\"auto\"{Reachable(part.Text)}>{Shortened(part.Text)}</pre></dd>")))}</dl></div>

        """);

    // A text that may be higher than its box scrolls there, and must be reached by keyboard, too.
    private static Markup Reachable(string text) => text.Length > 800 || text.AsSpan().Count('\n') > 12 ? new Markup(" tabindex=\"0\"") : Markup.None;

    private static string Words(Grade grade) => grade switch
    {
        Grade.Scored(var value) => value == 1 ? "right" : value == 0 ? "wrong" : $"score {ReportText.Number(100 * value)} %",
        Grade.Unscored(var reason) => $"could not be graded: {reason}",
        _ => throw new InvalidOperationException($"no words for {grade}"),
    };

    private static string Shortened(string text) => text.Length <= LongestText ? text : $"{text[..LongestText]} … ({ReportText.Count(text.Length - LongestText)} more characters in the file)";
}
