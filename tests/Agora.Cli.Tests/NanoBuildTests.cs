using Agora.Tests;

namespace Agora.Cli.Tests;

public sealed class NanoBuildTests
{
    // Training all models takes a third of an hour; until the first one starts, everything that later parts depend on has been made.
    [Fact]
    public async Task A_build_into_an_empty_folder_makes_the_shipped_files_again_to_the_last_byte()
    {
        using var folder = new ScratchFolder();
        using (var agora = AgoraProcess.Start(folder.Path, ["nano", "build", "--output", "made", "--threads", "1"]))
        {
            while (!agora.Process.HasExited && !agora.Error.Contains("nano-base, Raw: step", StringComparison.Ordinal))
                await Task.Delay(100, TestContext.Current.CancellationToken);
            Assert.False(agora.Process.HasExited, agora.Error);
        }
        var shipped = Path.Combine(Fixtures.Checkout, "nano");
        foreach (var part in (string[])["benchmarks", "seeds", "prompts", "tokenizer"])
            foreach (var file in Directory.EnumerateFiles(Path.Combine(shipped, part), "*", SearchOption.AllDirectories))
                Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(folder.Path, "made", Path.GetRelativePath(shipped, file))));
    }
}
