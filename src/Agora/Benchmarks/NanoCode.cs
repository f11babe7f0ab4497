using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Small Python functions from a description. Rows: <c>id</c>, <c>prompt</c>, <c>entry_point</c>, <c>tests</c> (asserts), and a <c>solution</c> where there is one.</summary>
internal static partial class NanoCode
{
    private const double SecondsPerProgram = 3;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options)
    {
        options.Require(spec.Name, [PromptStyle.Chat], [AnswerGrader.Agora], exemplars: false);
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var tasks = file.Rows.Select(row =>
        {
            var item = new BenchmarkItem(row.Id("id"), row.Text("prompt"));
            var solution = row.Has("solution") ? row.Text("solution") : null;
            return new CodeTask(item, EntryPoint(row), row.Text("tests"), Continues: null, solution);
        }).ToArray();
        file.ThrowIfFaulty();
        return new CodeBenchmark(spec.Name, file.Hash, [.. tasks], new CodeGrading { SecondsPerProgram = SecondsPerProgram, Options = options });
    }

    internal static string EntryPoint(BenchmarkRow row)
    {
        var name = row.Text("entry_point");
        if (name.Length > 0 && !Identifier().IsMatch(name))
            row.Fault($"\"entry_point\" is no Python name: \"{name}\"");
        return name;
    }

    [GeneratedRegex(@"^\w+$", RegexOptions.NonBacktracking)]
    private static partial Regex Identifier();
}
