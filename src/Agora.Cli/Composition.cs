using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Students.Inference;
using Agora.Students.Tokenization;
using Agora.Students.Training;

namespace Agora.Cli;

/// <summary>The composition root: the only place that knows every type.</summary>
internal sealed class Composition : IDisposable
{
    // Longer than any model takes for an answer; a dead endpoint ends earlier, when the connection fails.
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromMinutes(10);

    private readonly HttpClient transport = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = LongestAnswer };
    private readonly EmbeddedModels embedded;

    /// <param name="jobs">Steps that work at the same time; each trains on its share of the cores.</param>
    /// <param name="unsafeNoSandbox">Runs code that a student wrote without a sandbox, and says so in the result.</param>
    public Composition(int jobs, bool unsafeNoSandbox = false)
    {
        embedded = new EmbeddedModels(Environment.ProcessorCount);
        Services = new PipelineServices
        {
            Models = new LanguageModelProviders(new Dictionary<string, ILanguageModels>
            {
                [ModelSpec.Embedded] = embedded,
                [ModelSpec.OpenAI] = new OpenAILanguageModels(transport, new RetryPolicy(), TimeProvider.System, Environment.GetEnvironmentVariable),
            }),
            Trainer = new SftTrainer(Math.Max(1, Environment.ProcessorCount / jobs)),
            LocateData = DataServices.LocateAsync,
            OpenBenchmark = spec => BenchmarkCatalogue.Open(spec, Environment.CurrentDirectory, unsafeNoSandbox),
            TokenCounter = folder =>
            {
                var tokenizer = Tokenizer.Load(folder);
                return text => tokenizer.Encode(text, addSpecialTokens: false).Length;
            },
        };
    }

    public PipelineServices Services { get; }

    public void Dispose()
    {
        embedded.Dispose();
        transport.Dispose();
    }
}
