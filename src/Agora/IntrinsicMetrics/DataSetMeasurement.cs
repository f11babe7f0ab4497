using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>Measures a data set: what needs no model always, and the rest with the instruments that are there.</summary>
public sealed class DataSetMeasurement(MetricInstruments instruments, RandomStreams random)
{
    // Sent to a model at a time: memory stays flat, and engines have enough to fill their batches.
    private const int ChunkLength = 256;

    private readonly MetricIntervals intervals = new(random);

    /// <summary>Metrics of all instances, or of a random subset, which the intervals then account for.</summary>
    /// <param name="domain">Chooses the judge's rubrics.</param>
    /// <param name="sample">At most this many; all where null.</param>
    /// <param name="against">Test sets that training data must not hold, such as benchmark questions; null: contamination is not measured.</param>
    public async Task<MeasuredData> MeasureAsync(
        string generator, Setting? setting, Domain? domain, IReadOnlyList<MeasuredInstance> instances, int? sample, TestSetIndex? against, CancellationToken cancellationToken)
    {
        int[] places = sample is { } wanted && wanted < instances.Count
            ? [.. random.For($"sample {generator} {setting}").Sample(instances.Count, wanted).Order()]
            : [.. Enumerable.Range(0, instances.Count)];
        MeasuredInstance[] chosen = [.. places.Select(place => instances[place])];
        var metrics = new MetricColumns(intervals, chosen.Length);
        if (instruments.Texts)
            new TextMetrics(intervals, against).Measure(instances, places, metrics);
        if (instruments.Likelihood is { } likelihood)
            await LikelihoodAsync(likelihood, chosen, metrics, cancellationToken);
        if (instruments.Reward is { } reward)
            metrics.Add("response_reward", await RewardsAsync(reward, chosen, cancellationToken));
        if (instruments.Embeddings is { } embeddings)
        {
            Diversity("instruction", await EmbedAsync(embeddings, chosen.Select(instance => instance.Instruction), cancellationToken), metrics);
            Diversity("response", await EmbedAsync(embeddings, chosen.Select(instance => instance.Response), cancellationToken), metrics);
        }
        if (instruments.Judge is { } judge && domain is { } judged)
            await JudgeAsync(judge, judged, chosen, metrics, cancellationToken);
        if (instruments.Verifier is { } verifier)
            await VerifyAsync(verifier, chosen, metrics, cancellationToken);
        if (instruments.Programs is { } programs)
            await RunAsync(programs, chosen, metrics, cancellationToken);
        return new MeasuredData(
            new DataSetProfile { Generator = generator, Setting = setting, Instances = instances.Count, Measured = chosen.Length, Metrics = metrics.Estimates },
            metrics.Rows(places));
    }

    private async Task LikelihoodAsync(ILikelihoodModel model, MeasuredInstance[] instances, MetricColumns metrics, CancellationToken cancellationToken)
    {
        var losses = await MeanLossesAsync(model, instances, cancellationToken);
        metrics.Add("perplexity", [.. losses.Select(loss => loss is { } nats ? (double?)Math.Exp(nats) : null)]);
        if (instruments.Reference is { } reference)
            metrics.Add("implicit_reward", [.. losses.Zip(await MeanLossesAsync(reference, instances, cancellationToken), (student, trained) => student - trained)]);
    }

    private void Diversity(string what, EmbeddingSet set, MetricColumns metrics)
    {
        metrics.Add(intervals.OfPairs($"{what}_diversity_cdist", set.Count, set.WithoutDirection, set.MeanPairwise));
        if (set.Count < 2)
            return;
        metrics.Add(intervals.OfSize($"{what}_nearest_distance", set.Count, set.WithoutDirection, among => set.NearestDistances(among).Average()));
        metrics.Add(intervals.OfSize($"{what}_vendi", set.Count, set.WithoutDirection, set.Vendi));
        metrics.Add(set.Count < MetricIntervals.StandardSize
            ? new MetricEstimate($"{what}_effective_topics", null, null, null, set.Count, set.WithoutDirection, $"topics are told among {MetricIntervals.StandardSize} texts, and there are {set.Count}")
            : intervals.OfSize($"{what}_effective_topics", set.Count, set.WithoutDirection, among => TopicClusters.Effective(set, among, random)));
    }

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

    private async Task JudgeAsync(RubricJudge judge, Domain domain, MeasuredInstance[] instances, MetricColumns metrics, CancellationToken cancellationToken)
    {
        foreach (var rubric in Rubric.Of(domain))
        {
            var verdicts = await judge.JudgeAsync(rubric, instances, cancellationToken);
            var name = instruments.JudgeName is { } one ? $"{rubric.Metric}_{one}_judge" : $"{rubric.Metric}_judge";
            metrics.Add(name, [.. verdicts.Select(verdict => (double?)verdict.Score)], place => verdicts[place].Unreadable);
            if (verdicts.Any(verdict => verdict.Expected is not null))
                metrics.Add($"{name}_expected", [.. verdicts.Select(verdict => verdict.Expected)]);
        }
    }

    private static async Task VerifyAsync(AnswerVerifier verifier, MeasuredInstance[] instances, MetricColumns metrics, CancellationToken cancellationToken)
    {
        var verdicts = await verifier.VerifyAsync(instances, cancellationToken);
        metrics.Add("answer_verified", [.. verdicts.Select(verdict => AsShare(verdict.Confirmed))], place => verdicts[place].Why);
        metrics.Add("answer_agreement", [.. verdicts.Select(verdict => verdict.Agreement)], place => verdicts[place].Agreement is null ? verdicts[place].Why : null);
    }

    private static async Task RunAsync(ProgramRuns programs, MeasuredInstance[] instances, MetricColumns metrics, CancellationToken cancellationToken)
    {
        var outcomes = await programs.RunAsync(instances, cancellationToken);
        metrics.Add("code_runs", [.. outcomes.Select(outcome => AsShare(outcome.Runs))], place => outcomes[place].Runs is null ? outcomes[place].Why : null);
        metrics.Add("code_passes_own_tests", [.. outcomes.Select(outcome => AsShare(outcome.PassesOwnTests))],
            place => outcomes[place].PassesOwnTests is not null ? null : outcomes[place].Runs is false ? "the instance holds no assertion" : outcomes[place].Why ?? "the instance holds no assertion");
    }

    private static double? AsShare(bool? value) => value is { } known ? known ? 1 : 0 : null;
}
