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
