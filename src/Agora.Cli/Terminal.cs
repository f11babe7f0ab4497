using Spectre.Console;

namespace Agora.Cli;

internal enum ColorChoice { Auto, Always, Never }

/// <summary>The console: results on stdout, everything else on stderr, colour only where it is wanted.</summary>
internal static class Terminal
{
    public static IAnsiConsole Out { get; private set; } = Console(System.Console.Out, System.Console.IsOutputRedirected, ColorChoice.Auto);
    public static IAnsiConsole Error { get; private set; } = Console(System.Console.Error, System.Console.IsErrorRedirected, ColorChoice.Auto);

    /// <summary>Whether progress may move the cursor; otherwise it is plain lines.</summary>
    public static bool IsLive => !System.Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    public static void Choose(ColorChoice choice)
    {
        Out = Console(System.Console.Out, System.Console.IsOutputRedirected, choice);
        Error = Console(System.Console.Error, System.Console.IsErrorRedirected, choice);
    }

    private static IAnsiConsole Console(TextWriter writer, bool redirected, ColorChoice choice)
    {
        var noColor = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        var colored = choice switch
        {
            ColorChoice.Always => true,
            ColorChoice.Never => false,
            _ => !redirected && !noColor,
        };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colored ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colored ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // A pipe has no width: nothing may be folded in a file.
        if (redirected)
            console.Profile.Width = 100_000;
        return console;
    }
}
