using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.DataGeneration;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;
using Agora.Recovery;
using Agora.SeedData;

namespace Agora.Runs;

/// <summary>Turns an experiment into steps: reads the files that keys depend on, and asks no model anything.</summary>
internal sealed class StepGraphBuilder(Experiment experiment, PipelineServices services, StepStore store)
{
    private readonly Dictionary<string, IdentifiedModel> models = [];
    private readonly Dictionary<string, string> hashes = [];
    private readonly Dictionary<DataSource, SeedSet> rows = [];
    private readonly Dictionary<BenchmarkSpec, IBenchmark> benchmarks = [];
    private readonly Dictionary<StepKey, RunStep> steps = [];
    private readonly RandomStreams random = new(experiment.Seed);
    private readonly Dictionary<(DataSource, bool), (SeedSet Seeds, ImmutableArray<DroppedSeed> Dropped)> clean = [];
    private ImmutableArray<IdentifiedModel> judges = [];
    private readonly Dictionary<Domain, TestSetIndex> measuredAgainst = [];
    private TestSetIndex? testSets;

    // arXiv:2412.03679, student inference: temperature 0.2 for math and 0 elsewhere.
    private static readonly AnsweringSpec PaperMath = new() { Temperature = 0.2 };
    private static readonly AnsweringSpec PaperOther = new();

    /// <exception cref="AgoraException">A file is missing or bad, a model's folder is not there, or a student's base cannot be trained.</exception>
    public async Task<StepGraph> BuildAsync(CancellationToken cancellationToken)
    {
        foreach (var name in NamesInUse())
            models[name] = new IdentifiedModel(name, experiment.Models[name], await services.Models.IdentifyAsync(experiment.Models[name], cancellationToken));
        judges = [.. experiment.Judges.Select(name => models[name])];
        foreach (var student in experiment.Students)
            RefuseUntrainable(student);

        var data = Data();
        return new StepGraph
        {
            Data = data,
            Measures = [.. data.SelectMany(Measures)],
            Students = [.. experiment.Students.SelectMany(student => Students(student, data))],
            Anchors = [.. experiment.Students.SelectMany(Anchors)],
            Solvers = experiment.ProblemSolving ? [.. experiment.Generators.SelectMany(Solvers)] : [],
        };
    }

    private IEnumerable<string> NamesInUse() => experiment.Generators
        .Concat(experiment.Students.SelectMany(student => new[] { student.Base, student.Reference }))
        .Concat(experiment.Judges)
        .Concat(experiment.Generation.BestOf is { } bestOf && experiment.Settings.Any(setting => setting.Method == GenerationMethod.BestOfN) ? ((string?[])[bestOf.Judge, bestOf.Reward]).OfType<string>() : [])
        .Concat(experiment.Metrics is { } metrics && !experiment.Generators.IsEmpty ? [.. metrics.Judges, .. ((string?[])[metrics.Perplexity, metrics.Reference, metrics.Reward, metrics.Embeddings, metrics.Verification?.Solver]).OfType<string>()] : [])
        .Concat(experiment.Generation.Filters.EmbeddingDuplicates is { } duplicates && !experiment.Generators.IsEmpty ? [duplicates.Model] : [])
        .Distinct();

    private void RefuseUntrainable(StudentSpec student)
    {
        var model = models[student.Base].Spec;
        if (model.Provider != ModelSpec.Embedded || model.Path is null)
            throw new AgoraException($"the base model of student {student.Name} cannot be trained: it is not a folder on this machine",
                $"models.{student.Base}", $"give it the provider {ModelSpec.Embedded} and the path of its Hugging Face folder")
            { ExitCode = 2 };
    }

