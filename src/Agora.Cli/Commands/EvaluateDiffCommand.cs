using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Experiments;
using Agora.Recovery;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora evaluate diff A B ...</c>: whether evaluated models differ, benchmark by benchmark, on the same items.</summary>
internal static class EvaluateDiffCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var ids = new Argument<string[]>("evaluation") { Description = "Two or more evaluations: ids, their beginnings, or folders.", Arity = new ArgumentArity(2, 1000) };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var level = new Option<double>("--confidence") { Description = "Of the intervals, in percent.", DefaultValueFactory = _ => new ConfidenceSpec().Level };
        var resamples = new Option<int>("--resamples") { Description = "Of the bootstrap.", DefaultValueFactory = _ => 10_000 };
        var command = new Command("diff", "Compare evaluations item by item: McNemar's test, paired bootstrap, Holm's correction over all comparisons.") { ids, level, resamples, json, runs };
        command.SetAction(parsed =>
        {
            var archive = parsed.Archive(runs);
            var evaluations = parsed.GetRequiredValue(ids).Select(archive.FindEvaluation).DistinctBy(evaluation => evaluation.FullPath).ToImmutableArray();
            if (evaluations.Length < 2)
                throw new AgoraException("there is only one evaluation to compare", "the command line", "name two that differ") { ExitCode = ExitCodes.Usage };
            if (parsed.GetValue(level) is not (> 0 and < 100) || parsed.GetValue(resamples) < 100)
                throw new AgoraException("the confidence must lie between 0 and 100 percent, and there must be at least 100 resamples", "the command line", "give other values") { ExitCode = ExitCodes.Usage };
            var compared = Compare(evaluations, new ConfidenceSpec { Level = parsed.GetValue(level), Resamples = parsed.GetValue(resamples) });
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(compared.Select(Row), CanonicalJson.Indented));
            else
                EvaluationTable.Print(compared, parsed.GetValue(level));
        });
        return command;
    }

    private static ImmutableArray<ComparedPair> Compare(ImmutableArray<EvaluationFolder> evaluations, ConfidenceSpec confidence)
    {
        var records = evaluations.ToDictionary(evaluation => evaluation.Id, evaluation => evaluation.Record());
        var pairs = ImmutableArray.CreateBuilder<ComparedPair>();
        foreach (var (place, first) in evaluations.Index())
        {
            foreach (var second in evaluations.Skip(place + 1))
            {
                foreach (var score in records[first.Id].Scores)
                {
                    if (records[second.Id].Scores.FirstOrDefault(other => other.Benchmark == score.Benchmark) is not { } other)
                        continue;
                    if (score.Grader != other.Grader)
                        Console.Error.WriteLine($"warning: {score.Benchmark}: {first.Id} and {second.Id} were graded differently ({score.Grader} and {other.Grader}): the comparison is between graders too");
                    if ((score.PromptStyle, score.FewShot) != (other.PromptStyle, other.FewShot) && score.PromptStyle is not null && other.PromptStyle is not null)
                        Console.Error.WriteLine($"warning: {score.Benchmark}: {first.Id} and {second.Id} were asked differently ({score.PromptStyle} with {score.FewShot} exemplars and {other.PromptStyle} with {other.FewShot}): the comparison is between prompts too");
                    var comparison = StudentComparison.Of(first.Grades(score.Benchmark), second.Grades(score.Benchmark), confidence, new RandomStreams(42));
                    pairs.Add(new ComparedPair(score.Benchmark, first.Id, second.Id, comparison));
                }
            }
        }
        if (pairs.Count == 0)
            throw new AgoraException("the evaluations have no benchmark in common", string.Join(", ", evaluations.Select(evaluation => evaluation.Id)), "evaluate them on the same benchmarks") { ExitCode = ExitCodes.Usage };
        var corrected = StudentComparison.Corrected([.. pairs.Select(pair => pair.Comparison)]);
        return [.. pairs.Zip(corrected, (pair, comparison) => pair with { Comparison = comparison })];
    }

    private static object Row(ComparedPair pair) => new
    {
        pair.Benchmark,
        pair.First,
        pair.Second,
        pair.Comparison.Difference,
        pair.Comparison.StandardError,
        (pair.Comparison.Interval as ConfidenceInterval.Bounds)?.Low,
        (pair.Comparison.Interval as ConfidenceInterval.Bounds)?.High,
        pair.Comparison.McNemarP,
        pair.Comparison.BootstrapP,
        pair.Comparison.AdjustedP,
        pair.Comparison.Items,
        pair.Comparison.FirstBetter,
        pair.Comparison.SecondBetter,
        pair.Comparison.Unpaired,
        pair.Comparison.Detectable,
    };
}

/// <param name="First">Id of an evaluation.</param>
internal sealed record ComparedPair(string Benchmark, string First, string Second, StudentComparison Comparison);
