namespace Agora.Tests.Hub;

/// <summary>A dataset as the hub keeps it: one commit per branch.</summary>
public sealed class HubDataset
{
    public const string FirstCommit = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>owner/name.</summary>
    public required string Repository { get; init; }
    public SortedDictionary<string, HubContent> Files { get; init; } = new(StringComparer.Ordinal);
    /// <summary>Files of the branch refs/convert/parquet; none where there is no such branch.</summary>
    public SortedDictionary<string, HubContent> Converted { get; init; } = new(StringComparer.Ordinal);
    public string Commit { get; set; } = FirstCommit;
    public string ConvertedCommit { get; set; } = "fedcba9876543210fedcba9876543210fedcba98";
    public bool Gated { get; init; }
    /// <summary>Tokens that are let in where it is gated.</summary>
    public HashSet<string> LetIn { get; init; } = [];

    /// <returns>Null where there is no such revision.</returns>
    public (string Commit, SortedDictionary<string, HubContent> Files)? At(string revision) =>
        revision == "main" || revision == Commit ? (Commit, Files)
        : Converted.Count > 0 && (revision == "refs/convert/parquet" || revision == ConvertedCommit) ? (ConvertedCommit, Converted)
        : null;
}
