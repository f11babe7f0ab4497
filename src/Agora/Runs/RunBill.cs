using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>One line of a run's bill.</summary>
public sealed record RunBillLine
{
    /// <summary>What it was for: generate, measure, answer, grade.</summary>
    public required string Kind { get; init; }
    /// <summary>The model's name in the experiment.</summary>
    public required string Model { get; init; }
    /// <summary><c>kept</c>, <c>rejected:REASON</c>, <c>answered</c>, <c>refused</c>, <c>read_again</c>, <c>in_batch</c> or <c>failed:REASON</c>.</summary>
    public required string For { get; init; }
    public long Requests { get; init; }
    public long InputTokens { get; init; }
    public long CachedInputTokens { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long CacheWrittenTokens { get; init; }
    public long OutputTokens { get; init; }
    public bool Batch { get; init; }
    /// <summary>US dollars; of failed requests the most that may be charged; null where no price is known.</summary>
    public decimal? Dollars { get; init; }
    /// <summary>Whether the dollars are an upper bound: nobody but the provider knows whether a request without answer was charged.</summary>
    public bool AtMost { get; init; }
}

/// <summary>What the steps of a run cost, whoever paid for them first: every request to a model that has a price or is behind an endpoint, by reason.</summary>
public sealed record RunBill
{
    public static RunBill Empty { get; } = new() { Lines = [] };

    public required ImmutableArray<RunBillLine> Lines { get; init; }

    /// <summary>US dollars of answers, known from the tokens that endpoints counted.</summary>
    public decimal Dollars => Lines.Where(line => !line.AtMost).Sum(line => line.Dollars ?? 0);

    /// <summary>US dollars that may come on top for requests without answer or without token counts.</summary>
    public decimal DollarsAtMostBesides => Lines.Where(line => line.AtMost).Sum(line => line.Dollars ?? 0);
}

/// <summary>Reads the bill of steps out of the store.</summary>
/// <param name="named">Every model that the steps may ask, as people call it.</param>
/// <param name="steps">Inputs included.</param>
internal sealed class RunBills(IEnumerable<(string Name, ModelSpec Spec)> named, IReadOnlyList<RunStep> steps, StepStore store, ILanguageModels models)
{
    private readonly Dictionary<StepKey, decimal> charged = [];     // when the bill was read the last time

    public RunBills(Experiment experiment, StepGraph graph, StepStore store, ILanguageModels models)
        : this(experiment.Models.Select(model => (model.Key, model.Value)), [.. graph.Steps], store, models)
    {
    }

    /// <summary>What the steps may ask, named after themselves: outside an experiment nobody gives models names.</summary>
    public RunBills(IReadOnlyList<RunStep> steps, StepStore store, ILanguageModels models)
        : this([.. steps.SelectMany(step => step.Charged).Distinct().Select(model => (model.Model ?? model.Path ?? model.Provider, model))], steps, store, models)
    {
    }

    /// <summary>Charges the budget with what was spent before, and refuses to begin where a limit could not be kept.</summary>
    /// <exception cref="AgoraException">A limit is given, and a model that will be asked has no price.</exception>
    /// <param name="limit">US dollars; null where there is none.</param>
    /// <param name="where">Of the limit, for messages.</param>
    public async Task BeginAsync(Budget budget, decimal? limit, string where, string fix, CancellationToken cancellationToken)
    {
        if (limit is not null)
        {
            var unpriced = steps.SelectMany(step => step.Charged).Where(model => model.Provider != ModelSpec.Embedded && model.Price is null).Distinct()
                .Select(model => named.FirstOrDefault(one => one.Spec == model).Name ?? model.Model).ToArray();
            if (unpriced.Length > 0)
                throw new AgoraException($"a budget is set, and no price is known of {string.Join(", ", unpriced)}", where, fix) { ExitCode = 2 };
        }
        var lines = (await ReadAsync(cancellationToken)).Lines;
        budget.Begin(limit, lines.Where(line => line.For != SpendingLine.InBatch).Sum(line => line.Dollars ?? 0), lines.Where(line => line.For == SpendingLine.InBatch).Sum(line => line.Dollars ?? 0));
    }

    /// <summary>US dollars that a step has cost so far, the most that unanswered requests may cost included.</summary>
    public async Task<decimal> SpentAsync(RunStep step, CancellationToken cancellationToken)
    {
        // A journal of a million lines is not read twice before the start. What had cost nothing when the bill was read may have had a pilot since.
        if (charged.TryGetValue(step.Key, out var read) && read > 0)
            return read;
        var names = await NamesAsync(cancellationToken);
        return names.Values.All(model => model.Price is null) ? 0
            : store.SpendingOf(step.Key).Sum(line => names.TryGetValue(line.Model, out var model) && model.Price is { } price ? line.Dollars(price) : 0);
    }

