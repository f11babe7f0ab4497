using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;
using Agora.Students.Embeddings;

namespace Agora.Students.Inference;

/// <summary>What a model folder is, whatever its name and place: a hash over the files that decide its answers. Safe for concurrent use.</summary>
internal sealed class ModelFingerprint
{
    // Hashing gigabytes for each step of a run would take longer than many steps; a file that keeps size and time is taken to be the same.
    private readonly ConcurrentDictionary<(string Path, long Size, DateTime Written), Lazy<string>> hashes = new();

    /// <returns>SHA-256, lower-case hexadecimal, over names and contents of config, generation config, weights, tokenizer and chat template.</returns>
    /// <exception cref="AgoraException">No such folder, or no weights in it.</exception>
    public string Of(string folder)
    {
        if (!Directory.Exists(folder))
            throw new AgoraException("no such model folder", folder, "give the path of a folder in Hugging Face format (config.json, *.safetensors, tokenizer.json)") { ExitCode = 2 };
        // A sentence model in ONNX is what its own files are, whatever lies beside them.
        var files = SentenceModelFolder.IsAt(folder)
            ? [.. SentenceModelFolder.Files.Select(name => (Name: name, File: new FileInfo(Path.Combine(folder, name)))).Where(one => one.File.Exists)]
            : new DirectoryInfo(folder).EnumerateFiles().Where(file => DecidesAnswers(file.Name)).Select(file => (file.Name, File: file)).OrderBy(one => one.Name, StringComparer.Ordinal).ToList();
        if (!files.Any(one => one.File.Extension is ".safetensors" or ".onnx"))
            throw new AgoraException("no weights (*.safetensors)", folder, "take the model's safetensors version");
        var text = new StringBuilder();
        foreach (var (name, file) in files)
            text.Append(HashOf(file)).Append("  ").Append(name).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private static bool DecidesAnswers(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        || name is "config.json" or "generation_config.json" or "model.safetensors.index.json"
            or "tokenizer.json" or "tokenizer_config.json" or "special_tokens_map.json" or "chat_template.jinja" or "chat_template.json";

    private string HashOf(FileInfo file) =>
        hashes.GetOrAdd((file.FullName, file.Length, file.LastWriteTimeUtc), key => new Lazy<string>(() =>
        {
            using var stream = File.OpenRead(key.Path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        })).Value;
}
