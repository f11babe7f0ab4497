using Agora.Experiments;
using Agora.Reports;
using Agora.Runs;
using Agora.Tests.Runs;

namespace Agora.Tests.Experiments;

/// <summary>Whoever writes a whole file leaves nothing beside its place when it cannot be written: on a full disk that would take the last room.</summary>
public sealed class WholeFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // A folder stands where the file belongs: the bytes can be written, and the renaming fails.
    [Theory]
    [InlineData("analysis")]
    [InlineData("durable")]
    public void A_file_that_cannot_come_to_its_place_leaves_nothing_beside_it(string writer)
    {
        Directory.CreateDirectory(folder["analysis.md/inside"]);
        Assert.Throws<AgoraException>(() =>
        {
            if (writer == "analysis")
                AnalysisFiles.Write(folder.Path, "title", [], [], [], "{}", draw: null);
            else
                DurableFiles.Instance.WriteWhole(folder["analysis.md"], "text"u8.ToArray());
        });
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void A_file_that_cannot_be_written_to_its_end_leaves_the_one_before()
    {
        File.WriteAllText(folder["file"], "before");
        Assert.Throws<IOException>(() => WholeFile.Replace(folder["file"], file =>
        {
            file.Write("half"u8);
            throw new IOException("no room");
        }));
        Assert.Equal("before", File.ReadAllText(Assert.Single(Directory.GetFiles(folder.Path))));
        WholeFile.Replace(folder["file"], file => file.Write("after"u8));
        Assert.Equal("after", File.ReadAllText(Assert.Single(Directory.GetFiles(folder.Path))));
    }
}
