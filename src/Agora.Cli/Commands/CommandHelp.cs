using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Agora.Cli.Commands;

/// <summary>The library's help, but for arguments of commands above: <c>agora predict learn</c> does not take those of <c>agora predict</c>.</summary>
internal sealed class CommandHelp(HelpAction written) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public static void Use(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
            if (option.Action is HelpAction action)
                option.Action = new CommandHelp(action);
    }

    public override int Invoke(ParseResult parseResult)
    {
        for (var above = parseResult.CommandResult.Parent as CommandResult; above is not null; above = above.Parent as CommandResult)
            foreach (var argument in above.Command.Arguments)
                argument.Hidden = true;
        return written.Invoke(parseResult);
    }
}
