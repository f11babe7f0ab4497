using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.SeedData.Catalogue;

public enum CatalogueKind { Seeds, Benchmark }

/// <summary>A seed set or benchmark that can be named instead of a file: <c>catalogue:gsm8k</c>.</summary>
public sealed record CatalogueEntry
{
    public const string Scheme = DataName.CatalogueScheme;

    /// <summary>A setting for seeds, a benchmark's name for benchmarks.</summary>
    public required string Name { get; init; }
    public required CatalogueKind Kind { get; init; }
    public required string Title { get; init; }
    /// <summary>Read one after the other into one file of rows.</summary>
    public required ImmutableArray<CataloguePart> Parts { get; init; }
    /// <summary>Rows that the paper or the benchmark's authors count; null where copies differ in it.</summary>
    public int? Rows { get; init; }
    /// <summary>What a user should know before using it: where a rule is Agora's own, where the paper does not tell.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    public bool Gated => Parts.Any(part => part.Gated);
}

/// <summary>Files of one dataset, and how their rows become the entry's.</summary>
public sealed record CataloguePart
{
    /// <summary>owner/name on the hub; null where there is no copy to name, and the user gives one.</summary>
    public string? Repository { get; init; }
    /// <summary>Of the hub's own viewer and of <c>load_dataset</c>.</summary>
    public required string Config { get; init; }
    public required string Split { get; init; }
    /// <summary>Where the files are, as patterns; the hub's own conversion to Parquet is looked at where none matches.</summary>
    public ImmutableArray<string> Files { get; init; } = [];
    public required ImmutableArray<string> Columns { get; init; }
    public required string Licence { get; init; }
    /// <summary>The owner lets users in who accept terms; a token is needed.</summary>
    public bool Gated { get; init; }
    /// <summary>Why there is no <see cref="Repository"/>.</summary>
    public string? Withdrawn { get; init; }
    /// <summary>Bytes to fetch, as the hub's pages give them, rounded.</summary>
    public long? ApproximateBytes { get; init; }
    /// <summary>SHA-256 of files by path, where one is known for certain; elsewhere the first pull records what it got.</summary>
    public ImmutableDictionary<string, string> KnownSha256 { get; init; } = ImmutableDictionary<string, string>.Empty;
    /// <summary>At most this many rows, from the start; files that are not needed for them are not fetched.</summary>
    public int? Limit { get; init; }
    /// <summary>Null where the files are kept beside and give no rows.</summary>
    internal RowShape? Shape { get; init; }
}
