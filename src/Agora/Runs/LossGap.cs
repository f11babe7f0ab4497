using System.Collections.Immutable;
using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>How much of the way from base model to reference a student has gone in nats instead of right answers: 100 · (loss of base − loss of student) / (loss of base − loss of reference).</summary>
/// <remarks>
/// The loss is the mean over benchmark items of the mean negative log-likelihood per token of what the reference answered there, where that answer was right. It moves long before answers
/// become right (Schaeffer et al. 2023, arXiv:2304.15004), so that a short training shows in it.
/// </remarks>
public static class LossGap
{
    /// <summary>In the run's folder: one <see cref="RecordedLossGap"/> per student.</summary>
    public const string FileName = "losses.json";
    // Answers per benchmark: the mean of a hundred losses is sharper than the scores that it stands in for.
    private const int MostAnswers = 100;

    /// <summary>Measures every student of a finished run, or reads what was measured before.</summary>
    /// <param name="open">A model folder as a model of likelihoods under the recipe's system message; disposed after use.</param>
    /// <exception cref="AgoraException">The reference has no right answer, or results are missing.</exception>
    public static async Task<ImmutableArray<RecordedLossGap>> MeasureAsync(
        RunFolder run, StepStore store, Func<string, string, CancellationToken, Task<OpenLikelihood>> open, Action<string> progress, CancellationToken cancellationToken)
    {
        var file = run.PathOf(FileName);
        if (File.Exists(file))
            return Read(file);
        var experiment = ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);
        var spec = experiment.Students[0];
        string Folder(string name) => experiment.Models[name] is { Provider: ModelSpec.Embedded, Path: { } path } ? path
            : throw new AgoraException($"{name} is not a folder on this machine, so that its losses cannot be measured", run.FullPath, "take probes whose base and reference are embedded models") { ExitCode = 2 };
        var steps = run.Steps().ToDictionary(step => step.Name, step => new StepKey(step.Key));
        var anchors = new Dictionary<Domain, (IReadOnlyList<(string, string)> Answers, double Base, double Reference)>();
        using var untrained = await open(Folder(spec.Base), experiment.Recipe.SystemMessage, cancellationToken);
        using var reference = await open(Folder(spec.Reference), experiment.Recipe.SystemMessage, cancellationToken);
        var gaps = ImmutableArray.CreateBuilder<RecordedLossGap>();
        foreach (var setting in experiment.Settings.Concat(experiment.DataSets.Select(data => data.Setting)).Distinct())
        {
            if (!anchors.TryGetValue(setting.Domain, out var anchor))
            {
                var answers = RightAnswers(run, store, steps, experiment, setting.Domain);
                anchors[setting.Domain] = anchor = (answers, await LossAsync(untrained.Model, answers, cancellationToken), await LossAsync(reference.Model, answers, cancellationToken));
            }
            foreach (var generator in experiment.Generators.Concat(experiment.DataSets.Where(data => data.Setting == setting).Select(data => data.Name)).Distinct())
            {
                var losses = new List<double>();
                foreach (var seed in experiment.TrainingSeeds)
                {
                    var name = TrainStep.StudentName(spec.Name, generator, setting, seed);
                    if (!steps.TryGetValue(TrainStep.NameOf(name), out var key))
                        continue;
                    if (store.Find(key, thoroughly: false) is not StepFinding.Whole(var trained))
                        throw new AgoraException($"the run has no student \"{name}\"", run.FullPath, "let the run finish: give its command again") { ExitCode = 2 };
                    progress(name);
                    using var student = await open(trained.PathOf(StepFiles.Model), experiment.Recipe.SystemMessage, cancellationToken);
                    losses.Add(await LossAsync(student.Model, anchor.Answers, cancellationToken));
                }
                if (losses.Count > 0 && anchor.Base > anchor.Reference)
                    gaps.Add(new RecordedLossGap(generator, setting, 100 * (anchor.Base - losses.Average()) / (anchor.Base - anchor.Reference)));
            }
        }
        DurableFiles.Instance.WriteWhole(file, (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(gaps.ToImmutable(), CanonicalJson.Indented), (byte)'\n']);
        return gaps.ToImmutable();
    }

    private static ImmutableArray<RecordedLossGap> Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<ImmutableArray<RecordedLossGap>>(File.ReadAllBytes(file), CanonicalJson.Options);
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new AgoraException($"the measured losses cannot be read: {CanonicalJson.Fault(error)}", file, "remove the file; they are measured anew", error);
        }
    }

    private static List<(string, string)> RightAnswers(RunFolder run, StepStore store, Dictionary<string, StepKey> steps, Experiment experiment, Domain domain)
    {
        var right = new List<(string, string)>();
        foreach (var benchmark in experiment.Benchmarks[domain])
        {
            var by = $"{benchmark.Name} by {experiment.Students[0].Reference}";
            if (!steps.TryGetValue($"answer {by}", out var answer) || !steps.TryGetValue($"grade {by}", out var grade)
                || store.Find(answer, thoroughly: false) is not StepFinding.Whole(var answered) || store.Find(grade, thoroughly: false) is not StepFinding.Whole(var graded))
                throw new AgoraException($"the run has no graded answers of the reference to {benchmark.Name}", run.FullPath, "let the run finish: give its command again") { ExitCode = 2 };
            right.AddRange(StepFiles.ReadLines<BenchmarkAnswer>(answered, StepFiles.Answers).Zip(StepFiles.ReadLines<GradedAnswer>(graded, StepFiles.Grades))
                .Where(pair => pair.Second.Grade is Grade.Scored { Value: >= 1 } && pair.First.Completion.Length > 0)
                .Take(MostAnswers).Select(pair => (pair.First.Prompt, pair.First.Completion)));
        }
        return right.Count > 0 ? right
            : throw new AgoraException($"the reference answered nothing right in {domain.Name()}, so that there is no loss to recover", run.FullPath, "take another reference or another benchmark") { ExitCode = 2 };
    }

    private static async Task<double> LossAsync(ILikelihoodModel model, IReadOnlyList<(string, string)> answers, CancellationToken cancellationToken) =>
        (await model.TokenLossesAsync(answers, cancellationToken)).Where(losses => losses.Length > 0).Average(losses => losses.Average(loss => (double)loss));
}

/// <param name="Percent">Of the gap in nats; mean over the run's training seeds.</param>
public sealed record RecordedLossGap(string Generator, Setting Setting, double Percent);

/// <summary>A model of likelihoods that is let go of after use.</summary>
public sealed record OpenLikelihood(ILikelihoodModel Model, IDisposable Lease) : IDisposable
{
    public void Dispose() => Lease.Dispose();
}
