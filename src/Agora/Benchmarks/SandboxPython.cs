using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>The interpreter that programs run on.</summary>
/// <param name="Path">The real one behind whatever <c>python3</c> in PATH is: version managers put scripts there that need the environment we clear.</param>
/// <param name="Driver">What <c>sandbox_boot.py</c> reads: <c>sandbox_*.py</c> as this interpreter's code, which every worker would compile anew from text.</param>
internal sealed record SandboxPython(string Path, string Version, byte[] Driver)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);

    private const string Question = """
        import marshal, sys
        if sys.version_info < (3, 8): sys.exit(1)
        print(sys.executable, '%d.%d.%d' % sys.version_info[:3], marshal.dumps(compile(sys.argv[1], 'sandbox.py', 'exec')).hex(), sep='\n')
        """;

    private static readonly string[] Parts = ["group", "namespaces", "line", "tests", "program", "zygote", "tester", "watch", "server"];

    private static volatile Found? found;

    /// <summary>Asked once per process: a version manager's script takes longer to answer than a dozen programs to run.</summary>
    /// <returns>Null where there is no <c>python3</c> of version 3.8 or later.</returns>
    /// <exception cref="AgoraException">It does not answer.</exception>
    public static async Task<SandboxPython?> FindAsync(CancellationToken cancellationToken)
    {
        var searchPath = Environment.GetEnvironmentVariable("PATH");
        if (found is { } known && known.SearchPath == searchPath && File.Exists(known.Python.Path))
            return known.Python;
        if (await AskAsync(cancellationToken) is not { } python)
            return null;
        found = new Found(searchPath, python);
        return python;
    }

    private static async Task<SandboxPython?> AskAsync(CancellationToken cancellationToken)
    {
        var driver = string.Concat(Parts.Select(part => EmbeddedPython.Read($"sandbox_{part}.py")));
        var start = new ProcessStartInfo("python3", ["-I", "-c", Question, driver]) { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        Process? process = null;
        try
        {
            process = Process.Start(start.WithoutKeys());
            if (process is null)
                return null;
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var answer = (await process.StandardOutput.ReadToEndAsync(limit.Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            await errors;
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode == 0 && answer.Length == 3 ? new SandboxPython(answer[0], answer[1], Convert.FromHexString(answer[2])) : null;
        }
        catch (Win32Exception)
        {
            return null;    // there is no python3
        }
        catch (OperationCanceledException fault)
        {
            process?.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new AgoraException($"python3 did not say within {AnswerLimit.TotalSeconds:0} s which version it is", "python3 in PATH", "see what \"python3 --version\" does", fault);
        }
        finally
        {
            process?.Dispose();
        }
    }

    private sealed record Found(string? SearchPath, SandboxPython Python);
}
