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
                Machine.Key("OPENROUTER_API_KEY", "models through OpenRouter"),
            ];
            Print(findings);
            return findings.Any(finding => finding.Verdict == Verdict.Bad) ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private static void Print(IEnumerable<Finding> findings)
    {
        foreach (var finding in findings)
        {
            var mark = finding.Verdict switch { Verdict.Good => "[green]ok[/]  ", Verdict.Optional => "[yellow]note[/]", _ => "[red]FAIL[/]" };
            Terminal.Out.MarkupLine($"{mark}  {Markup.Escape(finding.Subject),-20} {Markup.Escape(finding.Detail)}");
            if (finding.Fix is not null)
                Terminal.Out.MarkupLine($"      {"",-20} fix: {Markup.Escape(finding.Fix)}");
        }
    }
}