    private async Task<Dictionary<string, (string Name, Price? Price)>> NamesAsync(CancellationToken cancellationToken)
    {
        var names = new Dictionary<string, (string Name, Price? Price)>(StringComparer.Ordinal);
        foreach (var (name, spec) in named)
            if (spec.Provider != ModelSpec.Embedded || spec.Price is not null)
                names.TryAdd(await models.IdentifyAsync(spec, cancellationToken), (name, spec.Price));
        return names;
    }

    public async Task<RunBill> ReadAsync(CancellationToken cancellationToken)
    {
        var names = await NamesAsync(cancellationToken);
        if (names.Count == 0)
            return RunBill.Empty;
        var lines = new List<RunBillLine>();
        foreach (var step in steps)
        {
            var kept = step is GenerateStep ? Generated(step) : null;
            charged[step.Key] = 0;
            foreach (var spending in store.SpendingOf(step.Key))
            {
                if (!names.TryGetValue(spending.Model, out var model))
                    continue;
                var line = new RunBillLine
                {
                    Kind = step.Identity.Kind,
                    Model = model.Name,
                    For = spending.Outcome,
                    Requests = spending.Requests,
                    InputTokens = spending.InputTokens,
                    CachedInputTokens = spending.CachedInputTokens,
                    CacheWrittenTokens = spending.CacheWrittenTokens,
                    OutputTokens = spending.OutputTokens,
                    Batch = spending.Batch,
                    Dollars = model.Price is { } price ? spending.Dollars(price) : null,
                    AtMost = spending.IsFailed || spending.Outcome == SpendingLine.InBatch,
                };
                charged[step.Key] += line.Dollars ?? 0;
                // What was paid in one mode and all new can be told apart by what became of it.
                if (kept is not null && spending is { Outcome: SpendingLine.Answered } && spending.Model == step.Identity.Asked && kept.Total.Completions - Refused(kept) == spending.Requests)
                    lines.AddRange(Split(line, kept, model.Price));
                else
                    lines.Add(line);
            }
        }
        return new RunBill
        {
            Lines =
            [
                .. lines.GroupBy(line => (line.Kind, line.Model, line.For, line.Batch)).Select(group => group.Aggregate(Sum))
                    .OrderBy(line => Array.IndexOf(Kinds, line.Kind)).ThenBy(line => line.Model, StringComparer.Ordinal).ThenBy(line => line.AtMost).ThenBy(line => line.For, StringComparer.Ordinal),
            ],
        };
    }

    private static readonly string[] Kinds = ["generate", "measure", "answer", "grade"];

    private GenerationBill? Generated(RunStep step) => store.Find(step.Key, thoroughly: false) is StepFinding.Whole(var result)
        ? StepFiles.Read<GenerationSummary>(result, StepFiles.Generation).Bill
        : null;

    private static long Refused(GenerationBill bill) => bill.Rejected.TryGetValue(RejectReason.PromptRefused, out var refused) ? refused.Completions : 0;

    private static IEnumerable<RunBillLine> Split(RunBillLine whole, GenerationBill bill, Price? price)
    {
        yield return Part(bill.Kept, "kept");
        foreach (var (reason, line) in bill.Rejected.Where(reject => reject.Key != RejectReason.PromptRefused))
            yield return Part(line, $"rejected:{reason.Name()}");

        RunBillLine Part(BillLine line, string what) => whole with
        {
            For = what,
            Requests = line.Completions,
            InputTokens = line.InputTokens,
            CachedInputTokens = line.CachedInputTokens,
            CacheWrittenTokens = line.CacheWrittenTokens,
            OutputTokens = line.OutputTokens,
            Dollars = line.Dollars(price) * (whole.Batch ? price?.Batch ?? 1 : 1),
        };
    }

    private static RunBillLine Sum(RunBillLine left, RunBillLine right) => left with
    {
        Requests = left.Requests + right.Requests,
        InputTokens = left.InputTokens + right.InputTokens,
        CachedInputTokens = left.CachedInputTokens + right.CachedInputTokens,
        CacheWrittenTokens = left.CacheWrittenTokens + right.CacheWrittenTokens,
        OutputTokens = left.OutputTokens + right.OutputTokens,
        Dollars = left.Dollars + right.Dollars,
    };
}
