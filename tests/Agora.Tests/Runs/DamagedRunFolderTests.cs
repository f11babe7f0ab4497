using Agora.Experiments;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class DamagedRunFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The person at the terminal has not read our code.
    [Theory]
    [InlineData("{", "line 1, byte")]
    [InlineData("[]", "line 1, byte")]
    [InlineData("null", "not the JSON that belongs there")]
    public void A_damaged_file_is_told_without_a_type_of_ours(string contents, string where)
    {
        File.WriteAllText(folder["run.json"], contents);
        var fault = Assert.Throws<AgoraException>(() => new RunFolder(folder[""]).State());
        Assert.Contains(where, fault.What, StringComparison.Ordinal);
        Assert.Contains("run.json", fault.Where, StringComparison.Ordinal);
        Assert.DoesNotContain("Agora.", fault.What, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", fault.What, StringComparison.Ordinal);
    }
}
