using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>The small files of a model folder, read whole up to a limit: a hostile one must not fill the memory.</summary>
internal static class BoundedFile
{
    /// <summary>For config.json, generation_config.json, tokenizer_config.json and templates: some hundred times what public models have.</summary>
    public const int Settings = 16 << 20;

    /// <summary>For tokenizer.json and the index of the shards: the largest public tokenizers are of 35 MB.</summary>
    public const int Tables = 256 << 20;

    /// <exception cref="AgoraException">Missing, unreadable, or longer than <paramref name="limit"/> bytes.</exception>
    public static byte[] Read(string path, int limit)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > limit)
                throw new AgoraException($"{Path.GetFileName(path)} has {file.Length} bytes; {limit} is the limit", path, "take the file that came with the model");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AgoraException($"the model's folder has no {Path.GetFileName(path)}", path, "give the path of a folder in Hugging Face format", missing);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new AgoraException($"cannot read {Path.GetFileName(path)} of the model: {exception.Message}", path, "let the file be read, or give another folder in Hugging Face format", exception);
        }
    }
}
