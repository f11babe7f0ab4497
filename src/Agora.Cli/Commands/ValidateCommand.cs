using System.CommandLine;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary><c>agora validate FILE</c>: every fault of an experiment file, with line and column.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var arguments = new ExperimentArguments();
        var command = new Command("validate", "Check an experiment file and list all its faults.");
        arguments.AddTo(command);
        command.SetAction(parsed =>
        {
            var faults = ExperimentFile.Faults(arguments.File(parsed), arguments.Overrides(parsed));
            foreach (var fault in faults)
                Console.Error.WriteLine(fault);
            if (faults.Count > 0)
                return ExitCodes.Usage;
            var experiment = arguments.Load(parsed);
            var cells = (experiment.Generators.Length * experiment.Settings.Length + experiment.DataSets.Length) * experiment.Students.Length;
            var (generators, variants) = (experiment.Generators.Select(experiment.GeneratorBehind).Distinct().Count(), experiment.Generators.Select(experiment.MetaPromptOf).Distinct().Count());
            // Several meta-prompts need not go with every generator; then each pair counts.
            var asked = variants < 2 ? $"{generators} generators" : generators * variants == experiment.Generators.Length ? $"{generators} generators x {variants} meta-prompts" : $"{experiment.Generators.Length} generators, counted with each of their meta-prompts,";
            Console.WriteLine($"{arguments.File(parsed)} is valid: {asked} x {experiment.Settings.Length} settings, "
                + $"{experiment.DataSets.Length} given data sets, {cells * experiment.TrainingSeeds.Length} students to train");
            return ExitCodes.Done;
        });
        return command;
    }
}
