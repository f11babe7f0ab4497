using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>A model folder in Hugging Face format, open for reading: config.json and the weights of one file or of sharded ones.</summary>
/// <remarks>Opening checks every tensor's name, shape and type against the config; the weights stay on disk until they are read.</remarks>
public sealed class CheckpointFolder : IDisposable
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    private readonly ImmutableArray<SafetensorsFile> files;
    private readonly ImmutableSortedDictionary<string, (SafetensorsFile File, SafetensorsEntry Entry)> tensors;

    private CheckpointFolder(
        string folder, TransformerConfig config, ImmutableArray<SafetensorsFile> files,
        ImmutableSortedDictionary<string, (SafetensorsFile, SafetensorsEntry)> tensors)
    {
        Folder = folder;
        Config = config;
        this.files = files;
        this.tensors = tensors;
    }

    public string Folder { get; }

    public TransformerConfig Config { get; }

    /// <summary>The type that the weights are stored in: the embedding's.</summary>
    public FloatType StoredType => FloatType.Named(tensors["model.embed_tokens.weight"].Entry.Type)!;

    /// <exception cref="AgoraException">No such folder, no weights, an unsupported config, or tensors that do not fit it: all of them named.</exception>
    public static CheckpointFolder Open(string folder)
    {
        if (!Directory.Exists(folder))
            throw new AgoraException("no such model folder", folder, "give the path of a folder in Hugging Face format (config.json, *.safetensors, tokenizer.json)") { ExitCode = 2 };
        var config = TransformerConfigFile.Read(Path.Combine(folder, "config.json"));
        var faults = new List<string>();
        var files = ImmutableArray.CreateBuilder<SafetensorsFile>();
        try
        {
            var found = new SortedDictionary<string, (SafetensorsFile, SafetensorsEntry)>(StringComparer.Ordinal);
            foreach (var (name, indexed) in FilesOf(folder))
            {
                var file = SafetensorsFile.Open(Path.Combine(folder, name));
                files.Add(file);
                foreach (var missing in indexed.Where(tensor => !file.Tensors.ContainsKey(tensor)))
                    faults.Add($"{missing} is not in {name}, where the index puts it");
                foreach (var entry in file.Tensors.Values)
                {
                    if (!found.TryAdd(entry.Name, (file, entry)))
                        faults.Add($"{entry.Name} is in two files");
                }
            }
            Check(config, found, faults);
            if (faults.Count > 0)
            {
                const int Shown = 40;
                var listed = string.Join("\n  ", faults.Take(Shown)) + (faults.Count > Shown ? $"\n  and {faults.Count - Shown} more" : "");
                throw new AgoraException($"the weights do not fit config.json:\n  {listed}", folder, "fetch the model again, or take the config.json that belongs to it");
            }
            return new CheckpointFolder(folder, config, files.ToImmutable(), found.ToImmutableSortedDictionary(StringComparer.Ordinal));
        }
        catch
        {
            foreach (var file in files)
                file.Dispose();
            throw;
        }
    }

    /// <param name="name">Hugging Face's name, as in <see cref="TransformerConfig.Tensors"/>.</param>
    public SafetensorsEntry Entry(string name) => tensors[name].Entry;

    /// <summary>The type that one tensor is stored in: some checkpoints keep their norms in another than their matrices.</summary>
    public FloatType StoredTypeOf(string name) => FloatType.Named(tensors[name].Entry.Type)!;

    /// <summary>All elements of a tensor of at most 2^31 elements, row-major, widened to float32.</summary>
    /// <exception cref="AgoraException">One of them is NaN or infinite.</exception>
    public float[] Read(string name)
    {
        var values = new float[checked((int)Entry(name).Elements)];
        Read(name, 0, values);
        return values;
    }

    /// <summary>Elements from <paramref name="first"/> on, row-major, widened to float32.</summary>
    /// <exception cref="AgoraException">One of them is NaN or infinite.</exception>
    public void Read(string name, long first, Span<float> destination)
    {
        var (file, entry) = tensors[name];
        file.Read(entry, first, destination);
        if (FloatType.F32.FirstUnstorable(destination) is >= 0 and var bad)
        {
            throw new AgoraException(
                $"tensor {name} holds NaN or infinity, first at element {first + bad} of {entry.Elements}", file.Path,
                "the training that wrote it diverged, or the file is damaged; take another checkpoint");
        }
    }

    /// <summary>Bytes of a tensor as they are stored, little-endian, from <paramref name="first"/> on; NaN is not looked for.</summary>
    public void ReadStored(string name, long first, Span<byte> destination)
    {
        var (file, entry) = tensors[name];
        file.ReadStored(entry, first, destination);
    }

    public void Dispose()
    {
        foreach (var file in files)
            file.Dispose();
    }

    private static IEnumerable<(string File, IReadOnlyList<string> IndexedTensors)> FilesOf(string folder)
    {
        var index = Path.Combine(folder, IndexFile);
        if (!File.Exists(index))
        {
            if (File.Exists(Path.Combine(folder, SingleFile)))
                return [(SingleFile, [])];
            var pickled = File.Exists(Path.Combine(folder, "pytorch_model.bin")) || File.Exists(Path.Combine(folder, "pytorch_model.bin.index.json"));
            throw new AgoraException(
                pickled ? "the weights are pickled (pytorch_model.bin), which can run code when opened and is not supported" : $"neither {SingleFile} nor {IndexFile} is there",
                folder, "take the model's safetensors version");
        }
        try
        {
            using var json = JsonDocument.Parse(BoundedFile.Read(index, BoundedFile.Tables), new JsonDocumentOptions { AllowDuplicateProperties = false });
            var places = json.RootElement.GetProperty("weight_map").EnumerateObject().Select(member => (Tensor: member.Name, File: member.Value.GetString()!)).ToList();
            // Links are followed, as the hub's cache is made of them; names that lead elsewhere are not.
            foreach (var (tensor, file) in places)
            {
                if (file is "" or "." or ".." || file.Any(character => character is '/' or '\\' or ':' || char.IsControl(character)))
                    throw new AgoraException($"the index puts {tensor} into a file outside the folder: {file.ReplaceLineEndings(" ")}", index, "take the index that came with the model");
            }
            return [.. places.GroupBy(place => place.File, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => (group.Key, (IReadOnlyList<string>)[.. group.Select(place => place.Tensor)]))];
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or NullReferenceException)
        {
            throw new AgoraException("the index of the shards is not valid: weight_map must map each tensor to a file", index, "take the index that came with the model", exception);
        }
    }

    private static void Check(TransformerConfig config, IReadOnlyDictionary<string, (SafetensorsFile, SafetensorsEntry Entry)> found, List<string> faults)
    {
        var expected = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        foreach (var (name, shape) in expected)
        {
            if (!found.TryGetValue(name, out var place))
                faults.Add($"{name} is missing");
            else if (!place.Entry.Shape.SequenceEqual(shape))
                faults.Add($"{name} has shape [{string.Join(", ", place.Entry.Shape)}], the config asks for [{string.Join(", ", shape)}]");
            else if (FloatType.Named(place.Entry.Type) is null)
                faults.Add($"{name} has type {place.Entry.Type}; supported are {string.Join(", ", FloatType.All)}");
        }
        foreach (var name in found.Keys)
        {
            // Older checkpoints store the rotary frequencies, which follow from the config; some tied ones store the head a second time.
            var harmless = name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || (name == "lm_head.weight" && config.TieEmbeddings);
            if (!expected.ContainsKey(name) && !harmless)
                faults.Add($"{name} is not part of a {config.Family} model with this config");
        }
    }
}
