using System.CommandLine;
using System.Runtime.InteropServices;
using Agora.Cli;
using Agora.Cli.Commands;
using Agora.Experiments;

Console.SetError(StandardError.Open());

// Ctrl-C and SIGTERM finish the record in hand and leave a run that the same command continues; a second Ctrl-C ends at once.
using var stop = new CancellationTokenSource();
var signalled = 0;
void OnSignal(PosixSignalContext context)
{
    if (Interlocked.CompareExchange(ref signalled, context.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated, 0) != 0)
        return;
    context.Cancel = true;
    stop.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);

var verbose = new Option<bool>("--verbose") { Description = "Show the trace of an error.", Recursive = true };
var color = new Option<ColorChoice>("--color") { Description = "Colour: auto (a terminal without NO_COLOR), always or never.", HelpName = "auto|always|never", Recursive = true };
var root = new RootCommand("Measures how good a language model is as a generator of training data.") { verbose, color };
foreach (var command in CommandLine.Commands())
    root.Subcommands.Add(command);
CommandHelp.Use(root);

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
        Console.Error.WriteLine(CommandLine.Say(error));
    Console.Error.WriteLine($"  fix: see \"agora {string.Join(' ', parsed.CommandResult.Path())}--help\"");
    return ExitCodes.Usage;
}
Terminal.Choose(parsed.GetValue(color));
try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop.Token);
}
catch (OperationCanceledException) when (signalled != 0)
{
    Console.Error.WriteLine("interrupted: the same command continues where this one stopped");
    return signalled;
}
catch (AgoraException fault)
{
    Console.Error.WriteLine($"error: {fault.Message}");
    if (parsed.GetValue(verbose))
        Console.Error.WriteLine(fault);
    return fault.ExitCode;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException && !parsed.GetValue(verbose))
{
    // Most are said where they happen; what comes here may also be the output's own: a full disk behind it.
    Console.Error.WriteLine($"error: something cannot be read or written: {fault.Message}\n  at:  the output, or a file of the command: --verbose shows which\n  fix: make room or correct the rights, then give the same command again");
    return ExitCodes.Failed;
}
catch (Exception fault) when (!parsed.GetValue(verbose))
{
    // Not a fault that the user can mend, so it is ours.
    Console.Error.WriteLine($"error: {fault.GetType().Name}: {fault.Message}\n  at:  inside Agora: this is a bug\n  fix: run again with --verbose and report the trace");
    return ExitCodes.Failed;
}
