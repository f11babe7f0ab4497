using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Bench;

/// <summary>Scoring of judged benchmarks at the size of the published leaderboards, on data made up from a fixed seed: no judgment of anybody is needed.</summary>
internal static class JudgedSpeed
{
    private const int PeerRounds = 5;
    private const double GoalLengthControl = 0.020, GoalBootstrap = 1;

    /// <summary>Our figures, and in the same run those of scikit-learn on the same rows; needs /usr/bin/python3 with NumPy and scikit-learn (Debian: python3-sklearn).</summary>
    public static async Task<bool> MeasureAsync()
    {
        var random = new RandomStreams(1).For("bench");
        var (pairs, data) = Alpaca(random);
        var models = Arena(random);
        var battles = ArenaBattles.Of(models, ArenaRules.V01);
        var peer = await PeerAsync(LengthControlledWinRate.Rows(pairs, data), battles);
        Console.WriteLine($"{models.Length} models, {models.Sum(model => model.Games.Count * 2):N0} games, {battles.All.Length:N0} battles");

        var lengthControl = LengthControlledWinRate.Of(pairs, data);
        var peerControl = peer.GetProperty("length_control");
        var good = Report("length-controlled win rate of one model, 805 pairs, own cross-validation", Median(50, () => LengthControlledWinRate.Of(pairs, data)),
            peerControl.GetProperty("seconds").GetDouble(), GoalLengthControl, "median of 5");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  ours {lengthControl.WinRate:0.0000} at strength {lengthControl.StrengthIndex}, peer {peerControl.GetProperty("win_rate").GetDouble():0.0000} at {peerControl.GetProperty("strength").GetInt32()} (liblinear stops a little early)"));

        var peerArena = peer.GetProperty("arena");
        good &= Report("100 bootstrap rounds of the fit of 60 models, as published, and 1 over questions", Median(5, () => ArenaHardScore.Of(models, ArenaRules.V01, 100, 1, new RandomStreams(1))),
            100 * peerArena.GetProperty("seconds_a_round").GetDouble(), GoalBootstrap, $"100 times the mean of {PeerRounds} rounds");
        var ratings = peerArena.GetProperty("ratings").EnumerateArray().Select(rating => rating.GetDouble()).ToArray();
        var gap = ArenaHardScore.Of(models, ArenaRules.V01, 1, 1, new RandomStreams(1)).Zip(ratings).Where(pair => pair.First.Elo is not null).Max(pair => Math.Abs(pair.First.Elo!.Value - pair.Second));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  largest difference between our ratings and the peer's fit: {gap:0.0000} Elo"));
        var (wall, processor) = Median(5, () => ArenaHardScore.Of(models, ArenaRules.V01, 1, 1000, new RandomStreams(1)));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"1,000 rounds over questions and 1 as published: {1000 * wall:0.0} ms median wall, {1000 * processor:0.0} ms processor time on average"));
        return good;
    }

    private static bool Report(string what, (double Wall, double Processor) took, double peer, double goal, string how)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {1000 * took.Wall:0.0} ms median wall, {1000 * took.Processor:0.0} ms processor time on average; goal <= {1000 * goal:0} ms {(took.Wall <= goal ? "within" : "OVER")}; scikit-learn {1000 * peer:0} ms ({how}): {took.Wall / peer:0.0000} of it, {peer / took.Wall:0} times as fast"));
        return took.Wall <= goal;
    }

    private static async Task<JsonElement> PeerAsync(LengthControlRows rows, ArenaBattles battles)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "judged_peer.py");
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await JsonSerializer.SerializeAsync(python.StandardInput.BaseStream, new
        {
            length_control = new { length = rows.Length, difficulty = rows.Difficulty, model = rows.Model, target = rows.Target, weight = rows.Weight, folds = LengthControlFolds.Assign(rows.Count), repeats = 5 },
            arena = new { models = battles.Models.Length, battle_model = battles.All.Select(battle => battle.Model), battle_share = battles.All.Select(battle => battle.Share), rounds = PeerRounds },
        });
        python.StandardInput.Close();
        var answer = await python.StandardOutput.ReadToEndAsync();
        await python.WaitForExitAsync();
        return python.ExitCode == 0 ? JsonDocument.Parse(answer).RootElement : throw new InvalidOperationException("the peer failed; it needs python3 with numpy and sklearn");
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