    private ImmutableArray<DataNode> Data()
    {
        if (experiment.Generators.IsEmpty)
            return [];
        var prompts = experiment.Generators.Select(experiment.MetaPromptOf).Distinct()
            .ToDictionary(variant => variant, variant => MetaPrompts.Load(experiment.Generation.Prompts, variant, experiment.Generation.Json));
        var folders = experiment.Students.Select(student => models[student.Base].Spec.Path!).Distinct().ToImmutableArray();
        var tokenizers = string.Join(' ', folders.Select(folder => Hash(Path.Combine(folder, "tokenizer.json"))));
        var counters = folders.Select(services.TokenCounter).ToImmutableArray();
        var bounds = folders.Select(services.TokenBound).ToImmutableArray();
        if (experiment.Generation.Filters.Decontamination is { } decontamination)
            testSets = new TestSetIndex(decontamination, [.. experiment.Benchmarks.Values.SelectMany(specs => specs).Select(TestSet)]);
        var nodes = ImmutableArray.CreateBuilder<DataNode>();
        foreach (var generator in experiment.Generators)
        {
            foreach (var setting in experiment.Settings)
            {
                var source = setting.Method.NeedsSeeds ? Seeds(setting) : null;
                var (seeds, dropped) = source is null ? (new SeedSet([]), []) : CleanRows(source, GenerationMethods.For(setting.Method).NeedsSeedResponses);
                var judge = setting.Method == GenerationMethod.BestOfN && experiment.Generation.BestOf?.Judge is { } judging ? models[judging] : null;
                var reward = setting.Method == GenerationMethod.BestOfN && experiment.Generation.BestOf?.Reward is { } rewarding ? models[rewarding] : null;
                var plan = new GenerationPlan
                {
                    Setting = setting,
                    Spec = experiment.Generation with { Temperature = models[generator].Spec.Temperature ?? experiment.Generation.Temperature, TopP = models[generator].Spec.TopP ?? experiment.Generation.TopP, MetaPrompt = experiment.MetaPromptOf(generator) },
                    MetaPrompt = prompts[experiment.MetaPromptOf(generator)].For(setting),
                    Seeds = seeds,
                    DroppedSeeds = dropped,
                    TestSets = testSets,
                    Generator = generator,
                    Price = models[generator].Spec.Price,
                    JudgePrice = judge?.Spec.Price,
                    UserTurn = setting.Method == GenerationMethod.SelfSynthesis ? models[generator].Spec.UserTurn : null,
                    Random = random,
                    MaxParallel = Waiting.AtOnce(models[generator].Spec),
                    // An instance must fit every student that will be trained on it.
                    CountTokens = text => counters.Max(count => count(text)),
                    MostTokens = text => bounds.Max(most => most(text)),
                    StudentSystemMessage = experiment.Recipe.SystemMessage,
                };
                nodes.Add(new DataNode(generator, setting, Shared(new GenerateStep(models[generator], plan, source is null ? "" : Identity(source), tokenizers,
                    new GenerationHelpers(judge, experiment.Generation.Filters.EmbeddingDuplicates is { } duplicates ? models[duplicates.Model] : null, services.OpenEmbeddings) { Reward = reward, OpenReward = services.OpenReward }, TokenizerOf(models[generator].Spec, plan.CountTokens)))));
            }
        }
        return nodes.ToImmutable();
    }

    // Loaded when something is estimated.
    private EstimatingTokenizer TokenizerOf(ModelSpec model, Func<string, int> students)
    {
        if (OpenAITokens.EncodingOf(model) is { } encoding)
            return new EstimatingTokenizer(encoding, text => OpenAITokens.Count(encoding, text));
        if (model.Provider != ModelSpec.Embedded)
            return new EstimatingTokenizer(PlannedStep.ByStudents, students);
        var own = new Lazy<Func<string, int>>(() => services.TokenCounter(model.Path!));
        return new EstimatingTokenizer("own tokenizer", text => own.Value(text));
    }

    private IEnumerable<MeasureNode> Measures(DataNode node)
    {
        if (experiment.Metrics is not { } metrics)
            yield break;
        IdentifiedModel? Named(string? name) => name is null ? null : models[name];
        var plan = new MeasurePlan
        {
            Perplexity = Named(metrics.Perplexity),
            Reference = Named(metrics.Reference),
            Reward = Named(metrics.Reward),
            Embeddings = Named(metrics.Embeddings),
            Judges = [.. metrics.Judges.Select(name => models[name])],
            Asking = metrics.JudgeFormat,
            Solver = Named(metrics.Verification?.Solver),
            Verification = metrics.Verification,
            RunCode = metrics.RunCode,
            SystemMessage = experiment.Recipe.SystemMessage,
            Against = metrics.Contamination ? MeasuredAgainst(node.Setting.Domain) : null,
            Sample = metrics.Sample,
        };
        foreach (var request in plan.Requests(node.Setting.Domain))
            yield return new MeasureNode(node.Generator, node.Setting, Shared(new MeasureStep(node.Generate, node.Generator, node.Setting, node.Setting.Domain, experiment.Generation.Instances, request, random, services)));
    }

    // By the rule of the experiment's filter, where it has one.
    private TestSetIndex MeasuredAgainst(Domain domain)
    {
        if (!measuredAgainst.TryGetValue(domain, out var index))
            measuredAgainst.Add(domain, index = new TestSetIndex(experiment.Generation.Filters.Decontamination ?? new DecontaminationSpec(), [.. experiment.Benchmarks.GetValueOrDefault(domain, []).Select(TestSet)]));
        return index;
    }

    private IEnumerable<StudentNode> Students(StudentSpec student, ImmutableArray<DataNode> data)
    {
        foreach (var node in data)
        {
            // In instance generation the seed data is also part of the student's training data (arXiv:2412.03679, section 2).
            var source = node.Setting.Method == GenerationMethod.InstanceGeneration ? Seeds(node.Setting) : null;
            var training = new TrainingData(node.Generate, source is null ? [] : CleanRows(source, true).Seeds.Instances,
                source is null ? null : testSets is null ? Identity(source) : $"{Identity(source)} without {testSets.Identity}");
            foreach (var seed in experiment.TrainingSeeds)
                yield return Student(student, node.Generator, node.Setting, seed, training);
        }
        foreach (var given in experiment.DataSets)
        {
            var training = new TrainingData(null, Rows(given.Data, true).Instances, Identity(given.Data));
            foreach (var seed in experiment.TrainingSeeds)
                yield return Student(student, given.Name, given.Setting, seed, training);
        }
    }

