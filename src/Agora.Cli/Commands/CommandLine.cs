using System.CommandLine;
using System.CommandLine.Parsing;

namespace Agora.Cli.Commands;

/// <summary>Every command, in the order of <c>agora --help</c>.</summary>
internal static class CommandLine
{
    public static IEnumerable<Command> Commands() =>
    [
        RunCommand.CreateQuickstart(),
        RunCommand.Create(),
        ValidateCommand.Create(),
        EvaluateCommand.Create(),
        GenerateCommand.Create(),
        JudgeCommand.Create(),
        MetricsCommand.Create(),
        AnalyzeCommand.Create(),
        PredictCommand.Create(),
        RecommendCommand.Create(),
        ReportCommand.Create(),
        LeaderboardCommand.Create(),
        DataCommand.Create(),
        ServeCommand.Create(),
        RunsCommand.Create(),
        DoctorCommand.Create(),
        NanoCommand.Create(),
    ];

    /// <summary>The words that lead to a command, each followed by a blank: <c>"runs show "</c>.</summary>
    public static string Path(this CommandResult command) =>
        command.Parent is CommandResult parent ? $"{parent.Path()}{command.Command.Name} " : "";
}
