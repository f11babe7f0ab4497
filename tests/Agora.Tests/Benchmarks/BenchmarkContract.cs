using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

/// <summary>What every benchmark promises, whatever it measures.</summary>
internal static class BenchmarkContract
{
    public static async Task Holds(IBenchmark benchmark, GradingContext? context = null)
    {
        Assert.NotEmpty(benchmark.Items);
        Assert.Equal(benchmark.Items.Length, benchmark.Items.Select(i => i.Id).Distinct().Count());
        Assert.All(benchmark.Items, item => Assert.NotEqual("", item.Prompt.Trim()));
        Assert.Contains(benchmark.Name, benchmark.GraderVersion, StringComparison.Ordinal);

        context ??= new GradingContext { Random = new RandomStreams(1) };
        var references = benchmark.ReferenceAnswers;
        var graded = await benchmark.GradeAsync(references, context, TestContext.Current.CancellationToken);
        Assert.Equal(references.Select(r => r.ItemId), graded.Select(g => g.ItemId));
        Assert.All(graded, grade => Assert.Equal(new Grade.Scored(benchmark.ReferenceGrade), grade.Grade));

        BenchmarkAnswer[] empty = [.. benchmark.Items.Select(i => Answer(i, "")).Reverse()];
        graded = await benchmark.GradeAsync(empty, context, TestContext.Current.CancellationToken);
        Assert.Equal(empty.Select(r => r.ItemId), graded.Select(g => g.ItemId));
        Assert.All(graded, grade => Assert.Equal(new Grade.Scored(0), grade.Grade));

        Assert.Empty(await benchmark.GradeAsync([], context, TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            benchmark.GradeAsync([Answer(new BenchmarkItem("no such item", "?"), "")], context, TestContext.Current.CancellationToken));
    }

    /// <summary>Grades several answers to the benchmark's first item.</summary>
    public static Task<ImmutableArray<GradedAnswer>> Grade(IBenchmark benchmark, params string[] completions) =>
        benchmark.GradeAsync([.. completions.Select(c => Answer(benchmark.Items[0], c))], new GradingContext { Random = new RandomStreams(1) }, TestContext.Current.CancellationToken);

    public static BenchmarkAnswer Answer(BenchmarkItem item, string completion) =>
        new() { ItemId = item.Id, Prompt = item.Prompt, Completion = completion, Finished = true };
}
