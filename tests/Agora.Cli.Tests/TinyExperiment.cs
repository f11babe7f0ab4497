using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>The shipped quickstart, made so small by overrides that it ends within seconds.</summary>
internal static class TinyExperiment
{
    public static string Nano(params string[] path) => Path.Combine([Fixtures.Checkout, "nano", .. path]);

    public static string Shipped(string name) => Path.Combine(Fixtures.Checkout, "experiments", name);

    /// <summary>The shipped experiment with a generator behind an endpoint, wherever it lies.</summary>
    /// <param name="price">None where absent.</param>
    public static string OwnEndpoint(Uri endpoint, string? price = null)
    {
        var shipped = Shipped("own-endpoint.yaml");
        var text = File.ReadAllText(shipped)
            .Replace("../", Path.GetDirectoryName(Path.GetDirectoryName(shipped)) + "/", StringComparison.Ordinal)
            .Replace("model: my-model", "model: test-model", StringComparison.Ordinal)
            .Replace("http://127.0.0.1:8000/v1", endpoint.ToString(), StringComparison.Ordinal);
        return price is null ? text : text.Replace("# price: {input: 0.15, output: 0.60}", $"price: {price}", StringComparison.Ordinal);
    }

    /// <summary>One training epoch, twelve benchmark items.</summary>
    public static string[] Short { get; } =
    [
        "--set", "recipe.epochs=1", "--set", "confidence.resamples=200",
        "--set", "benchmarks={math: [{name: nano_math, limit: 12, file: '" + Nano("benchmarks", "math.jsonl") + "'}]}",
    ];

    /// <summary>Two generators, one setting, eight instances.</summary>
    public static string[] Overrides { get; } =
    [
        .. Short, "--set", "settings=[math/response_generation]", "--set", "generation.instances=8",
        "--set", "seedData={math/response_generation: {file: '" + Nano("seeds", "math", "response_generation.jsonl") + "'}}",
    ];
}
