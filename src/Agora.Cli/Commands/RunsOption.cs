using System.CommandLine;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary>Where runs and the results that they share are kept.</summary>
internal static class RunsOption
{
    public static Option<string> Create() => new("--runs")
    {
        Description = "Folder of the runs and of the results that they share.",
        HelpName = "folder",
        DefaultValueFactory = _ => "runs",
    };

    public static RunArchive Archive(this ParseResult parsed, Option<string> option) => new(parsed.GetRequiredValue(option));
}
