using System.Diagnostics;

namespace Agora.Tests;

/// <summary>Asks the machine's python3, as an oracle that is not ours.</summary>
internal static class PythonProcess
{
    public static async Task<string> RunAsync(string script, string input, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("python3", ["-c", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PYTHONIOENCODING"] = "utf-8" },
        };
        using var python = Process.Start(start)!;
        var output = python.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = python.StandardError.ReadToEndAsync(cancellationToken);
        await python.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
        python.StandardInput.Close();
        await python.WaitForExitAsync(cancellationToken);
        Assert.True(python.ExitCode == 0, await errors);
        return await output;
    }
}
