using System.CommandLine;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary><c>--data FILE</c>: a data set that is there already takes the place of the generators.</summary>
internal sealed class GivenDataArguments
{
    private readonly Option<string> data = new("--data")
    {
        Description = "Train on this data set instead of generating: JSON, JSONL, .gz of either, or Parquet; a path, an hf:// address or catalogue:NAME.",
        HelpName = "file",
    };

    private readonly Option<string> setting = new("--setting")
    {
        Description = "With --data: the setting that it is scored in, e.g. math/response_generation.",
    };

    private readonly Option<string> columns = new("--columns")
    {
        Description = "With --data: which columns hold what.",
        HelpName = "instruction=NAME,response=NAME",
        DefaultValueFactory = _ => "instruction=instruction,response=response",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(data);
        command.Options.Add(setting);
        command.Options.Add(columns);
    }

    public Experiment Apply(ParseResult parsed, Experiment experiment)
    {
        if (parsed.GetValue(data) is not { } file)
            return experiment;
        if (parsed.GetValue(setting) is null)
            throw Usage("data need a setting: it decides how students of them are scored", "--setting", "name the one that the data are for, such as math/response_generation");
        if (!Setting.TryParse(parsed.GetValue(setting), out var chosen))
            throw Usage($"\"{parsed.GetValue(setting)}\" is not a setting", "--setting", $"name one of {string.Join(", ", Setting.Known)}");
        // It stands in the reports as a generator's name does.
        if (Path.GetFileName(file).Any(char.IsControl))
            throw Usage("the file's name holds a control character", "--data", "give the file another name");
        if (!experiment.Benchmarks.TryGetValue(chosen.Domain, out var benchmarks) || benchmarks.IsEmpty)
            throw Usage($"the experiment has no benchmark for {chosen.Domain.Name()}", "--setting", $"add one under benchmarks.{chosen.Domain.Name()}");
        var (instruction, response) = Columns(parsed.GetRequiredValue(columns));
        return experiment with
        {
            Generators = [],
            Settings = [],
            DataSets =
            [
                new GivenDataSet
                {
                    Name = Path.GetFileName(file),
                    Setting = chosen,
                    Data = new DataSource { File = DataName.IsNamed(file) ? file : Path.GetFullPath(file), InstructionColumn = instruction, ResponseColumn = response },
                },
            ],
        };
    }

    /// <exception cref="AgoraException">The text maps something else than instruction and response.</exception>
    public static (string Instruction, string Response) Columns(string text)
    {
        var named = text.Split(',').Select(part => part.Split('=', 2)).ToList();
        if (named.Any(part => part.Length != 2 || part[1].Length == 0 || part[0] is not ("instruction" or "response")) || named.DistinctBy(part => part[0]).Count() != named.Count)
            throw Usage($"\"{text}\" does not map columns", "--columns", "write instruction=NAME,response=NAME");
        var byRole = named.ToDictionary(part => part[0], part => part[1]);
        return (byRole.GetValueOrDefault("instruction", "instruction"), byRole.GetValueOrDefault("response", "response"));
    }

    private static AgoraException Usage(string what, string where, string fix) => new(what, where, fix) { ExitCode = ExitCodes.Usage };
}
