using System.Collections.Concurrent;
using System.Diagnostics;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary>The real command line against an endpoint, killed again and again: the same bytes, and little paid twice.</summary>
public sealed class KilledGenerationTests
{
    private const int Parallel = 8;
    private const int Instances = 200;

    private static readonly string[] Command =
    [
        "generate", "own.yaml", "--generator", "my-generator", "--set", $"generation.instances={Instances}", "--set", "generation.maxNewTokens=50", "--set", $"models.my-generator.maxParallel={Parallel}",
    ];

    [Fact, Trait("Category", "Nightly")]
    public async Task Killed_at_a_hundred_random_moments_it_ends_with_the_same_bytes_and_pays_at_most_what_was_in_flight_again()
    {
        var random = new Random(20261128);
        string expected;
        long duration;
        await using (var reference = await FaultyEndpoint.StartAsync(Behaviour([])))
        {
            using var undisturbed = new ScratchFolder();
            Prepare(undisturbed, reference);
            var clock = Stopwatch.StartNew();
            using var whole = await AgoraProcess.RunAsync(undisturbed.Path, Command);
            Assert.True(whole.ExitCode == 0, whole.Error);
            (expected, duration) = (Data(undisturbed), Math.Min(clock.ElapsedMilliseconds, 6000));
        }
        var (kills, runs, again) = (0, 0, 0);
        while (kills < 100)
        {
            var paid = new ConcurrentDictionary<long, int>();
            await using var endpoint = await FaultyEndpoint.StartAsync(Behaviour(paid));
            using var killed = new ScratchFolder();
            Prepare(killed, endpoint);
            var killsHere = await AgoraProcess.KilledUntilItEndsAsync(killed.Path, Command, random, duration);
            Assert.Equal(expected, Data(killed));
            // Every request once, and once more for each kill that it was in flight at.
            Assert.Equal(Instances, paid.Count);
            var extra = paid.Values.Sum(times => times - 1);
            Assert.InRange(extra, 0, killsHere * Parallel);
            Assert.All(paid.Values, times => Assert.InRange(times, 1, 1 + killsHere));
            (kills, runs, again) = (kills + killsHere, runs + 1, again + extra);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills over {runs} runs of {Instances} requests: {again} requests were paid again, {(double)again / kills:0.00} per kill with {Parallel} in flight");
    }

    private static EndpointBehaviour Behaviour(ConcurrentDictionary<long, int> paid) => new()
    {
        Latency = TimeSpan.FromMilliseconds(30),
        Jitter = TimeSpan.FromMilliseconds(30),
        Answer = request =>
        {
            paid.AddOrUpdate(request.Seed, 1, (_, before) => before + 1);
            return Arithmetic.Answer(request);
        },
    };

    private static void Prepare(ScratchFolder folder, FaultyEndpoint endpoint) => File.WriteAllText(Path.Combine(folder.Path, "own.yaml"), TinyExperiment.OwnEndpoint(endpoint.Address));

    private static string Data(ScratchFolder folder) => File.ReadAllText(Directory.GetFiles(Path.Combine(folder.Path, "data")).Single());
}
