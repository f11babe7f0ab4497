using System.Collections.Immutable;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>Measures a data set: what needs no model always, and the rest with the instruments that are there.</summary>
public sealed class DataSetMeasurement(MetricInstruments instruments, RandomStreams random)
{
    // Sent to a model at a time: memory stays flat, and engines have enough to fill their batches.
    private const int ChunkLength = 256;
    // The nearest neighbour of each text looks at every pair, and eigenvalues cost the cube.
    private const int MostForPairs = 4000, MostForVendi = 1000, MostForSelfBleu = 2000;
    private const int ContaminationRun = 13;

    private readonly MetricIntervals intervals = new(random);

    /// <summary>Metrics of all instances, or of a random subset, which the intervals then account for.</summary>
    /// <param name="domain">Chooses the judge's rubrics.</param>
    /// <param name="sample">At most this many; all where null.</param>
    /// <param name="against">Texts that training data must not hold, such as benchmark questions; null: contamination is not measured.</param>
    public async Task<MeasuredData> MeasureAsync(
        string generator, Setting? setting, Domain? domain, IReadOnlyList<MeasuredInstance> instances, int? sample, IReadOnlyCollection<string>? against, CancellationToken cancellationToken)
    {
        int[] places = sample is { } wanted && wanted < instances.Count
            ? [.. random.For($"sample {generator} {setting}").Sample(instances.Count, wanted).Order()]
            : [.. Enumerable.Range(0, instances.Count)];
        MeasuredInstance[] chosen = [.. places.Select(place => instances[place])];
        var values = new InstanceColumns(chosen.Length);
        var metrics = ImmutableArray.CreateBuilder<MetricEstimate>();
        if (instruments.Texts)
            metrics.AddRange(Texts(chosen, against, values));
        if (instruments.Likelihood is { } likelihood)
        {
            var losses = await MeanLossesAsync(likelihood, chosen, cancellationToken);
            metrics.Add(Each("perplexity", [.. losses.Select(loss => loss is { } nats ? (double?)Math.Exp(nats) : null)], values));
            if (instruments.Reference is { } reference)
                metrics.Add(Each("implicit_reward", [.. losses.Zip(await MeanLossesAsync(reference, chosen, cancellationToken), (student, trained) => student - trained)], values));
        }
        if (instruments.Reward is { } reward)
            metrics.Add(Each("response_reward", await RewardsAsync(reward, chosen, cancellationToken), values));
        if (instruments.Embeddings is { } embeddings)
        {
            metrics.AddRange(Diversity("instruction", await EmbedAsync(embeddings, chosen.Select(instance => instance.Instruction), cancellationToken)));
            metrics.AddRange(Diversity("response", await EmbedAsync(embeddings, chosen.Select(instance => instance.Response), cancellationToken)));
        }
        if (instruments.Judge is { } judge && domain is { } judged)
            metrics.AddRange(await JudgedAsync(judge, judged, chosen, values, cancellationToken));
        return new MeasuredData(
            new DataSetProfile { Generator = generator, Setting = setting, Instances = instances.Count, Measured = chosen.Length, Metrics = metrics.ToImmutable() },
            values.Rows(places));
    }

    private MetricEstimate Each(string name, double?[] own, InstanceColumns values, Func<int, string?>? why = null)
    {
        values.Add(name, own, why);
        var estimate = intervals.Mean(name, own);
        // The commonest reason, where none has a value: a judge that never keeps to its form is told from one that refuses.
        var reason = estimate.Value is null && why is not null ? Enumerable.Range(0, own.Length).Select(why).OfType<string>().CountBy(text => text).MaxBy(entry => entry.Value).Key : null;
        return reason is null ? estimate : estimate with { Missing = $"{estimate.Missing}: {reason}" };
    }

