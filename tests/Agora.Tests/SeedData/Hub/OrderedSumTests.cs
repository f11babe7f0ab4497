using Agora.SeedData.Hub;
using Agora.Tests.Runs;

namespace Agora.Tests.SeedData.Hub;

public sealed class OrderedSumTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Whoever receives would else report that the user stopped the download.
    [Fact]
    public void Who_waits_for_a_piece_hears_of_the_fault_that_ended_the_checksum()
    {
        for (var round = 0; round < 50; round++)
        {
            using var partial = PartialFile.Open(folder[$"file{round}"], 100 << 20);
            using var sum = new OrderedSum(partial, new Checksum(new string('a', 64), partial.Size), TestContext.Current.CancellationToken);
            for (var piece = 0; piece < OrderedSum.Pieces; piece++) sum.Rent();
            partial.Dispose();
            sum.AddChunk(0);
            Assert.Throws<ObjectDisposedException>(() => sum.Rent());
        }
    }
}
