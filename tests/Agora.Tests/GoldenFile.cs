namespace Agora.Tests;

/// <summary>What people read is kept as a file; accepting a change is a reviewed diff.</summary>
internal static class GoldenFile
{
    /// <summary>Compares with a file of the checkout. Run with AGORA_ACCEPT=1 to write what was produced over it.</summary>
    public static void Matches(string actual, params string[] path)
    {
        var file = Path.Combine([Fixtures.Checkout, .. path]);
        if (Environment.GetEnvironmentVariable("AGORA_ACCEPT") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
        }
        Assert.True(File.Exists(file), $"{file} is not there; run the test with AGORA_ACCEPT=1 and look at what it writes");
        Assert.Equal(File.ReadAllText(file), actual);
    }
}
