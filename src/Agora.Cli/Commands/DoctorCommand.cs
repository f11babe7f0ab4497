using System.CommandLine;
using Agora.Cli.Diagnosis;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora doctor</c>: whether this machine can do the work, and what to do where it cannot.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var command = new Command("doctor", "Check runtime, libtorch, python3, sandbox, disk and keys, and say what to do.") { runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            Finding[] findings =
            [
                Machine.Runtime(),
                Machine.Processor(),
                Engines.Torch(),
                await Machine.PythonAsync(cancellationToken),
                await Engines.SandboxAsync(cancellationToken),
                Machine.Disk(parsed.GetRequiredValue(runs)),
                Machine.Key("OPENAI_API_KEY", "OpenAI models"),
                Machine.Key("ANTHROPIC_API_KEY", "Anthropic's models, or whatever variable apiKeyVariable names"),
                Machine.Key("OPENROUTER_API_KEY", "models through OpenRouter"),
            ];
            Terminal.Out.Write(Drawn(findings));
            return findings.Any(finding => finding.Verdict == Verdict.Bad) ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    /// <summary>A line for each; what is too long for the terminal goes on below itself.</summary>
    internal static Grid Drawn(IEnumerable<Finding> findings)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().PadRight(0));
        foreach (var finding in findings)
        {
            var mark = finding.Verdict switch { Verdict.Good => "[green]ok[/]", Verdict.Optional => "[yellow]note[/]", _ => "[red]FAIL[/]" };
            grid.AddRow(new Markup(mark), new Text(finding.Subject), new Text(finding.Fix is null ? finding.Detail : $"{finding.Detail}\nfix: {finding.Fix}"));
        }
        return grid;
    }
}
