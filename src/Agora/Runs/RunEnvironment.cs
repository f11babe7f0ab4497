using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>What a run was done with, so that a difference between two runs can be traced. No part of any key.</summary>
public sealed record RunEnvironment
{
    public required string Agora { get; init; }
    /// <summary>Of the working folder; null where it is no git checkout or git is not installed.</summary>
    public required string? GitCommit { get; init; }
    /// <summary>Whether the checkout differs from the commit; null where there is no commit.</summary>
    public required bool? GitModified { get; init; }
    public required string Runtime { get; init; }
    public required string System { get; init; }
    public required string Architecture { get; init; }
    public required int Cores { get; init; }
    public required long Seed { get; init; }
    public required ImmutableSortedDictionary<string, string> Packages { get; init; }

    public static RunEnvironment Capture(long seed)
    {
        var commit = Git("rev-parse", "HEAD");
        return new RunEnvironment
        {
            Agora = typeof(RunEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            GitCommit = commit,
            GitModified = commit is null ? null : Git("status", "--porcelain", "--untracked-files=no") is { Length: > 0 },
            Runtime = RuntimeInformation.FrameworkDescription,
            System = RuntimeInformation.OSDescription,
            Architecture = RuntimeInformation.ProcessArchitecture.ToString(),
            Cores = Environment.ProcessorCount,
            Seed = seed,
            Packages = PackagesBeside(AppContext.BaseDirectory),
        };
    }

    // The build leaves a list of the packages it resolved beside the program.
    private static ImmutableSortedDictionary<string, string> PackagesBeside(string folder)
    {
        var packages = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var list in Directory.EnumerateFiles(folder, "*.deps.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(list));
            foreach (var library in document.RootElement.GetProperty("libraries").EnumerateObject())
                if (library.Value.GetProperty("type").GetString() == "package" && library.Name.Split('/') is [var name, var version])
                    packages[name] = version;
        }
        return packages.ToImmutable();
    }

    private static string? Git(params string[] arguments)
    {
        try
        {
            var start = new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var git = Process.Start(start.WithoutKeys())!;
            var output = git.StandardOutput.ReadToEndAsync();
            git.StandardError.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode == 0 ? output.Result.Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;    // git is not installed
        }
    }
}
