using System.Text.Json.Nodes;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary><c>agora analyze</c>, as a user types it.</summary>
public sealed class AnalyzeCommandTests
{
    private static string Tables => Fixtures.Part("..", "paper");

    [Fact]
    public async Task The_published_tables_become_tables_files_and_one_json_document()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "analyze", "--published", Tables, "--out", "analysis");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("beats it", agora.Output, StringComparison.Ordinal);
        Assert.Contains("cut off instead of rounded", agora.Output, StringComparison.Ordinal);
        foreach (var file in (string[])["analysis.md", "analysis.json", "predictions.csv", "predictions.tex", "slips.csv"])
            Assert.True(File.Exists(Path.Combine(folder.Path, "analysis", file)), file);

        using var json = await AgoraProcess.RunAsync(folder.Path, "analyze", "--published", Tables, "--json");
        var document = JsonNode.Parse(json.Output)!;
        Assert.Equal(0.3416, (double)document["analysis"]!["components"]!["regression"]!["rSquared"]!, 1e-4);
        Assert.Equal("it has nothing to say of a generator that it has not seen",
            (string)document["analysis"]!["predictions"]!.AsArray().Single(entry => (string)entry!["predictor"]! == "generator mean")!["leavingGeneratorsOut"]!["notComputable"]!);
        Assert.Equal(json.Output, await File.ReadAllTextAsync(Path.Combine(folder.Path, "analysis", "analysis.json"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("there is no such folder", "analyze", "--published", "nowhere")]
    [InlineData("has no table2_pgr.csv", "analyze", "--published", ".")]
    public async Task Wrong_usage_ends_with_exit_code_2(string what, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, arguments);
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains(what, agora.Error, StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.Empty(agora.Output);
    }
}
