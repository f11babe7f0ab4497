using System.Diagnostics;
using System.Text;

namespace Agora.Cli.Tests;

/// <summary>The command line as a real process.</summary>
internal sealed class AgoraProcess : IDisposable
{
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();

    private AgoraProcess(Process process)
    {
        Process = process;
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(error, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    // The tests run under their own host; the command line runs under the dotnet that PATH or DOTNET_ROOT names.
    private static string DotnetHost { get; } = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";

    /// <summary>What starts the command line; arguments follow.</summary>
    public static string[] Command { get; } = [DotnetHost, "exec", Path.Combine(AppContext.BaseDirectory, "Agora.Cli.dll")];

    public Process Process { get; }
    public string Output => Text(output);
    public string Error => Text(error);

    /// <param name="folder">The process's working folder.</param>
    public static AgoraProcess Start(string folder, params IEnumerable<string> arguments) => Start(folder, [], arguments);

    /// <param name="environment">Variables that differ from this process's.</param>
    public static AgoraProcess Start(string folder, IEnumerable<(string Name, string Value)> environment, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Command[0], [.. Command[1..], .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["NO_COLOR"] = "1";
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new AgoraProcess(process);
    }

    public static Task<AgoraProcess> RunAsync(string folder, params IEnumerable<string> arguments) => RunAsync(folder, [], arguments);

    public static async Task<AgoraProcess> RunAsync(string folder, IEnumerable<(string Name, string Value)> environment, IEnumerable<string> arguments)
    {
        var process = Start(folder, environment, arguments);
        await process.Process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process;
    }

    /// <summary>Starts the same command again and again, each time killed at a random moment, until one ends by itself, which it must do well.</summary>
    /// <param name="milliseconds">The latest moment of a kill.</param>
    /// <returns>How often it was killed.</returns>
    public static async Task<int> KilledUntilItEndsAsync(string folder, string[] arguments, Random random, long milliseconds)
    {
        var stop = TestContext.Current.CancellationToken;
        for (var kills = 0; ; kills++)
        {
            using var agora = Start(folder, arguments);
            await Task.WhenAny(agora.Process.WaitForExitAsync(stop), Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * milliseconds), stop));
            if (agora.Process.HasExited)
            {
                Assert.True(agora.ExitCode == 0, agora.Error);
                return kills;
            }
            agora.Process.Kill();
            await agora.Process.WaitForExitAsync(stop);
        }
    }

    public int ExitCode => Process.ExitCode;

    public void Dispose()
    {
        if (!Process.HasExited)
            Process.Kill(entireProcessTree: true);
        Process.Dispose();
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
        {
            if (line is not null)
                text.Append(line).Append('\n');
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }
}