    private IEnumerable<MetricEstimate> Texts(MeasuredInstance[] instances, IReadOnlyCollection<string>? against, InstanceColumns values)
    {
        ImmutableArray<string>[] instructions = [.. instances.Select(instance => WordText.Of(instance.Instruction))];
        ImmutableArray<string>[] responses = [.. instances.Select(instance => WordText.Of(instance.Response))];
        yield return Each("instruction_words", [.. instructions.Select(words => (double?)words.Length)], values);
        yield return Each("response_words", [.. responses.Select(words => (double?)words.Length)], values);
        foreach (var (name, texts) in ((string, ImmutableArray<string>[])[])[("instruction", instructions), ("response", responses)])
        {
            foreach (var length in (int[])[1, 2, 3])
                yield return intervals.OfSet($"{name}_distinct_{length}", texts.Length, 0, among => DistinctRuns.Share(among is null ? texts : among.Select(place => texts[place]), length), halves: 50);
            yield return intervals.Mean($"{name}_self_bleu", [.. SelfBleu.Scores([.. Some($"{name}_self_bleu", texts.Length, MostForSelfBleu).Select(place => texts[place])]).Select(score => (double?)score)]);
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        yield return Each("duplicate_instructions", [.. instructions.Select(words => (double?)(seen.Add(string.Join(' ', words)) ? 0 : 1))], values);
        yield return Each("letters_not_latin", [.. instances.Select(instance => NotLatin(instance.Instruction + instance.Response))], values);
        if (instances.Any(instance => instance.OutputTokens > 0))
            yield return Each("output_tokens", [.. instances.Select(instance => instance.OutputTokens > 0 ? (double?)instance.OutputTokens : null)], values);
        if (instances.Any(instance => instance.Dollars is not null))
            yield return Each("dollars", [.. instances.Select(instance => (double?)instance.Dollars)], values);
        string[] themes = [.. instances.Select(instance => instance.Theme).OfType<string>()];
        if (themes.Length > 0)
            yield return intervals.OfSet("effective_themes", themes.Length, instances.Length - themes.Length, among => Effective(among is null ? themes : among.Select(place => themes[place])));
        if (against is not null)
            yield return Each("contaminated", Contaminated(instances, against), values);
    }

    private IEnumerable<MetricEstimate> Diversity(string what, EmbeddingSet set)
    {
        yield return intervals.OfPairs($"{what}_diversity_cdist", set.Count, set.WithoutDirection, set.MeanPairwise);
        if (set.Count is >= 2 and <= MostForPairs)
            yield return intervals.Mean($"{what}_nearest_distance", [.. set.NearestDistances().Select(distance => (double?)distance)]);
        if (set.Count < 2)
            yield break;
        // Of a larger set, the score of a random part: it depends on how many texts there are, and compares only between sets of one size.
        var part = Some($"{what}_vendi", set.Count, MostForVendi);
        yield return intervals.OfSet($"{what}_vendi", part.Length, set.WithoutDirection, among => set.Vendi(among is null ? part : [.. among.Select(place => part[place])]), halves: 50);
    }

    // All places, or as many as can be afforded, drawn at random.
    private int[] Some(string what, int count, int most) => count <= most ? [.. Enumerable.Range(0, count)] : [.. random.For($"part {what}").Sample(count, most).Order()];

    // Nats per token of each response; null where it has none.
    private static async Task<double?[]> MeanLossesAsync(ILikelihoodModel model, MeasuredInstance[] instances, CancellationToken cancellationToken)
    {
        var means = new List<double?>();
        foreach (var chunk in instances.Chunk(ChunkLength))
            foreach (var losses in await FittingAsync(chunk, (pairs, stop) => model.TokenLossesAsync(pairs, stop), cancellationToken))
                means.Add(losses is null or [] ? null : losses.Average(loss => (double)loss));
        return [.. means];
    }

    private static async Task<double?[]> RewardsAsync(IRewardModel model, MeasuredInstance[] instances, CancellationToken cancellationToken)
    {
        var rewards = new List<double?>();
        foreach (var chunk in instances.Chunk(ChunkLength))
            rewards.AddRange(await FittingAsync(chunk, async (pairs, stop) => (IReadOnlyList<double?>)[.. (await model.ScoreAsync(pairs, stop)).Select(reward => (double?)reward)], cancellationToken));
        return [.. rewards];
    }

    // A conversation that is longer than the model's context has no value, which is counted; it does not take its neighbours' along.
    private static async Task<IReadOnlyList<T?>> FittingAsync<T>(
        MeasuredInstance[] chunk, Func<IReadOnlyList<(string Instruction, string Response)>, CancellationToken, Task<IReadOnlyList<T>>> measure, CancellationToken cancellationToken)
    {
        (string, string)[] pairs = [.. chunk.Select(instance => (instance.Instruction, instance.Response))];
        try
        {
            return [.. await measure(pairs, cancellationToken)];
        }
        catch (PromptRefusedException) when (pairs.Length > 1)
        {
            var half = chunk.Length / 2;
            return [.. await FittingAsync(chunk[..half], measure, cancellationToken), .. await FittingAsync(chunk[half..], measure, cancellationToken)];
        }
        catch (PromptRefusedException)
        {
            return [default];
        }
    }

    private static async Task<EmbeddingSet> EmbedAsync(IEmbeddingGenerator<string, Embedding<float>> model, IEnumerable<string> texts, CancellationToken cancellationToken)
    {
        var vectors = new List<float[]>();
        // An empty text has no vector of its own; a blank stands for it, as no model takes nothing.
        foreach (var chunk in texts.Select(text => text.Length == 0 ? " " : text).Chunk(ChunkLength))
            vectors.AddRange((await model.GenerateAsync(chunk, cancellationToken: cancellationToken)).Select(embedding => embedding.Vector.ToArray()));
        return new EmbeddingSet(vectors);
    }

    private async Task<IEnumerable<MetricEstimate>> JudgedAsync(RubricJudge judge, Domain domain, MeasuredInstance[] instances, InstanceColumns values, CancellationToken cancellationToken)
    {
        var estimates = new List<MetricEstimate>();
        foreach (var rubric in Rubric.Of(domain))
        {
            var verdicts = await judge.JudgeAsync(rubric, instances, cancellationToken);
            var name = instruments.JudgeName is { } one ? $"{rubric.Metric}_{one}_judge" : $"{rubric.Metric}_judge";
            estimates.Add(Each(name, [.. verdicts.Select(verdict => (double?)verdict.Score)], values, place => verdicts[place].Unreadable));
            if (verdicts.Any(verdict => verdict.Expected is not null))
                estimates.Add(Each($"{name}_expected", [.. verdicts.Select(verdict => verdict.Expected)], values));
        }
        return estimates;
    }

    private static double? NotLatin(string text)
    {
        string letters = new([.. text.Where(char.IsLetter)]);
        return letters.Length == 0 ? null : (double)letters.Count(letter => letter > '\u024f') / letters.Length;
    }

    private static double? Effective(IEnumerable<string> themes)
    {
        int[] counts = [.. themes.CountBy(theme => theme).Select(entry => entry.Value)];
        var total = (double)counts.Sum();
        return total == 0 ? null : Math.Exp(counts.Sum(count => -count / total * Math.Log(count / total)));
    }

    private static double?[] Contaminated(MeasuredInstance[] instances, IReadOnlyCollection<string> against)
    {
        var runs = against.SelectMany(text => WordText.Of(text) is var words && words.Length < ContaminationRun ? [string.Join(' ', words)] : WordText.Runs(words, ContaminationRun)).ToHashSet(StringComparer.Ordinal);
        return [.. instances.Select(instance => (double?)(new[] { instance.Instruction, instance.Response }.Select(WordText.Of)
            .Any(words => runs.Contains(string.Join(' ', words)) || WordText.Runs(words, ContaminationRun).Any(runs.Contains)) ? 1 : 0))];
    }
}

/// <summary>Collects what instances have one by one, metric by metric.</summary>
internal sealed class InstanceColumns(int instances)
{
    private readonly List<(string Name, double?[] Values, Func<int, string?>? Why)> columns = [];

    public void Add(string name, double?[] values, Func<int, string?>? why)
    {
        if (values.Length != instances)
            throw new ArgumentException($"{values.Length} values of {instances} instances", nameof(values));
        columns.Add((name, values, why));
    }

    public ImmutableArray<InstanceValues> Rows(int[] places) =>
    [
        .. places.Select((place, row) => new InstanceValues(place,
            [.. columns.Select(column => new InstanceValue(column.Name, column.Values[row] is { } value && double.IsFinite(value) ? value : null, column.Values[row] is null ? column.Why?.Invoke(row) : null))])),
    ];
}
