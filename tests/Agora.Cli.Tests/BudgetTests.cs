using System.Globalization;
using System.Text.RegularExpressions;
using Agora.Tests;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary>A hard limit of dollars over a whole experiment, and a bill that is the endpoint's own.</summary>
public sealed partial class BudgetTests
{
    private static readonly string[] Priced =
        ["--generator", "my-generator", "--set", "generation.instances=40", "--set", "generation.maxNewTokens=50"];

    [Fact]
    public async Task A_budget_stops_the_run_with_exit_code_3_is_never_passed_and_more_of_it_goes_on()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        using var first = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--set", "budget.limitDollars=1.2"]);
        Assert.Equal(3, first.ExitCode);
        Assert.Contains("the budget of $1.2", first.Error, StringComparison.Ordinal);
        Assert.Contains("raise the limit", first.Error, StringComparison.Ordinal);
        // A dollar a thousand tokens, in and out.
        Assert.InRange((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, 0.1m, 1.2m);
        Assert.InRange(endpoint.Requests, 1, 39);

        using var second = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--set", "budget.limitDollars=1000"]);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Equal(40, endpoint.Requests);    // none was asked twice
        Assert.Equal(40, File.ReadAllLines(Directory.GetFiles(Path.Combine(folder.Path, "data")).Single()).Length);
        Assert.Equal((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, Billed(second.Error));
    }

    // What was in flight at a kill is charged by a provider and on no record of ours but the one made before it was sent.
    [Fact]
    public async Task Killed_again_and_again_it_never_passes_the_budget_though_the_endpoint_charges_for_what_was_in_flight()
    {
        const decimal Limit = 5;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Latency = TimeSpan.FromMilliseconds(150), ChargesForLeft = true });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        string[] command = ["generate", "priced.yaml", .. Priced, "--set", $"budget.limitDollars={Limit}", "--set", "models.my-generator.maxParallel=8"];
        decimal Charged() => (endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m;

        var kills = 0;
        for (; kills < 6; kills++)
        {
            var before = endpoint.Requests;
            using var agora = AgoraProcess.Start(folder.Path, command);
            while (endpoint.Requests < before + 4 && !agora.Process.HasExited) await Task.Delay(5, TestContext.Current.CancellationToken);
            if (agora.Process.HasExited) break;
            agora.Process.Kill();
            await agora.Process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        Assert.True(kills > 0);
        using var last = await AgoraProcess.RunAsync(folder.Path, command);
        Assert.True(last.ExitCode is 0 or 3, last.Error);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        // How much it gets to ask is up to when the kills come: each keeps the most that was in flight.
        Assert.InRange(Charged(), 0.1m, Limit);
        var id = Path.GetFileName(Directory.GetDirectories(Path.Combine(folder.Path, "runs")).Single(path => Path.GetFileName(path) != "store"));
        using var shown = await AgoraProcess.RunAsync(folder.Path, ["runs", "show", id, "--bill"]);
        Assert.Contains("failed:interrupted", shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Faults_are_on_the_bill_by_reason_and_the_rest_is_the_endpoints_own()
    {
        Fault?[] faults = [null, Fault.TooManyRequests, null, Fault.ServerError, Fault.CutInBody, null, Fault.FinishLength, Fault.EmptyChoices];
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Fault = request => faults[request.Number % faults.Length] });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        using var run = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, Billed(run.Error));
        var id = Path.GetFileName(Directory.GetDirectories(Path.Combine(folder.Path, "runs")).Single(path => Path.GetFileName(path) != "store"));
        using var shown = await AgoraProcess.RunAsync(folder.Path, ["runs", "show", id, "--bill"]);
        foreach (var reason in (string[])["kept", "rejected:finished_by_length", "failed:rate_limited", "failed:server_error", "failed:connection_broke", "failed:uncounted"])
            Assert.Contains(reason, shown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pilot_tells_what_the_whole_will_cost_and_is_not_paid_for_again()
    {
        Fault?[] faults = [null, Fault.FinishLength];       // every other try is for nothing
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Fault = request => request.Number < 8 ? faults[request.Number % 2] : null });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        using var before = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--dry-run"]);
        Assert.Contains("The students' tokenizer stands in for a model's own that is not here", before.Output, StringComparison.Ordinal);
        Assert.Equal(0, endpoint.Requests);

        using var pilot = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--pilot", "8"]);
        Assert.True(pilot.ExitCode == 0, pilot.Error);
        Assert.Equal(8, endpoint.Requests);
        var charged = (endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m;
        Assert.Equal(charged, Billed(pilot.Error));
        // Eight tries brought four instances: forty will take eighty requests, ten times what the pilot cost.
        using var planned = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--dry-run"]);
        Assert.Contains("8 tries", planned.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("stands in", planned.Output, StringComparison.Ordinal);
        Assert.Contains("80", planned.Output, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"estimated: ${10 * charged:0.00##}"), pilot.Error, StringComparison.Ordinal);

        using var whole = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced]);
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.Contains("estimated: $", whole.Error, StringComparison.Ordinal);
        Assert.Equal(44, endpoint.Requests);    // forty, and four that the pilot had for nothing
        // What is done is not estimated any more.
        using var after = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--dry-run"]);
        Assert.Matches(@"(?m)^ *generate [^\n]* done *$", after.Output);
        Assert.Equal((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, Billed(whole.Error));
    }

