using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.Tests;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary>The command line through a batch API: same bytes as online at half the price, killed or not.</summary>
public sealed partial class BatchRunsTests
{
    private static readonly string[] Wanted = ["--generator", "my-generator", "--set", "generation.instances=30", "--set", "generation.maxNewTokens=50"];
    private static readonly string[] Batch = [.. Wanted, "--set", "models.my-generator.mode=batch", "--set", "models.my-generator.batch={gatherSeconds: 0.3, pollSeconds: 0.3}", "--set", "models.my-generator.capabilities={batch: true}"];

    [Fact]
    public async Task The_same_bytes_as_online_at_half_the_price_and_the_dry_run_says_so_before()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var online = new ScratchFolder();
        using var batched = new ScratchFolder();
        File.WriteAllText(Path.Combine(online.Path, "priced.yaml"), Experiment(endpoint.Address));
        File.WriteAllText(Path.Combine(batched.Path, "priced.yaml"), Experiment(endpoint.Address));
        using var first = await AgoraProcess.RunAsync(online.Path, ["generate", "priced.yaml", .. Wanted]);
        Assert.True(first.ExitCode == 0, first.Error);

        using var dear = await AgoraProcess.RunAsync(batched.Path, ["run", "priced.yaml", "--set", "generators=[my-generator]", .. Wanted[2..], "--dry-run", "--json"]);
        using var cheap = await AgoraProcess.RunAsync(batched.Path, ["run", "priced.yaml", "--set", "generators=[my-generator]", .. Batch[2..], "--dry-run", "--json"]);
        Assert.Equal(Planned(dear.Output) / 2, Planned(cheap.Output), 2);

        using var second = await AgoraProcess.RunAsync(batched.Path, ["generate", "priced.yaml", .. Batch]);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Equal((30, 1, 30), (endpoint.Requests, endpoint.Batches, endpoint.BatchSizes[0]));
        Assert.Equal(Data(online), Data(batched));
        Assert.Equal((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, Billed(first.Error));
        Assert.Equal((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m, Billed(second.Error));
    }

    // Some kills fall before the intent, some between it and the id, some while the batch runs and some while its results are read.
    [Fact, Trait("Category", "Nightly")]
    public async Task Killed_at_forty_random_moments_no_batch_is_sent_off_or_charged_twice()
    {
        var random = new Random(20261128);
        await using var reference = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var undisturbed = new ScratchFolder();
        File.WriteAllText(Path.Combine(undisturbed.Path, "priced.yaml"), Experiment(reference.Address));
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using (var whole = await AgoraProcess.RunAsync(undisturbed.Path, ["generate", "priced.yaml", .. Batch]))
            Assert.True(whole.ExitCode == 0, whole.Error);
        var duration = Math.Min(clock.ElapsedMilliseconds, 6000);
        var kills = 0;
        for (var run = 0; kills < 40; run++)
        {
            await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Batches = new() { Duration = TimeSpan.FromSeconds(1) } });
            using var killed = new ScratchFolder();
            File.WriteAllText(Path.Combine(killed.Path, "priced.yaml"), Experiment(endpoint.Address));
            kills += await AgoraProcess.KilledUntilItEndsAsync(killed.Path, ["generate", "priced.yaml", .. Batch], random, duration);
            Assert.Equal(Data(undisturbed), Data(killed));
            Assert.Equal((0, 1), (endpoint.Requests, endpoint.Batches));
            Assert.All(endpoint.Charged.Values, times => Assert.Equal(1, times));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills");
    }

    private static string Data(ScratchFolder folder) => File.ReadAllText(Directory.GetFiles(Path.Combine(folder.Path, "data")).Single());

    private static string Experiment(Uri endpoint) => TinyExperiment.OwnEndpoint(endpoint, "{input: 1000, output: 1000, batch: 0.5}");

    private static decimal Billed(string error) => decimal.Parse(BilledDollars().Match(error).Groups[1].Value, CultureInfo.InvariantCulture);

    // The first step is the generation.
    private static decimal Planned(string output)
    {
        using var plan = JsonDocument.Parse(output);
        return plan.RootElement.GetProperty("steps")[0].GetProperty("estimate").GetProperty("dollars").GetDecimal();
    }

    [GeneratedRegex(@"requests, \$([0-9.]+)")]
    private static partial Regex BilledDollars();
}
