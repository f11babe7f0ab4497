using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>A file of a dataset on the Hugging Face hub, or several: <c>hf://datasets/owner/name@revision/path</c>.</summary>
/// <remarks>
/// The shape is that of huggingface_hub's URIs. The revision is a branch, tag or commit, <c>main</c> where it is left out; a slash in it is written
/// <c>%2F</c>, but for <c>refs/convert/…</c> and <c>refs/pr/…</c>. In the path, <c>*</c> stands for any characters but a slash and <c>**</c> for any at all.
/// </remarks>
/// <param name="Repository">owner/name.</param>
/// <param name="Path">Empty where the whole dataset is meant.</param>
public sealed partial record HubAddress(string Repository, string Revision, string Path)
{
    public const string Scheme = DataName.HubScheme;
    public const string DefaultRevision = "main";

    /// <summary>Whether a text is meant as an address of the hub, well formed or not.</summary>
    public static bool IsMeant(string text) => text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="AgoraException">The text is no such address, or names something outside the dataset.</exception>
    public static HubAddress Parse(string text)
    {
        var parts = Form().Match(text);
        if (!parts.Success)
            throw Wrong("this is not an address of a dataset on the hub", text);
        var revision = parts.Groups["revision"] is { Success: true } given ? Uri.UnescapeDataString(given.Value) : DefaultRevision;
        var address = new HubAddress(parts.Groups["repository"].Value, revision, parts.Groups["path"].Value);
        if (!IsRepository(address.Repository))
            throw Wrong($"\"{address.Repository}\" cannot be a dataset's owner and name", text);
        if (!IsRevision(revision))
            throw Wrong($"\"{revision}\" cannot be a revision", text);
        if (address.Path != "" && !IsPath(address.Path))
            throw Wrong($"\"{address.Path}\" is no path inside a dataset", text);
        return address;
    }

    /// <summary>Whether the path stands for whichever files match it.</summary>
    public bool IsPattern => Path.Contains('*', StringComparison.Ordinal);

    public bool Matches(string path) => Regex.IsMatch(path, Pattern(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    public override string ToString()
    {
        var revision = Revision == DefaultRevision ? "" : $"@{(OwnSlashes().IsMatch(Revision) ? Revision : Revision.Replace("/", "%2F", StringComparison.Ordinal))}";
        return $"{Scheme}datasets/{Repository}{revision}{(Path == "" ? "" : "/" + Path)}";
    }

    /// <summary>
    /// Whether a path, which may come from a server, stays inside the folder that it is put below: relative, without <c>..</c>, and with no character that a file
    /// system could read as a separator or a device.
    /// </summary>
    internal static bool IsPath([NotNullWhen(true)] string? path) =>
        path is { Length: > 0 and <= 1024 }
        && !path.AsSpan().ContainsAny('\\', ':') && !path.Any(char.IsControl)
        && path.Split('/').All(segment => segment.Length is > 0 and <= 255 && segment is not ("." or "..") && segment == segment.TrimEnd(' ', '.'));

    internal static bool IsRepository(string text) =>
        RepositoryForm().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal);

    // It becomes a path below the cache's folder "refs".
    internal static bool IsRevision(string text) => RevisionForm().IsMatch(text) && IsPath(text) && !text.Contains("..", StringComparison.Ordinal);

    private string Pattern() =>
        @"\A" + Regex.Escape(Path).Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal).Replace(@"\*\*", ".*", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal) + @"\z";

    private static AgoraException Wrong(string what, string text) =>
        new(what, text, "write hf://datasets/OWNER/NAME/PATH or hf://datasets/OWNER/NAME@REVISION/PATH") { ExitCode = 2 };

    [GeneratedRegex(@"\Ahf://datasets/(?<repository>[^/@]+/[^/@]+)(@(?<revision>refs/(convert|pr)/[^/]+|[^/]+))?(/(?<path>.+))?/?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Form();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(?<![.-])\z")]
    private static partial Regex RepositoryForm();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}\z")]
    private static partial Regex RevisionForm();

    [GeneratedRegex(@"\Arefs/(convert|pr)/[^/]+\z")]
    private static partial Regex OwnSlashes();
}