    [Fact]
    public async Task A_run_of_a_priced_model_looks_ahead_by_itself_and_says_where_the_budget_will_not_do()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        using var run = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--set", "generation.instances=400", "--set", "budget.limitDollars=3"]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("by 8 tries", run.Error, StringComparison.Ordinal);
        Assert.Contains("more than the budget of $3", run.Error, StringComparison.Ordinal);
        Assert.InRange((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, 0.1m, 3m);
    }

    [Fact]
    public async Task Previews_are_within_the_budget_and_the_run_counts_what_they_spent()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var folder = new ScratchFolder();
        File.WriteAllText(Path.Combine(folder.Path, "priced.yaml"), Experiment(endpoint.Address));
        decimal Charged() => (endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m;
        string[] preview = ["generate", "preview", "priced.yaml", .. Priced, "--set", "budget.limitDollars=1.2", "-n"];
        using var stopped = await AgoraProcess.RunAsync(folder.Path, [.. preview, "40"]);
        Assert.Equal(3, stopped.ExitCode);
        Assert.Contains("the budget of $1.2", stopped.Error, StringComparison.Ordinal);
        Assert.InRange(Charged(), 0.1m, 1.2m);

        // The same command again spends nothing beyond it, and neither does the run.
        using var again = await AgoraProcess.RunAsync(folder.Path, [.. preview, "40"]);
        Assert.Equal(3, again.ExitCode);
        // No run needs it yet, and one may use it all the same.
        using var collected = await AgoraProcess.RunAsync(folder.Path, ["runs", "gc"]);
        Assert.Contains("removed 0 results", collected.Output, StringComparison.Ordinal);
        Assert.Contains("--previews", collected.Output, StringComparison.Ordinal);
        using var run = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--set", "budget.limitDollars=1.2"]);
        Assert.Equal(3, run.ExitCode);
        Assert.InRange(Charged(), 0.1m, 1.2m);

        // What was paid for is shown for nothing, and the run that may go on does not ask for it again.
        var requests = endpoint.Requests;
        using var shown = await AgoraProcess.RunAsync(folder.Path, [.. preview, "2"]);
        Assert.True(shown.ExitCode == 0, shown.Error);
        Assert.Equal(requests, endpoint.Requests);
        using var whole = await AgoraProcess.RunAsync(folder.Path, ["generate", "priced.yaml", .. Priced, "--set", "budget.limitDollars=1000"]);
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.Equal(Charged(), Billed(whole.Error));
        Assert.Equal(40, endpoint.Requests);

        // Of what is done the first tries are shown again.
        using var done = await AgoraProcess.RunAsync(folder.Path, [.. preview, "2"]);
        Assert.True(done.ExitCode == 0, done.Error);
        Assert.Equal(shown.Output.Replace("── 2 of 2", "── the data set is done: these are its own first tries, and nobody was asked\n── 2 of 2", StringComparison.Ordinal), done.Output);
        Directory.Delete(Path.Combine(folder.Path, "runs", "store", "completions"), recursive: true);
        using var lost = await AgoraProcess.RunAsync(folder.Path, [.. preview, "2"]);
        Assert.Equal(2, lost.ExitCode);
        Assert.Contains("--set budget.limitDollars=null", lost.Error, StringComparison.Ordinal);
        Assert.Equal(40, endpoint.Requests);
    }

