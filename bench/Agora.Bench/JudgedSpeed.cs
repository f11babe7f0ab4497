using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Bench;

/// <summary>Scoring of judged benchmarks at the size of the published leaderboards, on data made up from a fixed seed: no judgment of anybody is needed.</summary>
internal static class JudgedSpeed
{
    // What the Python reference took on two shared cores (NumPy 1.24, scikit-learn 1.2.1); the packages are not part of this machine, so the ratio is to this figure.
    private const double ReferenceLengthControl = 0.10;
    private const double ReferenceBootstrap = 62;

    public static void Measure()
    {
        var random = new RandomStreams(1).For("bench");
        var (pairs, data) = Alpaca(random);
        Report("length-controlled win rate of one model, 805 pairs, own cross-validation", Median(50, () => LengthControlledWinRate.Of(pairs, data)), ReferenceLengthControl, 0.020);

        var models = Arena(random);
        var battles = models.Sum(model => model.Games.Count * 2);
        Console.WriteLine($"{models.Length} models, {battles:N0} games");
        Report("100 bootstrap rounds of the fit of 60 models, as published, and 1 over questions", Median(5, () => ArenaHardScore.Of(models, ArenaRules.V01, 100, 1, new RandomStreams(1))), ReferenceBootstrap, 1);
        Report("1,000 rounds over questions and 1 as published", Median(5, () => ArenaHardScore.Of(models, ArenaRules.V01, 1, 1000, new RandomStreams(1))), null, null);
    }

    private static void Report(string what, (double Wall, double Processor) took, double? reference, double? goal)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{what}: {1000 * took.Wall:0.0} ms median wall, {1000 * took.Processor:0.0} ms processor time on average");
        if (goal is { } limit)
            line += string.Create(CultureInfo.InvariantCulture, $"; goal <= {1000 * limit:0} ms {(took.Wall <= limit ? "within" : "OVER")}");
        if (reference is { } seconds)
            line += string.Create(CultureInfo.InvariantCulture, $"; {took.Wall / seconds:0.0000} of the reference's recorded {seconds} s");
        Console.WriteLine(line);
    }

    private static (double Wall, double Processor) Median(int runs, Action work)
    {
        // Until the runtime has compiled the hot code well, which it does after some calls and a tenth of a second.
        for (var warm = Stopwatch.StartNew(); warm.Elapsed.TotalSeconds < 2;)
            work();
        var walls = new double[runs];
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        var before = process.TotalProcessorTime;
        for (var run = 0; run < runs; run++)
        {
            var clock = Stopwatch.StartNew();
            work();
            walls[run] = clock.Elapsed.TotalSeconds;
        }
        process.Refresh();
        return (walls.Order().ElementAt(runs / 2), (process.TotalProcessorTime - before).TotalSeconds / runs);
    }

    private static (LengthControlPair[] Pairs, LengthControlData Data) Alpaca(RandomStream random)
    {
        double Gaussian() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double Preference(double logit) => 1 / (1 + Math.Exp(-3 * (logit + Gaussian())));
        var difficulties = Enumerable.Range(0, 805).Select(_ => Gaussian()).ToImmutableArray();
        return ([
            .. difficulties.Select((difficulty, i) =>
            {
                var (model, baseline) = (200 + random.Next(3000), 200 + random.Next(3000));
                return new LengthControlPair(model, baseline, i, 1 + Preference(-0.5 + 0.4 * difficulty + (model - baseline) / 2000.0));
            }),
        ], new LengthControlData
        {
            Difficulties = difficulties,
            Gamed = [.. Enumerable.Range(0, 1610).Select(i => Math.CopySign(Math.Abs(Gaussian()), i - 804.5)).Select((length, i) => new GamedRow(length, difficulties[i % 805], Preference(-length)))],
        });
    }

    private static (string Model, IReadOnlyList<ArenaGames> Games)[] Arena(RandomStream random)
    {
        string[] labels = ["A>>B", "A>B", "A=B", "B>A", "B>>A"];
        string Label(double strength, bool modelFirst)
        {
            var place = (int)Math.Clamp(Math.Round(2 + (modelFirst ? -1 : 1) * strength + 2 * (random.NextDouble() + random.NextDouble() - 1)), 0, 4);
            return labels[place];
        }
        return [.. Enumerable.Range(0, 60).Select(model => ($"model {model}", (IReadOnlyList<ArenaGames>)
            [.. Enumerable.Range(0, 500).Select(question => new ArenaGames($"q{question}", Label((model - 30) / 25.0, false), Label((model - 30) / 25.0, true)))]))];
    }
}
