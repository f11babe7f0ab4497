using Agora.Tests;

namespace Agora.Cli.Tests;

public sealed class DeviceOptionTests
{
    [Theory]
    [InlineData("evaluate nano/models/sprout --benchmarks nano_math")]
    [InlineData("metrics data.jsonl --base nano/models/sprout")]
    [InlineData("predict data.jsonl --setting math/response_generation")]
    [InlineData("nano build --output made")]
    public async Task A_word_that_is_no_device_is_wrong_usage(string command)
    {
        using var folder = new ScratchFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "data.jsonl"), """{"instruction": "What is 1+1?", "response": "2"}""" + "\n", TestContext.Current.CancellationToken);
        using var agora = await AgoraProcess.RunAsync(folder.Path, [.. command.Split(' ').Select(Shipped), "--device", "gpu"]);
        Assert.Equal((2, ""), (agora.ExitCode, agora.Output));
        Assert.Contains("the device must be auto, cpu or cuda:N, got gpu", agora.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "made")));
    }

    [Fact]
    public async Task A_device_that_is_not_there_is_refused_before_anything_is_measured()
    {
        using var folder = new ScratchFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "data.jsonl"), """{"instruction": "What is 1+1?", "response": "2"}""" + "\n", TestContext.Current.CancellationToken);
        using var agora = await AgoraProcess.RunAsync(folder.Path, ["metrics", "data.jsonl", "--base", Shipped("nano/models/sprout"), "--runs", "runs", "--device", "cuda:999"]);
        Assert.Equal((2, ""), (agora.ExitCode, agora.Output));
        Assert.Contains("the device is cuda:999", agora.Error, StringComparison.Ordinal);
    }

    private static string Shipped(string argument) => argument.StartsWith("nano/", StringComparison.Ordinal) ? Path.Combine(Fixtures.Checkout, argument) : argument;
}
