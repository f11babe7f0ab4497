using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.Runs;

/// <summary>What a finished step's folder says about itself: what was asked for, and the size and hash of every file.</summary>
public sealed record StepManifest
{
    public const string FileName = "manifest.json";
    public const string TimingFileName = "timing.json";
    /// <summary>What the step asked models for; like the times it lies beside the result, since which requests failed on the way differs between runs.</summary>
    public const string SpendingFileName = "spending.json";

    public required string Kind { get; init; }
    public required string Version { get; init; }
    public required JsonObject Parameters { get; init; }
    public required ImmutableArray<string> Inputs { get; init; }
    public required ImmutableArray<ManifestFile> Files { get; init; }

    /// <summary>Describes the files below a folder, in ordinal order of their paths.</summary>
    public static StepManifest Of(StepIdentity step, string folder) => new()
    {
        Kind = step.Kind,
        Version = step.Version,
        Parameters = step.Parameters,
        Inputs = [.. step.Inputs.Select(input => input.Value)],
        Files =
        [
            .. from path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
               let name = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/')
               orderby name
               select new ManifestFile(name, new FileInfo(path).Length, DurableFiles.Hash(path)),
        ],
    };

    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, CanonicalJson.Indented), (byte)'\n'];

    /// <exception cref="JsonException">The bytes are not a manifest.</exception>
    public static StepManifest FromBytes(byte[] bytes) =>
        JsonSerializer.Deserialize<StepManifest>(bytes, CanonicalJson.Options) ?? throw new JsonException("the manifest is null");
}

/// <param name="Path">Relative to the step's folder, with forward slashes.</param>
/// <param name="Sha256">Lower-case hexadecimal.</param>
public sealed record ManifestFile(string Path, long Bytes, string Sha256);
