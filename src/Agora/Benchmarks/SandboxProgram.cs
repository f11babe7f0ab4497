using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>Untrusted Python, and the tests that it is to pass.</summary>
public sealed record SandboxProgram
{
    /// <summary>Run first, as <c>__main__</c>.</summary>
    public required string Code { get; init; }
    /// <summary>Run after the code, with its names; the program passes if this comes to its end.</summary>
    public required string Tests { get; init; }
    /// <summary>Whether the tests know what the program is to find: they run in a process of their own then, and all that the program's gets of them is the arguments of each call.</summary>
    /// <remarks>A program whose tests were written with it, or that has none, is run together with them, in one process.</remarks>
    public bool TestsApart { get; init; } = true;
    /// <summary>A function that the tests mean by this name though Python has a built-in one of that name; any other such name is Python's own to tests that run apart.</summary>
    public string Tested { get; init; } = "";
    /// <summary>Texts that lie in the working folder when the program starts, by file name.</summary>
    public ImmutableSortedDictionary<string, string> Files { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
    public SandboxLimits Limits { get; init; } = new();
}

/// <summary>What a program may use; reaching a limit fails it, and reaching the time limit times it out.</summary>
public sealed record SandboxLimits
{
    /// <summary>Wall clock, from the program's start to its verdict.</summary>
    public double Seconds { get; init; } = 3;
    /// <summary>Address space of one process, and resident memory of all of them.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;
    /// <summary>The working folder, and any one file.</summary>
    public long DiskBytes { get; init; } = 64L << 20;
    public int Processes { get; init; } = 32;
    /// <summary>Text kept of what the program prints.</summary>
    public int OutputBytes { get; init; } = 16 << 10;
    /// <summary>A program that prints more than this is ended.</summary>
    public long FloodBytes { get; init; } = 8L << 20;
}

public enum SandboxOutcome
{
    /// <summary>Code and tests came to their end: shown by a secret that only then leaves the process, on a descriptor of its own.</summary>
    Passed,
    Failed,
    TimedOut,
    /// <summary>The sandbox itself failed, twice; this says nothing about the program.</summary>
    Broken,
}

/// <param name="Detail">Why it failed, in one line; empty where it passed.</param>
/// <param name="Output">What the program printed, standard output and error together, cut to the limit.</param>
/// <param name="Seconds">Wall clock until the verdict.</param>
public sealed record SandboxVerdict(SandboxOutcome Outcome, string Detail, string Output, double Seconds);

/// <summary>By what means programs are kept apart from the machine.</summary>
public enum SandboxKind
{
    /// <summary>Linux namespaces that this program makes itself.</summary>
    Namespaces,
    /// <summary>Linux namespaces made by bubblewrap, where only it may.</summary>
    Bubblewrap,
    /// <summary>Resource limits alone: the program may read and write whatever the user may.</summary>
    Unsafe,
}

/// <summary>Whether untrusted code can be run here, and how.</summary>
/// <param name="Kind">Null where there is no sandbox.</param>
/// <param name="Python">Version of the interpreter that programs run on; null where none was found.</param>
/// <param name="Detail">What holds programs in, or why nothing does.</param>
/// <param name="Fix">How to get a sandbox; null where there is one.</param>
public sealed record SandboxStatus(SandboxKind? Kind, string? Python, string Detail, string? Fix)
{
    public bool Available => Kind is not null;
}
