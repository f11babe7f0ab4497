using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Agora.Experiments;

namespace Agora.Cli.Diagnosis;

/// <summary>What this machine offers: runtime, processor, python3, disk, keys.</summary>
internal static class Machine
{
    /// <summary>Below this a run of nano scale may not finish.</summary>
    private const long LeastFreeBytes = 2L << 30;

    public static Finding Runtime() => Environment.Version.Major >= 10
        ? new(".NET", Verdict.Good, $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}")
        : new(".NET", Verdict.Bad, RuntimeInformation.FrameworkDescription, "install the .NET 10 SDK, https://dotnet.microsoft.com/download");

    public static Finding Processor() => System.Runtime.Intrinsics.X86.Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported
        ? new("processor", Verdict.Good, $"{Environment.ProcessorCount} cores, {System.Numerics.Vector<float>.Count * 32}-bit vectors with fused multiply-add")
        : new("processor", Verdict.Optional, $"{Environment.ProcessorCount} cores without fused multiply-add", "expect slow answers: use a machine with AVX2 or NEON");

    public static async Task<Finding> PythonAsync(CancellationToken cancellationToken)
    {
        const string fix = "install python3 (apt-get install python3); it runs the code that students write";
        try
        {
            using var process = Process.Start(new ProcessStartInfo("python3", ["-I", "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }.WithoutKeys())!;
            var version = (await process.StandardOutput.ReadToEndAsync(cancellationToken)).Trim();
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                return new("python3", Verdict.Bad, $"python3 ended with exit code {process.ExitCode}", fix);
            return Version.TryParse(version, out var parsed) && parsed >= new Version(3, 9)
                ? new("python3", Verdict.Good, version)
                : new("python3", Verdict.Bad, $"version {version}, 3.9 or newer is needed", fix);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return new("python3", Verdict.Bad, "not found on PATH", fix);
        }
    }

    /// <param name="folder">Where results will lie; it need not exist yet.</param>
    public static Finding Disk(string folder)
    {
        var existing = Path.GetFullPath(folder);
        while (!Directory.Exists(existing))
            existing = Path.GetDirectoryName(existing)!;
        var free = new DriveInfo(existing).AvailableFreeSpace;
        var detail = string.Create(CultureInfo.InvariantCulture, $"{free / (double)(1L << 30):F1} GiB free for {Path.GetFullPath(folder)}");
        return free >= LeastFreeBytes
            ? new("disk", Verdict.Good, detail)
            : new("disk", Verdict.Bad, detail, "free some space, or name another folder with --runs; \"agora runs gc\" removes what no run needs");
    }

    /// <summary>Whether the variable is set; its value is never read further, let alone shown.</summary>
    public static Finding Key(string variable, string user) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 }
        ? new(variable, Verdict.Good, $"set ({user})")
        : new(variable, Verdict.Optional, $"not set ({user})", $"export {variable}=... before a run that needs it");
}
