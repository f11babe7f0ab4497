using System.Globalization;
using Agora.Experiments;
using Agora.Tests.Runs;

// usage: Agora.Tests.Process FOLDER MILLISECONDS-PER-REQUEST
// Runs the tiny experiment whose files lie in FOLDER; prints how many requests it made and how many students it trained.
var tiny = new TinyExperiment(args[0], writeFiles: false);
var pause = int.Parse(args[1], CultureInfo.InvariantCulture);
tiny.Models.Before = _ => Thread.Sleep(pause);
try
{
    var outcome = await tiny.RunAsync(tiny.Experiment(), CancellationToken.None);
    foreach (var failure in outcome.Failures)
        Console.Error.WriteLine(failure.Fault.Message);
    Console.WriteLine($"{tiny.Models.Requests} {tiny.Trainer.Trained}");
    return outcome.ExitCode;
}
catch (AgoraException fault)
{
    Console.Error.WriteLine(fault.Message);
    return fault.ExitCode;
}
