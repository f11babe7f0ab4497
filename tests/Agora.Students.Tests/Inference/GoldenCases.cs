using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Students.Checkpoints;

namespace Agora.Tests.Inference;

/// <summary>Reads the golden files: what the reference implementation computes from small checkpoints.</summary>
internal sealed class GoldenCases : IDisposable
{
    private readonly JsonDocument json;
    private readonly SafetensorsFile? tensors;

    private GoldenCases(string file)
    {
        json = JsonDocument.Parse(File.ReadAllBytes(file));
        if (json.RootElement.TryGetProperty("tensors_file", out var name))
            tensors = SafetensorsFile.Open(Path.Combine(Path.GetDirectoryName(file)!, name.GetString()!));
    }

    public JsonElement Root => json.RootElement;

    public IEnumerable<JsonElement> Cases => Root.GetProperty("cases").EnumerateArray();

    /// <summary>Every file of one kind, whatever models there are.</summary>
    public static IEnumerable<GoldenCases> OfKind(string kind)
    {
        var files = Directory.GetFiles(Fixtures.Part("llm", "golden"), $"*{kind}.json");
        Assert.NotEmpty(files);
        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            using var cases = new GoldenCases(file);
            yield return cases;
        }
    }

    /// <summary>The model's folder; a copy with keys of its config.json changed where the case says so.</summary>
    public string FolderOf(JsonElement @case, TemporaryFolder scratch) => FolderOf(ModelFolder, @case, scratch);

    public static string FolderOf(string modelFolder, JsonElement @case, TemporaryFolder scratch)
    {
        if (!@case.TryGetProperty("config_overrides", out var overrides) || overrides.ValueKind != JsonValueKind.Object || !overrides.EnumerateObject().Any())
            return modelFolder;
        var copy = Directory.CreateDirectory(Path.Combine(scratch.Path, Guid.NewGuid().ToString("N"))).FullName;
        foreach (var file in Directory.GetFiles(modelFolder))
            File.CreateSymbolicLink(Path.Combine(copy, Path.GetFileName(file)), file);
        var path = Path.Combine(copy, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        File.Delete(path);
        foreach (var member in overrides.EnumerateObject())
            config[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        File.WriteAllText(path, config.ToJsonString());
        return copy;
    }

    public string ModelFolder => Fixtures.Part("llm", "models", Root.GetProperty("model").GetString()!);

    public float[] Tensor(string name) => tensors!.Read(tensors.Tensors[name]);

    /// <summary>The tokens of each row of a batch, padding left out, and the column in which each stood.</summary>
    public static IEnumerable<(int[] Tokens, int[] Columns)> Rows(JsonElement @case)
    {
        var ids = Matrix(@case.GetProperty("input_ids"));
        var mask = Matrix(@case.GetProperty("attention_mask"));
        for (var row = 0; row < ids.Length; row++)
        {
            var columns = Enumerable.Range(0, ids[row].Length).Where(column => mask[row][column] == 1).ToArray();
            yield return ([.. columns.Select(column => ids[row][column])], columns);
        }
    }

    public static int[][] Matrix(JsonElement rows) => [.. rows.EnumerateArray().Select(Ints)];

    public static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetInt32())];

    public void Dispose()
    {
        json.Dispose();
        tensors?.Dispose();
    }
}
