using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Bench;

/// <summary>10,000 resamples of a whole table of 6 generators in 9 settings, each over benchmarks of 1,319 and 5,000 items, beside the same in numpy.</summary>
internal static class BootstrapSpeed
{
    private const int Generators = 6, Resamples = 10_000, Rounds = 5, Cores = 2;
    private const double MostSeconds = 2;
    private static readonly ImmutableArray<int> Items = [1319, 5000];

    public static bool Measure()
    {
        var confidence = new ConfidenceSpec { Resamples = Resamples };
        var grades = Grades(new RandomStreams(1));
        RecoveryTable? table = null;
        var seconds = new double[Rounds];
        for (var round = -1; round < Rounds; round++)
        {
            var clock = Stopwatch.GetTimestamp();
            table = RecoveryTable.Compute(grades, confidence, new RandomStreams(42));
            if (round >= 0)
                seconds[round] = Stopwatch.GetElapsedTime(clock).TotalSeconds;
        }
        Array.Sort(seconds);
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            var peer = Enumerable.Range(0, 3).Select(_ => Peer(grades, folder)).MinBy(run => run.Seconds)!;
            // Cells in the peer's order: generator by generator, settings as they come.
            var ours = (from estimate in table!.Estimates
                        where estimate.Scope is RecoveryScope.OneSetting
                        orderby estimate.Generator, ((RecoveryScope.OneSetting)estimate.Scope).Setting
                        select (((PerformanceGapRecovered.Percent)estimate.Pgr).Value, (ConfidenceInterval.Bounds)estimate.Interval)).ToArray();
            var apart = ours.Zip(peer.Pgr, (one, other) => Math.Abs(one.Value - other)).Max();
            var ends = ours.Zip(peer.Low.Zip(peer.High), (one, other) => Math.Max(Math.Abs(one.Item2.Low - other.First), Math.Abs(one.Item2.High - other.Second)) / (one.Item2.High - one.Item2.Low)).Max();
            var isWithin = seconds[Rounds / 2] <= MostSeconds;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Resamples:N0} resamples of {Generators} x 9 cells over {Items[0]:N0} + {Items[1]:N0} items each, on {Environment.ProcessorCount} cores: {seconds[Rounds / 2]:0.00} s (median of {Rounds}, best {seconds[0]:0.00})   goal <= {MostSeconds} s   {(isWithin ? "within" : "OVER")}"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"numpy, {Cores} processes: {peer.Seconds:0.00} s (best of 3), {peer.Seconds / seconds[0]:0.0} times our best"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"PGR of all {ours.Length} cells within {apart:0.0e0} points of the peer's; ends of intervals within {100 * ends:0.0} % of their width (other random numbers)"));
            return isWithin && apart < 1e-9 && ends < 0.05;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static RecoveryGrades Grades(RandomStreams random)
    {
        var settings = (from domain in Enum.GetValues<Domain>() from method in (GenerationMethod[])[GenerationMethod.InstanceGeneration, GenerationMethod.ResponseGeneration, GenerationMethod.QualityEnhancement] select new Setting(domain, method)).Order().ToArray();
        return new RecoveryGrades
        {
            Anchors =
            [
                .. from domain in Enum.GetValues<Domain>()
                   from anchor in Enum.GetValues<Anchor>()
                   from items in Items
                   select new AnchorGrades { Student = "student", Anchor = anchor, Domain = domain, Benchmark = Benchmark(domain, items), Grades = Draw(random, $"{domain} {anchor}", items, anchor == Anchor.Base ? 0.2 : 0.7) },
            ],
            Students =
            [
                .. from generator in Enumerable.Range(1, Generators)
                   from setting in settings
                   from items in Items
                   select new StudentGrades { Student = "student", Generator = $"generator-{generator}", Setting = setting, TrainingSeed = 42, Benchmark = Benchmark(setting.Domain, items), Grades = Draw(random, $"{generator} {setting}", items, 0.25 + 0.05 * generator) },
            ],
        };
    }

    private static string Benchmark(Domain domain, int items) => $"{domain.Name()}-{items}";

    private static ImmutableArray<GradedAnswer> Draw(RandomStreams random, string use, int items, double share)
    {
        var stream = random.For(use, items);
        return [.. Enumerable.Range(0, items).Select(item => new GradedAnswer($"item-{item:0000}", null, new Grade.Scored(stream.Chance(share) ? 1 : 0)))];
    }

    private static PeerRun Peer(RecoveryGrades grades, string folder)
    {
        var settings = grades.Students.Select(student => student.Setting).Distinct().Order().ToArray();
        var benchmarks = grades.Anchors.Select(anchor => (anchor.Domain, anchor.Benchmark)).Distinct().ToArray();
        var described = new List<object>();
        foreach (var (domain, benchmark) in benchmarks)
        {
            ImmutableArray<GradedAnswer>[] models =
            [
                .. grades.Anchors.Where(anchor => anchor.Benchmark == benchmark).OrderBy(anchor => anchor.Anchor).Select(anchor => anchor.Grades),
                .. grades.Students.Where(student => student.Benchmark == benchmark).OrderBy(student => student.Generator, StringComparer.Ordinal).ThenBy(student => student.Setting).Select(student => student.Grades),
            ];
            var items = models[0].Length;
            var bytes = new byte[items * models.Length];
            for (var item = 0; item < items; item++)
                for (var model = 0; model < models.Length; model++)
                    bytes[item * models.Length + model] = (byte)((Grade.Scored)models[model][item].Grade).Value;
            File.WriteAllBytes(Path.Combine(folder, $"{benchmark}.u8"), bytes);
            described.Add(new { file = $"{benchmark}.u8", domain = domain.Name(), items, models = models.Length });
        }
        File.WriteAllText(Path.Combine(folder, "table.json"), JsonSerializer.Serialize(new
        {
            generators = Generators,
            settings = settings.Length,
            domainOfSetting = settings.Select(setting => setting.Domain.Name()),
            methodOfSetting = settings.Select(setting => setting.Method.Name()),
            benchmarks = described,
        }));
        // Debian's interpreter has numpy; another that comes first in PATH need not.
        var start = new ProcessStartInfo(File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3", [Path.Combine(AppContext.BaseDirectory, "bootstrap_peer.py"), folder, $"{Resamples}", $"{Cores}"]) { RedirectStandardOutput = true };
        using var python = Process.Start(start)!;
        var output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        if (python.ExitCode != 0)
            throw new InvalidOperationException($"the peer ended with code {python.ExitCode}; it needs Python 3 with numpy");
        return JsonSerializer.Deserialize<PeerRun>(output, JsonSerializerOptions.Web)!;
    }

    private sealed record PeerRun(double Seconds, double[] Pgr, double[] Low, double[] High);
}
