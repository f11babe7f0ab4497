using System.Diagnostics;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>The script <c>./agora</c>, with a stand-in for the SDK that takes a moment, makes the folders that a build makes, and counts.</summary>
public sealed class LauncherTests : IDisposable
{
    private const string Sdk = """
        #!/bin/sh
        while [ $# -gt 0 ]; do
            [ "$1" = --output ] && out=$2
            shift
        done
        sleep 0.05
        mkdir -p "$out" "$CHECKOUT/src/Agora/obj"
        printf '#!/bin/sh\necho ran "$@"\n' > "$out/Agora.Cli"
        chmod +x "$out/Agora.Cli"
        echo built >> "$CHECKOUT/builds"
        """;

    private readonly ScratchFolder folder = new();

    public LauncherTests()
    {
        File.Copy(Path.Combine(Fixtures.Checkout, "agora"), Path.Combine(folder.Path, "agora"));
        foreach (var file in (string[])["Directory.Build.props", "Directory.Packages.props", "global.json", "src/Agora.Cli/Agora.Cli.csproj", "src/Agora/Kept.cs", "src/Agora/Removed.cs"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder.Path, file))!);
            File.WriteAllText(Path.Combine(folder.Path, file), "");
        }
        // A copy of a script may be executed as the script may, whatever is then written into it.
        var sdk = Path.Combine(Directory.CreateDirectory(Path.Combine(folder.Path, "sdk")).FullName, "dotnet");
        File.Copy(Path.Combine(Fixtures.Checkout, "agora"), sdk);
        File.WriteAllText(sdk, Sdk);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task It_builds_once_and_again_only_after_a_source_was_changed_or_removed()
    {
        Assert.Equal((1, "ran runs list\n"), await RunAsync());
        Assert.Equal((1, "ran runs list\n"), await RunAsync());
        File.WriteAllText(Path.Combine(folder.Path, "src", "Agora", "Kept.cs"), "// changed");
        Assert.Equal((2, "ran runs list\n"), await RunAsync());
        Assert.Equal((2, "ran runs list\n"), await RunAsync());
        File.Delete(Path.Combine(folder.Path, "src", "Agora", "Removed.cs"));
        Assert.Equal((3, "ran runs list\n"), await RunAsync());
        Assert.Equal((3, "ran runs list\n"), await RunAsync());
    }

    private async Task<(int Builds, string Output)> RunAsync()
    {
        var start = new ProcessStartInfo(Path.Combine(folder.Path, "agora"), ["runs", "list"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Path.Combine(folder.Path, "sdk")}:{start.Environment["PATH"]}";
        start.Environment["CHECKOUT"] = folder.Path;
        using var launched = Process.Start(start)!;
        var error = launched.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await launched.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await launched.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(launched.ExitCode == 0, await error);
        return (File.ReadAllLines(Path.Combine(folder.Path, "builds")).Length, output);
    }
}
