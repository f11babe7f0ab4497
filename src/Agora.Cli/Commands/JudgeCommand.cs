using System.CommandLine;
using System.Text;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary><c>agora judge</c>: scores from judgments that exist already; no model is asked.</summary>
internal static class JudgeCommand
{
    public static Command Create()
    {
        var command = new Command("judge", "Score and compare existing judgments of AlpacaEval and Arena-Hard; asks no model.");
        command.Subcommands.Add(JudgeAlpacaEvalCommand.Create());
        command.Subcommands.Add(JudgeArenaHardCommand.Create());
        command.Subcommands.Add(JudgeCompareCommand.Create());
        return command;
    }

    /// <summary>Writes a file whole or not at all.</summary>
    internal static void Replace(string path, IEnumerable<string> lines)
    {
        try
        {
            var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
            WholeFile.Replace(path, file => file.Write(bytes));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the file cannot be written: {fault.Message}", path, "name a file in a folder that you may write to", fault);
        }
    }
}