    private StudentNode Student(StudentSpec student, string generator, Setting setting, long seed, TrainingData data)
    {
        var name = TrainStep.StudentName(student.Name, generator, setting, seed);
        var train = Shared(new TrainStep(TrainStep.NameOf(name), models[student.Base], data, experiment.Recipe, seed, services.Trainer.VersionFor(experiment.Recipe, models[student.Base].Spec.Path!)));
        return new StudentNode(student.Name, generator, setting, seed, train, Benchmarks(setting.Domain, AnsweringModel.Of(train, name, store)));
    }

    private IEnumerable<AnchorNode> Anchors(StudentSpec student) =>
        from domain in experiment.Settings.Concat(experiment.DataSets.Select(given => given.Setting)).Select(setting => setting.Domain).Distinct()
        from anchor in new[] { (Kind: Anchor.Base, Model: student.Base), (Kind: Anchor.Reference, Model: student.Reference) }
        from benchmark in Benchmarks(domain, AnsweringModel.Of(models[anchor.Model]))
        select new AnchorNode(student.Name, anchor.Kind, domain, benchmark);

    private IEnumerable<SolverNode> Solvers(string generator) =>
        from domain in experiment.Settings.Select(setting => setting.Domain).Distinct()
        from benchmark in Benchmarks(domain, AnsweringModel.Of(models[generator]))
        select new SolverNode(generator, domain, benchmark);

    private ImmutableArray<BenchmarkNode> Benchmarks(Domain domain, AnsweringModel model)
    {
        var nodes = ImmutableArray.CreateBuilder<BenchmarkNode>();
        foreach (var spec in experiment.Benchmarks.GetValueOrDefault(domain, []))
        {
            var benchmark = Benchmark(spec);
            var answering = experiment.Answering.GetValueOrDefault(domain, domain == Domain.Math ? PaperMath : PaperOther);
            var answer = Shared(new AnswerStep(model, benchmark, answering, experiment.Recipe.SystemMessage, random));
            nodes.Add(new BenchmarkNode(spec.Name, answer, Shared(new GradeStep(answer, benchmark, judges, experiment.Judging, random))));
        }
        return nodes.ToImmutable();
    }

    private IBenchmark Benchmark(BenchmarkSpec spec)
    {
        if (!benchmarks.TryGetValue(spec, out var benchmark))
            benchmarks.Add(spec, benchmark = services.OpenBenchmark(spec));
        return benchmark;
    }

    private TestSet TestSet(BenchmarkSpec spec)
    {
        var benchmark = Benchmark(spec);
        return new TestSet(benchmark.Name, [.. benchmark.Items.Select(item => (item.Id, item.Question))]);
    }

    // Seeds are shown to generators and, in instance generation, trained on: test items among them are no seeds.
    private (SeedSet Seeds, ImmutableArray<DroppedSeed> Dropped) CleanRows(DataSource source, bool requireResponse)
    {
        var all = Rows(source, requireResponse);
        if (testSets is null)
            return (all, []);
        if (!clean.TryGetValue((source, requireResponse), out var cleaned))
            clean.Add((source, requireResponse), cleaned = testSets.Clean(all));
        return cleaned;
    }

    private DataSource Seeds(Setting setting) => experiment.SeedData.GetValueOrDefault(setting)
        ?? throw new AgoraException($"{setting} has no seed data", "seedData", $"add a file for {setting}") { ExitCode = 2 };

    // The same step wanted twice is one object, so that it has one name.
    private T Shared<T>(T step) where T : RunStep
    {
        if (steps.TryGetValue(step.Key, out var known))
            return (T)known;
        steps.Add(step.Key, step);
        return step;
    }

    private SeedSet Rows(DataSource source, bool requireResponse)
    {
        if (!rows.TryGetValue(source, out var set))
            rows.Add(source, set = SeedSet.Load(source, requireResponse));
        return set;
    }

    // Which rows come out of the file depends on its contents and on how they are read, not on where it lies.
    // Its name is part of every row's identity.
    private string Identity(DataSource source) => string.Join(' ', Path.GetFileName(source.File), Hash(source.File), source.InstructionColumn, source.ResponseColumn, source.Limit);

    private string Hash(string file)
    {
        if (hashes.TryGetValue(file, out var known))
            return known;
        try
        {
            return hashes[file] = DurableFiles.Hash(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the file cannot be read: {error.Message}", file, "correct its path or its rights", error) { ExitCode = 2 };
        }
    }
}
