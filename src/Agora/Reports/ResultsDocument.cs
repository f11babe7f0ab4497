using System.Collections.Immutable;
using System.ComponentModel;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>results.json: the figures of a report for programs. What has no value is left out, with a member beside it that says why.</summary>
[Description("Results of an Agora run. A member that is absent has no value; a member beside it says why.")]
public sealed record ResultsDocument
{
    public const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        RespectNullableAnnotations = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    [Description("Raised when a reader of the earlier version could misread this one.")]
    public required int FormatVersion { get; init; }
    [Description("Version of Agora.")]
    public required string Agora { get; init; }
    [Description("Name of the experiment.")]
    public required string Experiment { get; init; }
    [Description("The experiment's one random seed.")]
    public required long Seed { get; init; }
    [Description("Confidence level of every interval, in percent.")]
    public required double ConfidenceLevel { get; init; }
    [Description("Bootstrap resamples behind every interval and p-value.")]
    public required int Resamples { get; init; }
    [Description("Performance gap recovered, per benchmark, setting, method, domain and overall.")]
    public required ImmutableArray<PgrEntry> Pgr { get; init; }
    [Description("Mean grades of base models, references and students.")]
    public required ImmutableArray<ScoreEntry> Scores { get; init; }
    [Description("How the judges of pairwise benchmarks went about it, per model and benchmark; empty where nothing was judged.")]
    public required ImmutableArray<JudgingEntry> Judging { get; init; }
    [Description("Paired comparisons of generators, per setting and overall.")]
    public required ImmutableArray<ComparisonEntry> Comparisons { get; init; }
    [Description("The generators' own scores; empty where the experiment does not ask for them.")]
    public required ImmutableArray<SolverEntry> ProblemSolving { get; init; }
    [Description("What each generator wrote for each setting, and what it took.")]
    public required ImmutableArray<DataSetEntry> DataSets { get; init; }
    [Description("What was planned and is not there.")]
    public required ImmutableArray<MissingEntry> Missing { get; init; }
    [Description("Files with every answer or instance, relative to this file.")]
    public required ImmutableArray<string> Samples { get; init; }

    internal static ResultsDocument Of(RunReport report, IEnumerable<string> samples) => new()
    {
        FormatVersion = CurrentVersion,
        Agora = report.Version,
        Experiment = report.Experiment.Name,
        Seed = report.Experiment.Seed,
        ConfidenceLevel = report.Recovery.Confidence.Level,
        Resamples = report.Recovery.Confidence.Resamples,
        Pgr = [.. report.Recovery.Estimates.Select(PgrEntry.Of)],
        Scores = [.. report.Recovery.Scores.Select(ScoreEntry.Of)],
        Judging = [.. report.Judgments.Select(JudgingEntry.Of)],
        Comparisons = [.. report.Recovery.Comparisons.Select(pair => ComparisonEntry.Of(pair, report.Recovery.Confidence))],
        ProblemSolving = [.. report.ProblemSolving.Select(SolverEntry.Of)],
        DataSets = [.. report.DataSets.Select(DataSetEntry.Of)],
        Missing = [.. report.Missing.Select(part => new MissingEntry(part.What, part.Reason))],
        Samples = [.. samples],
    };

    public string ToJson() => JsonSerializer.Serialize(this, Format) + "\n";

    /// <exception cref="AgoraException">The file cannot be read, or another version of Agora wrote it in another format.</exception>
    public static ResultsDocument Read(string path)
    {
        try
        {
            var document = JsonSerializer.Deserialize<ResultsDocument>(File.ReadAllBytes(path), Format) ?? throw new JsonException("the value is null");
            return document.FormatVersion == CurrentVersion ? document : throw new JsonException($"its format is {document.FormatVersion}, and {CurrentVersion} is read");
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the run's results cannot be read: {error.Message}", path, "write them anew: give the run's command again", error) { ExitCode = 2 };
        }
    }

    /// <summary>JSON Schema of the document, generated from these records.</summary>
    public static string Schema()
    {
        var schema = Format.GetJsonSchemaAsNode(typeof(ResultsDocument), new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = static (context, node) =>
            {
                var description = (context.PropertyInfo?.AttributeProvider ?? context.TypeInfo.Type)
                    .GetCustomAttributes(typeof(DescriptionAttribute), inherit: false).OfType<DescriptionAttribute>().FirstOrDefault();
                if (description is not null && node is JsonObject described)
                    described.Insert(0, "description", description.Description);
                return node;
            },
        }).AsObject();
        schema.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        return schema.ToJsonString(Format) + "\n";
    }
}

