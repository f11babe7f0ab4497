using System.Globalization;
using System.Text.Json;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using Agora.Training;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

/// <summary>Three AdamW steps against the reference's losses, gradients and weights.</summary>
[Collection("torch")]
public sealed class TrainingConformanceTests
{
    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var file in GoldenFiles())
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            foreach (var variant in json.RootElement.GetProperty("variants").EnumerateArray())
                cases.Add(Path.GetFileName(file), variant.GetProperty("name").GetString()!);
        }
        if (cases.Count == 0)
            cases.Add("absent", "absent");
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_gradients_and_weights_follow_the_reference(string file, string name)
    {
        Fixtures.Part("llm", "golden", file);
        using var golden = new Golden(file, name);
        foreach (var autograd in new[] { false, true })
            golden.Check(autograd);
    }

    [Fact]
    public void Labels_are_the_response_and_its_end_of_turn_token()
    {
        foreach (var file in GoldenFiles().DefaultIfEmpty(Path.Combine(Fixtures.Part("llm", "golden"), "absent")))
        {
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var batch = json.RootElement.GetProperty("batch");
            var template = ChatTemplate.Parse(batch.GetProperty("template").GetString()!, file, new Dictionary<string, string> { ["bos_token"] = "<|begin_of_text|>" });
            var text = new SupervisedText(Tokenizer.Load(Fixtures.Part("llm", "models", json.RootElement.GetProperty("model").GetString()!)), (instruction, response) => template.Render(
                [new ChatTurn("user", instruction), .. response is null ? Array.Empty<ChatTurn>() : [new ChatTurn("assistant", response)]], response is null));
            var expected = Golden.Documents(batch);
            var rows = batch.GetProperty("messages").EnumerateArray().ToArray();
            for (var i = 0; i < rows.Length; i++)
            {
                var document = text.Encode(new TrainingPair(rows[i][0].GetProperty("content").GetString()!, rows[i][1].GetProperty("content").GetString()!));
                Assert.Equal(expected[i].Tokens, document.Tokens);
                Assert.Equal(expected[i].Targets, document.Targets);
            }
        }
    }

    private static IEnumerable<string> GoldenFiles()
    {
        var root = Environment.GetEnvironmentVariable("AGORA_FIXTURES") is { Length: > 0 } named ? named : Path.Combine(Fixtures.Checkout, "..", "shared", "fixtures");
        var folder = Path.Combine(root, "llm", "golden");
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "*.training.json").Order(StringComparer.Ordinal) : [];
    }

    private sealed class Golden : IDisposable
    {
        private readonly JsonDocument json;
        private readonly JsonElement variant;
        private readonly string file;
        private readonly string name;

        public Golden(string file, string name)
        {
            (this.file, this.name) = (file, name);
            json = JsonDocument.Parse(File.ReadAllText(Fixtures.Part("llm", "golden", file)));
            variant = json.RootElement.GetProperty("variants").EnumerateArray().Single(element => element.GetProperty("name").GetString() == name);
        }

        public static TrainingDocument[] Documents(JsonElement batch)
        {
            var masks = batch.GetProperty("attention_mask").EnumerateArray().Select(row => row.EnumerateArray().Count(mark => mark.GetInt32() == 1)).ToArray();
            return [.. masks.Select((length, row) => new TrainingDocument(
                [.. batch.GetProperty("input_ids")[row].EnumerateArray().Take(length).Select(id => id.GetInt32())],
                [.. batch.GetProperty("labels")[row].EnumerateArray().Take(length).Select(id => id.GetInt32() >= 0)]))];
        }

        public void Check(bool autograd)
        {
            var documents = Documents(json.RootElement.GetProperty("batch"));
            using var checkpoint = CheckpointFolder.Open(Fixtures.Part("llm", "models", json.RootElement.GetProperty("model").GetString()!));
            using var model = TransformerModel.Load(checkpoint);
            const string clipping = "clip_grad_norm_";
            var optimizer = json.RootElement.GetProperty("optimizer");
            var settings = new OptimizerSettings
            {
                Beta1 = optimizer.GetProperty("betas")[0].GetDouble(),
                Beta2 = optimizer.GetProperty("betas")[1].GetDouble(),
                Epsilon = Number(optimizer, "eps"),
                WeightDecay = Number(optimizer, "weight_decay"),
                DecayVectors = name != "no_decay_on_norms",
                ClipNorm = name.StartsWith(clipping, StringComparison.Ordinal) ? double.Parse(name.AsSpan(clipping.Length), CultureInfo.InvariantCulture) : 0,
            };
            IStepGradient gradient = autograd ? new AutogradGradient(model, 1) : new LanedGradient(model, 2, sharing: true);
            using var loop = new TrainingLoop(model, settings, gradient);
            var step = new TrainingStep(documents, Number(optimizer, "lr"));
            if (name == "accumulate_2_microbatch_mean")
            {
                // The mistake that this variant shows: with it, the second loss differs far beyond any tolerance.
                loop.Take(step);
                Assert.True(Math.Abs(loop.Take(step).Loss - Number(variant.GetProperty("steps")[1], "loss")) > 1e-3);
                return;
            }
            var steps = variant.GetProperty("steps").EnumerateArray().ToArray();
            CheckFirstGradient(model, gradient, documents);
            for (var i = 0; i < steps.Length; i++)
            {
                var (loss, norm) = loop.Take(step);
                Assert.Equal(Number(steps[i], "loss"), loss, i == 0 ? 1e-5 : 1e-4);
                if (norm is not null)
                    Assert.Equal(1, norm.Value / Number(steps[i], "grad_norm"), 1e-4);
                Assert.Equal(Number(steps[i], "weight_sum_after"), model.Layout.Places.Sum(place => Values(model.Weights, place).Sum(value => (double)value)), 2e-3);
            }
            Assert.Equal(Number(variant.GetProperty("weights"), "sum_abs"), model.Layout.Places.Sum(place => Values(model.Weights, place).Sum(value => Math.Abs((double)value))), 4e-3);
            Assert.Equal(Number(variant, "loss_after_last_step"), gradient.Compute(documents), 1e-4);
            if (name == "full_batch")
                CheckTensors("after_3_steps.", (place, expected) =>
                {
                    var differences = Values(model.Weights, place).Zip(expected, (a, b) => Math.Abs((double)a - b)).ToArray();
                    Assert.True(differences.Average() <= 1e-6 && differences.Max() <= 3e-3, $"{place.Name}: mean {differences.Average()}, max {differences.Max()}");
                }, model);
        }

        private void CheckFirstGradient(TransformerModel model, IStepGradient gradient, TrainingDocument[] documents)
        {
            gradient.Compute(documents);
            var total = 0.0;
            foreach (var place in model.Layout.Places)
            {
                var squares = Values(gradient.Sum, place).Sum(value => (double)value * value);
                total += squares;
                Assert.Equal(1, Math.Sqrt(squares) / Number(variant.GetProperty("grad_norm_by_tensor_step1"), place.Name), 1e-4);
            }
            Assert.Equal(1, Math.Sqrt(total) / Number(variant.GetProperty("steps")[0], "grad_norm"), 1e-4);
            if (name == "full_batch")
                CheckTensors("grad_step1.", (place, expected) =>
                {
                    var error = Math.Sqrt(Values(gradient.Sum, place).Zip(expected, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(value => (double)value * value));
                    Assert.True(error <= 1e-4, $"{place.Name}: relative error {error}");
                }, model);
        }

        private void CheckTensors(string prefix, Action<ParameterPlace, float[]> check, TransformerModel model)
        {
            using var expected = SafetensorsFile.Open(Fixtures.Part("llm", "golden", Path.ChangeExtension(file, ".safetensors")));
            foreach (var entry in expected.Tensors.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)))
                check(model.Layout.Places.Single(place => place.Name == entry.Name[prefix.Length..]), expected.Read(entry));
        }

        private static float[] Values(Tensor whole, ParameterPlace place)
        {
            using var scope = NewDisposeScope();
            return whole.narrow(0, place.Offset, place.Elements).data<float>().ToArray();
        }

        private static double Number(JsonElement element, string property) => element.GetProperty(property).GetDouble();

        public void Dispose() => json.Dispose();
    }
}
