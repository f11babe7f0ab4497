using System.Text;

namespace Agora.Tests.Fuzzing;

/// <summary>A short run of each fuzzer; "Agora.Bench fuzz" runs them for as long as wanted.</summary>
public sealed class ReaderFuzzTests
{
    [Theory]
    [InlineData("safetensors", 1500)]
    [InlineData("index", 300)]
    [InlineData("config", 1500)]
    [InlineData("tokenizer", 600)]
    [InlineData("template", 1500)]
    public void Mutated_files_are_read_or_refused_with_a_reason(string name, int executions)
    {
        using var folder = new TemporaryFolder();
        var fuzzer = new ReaderFuzzer(FuzzTarget.Make(name, folder.Path), seed: 1);
        var findings = fuzzer.Run(() => fuzzer.Executions < executions);
        Assert.True(findings.Count == 0, string.Join("\n", findings.Select(finding => $"{finding.What}\n{Encoding.UTF8.GetString(finding.Input.AsSpan(0, Math.Min(2000, finding.Input.Length)))}")));
        Assert.True(fuzzer.Outcomes > 5, $"only {fuzzer.Outcomes} outcomes: the fuzzer does not reach the reader");
    }
}
