namespace Agora.Tests;

/// <summary>Finds the conformance data, which lies outside the project: the folder that AGORA_FIXTURES names, or ../shared/fixtures.</summary>
internal static class Fixtures
{
    /// <summary>The root of the checkout: the folder that holds Agora.slnx.</summary>
    public static string Checkout { get; } = FindCheckout();

    /// <summary>The path of a part of the conformance data; skips the test, saying so, where the part is not there.</summary>
    public static string Part(params string[] path)
    {
        var root = Environment.GetEnvironmentVariable("AGORA_FIXTURES") is { Length: > 0 } named
            ? named
            : Path.Combine(Checkout, "..", "shared", "fixtures");
        var part = Path.GetFullPath(Path.Combine([root, .. path]));
        Assert.SkipUnless(Path.Exists(part), $"conformance data not found at {part}; set AGORA_FIXTURES");
        return part;
    }

    private static string FindCheckout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Agora.slnx")))
                return folder.FullName;
        throw new InvalidOperationException($"no Agora.slnx above {AppContext.BaseDirectory}");
    }
}
