using System.Collections.Immutable;
using System.CommandLine;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary>The experiment that a command is about: its file, and what the command line changes in it.</summary>
internal sealed class ExperimentArguments
{
    private readonly Argument<string>? file;
    private readonly Option<string[]> set = new("--set")
    {
        Description = "Override a value of the file, e.g. --set generation.instances=100; repeatable.",
        HelpName = "path=value",
    };

    private readonly Func<string>? fixedFile;

    /// <param name="fixedFile">For a command that always runs the same file; otherwise the file is an argument.</param>
    public ExperimentArguments(Func<string>? fixedFile = null)
    {
        this.fixedFile = fixedFile;
        if (fixedFile is null)
            file = new Argument<string>("file") { Description = "The experiment file (YAML or JSON)." };
    }

    public void AddTo(Command command)
    {
        if (file is not null)
            command.Arguments.Add(file);
        command.Options.Add(set);
    }

    public string File(ParseResult parsed) => fixedFile?.Invoke() ?? parsed.GetRequiredValue(file!);

    /// <summary>The experiment; what has no effect in it is said on stderr.</summary>
    public Experiment Load(ParseResult parsed)
    {
        var experiment = ExperimentFile.Load(File(parsed), Overrides(parsed));
        foreach (var idle in IdleSettings.Of(experiment))
            Console.Error.WriteLine($"warning: {idle}");
        return experiment;
    }

    public ImmutableArray<(string Path, string Value)> Overrides(ParseResult parsed) =>
        [.. (parsed.GetValue(set) ?? []).Select(Override)];

    private static (string Path, string Value) Override(string text) => text.IndexOf('=', StringComparison.Ordinal) is > 0 and var at
        ? (text[..at], text[(at + 1)..])
        : throw new AgoraException($"\"{text}\" is not an override", "--set", "write it as path=value, e.g. --set generation.instances=100") { ExitCode = ExitCodes.Usage };
}
