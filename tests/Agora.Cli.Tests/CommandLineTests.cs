using System.Diagnostics;
using Agora.Cli.Commands;
using Agora.Cli.Diagnosis;
using Agora.Tests;
using Spectre.Console;

namespace Agora.Cli.Tests;

public sealed class CommandLineTests
{
    private static string Experiment(string name) => Path.Combine(Fixtures.Checkout, "experiments", name);

    [Fact]
    public async Task Help_lists_every_command_on_stdout()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "--help");
        Assert.Equal(0, agora.ExitCode);
        foreach (var command in (string[])["quickstart", "run", "validate", "evaluate", "generate", "judge", "metrics", "analyze", "predict", "recommend", "report", "leaderboard", "data", "serve", "runs", "doctor", "nano"])
            Assert.Contains($"  {command} ", agora.Output, StringComparison.Ordinal);
        Assert.Empty(agora.Error);
    }

    [Theory]
    [InlineData("no-such-command")]
    [InlineData("run")]
    [InlineData("quickstart", "--no-such-option")]
    [InlineData("quickstart", "--jobs", "0")]
    [InlineData("quickstart", "--jobs", "many")]
    [InlineData("quickstart", "--pilot", "many")]
    [InlineData("quickstart", "--set", "no-equals-sign")]
    [InlineData("generate", "preview", "nowhere.yaml", "-n", "-1")]
    [InlineData("serve", "nowhere", "--port", "http")]
    [InlineData("serve", "nowhere", "--port", "65536")]
    [InlineData("serve", "nowhere", "--drain-seconds", "NaN")]
    [InlineData("judge", "arena-hard", "nowhere", "--rounds", "1000001")]
    [InlineData("judge", "alpaca-eval", "nowhere", "--strength", "ten")]
    [InlineData("metrics", "nowhere", "--solutions", "101")]
    [InlineData("nano", "build", "--threads", "0")]
    public async Task Wrong_usage_ends_with_exit_code_2_and_says_what_to_do(params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, arguments);
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("nowhere", agora.Error, StringComparison.Ordinal);
        Assert.Empty(agora.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("--jobs must be a whole number of at most 2147483647, got \"many\"", "quickstart", "--jobs", "many")]
    [InlineData("--color must be auto or always or never, got \"red\"", "doctor", "--color", "red")]
    [InlineData("--format must be jsonl or parquet, got \"csv\"", "generate", "nowhere.yaml", "--format", "csv")]
    [InlineData("--budget must be at least 0", "evaluate", "--benchmarks", "nano_math", "--budget", "-1")]
    public async Task What_an_option_takes_is_said_in_its_own_words(string said, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, arguments);
        Assert.StartsWith(said + "\n", agora.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("agora generate preview <file> [options]", "generate", "preview")]
    [InlineData("agora predict learn <run> [options]", "predict", "learn")]
    [InlineData("agora evaluate diff <evaluation>... [options]", "evaluate", "diff")]
    public async Task Help_of_a_command_has_its_own_arguments_alone(string usage, params string[] command)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [.. command, "--help"]);
        Assert.Equal(0, agora.ExitCode);
        Assert.Contains($"\n  {usage}\n", agora.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(command[0] == "evaluate" ? "<model>" : "<data>", agora.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_behind_the_output_is_no_bug_of_ours()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "there is no /dev/full here");
        using var folder = new ScratchFolder();
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" > /dev/full", .. AgoraProcess.Command, "data", "list"]) { WorkingDirectory = folder.Path, RedirectStandardError = true })!;
        var error = await shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1, shell.ExitCode);
        Assert.Contains("make room", error, StringComparison.Ordinal);
        Assert.DoesNotContain("bug", error, StringComparison.Ordinal);
    }

    // Without a stderr of its own the process has something of the runtime's there, which cannot be written to, or must not.
    [Theory]
    [InlineData("> out 2>&-")]
    [InlineData("> out 2> /dev/full")]
    public async Task A_stderr_that_takes_nothing_ends_no_run(string redirection)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "there is no /dev/full here");
        using var folder = new ScratchFolder();
        string[] command = ["generate", TinyExperiment.Shipped("quickstart.yaml"), "--setting", "math/response_generation", "--generator", "tutor", "--set", "generation.instances=2"];
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$0\" \"$@\" {redirection}", .. AgoraProcess.Command, .. command]) { WorkingDirectory = folder.Path })!;
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("2 of 2 instances", File.ReadAllText(Path.Combine(folder.Path, "out")), StringComparison.Ordinal);
        using var runs = await AgoraProcess.RunAsync(folder.Path, "runs", "list");
        Assert.Contains(" done ", runs.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("generation.bestOf={judge: tutor, candidates: 2}", "generation.bestOf has no effect")]
    [InlineData("metrics={judgeFormat: prometheus}", "metrics.judgeFormat has no effect")]
    [InlineData("metrics={judgeFormat: prometheus, judges: [tutor]}", null)]
    public async Task A_setting_without_effect_is_warned_of_and_valid(string set, string? warning)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "validate", Experiment("quickstart.yaml"), "--set", set);
        Assert.True(agora.ExitCode == 0, agora.Error);
        if (warning is null)
            Assert.Empty(agora.Error);
        else
            Assert.Contains($"warning: {warning}", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Findings_are_broken_at_spaces_and_go_on_below_themselves()
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 31;
        console.Write(DoctorCommand.Drawn([new Finding("disk", Verdict.Bad, "one two three-and-long four", "make room for it")]));
        Assert.Equal(["FAIL  disk  one two", "            three-and-long four", "            fix: make room for", "            it"], text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()));
    }

    [Fact]
    public async Task Validate_lists_every_fault_with_line_and_column()
    {
        using var folder = new ScratchFolder();
        var text = (await File.ReadAllTextAsync(Experiment("quickstart.yaml"), TestContext.Current.CancellationToken))
            .Replace("../", Fixtures.Checkout + "/", StringComparison.Ordinal)
            .Replace("seed: 42", "sead: 42", StringComparison.Ordinal)
            .Replace("temperature: 0.2", "temperature: hot", StringComparison.Ordinal);
        var file = folder.File("faulty.yaml", text);
        using var agora = await AgoraProcess.RunAsync(folder.Path, "validate", file);
        Assert.Equal(2, agora.ExitCode);
        Assert.Matches(@"faulty\.yaml:\d+:\d+  .*sead", agora.Error);
        Assert.Matches(@"faulty\.yaml:\d+:\d+  .*temperature .*hot", agora.Error);
    }

    [Fact]
    public async Task Every_experiment_that_is_shipped_is_valid()
    {
        using var folder = new ScratchFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "experiments"), "*.yaml"))
        {
            using var agora = await AgoraProcess.RunAsync(folder.Path, "validate", file);
            Assert.True(agora.ExitCode == 0, agora.Error);
        }
    }

    // All but the paper's own study, whose models and data are not part of Agora.
    [Fact]
    public async Task Every_experiment_for_this_machine_finds_its_models_and_data()
    {
        using var folder = new ScratchFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "experiments"), "*.yaml").Where(file => Path.GetFileName(file) != "paper-grid.yaml"))
        {
            using var agora = await AgoraProcess.RunAsync(folder.Path, "run", file, "--dry-run");
            Assert.True(agora.ExitCode == 0, $"{file}: {agora.Error}");
        }
    }

    [Fact]
    public async Task A_missing_experiment_file_is_one_clear_error_without_a_trace()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "run", "nowhere.yaml");
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains("nowhere.yaml", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verbose_shows_the_trace_of_an_error()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "run", "nowhere.yaml", "--verbose");
        Assert.Contains("   at ", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_says_that_a_key_is_set_but_never_its_value()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [("OPENAI_API_KEY", "sk-very-secret")], ["doctor"]);
        Assert.Matches("ok +OPENAI_API_KEY +set", agora.Output);
        Assert.DoesNotContain("sk-very-secret", agora.Output + agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_says_what_to_do_where_python3_is_missing()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [("PATH", folder.Path)], ["doctor"]);
        Assert.Equal(1, agora.ExitCode);
        Assert.Contains("FAIL  python3", agora.Output, StringComparison.Ordinal);
        Assert.Contains("apt-get install python3", agora.Output, StringComparison.Ordinal);
    }
}
