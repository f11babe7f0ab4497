using System.Collections.Immutable;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>Measures data sets outside an experiment, by the same steps: what was finished is found again, also by an experiment that asks for it.</summary>
public sealed class Measuring(PipelineServices services, RunArchive archive)
{
    /// <summary>Of the last call: everything that its steps asked for, in this process and before.</summary>
    public RunBill Bill { get; private set; } = RunBill.Empty;

    /// <param name="by">Who measures what.</param>
    /// <param name="seed">Of samples and intervals.</param>
    /// <returns>One per data set, in their order.</returns>
    /// <exception cref="AgoraException">A model is not there, or measuring failed; what was finished is kept.</exception>
    public async Task<ImmutableArray<DataSetProfile>> MeasureAsync(IReadOnlyList<DataToMeasure> data, MeasuredBy by, long seed, IRunObserver observer, CancellationToken cancellationToken)
    {
        var random = new RandomStreams(seed);
        by = by with { Judge = Priced(by.Judge), Embeddings = Priced(by.Embeddings), Perplexity = Priced(by.Perplexity), Reference = Priced(by.Reference), Solver = Priced(by.Solver) };
        var plan = new MeasurePlan
        {
            Perplexity = await NamedAsync(by.Perplexity, cancellationToken),
            Reference = await NamedAsync(by.Reference, cancellationToken),
            Reward = await NamedAsync(by.Reward, cancellationToken),
            Embeddings = await NamedAsync(by.Embeddings, cancellationToken),
            Judges = by.Judge is null ? [] : [(await NamedAsync(by.Judge, cancellationToken))!],
            Asking = by.JudgeFormat,
            Solver = await NamedAsync(by.Solver, cancellationToken),
            Verification = by.Verification,
            RunCode = by.RunCode,
            SystemMessage = by.SystemMessage,
            Against = by.Against,
            Sample = by.Sample,
        };
        var steps = data.Select(one => plan.Requests(one.Domain)
            .Select(request => new MeasureStep(one.Step, one.Name, one.Setting, one.Domain, one.Instances, request, random, services)).ToArray()).ToArray();
        StepDemands.Check(steps.SelectMany(own => own));
        DurableFiles.Instance.CreateFolder(archive.Folder);
        var all = steps.SelectMany(own => own).ToArray();
        var bills = new RunBills(all, archive.Store, services.Models);
        using var alone = by.LimitDollars is null ? null : FileLock.TryExclusive(Path.Combine(archive.Folder, "measuring"))
            ?? throw new AgoraException("another process measures on a budget", archive.Folder, "wait until it ends: a limit of dollars holds for one process at a time");
        await bills.BeginAsync(services.Budget, by.LimitDollars, "--budget", "give --price, --base-price, --reference-price, --solver-price or --embeddings-price, whichever it is, in dollars per million tokens", cancellationToken);
        var execution = await new LocalExecutor(archive.Store, services.Models, services.Trainer, bills, jobs: 1, observer).RunAsync(all, cancellationToken);
        Bill = await bills.ReadAsync(cancellationToken);
        if (!execution.Failures.IsEmpty)
            throw execution.Failures[0].Fault as AgoraException ?? new AgoraException(execution.Failures[0].Fault.Message, execution.Failures[0].Step.Name, "give the same command again; what was finished is kept", execution.Failures[0].Fault);
        return
        [
            .. steps.Select(own => own.Select(step => StepFiles.Read<DataSetProfile>(execution.Results[step.Key], StepFiles.Profile)).ToArray())
                .Select(parts => parts[0] with { Metrics = [.. parts.SelectMany(part => part.Metrics)] }),
        ];
    }

    private static ModelSpec? Priced(ModelSpec? model) => model is null ? null : PriceTable.Shipped.Complete(model);

    private async Task<IdentifiedModel?> NamedAsync(ModelSpec? model, CancellationToken cancellationToken) => model is null ? null
        : new IdentifiedModel(model.Model ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(model.Path!)), model, await services.Models.IdentifyAsync(model, cancellationToken));
}

/// <summary>Who measures data sets; what nobody is named for is not measured.</summary>
public sealed record MeasuredBy
{
    public ModelSpec? Perplexity { get; init; }
    /// <summary>With <see cref="Perplexity"/>: the implicit reward.</summary>
    public ModelSpec? Reference { get; init; }
    public ModelSpec? Reward { get; init; }
    public ModelSpec? Embeddings { get; init; }
    public ModelSpec? Judge { get; init; }
    public JudgeAsking JudgeFormat { get; init; }
    /// <summary>Of data of the domain math: who derives answers anew; needs <see cref="Verification"/>.</summary>
    public ModelSpec? Solver { get; init; }
    public VerificationSpec? Verification { get; init; }
    /// <summary>Of data of the domain code: whether programs are run.</summary>
    public bool RunCode { get; init; }
    /// <summary>Of the chat format in which perplexity is measured.</summary>
    public string SystemMessage { get; init; } = new StudentRecipe().SystemMessage;
    /// <summary>What training data must not hold; null: contamination is not measured.</summary>
    public TestSetIndex? Against { get; init; }
    public int? Sample { get; init; }
    /// <summary>US dollars that judging and embeddings may cost; null: no limit.</summary>
    public decimal? LimitDollars { get; init; }
}

/// <summary>A data set that is there.</summary>
public sealed record DataToMeasure
{
    private DataToMeasure(RunStep step, string name, Setting? setting, Domain? domain, int instances) => (Step, Name, Setting, Domain, Instances) = (step, name, setting, domain, instances);

    internal RunStep Step { get; }
    internal int Instances { get; }
    public string Name { get; }
    public Setting? Setting { get; }
    /// <summary>Chooses a judge's rubrics; null: no judge is asked.</summary>
    public Domain? Domain { get; }

    public static DataToMeasure Of(WrittenData written) =>
        new(new FinishedStep($"generate {written.Setting} with {written.Generator}", written.Result), written.Generator, written.Setting, written.Setting.Domain, StepFiles.Read<GenerationSummary>(written.Result, StepFiles.Generation).Valid);

    /// <param name="file">Its contents count, and how they were read, not where it lies.</param>
    /// <param name="reading">How it was read: names of columns.</param>
    /// <exception cref="AgoraException">The file cannot be read.</exception>
    public static DataToMeasure Of(string file, string reading, Domain? domain, ImmutableArray<MeasuredInstance> instances)
    {
        try
        {
            return new(new GivenInstancesStep(Path.GetFileName(file), instances, $"{DurableFiles.Hash(file)} {reading}"), Path.GetFileName(file), null, domain, instances.Length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the file cannot be read: {error.Message}", file, "correct its path or its rights", error) { ExitCode = 2 };
        }
    }
}
