using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Agora.Analysis;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Figures;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using Agora.Reports;

namespace Agora.Bench;

/// <summary>The page of a whole study: 6 generators in 9 settings with 10,000 instances each.</summary>
internal static class ReportSpeed
{
    private const int Generators = 6, Instances = 10_000, Items = 1000;
    private const long MostBytes = 5_000_000;
    private const double MostSeconds = 10, MostOpeningSeconds = 1;

    /// <param name="browser">Chromium's program; null: the page is not opened.</param>
    public static bool Measure(string? browser)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            var report = Report(Path.Combine(folder, "data"));
            var output = Path.Combine(folder, "report");
            var clock = Stopwatch.StartNew();
            ReportFiles.Write(report, output, SkiaFigures.Png);
            var all = clock.Elapsed.TotalSeconds;
            var samples = new SampleFiles(report);
            clock.Restart();
            HtmlReport.Render(report, samples);
            var page = clock.Elapsed.TotalSeconds;
            var html = Path.Combine(output, ReportFiles.Html);
            var bytes = new FileInfo(html).Length;
            Console.WriteLine($"report.html of {9 * Generators} data sets of {Instances:#,0} instances: {bytes / 1e6:0.00} MB (goal {MostBytes / 1e6:0}), built in {page:0.0} s (goal {MostSeconds:0}), with all other files of the report in {all:0.0} s");
            var isWithin = bytes <= MostBytes && page <= MostSeconds;
            if (browser is null)
                return isWithin;
            double[] loading = [.. Enumerable.Range(0, 5).Select(_ => Loaded(browser, html, folder)).Order()];
            var blank = Path.Combine(folder, "blank.html");
            File.WriteAllText(blank, "<!DOCTYPE html><title>blank</title>");
            double[] drawing = [.. Enumerable.Range(0, 5).Select(_ => Drawn(browser, html, folder) - Drawn(browser, blank, folder)).Order()];
            Console.WriteLine($"opens in Chromium in {loading[2]:0.00} s to the load event (goal {MostOpeningSeconds:0}); a process that draws it takes {drawing[2]:0.00} s longer than one that draws an empty page; medians of five");
            return isWithin && loading[2] <= MostOpeningSeconds;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // A script in a page around it takes the time: the report's own policy lets no other script run in it.
    private static double Loaded(string browser, string html, string folder)
    {
        var frame = Path.Combine(folder, "frame.html");
        File.WriteAllText(frame, $"""
            <!DOCTYPE html><title>waiting</title><body><script>
            const started = performance.now(), page = document.createElement('iframe');
            page.onload = () => document.title = 'opened ' + (performance.now() - started) + ' ms';
            page.style = 'width: 1200px; height: 900px'; page.src = '{new Uri(html)}'; document.body.append(page);
            </script>
            """);
        var dom = Run(browser, folder, "--dump-dom", new Uri(frame).ToString());
        const string Before = "<title>opened ";
        var at = dom.IndexOf(Before, StringComparison.Ordinal);
        if (at < 0)
            throw new InvalidOperationException($"the browser did not say when the page was open: {dom[..Math.Min(400, dom.Length)]}");
        return double.Parse(dom[(at + Before.Length)..dom.IndexOf(" ms", at, StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture) / 1000;
    }

    private static double Drawn(string browser, string html, string folder)
    {
        var clock = Stopwatch.StartNew();
        Run(browser, folder, $"--screenshot={Path.Combine(folder, "page.png")}", "--window-size=1280,900", new Uri(html).ToString());
        return clock.Elapsed.TotalSeconds;
    }

    private static string Run(string browser, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(browser, ["--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={Path.Combine(folder, "browser")}", .. arguments])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using var running = Process.Start(start)!;
        running.BeginErrorReadLine();
        var output = running.StandardOutput.ReadToEnd();
        running.WaitForExit();
        return output;
    }

    private static RunReport Report(string data)
    {
        Directory.CreateDirectory(data);
        var experiment = Experiment();
        var random = new RandomStreams(experiment.Seed);
        Setting[] settings = [.. experiment.Settings];
        string[] generators = [.. experiment.Generators];
        var words = random.For("words");
        var text = new string([.. Enumerable.Range(0, 200_000).Select(place => place % 7 == 6 ? ' ' : (char)('a' + words.Next(26)))]);
        var files = new List<InstanceSamples>();
        foreach (var generator in generators)
        {
            foreach (var setting in settings)
            {
                var file = Path.Combine(data, $"{generator}.{setting.ToString().Replace('/', '.')}.jsonl");
                var stream = random.For(file);
                File.WriteAllLines(file, Enumerable.Range(0, Instances).Select(index =>
                    JsonSerializer.Serialize(new InstanceSample(index, Part(text, stream, 300), Part(text, stream, 900), [("theme", "numbers"), ("tries", "1")]), Format)));
                files.Add(new InstanceSamples
                {
                    Generator = generator,
                    Setting = setting,
                    Count = Instances,
                    Instances = File.ReadLines(file).Select(line => JsonSerializer.Deserialize<InstanceSample>(line, Format)!),
                    Pick = places => File.ReadLines(file).Take(places.Max() + 1).Index().Where(line => places.Contains(line.Index)).Select(line => (line.Index, JsonSerializer.Deserialize<InstanceSample>(line.Item, Format)!)),
                    Verdicts = places => places.ToDictionary(place => place, place => (ImmutableArray<Verdict>)[new("response_quality by judge", 1 + place % 5, $"{1 + place % 5} of 5"), new("perplexity", 2 + place % 9, $"{2 + place % 9}")]),
                    Rejects = [new RejectSample("result_missing", "no [RESULT]", Part(text, stream, 600))],
                });
            }
        }
        var grades = new RecoveryGrades
        {
            Anchors = [.. Enum.GetValues<Domain>().SelectMany(domain => new[] { Anchored(Anchor.Base, domain, 0.2), Anchored(Anchor.Reference, domain, 0.8) })],
            Students = [.. from generator in generators.Index() from setting in settings.Index() select Student(generator.Item, setting.Item, 0.25 + 0.05 * ((generator.Index + setting.Index) % 9))],
        };
        var report = new RunReport
        {
            Experiment = experiment,
            Version = "bench",
            Recovery = RecoveryTable.Compute(grades, experiment.Confidence, random),
            ProblemSolving = [.. from generator in generators.Index() from domain in Enum.GetValues<Domain>() select SolverScore.Of(generator.Item, domain, Benchmark(domain), Grades(0.3 + 0.1 * generator.Index), experiment.Confidence, random)],
            DataSets = [.. from generator in generators from setting in settings select Facts(generator, setting)],
            Instances = [.. files],
            Profiles = [.. from generator in generators.Index() from setting in settings.Index() select Profile(generator.Item, setting.Item, 1 + (generator.Index * 7 + setting.Index * 3) % 11 / 3.0)],
            Training = [.. from generator in generators from setting in settings select new TrainingFacts("student", generator, setting, 42, 1500, 40_000_000, 25_000_000, 3, 1.4, 0.6)],
            Provenance = [.. from generator in generators from setting in settings select new ProvenanceEntry($"data of {generator} for {setting}", $"generate-{new string('0', 64)}", [("model", generator), ("seeds", new string('1', 64))])],
            Answers =
            [
                .. from generator in generators from setting in settings
                   select new AnswerSamples { Model = $"student on {generator} {setting} seed 42", Benchmark = Benchmark(setting.Domain), Samples = [.. Enumerable.Range(0, Items).Select(item => new AnswerSample(new BenchmarkAnswer { ItemId = $"{item}", Prompt = text[item..(item + 200)], Completion = text[item..(item + 500)], Finished = true }, new GradedAnswer($"{item}", "42", new Grade.Scored(item % 2))))] },
            ],
        };
        var study = new Study
        {
            Source = "bench",
            Metrics = ["perplexity", "response_quality_judge"],
            Generators = [.. generators.Index().Select(generator => new StudyGenerator { Name = generator.Item, ProblemSolving = ImmutableSortedDictionary<Domain, double>.Empty, ProblemSolvingAverage = 30 + 10 * generator.Index, InputPrice = 0.1 + generator.Index, OutputPrice = 0.5 + generator.Index })],
            Cells = [.. report.Profiles.Index().Select(profile => new StudyCell { Generator = profile.Item.Generator, Setting = profile.Item.Setting!.Value, Pgr = 10 + profile.Index * 17 % 60, Metrics = profile.Item.Metrics.ToImmutableSortedDictionary(metric => metric.Name, metric => metric.Value!.Value) })],
        };
        // Three sizes of each data set, so that every curve and frontier is drawn.
        SuppliedData[] supply = [.. from cell in study.Cells from size in (int[])[2500, 5000, 10_000] let pgr = cell.Pgr!.Value * size / (size + 3000) select new SuppliedData(cell.Generator, cell.Setting, "agorabench", size, pgr, pgr - 4, pgr + 4, 0.00125, size / 5000.0)];
        Purchase[] purchases = [.. supply.Select(data => new Purchase(data.Generator, data.Setting, data.MetaPrompt, data.Instances, data.Pgr, data.Low, data.High, data.Instances * data.DollarsPerInstance, 1, data.TrainingHours))];
        return report with { Analysis = StudyAnalysis.Of(study, supply, purchases, new TrainingPrice(8, null), random) };
    }

    private static string Part(string text, RandomStream stream, int length) => text.Substring(stream.Next(text.Length - length), length / 2 + stream.Next(length / 2));

    private static DataSetProfile Profile(string generator, Setting setting, double level) => new()
    {
        Generator = generator,
        Setting = setting,
        Instances = Instances,
        Measured = Instances,
        Metrics = [.. from name in (string[])["perplexity", "response_quality_judge", "instruction_difficulty_judge", "response_words", "instruction_words"] select new MetricEstimate(name, level, level - 0.1, level + 0.1, Instances, Spread: new MetricSpread(level / 2, level * 0.8, level, level * 1.3, level * 2))],
    };

    private static DataSetFacts Facts(string generator, Setting setting) => new()
    {
        Generator = generator,
        Setting = setting,
        Wanted = Instances,
        Valid = Instances,
        Completions = 11_000,
        Retries = 1000,
        InputTokens = 9_000_000,
        OutputTokens = 6_000_000,
        KeptOutputTokens = 5_500_000,
        WithoutUsage = 0,
        Dollars = 12.5m,
        Rejects = [new RejectCount("result_missing", 700), new RejectCount("finished_by_length", 300)],
    };

    private static string Benchmark(Domain domain) => domain switch { Domain.Math => "gsm8k", Domain.Code => "mbpp", _ => "nano_instruction_following" };

    private static AnchorGrades Anchored(Anchor anchor, Domain domain, double share) => new() { Student = "student", Anchor = anchor, Domain = domain, Benchmark = Benchmark(domain), Grades = Grades(share) };

    private static StudentGrades Student(string generator, Setting setting, double share) =>
        new() { Student = "student", Generator = generator, Setting = setting, TrainingSeed = 42, Benchmark = Benchmark(setting.Domain), Grades = Grades(share) };

    private static ImmutableArray<GradedAnswer> Grades(double share) => [.. Enumerable.Range(0, Items).Select(item => new GradedAnswer($"item-{item}", null, new Grade.Scored(item * 7919 % Items < share * Items ? 1 : 0)))];

    private static readonly JsonSerializerOptions Format = new() { IncludeFields = true };

    private static Experiment Experiment()
    {
        var settings = string.Join(", ", from domain in (string[])["math", "code", "instruction_following"] from method in (string[])["instance_generation", "response_generation", "quality_enhancement"] select $"{domain}/{method}");
        var generators = string.Join(", ", Enumerable.Range(1, Generators).Select(number => $"generator-{number}"));
        var faults = new List<ExperimentFault>();
        return ExperimentFile.Read($$"""
            name: bench
            models:
            {{string.Concat(Enumerable.Range(1, Generators).Select(number => $"  generator-{number}: {{provider: openai, model: g{number}, endpoint: \"http://127.0.0.1:1/v1\"}}\n"))}}
              base: {provider: embedded, path: base}
              ref: {provider: embedded, path: ref}
            generators: [{{generators}}]
            settings: [{{settings}}]
            students: [{name: student, base: base, reference: ref}]
            seedData:
            {{string.Concat(settings.Split(", ").Select(setting => $"  {setting}: {{file: {setting.Replace('/', '.')}.jsonl}}\n"))}}
            benchmarks:
              math: [{name: gsm8k, file: g.jsonl}]
              code: [{name: mbpp, file: m.jsonl}]
              instruction_following: [{name: nano_instruction_following, file: n.jsonl}]
            """, "/bench.yaml", [], faults) ?? throw new InvalidOperationException(string.Join('\n', faults));
    }
}
