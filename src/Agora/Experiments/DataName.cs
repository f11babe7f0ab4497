namespace Agora.Experiments;

/// <summary>What stands in place of a data file's path: <c>hf://datasets/owner/name@revision/path</c> on the hub, or <c>catalogue:gsm8k</c>.</summary>
public static class DataName
{
    public const string HubScheme = "hf://";
    public const string CatalogueScheme = "catalogue:";

    /// <summary>Whether a text names data by more than a path; whether the name is well formed is for the seed-data stage to say.</summary>
    public static bool IsNamed(string text) => text.StartsWith(HubScheme, StringComparison.OrdinalIgnoreCase) || text.StartsWith(CatalogueScheme, StringComparison.Ordinal);
}
