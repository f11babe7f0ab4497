using System.Collections.Immutable;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks;

/// <summary>What a benchmark's grader says of answers whose worth is known before.</summary>
/// <param name="Answers">Which answers were given.</param>
/// <param name="Mean">Of the graded ones, from 0 to 1; null where none could be graded, or none were there.</param>
/// <param name="Expected">What every grade must be; null where no grade is known before.</param>
/// <param name="Surprises">Ids of items whose grade is not what it must be, with what the grader said; of shuffled answers those that count as right, where chance does not explain so many.</param>
public sealed record SelfTestLine(string Benchmark, SelfTestAnswers Answers, int Count, double? Mean, double? Expected, int Unscored, ImmutableArray<string> Surprises);

public enum SelfTestAnswers
{
    /// <summary>The benchmark's own solutions: all right. In the judged benchmarks the baseline's own answers: all draws.</summary>
    Reference,
    /// <summary>No text: all wrong.</summary>
    Empty,
    /// <summary>Each item gets another item's solution: right only where two answers agree by chance.</summary>
    Shuffled,
}

/// <summary>Feeds a benchmark its own solutions, empty answers and shuffled solutions, so that a broken grader, file or sandbox shows before a model is paid for.</summary>
public static class BenchmarkSelfTest
{
    /// <summary>Two of a handful may agree by chance.</summary>
    private const int FewestShuffled = 8;

    public static async Task<ImmutableArray<SelfTestLine>> RunAsync(IBenchmark benchmark, GradingContext context, CancellationToken cancellationToken)
    {
        // Empty answers lose and the baseline's draw without a judge; a benchmark that asks one for them is broken. Of shuffled ones only a judge could tell.
        if (benchmark.NeedsJudge)
            context = context with { Judges = [new NoJudge()] };
        var references = benchmark.ReferenceAnswers;
        var lines = ImmutableArray.CreateBuilder<SelfTestLine>();
        lines.Add(await GradeAsync(SelfTestAnswers.Reference, references, benchmark.ReferenceGrade));
        lines.Add(await GradeAsync(SelfTestAnswers.Empty,
            [.. benchmark.Items.Select(item => new BenchmarkAnswer { ItemId = item.Id, Prompt = item.Prompt, Completion = "", Finished = true })], 0));
        lines.Add(await GradeAsync(SelfTestAnswers.Shuffled, benchmark.NeedsJudge ? [] : Shuffled(references, context.Random), null));
        return lines.ToImmutable();

        // A grader that takes any text is found by nothing else.
        IEnumerable<string> TakenForRight(ImmutableArray<BenchmarkAnswer> answers, ImmutableArray<GradedAnswer> grades)
        {
            var own = references.ToLookup(answer => answer.ItemId, answer => answer.Completion);
            var foreign = answers.Where(answer => !own[answer.ItemId].Contains(answer.Completion)).Select(answer => answer.ItemId).ToHashSet();
            string[] right = [.. grades.Where(grade => foreign.Contains(grade.ItemId) && grade.Grade is Grade.Scored { Value: 1 }).Select(grade => $"{grade.ItemId}: another item's solution counts as right")];
            return foreign.Count >= FewestShuffled && 2 * right.Length > foreign.Count ? right : [];
        }

        async Task<SelfTestLine> GradeAsync(SelfTestAnswers kind, ImmutableArray<BenchmarkAnswer> answers, double? expected)
        {
            var grades = await benchmark.GradeAsync(answers, context, cancellationToken);
            double[] scores = [.. grades.Select(grade => grade.Grade).OfType<Grade.Scored>().Select(grade => grade.Value)];
            return new SelfTestLine(benchmark.Name, kind, answers.Length, scores.Length == 0 ? null : scores.Average(), expected, grades.Length - scores.Length,
            [
                .. from grade in grades
                   where expected is { } value && grade.Grade != new Grade.Scored(value)
                   select $"{grade.ItemId}: {(grade.Grade as Grade.Unscored)?.Reason ?? grade.Detail}",
                .. kind == SelfTestAnswers.Shuffled ? TakenForRight(answers, grades) : [],
            ]);
        }
    }

    private sealed class NoJudge : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("the self-test asks no judge");

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("the self-test asks no judge");

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    // In a random circle, so that no item keeps its own.
    private static ImmutableArray<BenchmarkAnswer> Shuffled(ImmutableArray<BenchmarkAnswer> answers, RandomStreams random)
    {
        if (answers.Length < 2)
            return [];
        var circle = random.For("self-test").Sample(answers.Length, answers.Length);
        var shuffled = new BenchmarkAnswer[answers.Length];
        for (var place = 0; place < circle.Length; place++)
            shuffled[circle[place]] = answers[circle[place]] with { Completion = answers[circle[(place + 1) % circle.Length]].Completion };
        return ImmutableArray.Create(shuffled);
    }
}
