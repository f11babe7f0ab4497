using System.Text.Json;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using Agora.Tests.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

/// <summary>The training model's forward pass against the reference's logits and rewards.</summary>
[Collection("torch")]
public sealed class ForwardConformanceTests
{
    [Fact]
    public void Logits_are_those_of_the_reference()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Part("llm", "golden"), "*.forward.json"))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            using var expected = SafetensorsFile.Open(Path.Combine(Path.GetDirectoryName(file)!, json.RootElement.GetProperty("tensors_file").GetString()!));
            foreach (var golden in json.RootElement.GetProperty("cases").EnumerateArray())
            {
                using var scope = NewDisposeScope();
                var logits = Project(json.RootElement.GetProperty("model").GetString()!, golden, out var T).data<float>().ToArray();
                var rows = golden.GetProperty("logits_at").EnumerateArray().Select(at => at[0].GetInt32() * T + at[1].GetInt32()).ToArray();
                var values = expected.Read(expected.Tensors[golden.GetProperty("logits_tensor").GetString()!]);
                var V = values.Length / rows.Length;
                for (var i = 0; i < values.Length; i++)
                    Assert.Equal(values[i], logits[rows[i / V] * V + i % V], 1e-4f);
            }
        }
    }

    [Fact]
    public void Rewards_are_those_of_the_reference()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Part("llm", "golden"), "*.reward.json"))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var golden in json.RootElement.GetProperty("cases").EnumerateArray())
            {
                using var scope = NewDisposeScope();
                var scores = Project(json.RootElement.GetProperty("model").GetString()!, golden, out var T).data<float>().ToArray();
                var masks = golden.GetProperty("attention_mask").EnumerateArray().ToArray();
                for (var row = 0; row < masks.Length; row++)
                {
                    var last = masks[row].EnumerateArray().Select(mark => mark.GetInt32()).ToList().LastIndexOf(1);
                    Assert.Equal(golden.GetProperty("scores")[row].GetSingle(), scores[row * T + last], 1e-4f);
                }
            }
        }
    }

    /// <summary>Padding is a document of its own, on either side.</summary>
    private static Tensor Project(string name, JsonElement golden, out int T)
    {
        using var scratch = new TemporaryFolder();
        using var checkpoint = CheckpointFolder.Open(GoldenCases.FolderOf(Fixtures.Part("llm", "models", name), golden, scratch));
        using var model = TransformerModel.Load(checkpoint);
        var tokens = golden.GetProperty("input_ids").EnumerateArray().Select(row => row.EnumerateArray().Select(id => id.GetInt32()).ToArray()).ToArray();
        T = tokens[0].Length;
        var masks = golden.GetProperty("attention_mask").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(mark => mark.GetInt32())).ToArray();
        var width = T;
        using var input = new ModelInput(model.Config, tokens.Length, [.. tokens.SelectMany(row => row)], [.. Enumerable.Range(0, masks.Length).Select(i => i % width)], masks);
        using var noGradient = no_grad();
        var pieces = model.Split(model.Weights);
        return TransformerModel.Project(pieces, model.Hidden(pieces, input).flatten(0, 1));
    }
}
