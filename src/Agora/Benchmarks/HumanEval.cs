using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>HumanEval (arXiv:2107.03374). Rows: <c>task_id</c>, <c>prompt</c> (a signature with its docstring), <c>canonical_solution</c>, <c>test</c>, <c>entry_point</c>.</summary>
internal static class HumanEval
{
    /// <summary>openai/human-eval gives 3 s on a machine of its own; every reference takes well under one second.</summary>
    private const double SecondsPerProgram = 5;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, bool unsafeNoSandbox)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var tasks = file.Rows.Select(row =>
        {
            var signature = row.Text("prompt");
            var entryPoint = NanoCode.EntryPoint(row);
            var item = new BenchmarkItem(row.Id("task_id"), $"Complete this Python function. Answer with the whole function in one Python code block.\n\n```python\n{signature.Trim()}\n```");
            return new CodeTask(item, entryPoint, $"{row.Text("test")}\n\ncheck({entryPoint})\n", signature, signature + row.Text("canonical_solution"));
        }).ToArray();
        file.ThrowIfFaulty();
        return new CodeBenchmark(spec.Name, file.Hash, [.. tasks], SecondsPerProgram, unsafeNoSandbox);
    }
}
