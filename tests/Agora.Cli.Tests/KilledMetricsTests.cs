using System.Collections.Concurrent;
using System.Diagnostics;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary><c>agora metrics</c>, killed again and again while a paid judge and a paid solver answer.</summary>
public sealed class KilledMetricsTests
{
    private const int Rows = 150, Kills = 8;
    // A model's maxParallel: of each endpoint so many requests are in flight at a kill, at most.
    private const int InFlight = 64;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_at_random_moments_the_same_command_ends_with_the_same_bytes_and_pays_for_nothing_twice()
    {
        using var undisturbed = new ScratchFolder();
        await using var judge = await StartAsync(out var asked);
        var command = Command(judge, undisturbed);
        var clock = Stopwatch.StartNew();
        using var whole = await AgoraProcess.RunAsync(undisturbed.Path, command);
        Assert.True(whole.ExitCode == 0, whole.Error);
        var duration = clock.ElapsedMilliseconds;
        // Two verdicts and three solutions for each instance.
        Assert.Equal(5 * Rows, asked.Count);
        Assert.All(asked.Values, times => Assert.Equal(1, times));

        using var killed = new ScratchFolder();
        asked.Clear();
        var random = new Random(20261128);
        var midway = 0;
        for (var kills = 0; kills < Kills; kills++)
        {
            using var agora = AgoraProcess.Start(killed.Path, Command(judge, killed));
            // By the clock, which mostly meets its start, and after so many answers more, in turn.
            var moment = clock.Elapsed + TimeSpan.FromMilliseconds(duration * 0.5 * random.NextDouble());
            var answers = asked.Count + random.Next(5 * Rows / Kills);
            while (!agora.Process.HasExited && (kills % 2 == 0 ? clock.Elapsed < moment : asked.Count <= answers))
                await Task.Delay(2, Stop);
            if (agora.Process.HasExited)
                break;
            agora.Process.Kill();
            await agora.Process.WaitForExitAsync(Stop);
            if (asked.Count is > 0 and < 5 * Rows)
                midway++;
        }
        using var last = await AgoraProcess.RunAsync(killed.Path, Command(judge, killed));
        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Equal(whole.Output, last.Output);
        Assert.Equal(Results(undisturbed.Path), Results(killed.Path));
        Assert.Equal(5 * Rows, asked.Count);
        var again = asked.Values.Sum(times => times - 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"{again} of {asked.Count} requests were asked again over {Kills} kills of {duration} ms, {midway} of them midway");
        Assert.True(midway >= 2, "no kill came while it asked");
        Assert.InRange(again, 0, Kills * 2 * InFlight);
        Assert.True(asked.Values.Count(times => times == 1) > asked.Count / 2, "what was answered before a kill was asked again");

        // Once more asks nobody.
        var requests = judge.Requests;
        using var replayed = await AgoraProcess.RunAsync(killed.Path, Command(judge, killed));
        Assert.Equal((whole.Output, requests), (replayed.Output, judge.Requests));
    }

    private static Task<FaultyEndpoint> StartAsync(out ConcurrentDictionary<string, int> asked)
    {
        var counted = asked = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        return FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Latency = TimeSpan.FromMilliseconds(60),
            Answer = request =>
            {
                counted.AddOrUpdate(request.Body.ToJsonString(), 1, (_, times) => times + 1);
                var text = request.LastMessage;
                return text.Contains("Score: N", StringComparison.Ordinal) ? $"So.\nScore: {1 + text.Length % 5}" : $"It is [RESULT] {(request.Seed % 3 == 0 ? text.Length : 7)} [/RESULT]";
            },
        });
    }

    private static string[] Command(FaultyEndpoint endpoint, ScratchFolder folder)
    {
        var data = folder.File("data.jsonl", string.Concat(Enumerable.Range(0, Rows).Select(i => $$"""{"instruction":"What is {{i}} + {{7 - i}}?","response":"It is [RESULT] {{(i % 4 == 0 ? 8 : 7)}} [/RESULT]"}""" + "\n")));
        return ["metrics", data, "--runs", "runs", "--json", "--domain", "math", "--judge", $"{endpoint.Address}", "--judge-model", "test-model", "--solver", $"{endpoint.Address}", "--solver-model", "test-model", "--solutions", "3"];
    }

    // Every byte of every result but times and bills, in which what was asked again is counted.
    private static SortedDictionary<string, string> Results(string folder)
    {
        var results = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(folder, "runs", "store"), "*.json*", SearchOption.AllDirectories))
            if (Path.GetFileName(file) is "profile.json" or "values.jsonl" or "given-instances.jsonl")
                results[Path.GetRelativePath(folder, file)] = File.ReadAllText(file);
        Assert.NotEmpty(results);
        return results;
    }
}
