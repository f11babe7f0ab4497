using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>The file that is written while instances come is the one that would be written at the end.</summary>
public sealed class InstancesAheadTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Journal journal;
    private readonly FillJournal fills;

    public InstancesAheadTests()
    {
        journal = Journal.Open(folder["journal"]);
        fills = FillJournal.Open(folder["fills"], journal);
    }

    private string Written => folder["instances"];

    public void Dispose()
    {
        fills.Dispose();
        journal.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task What_came_in_any_order_stands_by_place_before_the_end()
    {
        await using var ahead = new InstancesAhead(Written, fills, 2_000);
        int[] places = [.. Enumerable.Range(0, 2_000)];
        new Random(1).Shuffle(places);
        foreach (var place in places) Fill(0, place);
        AwaitWritten(100_000);
        await AssertEndsAsync(ahead, [.. Enumerable.Range(0, 2_000).Select(place => (0, place))]);
    }

    [Fact]
    public async Task Rounds_that_hold_a_part_of_the_places_each_follow_each_other()
    {
        await using var ahead = new InstancesAhead(Written, fills, 30);
        (int, int)[] outcome = [.. Enumerable.Range(0, 30).Select(place => (place / 10, place))];
        foreach (var (round, place) in outcome) Fill(round, place);
        await AssertEndsAsync(ahead, outcome);
    }

    // A filter turned place 3 away after its round, another instance came later; place 5 found none at first, place 7 never.
    [Fact]
    public async Task What_was_turned_away_or_came_later_is_put_right_at_the_end()
    {
        await using var ahead = new InstancesAhead(Written, fills, 10);
        for (var place = 0; place < 10; place++)
            if (place is 5 or 7) fills.Keep(FillSample.Of(0, place, 1) with { Instance = null });
            else Fill(0, place, large: true);
        AwaitWritten(5 * Large.Length);
        Fill(1, 3);
        Fill(1, 5);
        await AssertEndsAsync(ahead, [(0, 0), (0, 1), (0, 2), (1, 3), (0, 4), (1, 5), (0, 6), (0, 8), (0, 9)]);
    }

    [Fact]
    public async Task Where_nothing_is_left_nothing_stands_there()
    {
        await using var ahead = new InstancesAhead(Written, fills, 3);
        for (var place = 0; place < 3; place++) Fill(0, place, large: true);
        AwaitWritten(3 * Large.Length);
        await AssertEndsAsync(ahead, []);
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_one_clear_error()
    {
        var error = Assert.Throws<AgoraException>(() => new InstancesAhead(folder["no/such/folder"], fills, 1));
        Assert.Contains("no/such/folder", error.Message, StringComparison.Ordinal);
    }

    /// <param name="large">Whether it is more than what the writer holds back.</param>
    private void Fill(int round, int place, bool large = false)
    {
        var fill = FillSample.Of(round, place, round);
        fills.Keep(large ? fill with { Instance = fill.Instance! with { Response = Large } } : fill);
    }

    private static string Large { get; } = new('r', 1 << 17);

    private void AwaitWritten(long bytes) => Assert.True(SpinWait.SpinUntil(() => new FileInfo(Written).Length > bytes, TimeSpan.FromSeconds(30)));

    private async Task AssertEndsAsync(InstancesAhead ahead, (int Round, int Place)[] outcome)
    {
        await ahead.FinishAsync(outcome);
        using var expected = new MemoryStream();
        foreach (var (round, place) in outcome) fills.CopyInstance(round, place, expected);
        Assert.Equal(expected.ToArray(), File.ReadAllBytes(Written));
    }
}