    [Fact]
    public async Task Evaluations_have_a_budget_and_a_bill_of_their_own()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "The answer is 4." });
        using var folder = new ScratchFolder();
        string[] command = ["evaluate", endpoint.Address.ToString(), "--model", "test-model", "--benchmarks", "nano_math", "--limit", "20", "--data", $"nano_math={TinyExperiment.Nano("benchmarks", "math.jsonl")}", "--max-new-tokens", "20"];
        using var unpriced = await AgoraProcess.RunAsync(folder.Path, [.. command, "--budget", "1"]);
        Assert.Equal(2, unpriced.ExitCode);
        Assert.Contains("no price is known of test-model", unpriced.Error, StringComparison.Ordinal);
        using var stopped = await AgoraProcess.RunAsync(folder.Path, [.. command, "--price", "1000,1000", "--budget", "0.5"]);
        Assert.Equal(3, stopped.ExitCode);
        Assert.InRange((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, 0.01m, 0.5m);
        Assert.InRange(endpoint.Requests, 1, 19);
        using var whole = await AgoraProcess.RunAsync(folder.Path, [.. command, "--price", "1000,1000", "--budget", "50"]);
        Assert.True(whole.ExitCode is 0 or 3, whole.Error);
        Assert.Equal(20, endpoint.Requests);
        Assert.Equal((endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, Billed(whole.Error));
    }

    [Fact]
    public async Task Metrics_charge_embeddings_to_a_budget()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "" });
        using var folder = new ScratchFolder();
        File.WriteAllLines(Path.Combine(folder.Path, "data.jsonl"), Enumerable.Range(0, 300).Select(i => $$"""{"instruction":"What is {{i}} plus one?","response":"It is {{i + 1}}."}"""));
        string[] command = ["metrics", "data.jsonl", "--embeddings", endpoint.Address.ToString(), "--embeddings-model", "test-model", "--embeddings-price", "1000,0"];
        using var stopped = await AgoraProcess.RunAsync(folder.Path, [.. command, "--budget", "5"]);
        Assert.Equal(3, stopped.ExitCode);
        Assert.InRange(endpoint.Tokens.Input / 1000m, 0.1m, 5m);
        using var whole = await AgoraProcess.RunAsync(folder.Path, [.. command, "--budget", "80"]);
        Assert.True(whole.ExitCode == 0, whole.Error);
        Assert.Equal(600, endpoint.Embedded);
        Assert.Equal(endpoint.Tokens.Input / 1000m, Billed(whole.Error));
    }

    [Fact]
    public async Task A_budget_over_a_model_without_price_is_refused_before_anything_is_asked()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        using var folder = new ScratchFolder();
        using var run = await AgoraProcess.RunAsync(folder.Path,
            ["generate", TinyExperiment.Shipped("own-endpoint.yaml"), "--endpoint", endpoint.Address.ToString(), "--model", "test-model", "--set", "budget.limitDollars=1"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("a budget is set, and no price is known of endpoint", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, endpoint.Requests);
    }

    private static string Experiment(Uri endpoint) => TinyExperiment.OwnEndpoint(endpoint, "{input: 1000, output: 1000}");

    private static decimal Billed(string error) => decimal.Parse(BilledDollars().Match(error).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"requests, \$([0-9.]+)")]
    private static partial Regex BilledDollars();
}
