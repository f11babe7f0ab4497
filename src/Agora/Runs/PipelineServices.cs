using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Training;

namespace Agora.Runs;

/// <summary>What the pipeline asks the composition root for.</summary>
public sealed record PipelineServices
{
    public required ILanguageModels Models { get; init; }
    public required IStudentTrainer Trainer { get; init; }
    /// <summary>
    /// For the folder of an embedded model, a function that counts the tokens of a text in which special tokens are spelled out, without adding any.
    /// It is called from many threads.
    /// </summary>
    public required Func<string, Func<string, int>> TokenCounter { get; init; }
    public Func<BenchmarkSpec, IBenchmark> OpenBenchmark { get; init; } = spec => BenchmarkCatalogue.Open(spec, Environment.CurrentDirectory);
}
