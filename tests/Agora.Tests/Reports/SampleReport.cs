using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using Agora.Reports;

namespace Agora.Tests.Reports;

/// <summary>A small run with everything that a report must cope with: a gap, no gap, a failed cell, ungraded answers, a hostile model.</summary>
internal static class SampleReport
{
    public const string Hostile = "</pre><script>alert('x')</script> \u202eesrever & \"quotes\"";

    public static readonly Setting MathInstances = new(Domain.Math, GenerationMethod.InstanceGeneration);
    public static readonly Setting MathResponses = new(Domain.Math, GenerationMethod.ResponseGeneration);
    public static readonly Setting CodeInstances = new(Domain.Code, GenerationMethod.InstanceGeneration);

    private const int Items = 200;

    public static RunReport Create()
    {
        var experiment = Read();
        var grades = new RecoveryGrades
        {
            Anchors =
            [
                Anchored(Anchor.Base, Domain.Math, "gsm8k", 40), Anchored(Anchor.Reference, Domain.Math, "gsm8k", 160),
                Anchored(Anchor.Base, Domain.Code, "mbpp", 60), Anchored(Anchor.Reference, Domain.Code, "mbpp", 60),
            ],
            Students =
            [
                Student("large|one", MathInstances, "gsm8k", 124), Student("large|one", MathResponses, "gsm8k", 100), Student("large|one", CodeInstances, "mbpp", 80),
                Student("small", MathInstances, "gsm8k", 76, ungraded: 3), Student("small", CodeInstances, "mbpp", 70),
            ],
        };
        var random = new RandomStreams(experiment.Seed);
        return new RunReport
        {
            Experiment = experiment,
            Version = "1.2.3",
            Recovery = RecoveryTable.Compute(grades, experiment.Confidence, random),
            ProblemSolving = [SolverScore.Of("small", Domain.Math, "gsm8k", Grades(120), experiment.Confidence, random)],
            DataSets =
            [
                Data("large|one", MathInstances, 10, shortfall: null, 12.5m), Data("large|one", MathResponses, 10, shortfall: null, 0.004m),
                Data("small", MathInstances, 8, shortfall: "the limit of 100 completions was reached", dollars: null),
            ],
            Missing = [new MissingPart("generate math/response_generation with small", "the endpoint refused\nthe key")],
            Profiles = [Profile("large|one", MathInstances, 3.5), Profile("large|one", MathResponses, 4), Profile("small", MathInstances, 2.25)],
            Training = [new TrainingFacts("nano", "large|one", MathInstances, 42, 100, 20_000, 12_000, 1, 2.5, 0.75)],
            Provenance = [new ProvenanceEntry("data of large|one for math/instance_generation", "generate-0123", [("model", "l at http://127.0.0.1:1/v1")])],
            Answers =
            [
                new AnswerSamples
                {
                    Model = "nano on large|one math/instance_generation seed 42",
                    Benchmark = "gsm8k",
                    Samples =
                    [
                        Answer("q1", "What is 1 + 1?", "It is 2. [RESULT] 2 [/RESULT]", "2", new Grade.Scored(1)),
                        Answer("q2", "What is 2 + 2?", Hostile, null, new Grade.Scored(0)),
                        Answer("q3", "What is 3 + 3?", "", null, new Grade.Unscored("the judge's verdict could not be parsed")),
                    ],
                },
            ],
            Instances =
            [
                new InstanceSamples
                {
                    Generator = "large|one",
                    Setting = MathInstances,
                    Instances = [new InstanceSample(0, "Add 1 and 2.", "[RESULT] 3 [/RESULT]", [("theme", "sums"), ("tries", "1")]), new InstanceSample(1, Hostile, "[RESULT] 4 [/RESULT]", [])],
                    Count = 2,
                    Verdicts = places => places.ToDictionary(place => place, place => (ImmutableArray<Verdict>)[new Verdict("perplexity", 2.5 + place, "2.5"), new Verdict("quality by judge", null, Hostile)]),
                    Rejects = [new RejectSample("result_missing", "no [RESULT]", Hostile)],
                },
            ],
        };
    }

    private static DataSetProfile Profile(string generator, Setting setting, double quality) => new()
    {
        Generator = generator,
        Setting = setting,
        Instances = 10,
        Measured = 10,
        Metrics =
        [
            new MetricEstimate("response_quality_judge", quality, quality - 0.25, quality + 0.25, 9, 1, Spread: new MetricSpread(1, 2, 3, 4, 5)),
            new MetricEstimate("response_diversity_cdist", 0.5, 0.45, 0.55, 10),
            new MetricEstimate("response_reward", null, null, null, 0, 10, "none of 10 instances has a value"),
        ],
    };

    private static Experiment Read()
    {
        var faults = new List<ExperimentFault>();
        var experiment = ExperimentFile.Read("""
            name: sample
            models:
              large|one: {provider: openai, model: l, endpoint: "http://127.0.0.1:1/v1", price: {input: 1, output: 2}}
              small: {provider: openai, model: s, endpoint: "http://127.0.0.1:2/v1"}
              base: {provider: embedded, path: base}
              ref: {provider: embedded, path: ref}
            generators: [large|one, small]
            settings: [math/instance_generation, math/response_generation, code/instance_generation]
            students: [{name: nano, base: base, reference: ref}]
            generation: {instances: 10, prompts: prompts}
            seedData:
              math/instance_generation: {file: a.jsonl}
              math/response_generation: {file: b.jsonl}
              code/instance_generation: {file: c.jsonl}
            benchmarks:
              math: [{name: gsm8k, file: g.jsonl}]
              code: [{name: mbpp, file: m.jsonl}]
            confidence: {resamples: 400}
            """, "/somewhere/sample.yaml", [], faults);
        Assert.Empty(faults);
        return experiment!;
    }

    private static DataSetFacts Data(string generator, Setting setting, int valid, string? shortfall, decimal? dollars) => new()
    {
        Generator = generator,
        Setting = setting,
        Wanted = 10,
        Valid = valid,
        Shortfall = shortfall,
        Completions = 1234,
        Retries = 4,
        InputTokens = 20_000,
        OutputTokens = 9_000,
        KeptOutputTokens = 7_500,
        WithoutUsage = 0,
        Dollars = dollars,
        Rejects = [new RejectCount("result_missing", 30), new RejectCount("finished_by_length", 4)],
    };

    private static AnswerSample Answer(string id, string prompt, string completion, string? extracted, Grade grade) => new(
        new BenchmarkAnswer { ItemId = id, Prompt = prompt, Completion = completion, Finished = true }, new GradedAnswer(id, extracted, grade));

    private static AnchorGrades Anchored(Anchor anchor, Domain domain, string benchmark, int right) =>
        new() { Student = "nano", Anchor = anchor, Domain = domain, Benchmark = benchmark, Grades = Grades(right) };

    private static StudentGrades Student(string generator, Setting setting, string benchmark, int right, int ungraded = 0) =>
        new() { Student = "nano", Generator = generator, Setting = setting, TrainingSeed = 42, Benchmark = benchmark, Grades = Grades(right, ungraded) };

    private static ImmutableArray<GradedAnswer> Grades(int right, int ungraded = 0) =>
    [
        .. Enumerable.Range(0, Items).Select(item => new GradedAnswer($"item-{item}", null,
            item >= Items - ungraded ? new Grade.Unscored("the judge's verdict could not be parsed") : new Grade.Scored(item < right ? 1 : 0))),
    ];
}
