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

    /// <summary>What is wrong with the command line, without names of types.</summary>
    public static string Say(ParseError error) =>
        error.SymbolResult is OptionResult { Tokens: [.., var given] } result && error.Message.StartsWith("Cannot parse", StringComparison.Ordinal)
            ? $"{result.Option.Name} must be {Wanted(result.Option.ValueType)}, got \"{given.Value}\""
            : error.Message;

    private static string Wanted(Type type)
    {
        var one = type.GetElementType() ?? Nullable.GetUnderlyingType(type) ?? type;
        return one.IsEnum ? string.Join(" or ", Enum.GetNames(one)).ToLowerInvariant()
            : one == typeof(int) ? $"a whole number of at most {int.MaxValue}"
            : one == typeof(long) ? "a whole number"
            : "a number";
    }

    /// <summary>The words that lead to a command, each followed by a blank: <c>"runs show "</c>.</summary>
    public static string Path(this CommandResult command) =>
        command.Parent is CommandResult parent ? $"{parent.Path()}{command.Command.Name} " : "";
}