public sealed record PgrEntry
{
    [Description("Name of the student in the experiment.")]
    public required string Student { get; init; }
    [Description("Who wrote the data: a generator, or a data set that was brought along.")]
    public required string Generator { get; init; }
    [Description("benchmark, setting, method, domain or overall.")]
    public required string Scope { get; init; }
    [Description("math, code or instruction_following; where the scope has one.")]
    public string? Domain { get; init; }
    [Description("instance_generation, response_generation or quality_enhancement; where the scope has one.")]
    public string? Method { get; init; }
    [Description("Where the scope is a benchmark.")]
    public string? Benchmark { get; init; }
    [Description("In percent; below 0 and above 100 are results.")]
    public double? Percent { get; init; }
    [Description("Why there is no PGR.")]
    public string? Undefined { get; init; }
    [Description("Lower end of the interval, in percent.")]
    public double? Low { get; init; }
    [Description("Upper end of the interval, in percent.")]
    public double? High { get; init; }
    [Description("Why there is no interval.")]
    public string? NoInterval { get; init; }
    [Description("Share of resamples, 0 to 1, in which the reference did not beat the base model.")]
    public required double UndefinedShare { get; init; }
    [Description("The settings averaged over.")]
    public required ImmutableArray<string> Settings { get; init; }
    [Description("Benchmark items behind the value, summed over its parts.")]
    public required int Items { get; init; }
    [Description("Items left out since an answer could not be graded.")]
    public required int ExcludedItems { get; init; }
    [Description("Students trained per data set.")]
    public required int TrainingSeeds { get; init; }

    internal static PgrEntry Of(RecoveryEstimate estimate)
    {
        var (scope, setting, benchmark) = estimate.Scope switch
        {
            RecoveryScope.OneBenchmark one => ("benchmark", (Setting?)one.Setting, one.Benchmark),
            RecoveryScope.OneSetting one => ("setting", one.Setting, null),
            RecoveryScope.OneMethod => ("method", null, null),
            RecoveryScope.OneDomain => ("domain", null, null),
            _ => ("overall", (Setting?)null, (string?)null),
        };
        var bounds = estimate.Interval as ConfidenceInterval.Bounds;
        return new PgrEntry
        {
            Student = estimate.Student,
            Generator = estimate.Generator,
            Scope = scope,
            Domain = estimate.Scope is RecoveryScope.OneDomain(var domain) ? domain.Name() : setting?.Domain.Name(),
            Method = estimate.Scope is RecoveryScope.OneMethod(var method) ? method.Name() : setting?.Method.Name(),
            Benchmark = benchmark,
            Percent = (estimate.Pgr as PerformanceGapRecovered.Percent)?.Value,
            Undefined = (estimate.Pgr as PerformanceGapRecovered.Undefined)?.Reason,
            Low = bounds?.Low,
            High = bounds?.High,
            NoInterval = (estimate.Interval as ConfidenceInterval.Unbounded)?.Reason,
            UndefinedShare = estimate.UndefinedShare,
            Settings = [.. estimate.Settings.Select(part => part.ToString())],
            Items = estimate.Items,
            ExcludedItems = estimate.ExcludedItems,
            TrainingSeeds = estimate.TrainingSeeds,
        };
    }
}

public sealed record ScoreEntry
{
    [Description("Name of the student in the experiment.")]
    public required string Student { get; init; }
    [Description("base, reference or student.")]
    public required string Model { get; init; }
    [Description("student: who wrote its data.")]
    public string? Generator { get; init; }
    [Description("student: the setting of its data.")]
    public string? Setting { get; init; }
    public required string Domain { get; init; }
    public required string Benchmark { get; init; }
    [Description("Mean grade, 0 to 1, over all training seeds.")]
    public double? Score { get; init; }
    [Description("Why there is no score.")]
    public string? NoScore { get; init; }
    public double? Low { get; init; }
    public double? High { get; init; }
    [Description("Answers with a grade.")]
    public required int Graded { get; init; }
    [Description("Answers that could not be graded, by reason.")]
    public required ImmutableArray<UnscoredEntry> Unscored { get; init; }

    internal static ScoreEntry Of(ScoreEstimate score)
    {
        var mean = score.Score as ScoreValue.Mean;
        var bounds = mean?.Interval as ConfidenceInterval.Bounds;
        var student = score.Model as ScoredModel.OfStudent;
        return new ScoreEntry
        {
            Student = score.Student,
            Model = score.Model is ScoredModel.OfAnchor(var anchor) ? anchor == Anchor.Base ? "base" : "reference" : "student",
            Generator = student?.Generator,
            Setting = student?.Setting.ToString(),
            Domain = score.Domain.Name(),
            Benchmark = score.Benchmark,
            Score = mean?.Value,
            NoScore = (score.Score as ScoreValue.None)?.Reason,
            Low = bounds?.Low,
            High = bounds?.High,
            Graded = score.Graded,
            Unscored = UnscoredEntry.Of(score.Unscored),
        };
    }
}

public sealed record UnscoredEntry(string Reason, int Answers)
{
    internal static ImmutableArray<UnscoredEntry> Of(ImmutableArray<UnscoredCount> counts) => [.. counts.Select(count => new UnscoredEntry(count.Reason, count.Answers))];
}

