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
            var width = Terminal.Out.Profile.Width - Indent;
            var lines = Wrapped(finding.Detail, width).Concat(finding.Fix is null ? [] : Wrapped($"fix: {finding.Fix}", width)).ToList();
            Terminal.Out.MarkupLine($"{mark}  {Markup.Escape(finding.Subject),-20} {Markup.Escape(lines[0])}");
            foreach (var line in lines.Skip(1))
                Terminal.Out.MarkupLine($"{"",Indent}{Markup.Escape(line)}");
        }
    }

    // The mark, the subject and the spaces behind them.
    private const int Indent = 4 + 2 + 20 + 1;

    /// <summary>Lines of at most so many characters, broken at spaces; a longer word has a line of its own.</summary>
    internal static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line;
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }
        yield return line;
    }
}
