using System.Collections.Frozen;
using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>A benchmark whose answers are graded one by one, each against its own item's reference, by computation alone.</summary>
/// <typeparam name="TReference">What an answer is held against: a number, constraints.</typeparam>
internal sealed class ItemwiseBenchmark<TReference> : IBenchmark
{
    private readonly FrozenDictionary<string, TReference> references;
    private readonly Func<string, TReference, ItemGrade> grade;

    /// <param name="gradingRules">Number of the grading rules; raised with every change that may alter a grade.</param>
    /// <param name="items">In file order, ids unique.</param>
    /// <param name="grade">Grades a completion; may be called from several threads at once.</param>
    /// <param name="asking">In the chat where absent.</param>
    public ItemwiseBenchmark(
        string name,
        Domain domain,
        int gradingRules,
        string fileHash,
        ImmutableArray<(BenchmarkItem Item, TReference Reference, string? ReferenceCompletion)> items,
        Func<string, TReference, ItemGrade> grade,
        BenchmarkAsking? asking = null)
    {
        Name = name;
        Asking = asking ?? BenchmarkAsking.Chat;
        Domain = domain;
        GraderVersion = $"{name}/{gradingRules}/{fileHash}";
        Items = [.. items.Select(i => i.Item)];
        ReferenceAnswers =
        [
            .. from item in items
               where item.ReferenceCompletion is not null
               select new BenchmarkAnswer { ItemId = item.Item.Id, Prompt = item.Item.Prompt, Completion = item.ReferenceCompletion, Finished = true },
        ];
        references = items.ToFrozenDictionary(i => i.Item.Id, i => i.Reference, StringComparer.Ordinal);
        this.grade = grade;
    }

    public string Name { get; }
    public Domain Domain { get; }
    public ImmutableArray<BenchmarkItem> Items { get; }
    public string GraderVersion { get; }
    public BenchmarkAsking Asking { get; }
    public bool NeedsJudge => false;
    public ImmutableArray<BenchmarkAnswer> ReferenceAnswers { get; }

    public Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken)
    {
        var expected = answers.Select(answer => ReferenceOf(answer.ItemId)).ToArray();
        var graded = new GradedAnswer[answers.Count];
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = context.Parallel, CancellationToken = cancellationToken };
        Parallel.For(0, answers.Count, options, i =>
        {
            var answer = answers[i];
            var verdict = grade(answer.Completion, expected[i]);
            graded[i] = new GradedAnswer(answer.ItemId, verdict.Extracted, verdict.Grade, verdict.Detail);
            context.Progress?.Report((Interlocked.Increment(ref done), answers.Count));
        });
        return Task.FromResult(ImmutableArray.Create(graded));
    }

    private TReference ReferenceOf(string itemId) =>
        references.TryGetValue(itemId, out var reference) ? reference : throw new InvalidOperationException($"benchmark {Name} has no item \"{itemId}\"");
}

/// <param name="Extracted">The part of the completion that was graded; null where none was found.</param>
internal readonly record struct ItemGrade(string? Extracted, Grade Grade, string Detail)
{
    public static ItemGrade Of(string? extracted, bool right, string detail) => new(extracted, new Grade.Scored(right ? 1 : 0), detail);
}