public sealed record ComparisonEntry
{
    public required string Student { get; init; }
    public required string First { get; init; }
    public required string Second { get; init; }
    [Description("A setting, or overall.")]
    public required string Scope { get; init; }
    [Description("The settings that both generators have.")]
    public required ImmutableArray<string> Settings { get; init; }
    [Description("PGR of the first minus PGR of the second, in percentage points.")]
    public double? Difference { get; init; }
    public double? Low { get; init; }
    public double? High { get; init; }
    [Description("Two-sided, of the paired bootstrap.")]
    public double? PValue { get; init; }
    [Description("After Holm's correction over all pairs of the scope.")]
    public double? AdjustedPValue { get; init; }
    [Description("Whether the corrected p-value is below 1 minus the confidence level.")]
    public bool? Significant { get; init; }
    [Description("Why there is no difference.")]
    public string? Undecided { get; init; }

    internal static ComparisonEntry Of(GeneratorComparison pair, ConfidenceSpec confidence) => Of(pair, confidence, pair.Outcome as ComparisonOutcome.Difference);

    private static ComparisonEntry Of(GeneratorComparison pair, ConfidenceSpec confidence, ComparisonOutcome.Difference? difference) => new()
    {
        Student = pair.Student,
        First = pair.First,
        Second = pair.Second,
        Scope = pair.Scope.ToString()!,
        Settings = [.. pair.Settings.Select(setting => setting.ToString())],
        Difference = difference?.Points,
        Low = (difference?.Interval as ConfidenceInterval.Bounds)?.Low,
        High = (difference?.Interval as ConfidenceInterval.Bounds)?.High,
        PValue = difference?.PValue,
        AdjustedPValue = difference?.AdjustedPValue,
        Significant = difference?.SignificantAt(confidence.Level),
        Undecided = (pair.Outcome as ComparisonOutcome.Undecided)?.Reason,
    };
}

public sealed record SolverEntry
{
    public required string Generator { get; init; }
    public required string Domain { get; init; }
    public required string Benchmark { get; init; }
    [Description("Mean grade, 0 to 1.")]
    public double? Score { get; init; }
    [Description("Why there is no score.")]
    public string? NoScore { get; init; }
    public double? Low { get; init; }
    public double? High { get; init; }
    public required int Graded { get; init; }
    public required ImmutableArray<UnscoredEntry> Unscored { get; init; }

    internal static SolverEntry Of(SolverScore score)
    {
        var mean = score.Score as ScoreValue.Mean;
        var bounds = mean?.Interval as ConfidenceInterval.Bounds;
        return new SolverEntry
        {
            Generator = score.Generator,
            Domain = score.Domain.Name(),
            Benchmark = score.Benchmark,
            Score = mean?.Value,
            NoScore = (score.Score as ScoreValue.None)?.Reason,
            Low = bounds?.Low,
            High = bounds?.High,
            Graded = score.Graded,
            Unscored = UnscoredEntry.Of(score.Unscored),
        };
    }
}

public sealed record DataSetEntry
{
    public required string Generator { get; init; }
    public required string Setting { get; init; }
    [Description("Instances that the experiment asks for.")]
    public required int Wanted { get; init; }
    [Description("Instances that passed every check.")]
    public required int Valid { get; init; }
    [Description("Why there are fewer than wanted; absent where there are not.")]
    public string? Shortfall { get; init; }
    public required long Completions { get; init; }
    [Description("Completions asked for since an earlier one of the same place was rejected.")]
    public required long Retries { get; init; }
    public required long InputTokens { get; init; }
    public required long OutputTokens { get; init; }
    [Description("Output tokens of the completions that were kept.")]
    public required long KeptOutputTokens { get; init; }
    [Description("Completions for which the endpoint reported no tokens.")]
    public required long WithoutUsage { get; init; }
    [Description("US dollars for all completions; absent where no price is known.")]
    public decimal? Dollars { get; init; }
    [Description("Part of dollars: completions that checks and filters turned away, and what a method's judge was asked.")]
    public decimal? FilteringDollars { get; init; }
    [Description("Rejected completions, by reason.")]
    public required ImmutableArray<RejectEntry> Rejects { get; init; }

    internal static DataSetEntry Of(DataSetFacts data) => new()
    {
        Generator = data.Generator,
        Setting = data.Setting.ToString(),
        Wanted = data.Wanted,
        Valid = data.Valid,
        Shortfall = data.Shortfall,
        Completions = data.Completions,
        Retries = data.Retries,
        InputTokens = data.InputTokens,
        OutputTokens = data.OutputTokens,
        KeptOutputTokens = data.KeptOutputTokens,
        WithoutUsage = data.WithoutUsage,
        Dollars = data.Dollars,
        FilteringDollars = data.FilteringDollars,
        Rejects = [.. data.Rejects.Select(reject => new RejectEntry(reject.Reason, reject.Completions))],
    };
}

public sealed record RejectEntry(string Reason, long Completions);

public sealed record MissingEntry(string What, string Reason);
