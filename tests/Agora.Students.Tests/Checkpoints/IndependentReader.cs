using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Agora.Tests.Checkpoints;

/// <summary>independent_reader.py: reads model folders by the published formats, with none of our code.</summary>
internal static class IndependentReader
{
    /// <summary>Logits at the last token, or the score of a reward model.</summary>
    public static double[] Logits(string folder, IEnumerable<int> tokens) => Numbers(folder, "logits", tokens);

    /// <summary>The same over the tensors as llama.cpp's converter lays them out, rotated as llama.cpp does.</summary>
    public static double[] LlamaCppLogits(string folder, IEnumerable<int> tokens) => Numbers(folder, "llama.cpp", tokens);

    /// <summary>Type, shape and SHA-256 of the stored bytes, of each tensor.</summary>
    public static Dictionary<string, string> Tensors(string folder) =>
        JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(Run(folder, "tensors"))!.ToDictionary(tensor => tensor.Key, tensor => tensor.Value.GetRawText());

    private static double[] Numbers(string folder, string what, IEnumerable<int> tokens) =>
        JsonSerializer.Deserialize<double[]>(Run(folder, [what, .. tokens.Select(token => token.ToString(CultureInfo.InvariantCulture))]))!;

    private static string Run(string folder, params string[] arguments)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "independent_reader.py");
        using var python = Process.Start(new ProcessStartInfo("python3", [script, folder, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = python.StandardError.ReadToEndAsync();
        var output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, errors.GetAwaiter().GetResult());
        return output;
    }
}
