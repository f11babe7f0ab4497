using System.CommandLine;

namespace Agora.Cli.Commands;

/// <summary>Where results of steps are kept, shared by all runs.</summary>
internal static class StoreOption
{
    public static Option<string> Create() => new("--store")
    {
        Description = "Folder that keeps the results of all steps; runs share it.",
        DefaultValueFactory = _ => ".agora",
    };
}
