using Agora.Experiments;
using Agora.Runs;
using CsCheck;

namespace Agora.Tests.Runs;

public sealed class JournalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string JournalPath => folder["journal"];

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_was_appended_is_found_after_opening_again() =>
        Gen.Dictionary(Gen.String.Where(Utf16IsWellFormed), Gen.String.Where(Utf16IsWellFormed))[0, 20].Sample(records =>
        {
            File.Delete(JournalPath);
            using (var journal = Journal.Open(JournalPath))
                foreach (var (key, record) in records)
                    journal.Append(key, record);
            using var again = Journal.Open(JournalPath);
            return again.Count == records.Count && records.All(pair => again.TryGet(pair.Key, out var record) && record == pair.Value);
        }, threads: 1, iter: 50);

    [Fact]
    public void Torn_at_any_byte_it_keeps_every_whole_line_and_goes_on()
    {
        string[] records = ["first", "second\nwith two lines", "third: ä 🙂"];
        var ends = new List<long> { 0 };
        using (var journal = Journal.Open(JournalPath))
        {
            for (var i = 0; i < records.Length; i++)
            {
                journal.Append($"key {i}", records[i]);
                ends.Add(new FileInfo(JournalPath).Length);
            }
        }
        var whole = File.ReadAllBytes(JournalPath);
        for (var size = 0; size <= whole.Length; size++)
        {
            File.WriteAllBytes(JournalPath, whole[..size]);
            var kept = ends.Count(end => end <= size) - 1;
            using (var torn = Journal.Open(JournalPath))
            {
                Assert.Equal(kept, torn.Count);
                for (var i = 0; i < records.Length; i++)
                    torn.Append($"key {i}", records[i]);
            }
            Assert.Equal(whole, File.ReadAllBytes(JournalPath));
        }
    }

    [Fact]
    public void Any_byte_changed_costs_at_most_the_lines_it_touches()
    {
        using (var journal = Journal.Open(JournalPath))
            for (var i = 0; i < 3; i++)
                journal.Append($"{i}", $"record {i}");
        var whole = File.ReadAllBytes(JournalPath);
        for (var place = 0; place < whole.Length; place++)
        {
            var changed = whole.ToArray();
            changed[place] ^= 0x15;
            File.WriteAllBytes(JournalPath, changed);
            using var journal = Journal.Open(JournalPath);
            var touched = whole[place] == '\n' ? 2 : 1;     // a lost line feed joins two lines
            Assert.InRange(journal.Count, 3 - touched, 2);
            for (var i = 0; i < 3; i++)
                if (journal.TryGet($"{i}", out var record))
                    Assert.Equal($"record {i}", record);
        }
    }

    [Fact]
    public void Many_threads_append_without_losing_anything()
    {
        using (var journal = Journal.Open(JournalPath))
            Parallel.For(0, 2000, i => journal.Append($"{i}", new string('x', i % 97)));
        using var again = Journal.Open(JournalPath);
        Assert.Equal((2000, 0), (again.Count, again.Dropped));
        Assert.True(again.TryGet("1234", out var record));
        Assert.Equal(1234 % 97, record.Length);
    }

    [Fact]
    public void A_second_writer_is_refused()
    {
        using var journal = Journal.Open(JournalPath);
        Assert.Throws<AgoraException>(() => Journal.Open(JournalPath));
    }

    [Fact]
    public void The_same_record_twice_is_kept_once_and_another_under_its_key_is_a_bug()
    {
        using var journal = Journal.Open(JournalPath);
        journal.Append("key", "record");
        journal.Append("key", "record");
        Assert.Equal(1, journal.Count);
        Assert.Throws<InvalidOperationException>(() => journal.Append("key", "other"));
    }

    // The index knows 32 bits of a key.
    [Fact]
    public void Keys_that_look_alike_to_the_index_are_told_apart()
    {
        var seen = new Dictionary<uint, string>();
        var alike = new List<(string, string)>();
        for (var i = 0; alike.Count < 3; i++)
        {
            var key = $"{i}";
            if (!seen.TryAdd(ChecksummedLines.Checksum(System.Text.Encoding.UTF8.GetBytes(key.PadLeft(9))), key.PadLeft(9)))
                alike.Add((seen[ChecksummedLines.Checksum(System.Text.Encoding.UTF8.GetBytes(key.PadLeft(9)))], key.PadLeft(9)));
        }
        using (var journal = Journal.Open(JournalPath))
            foreach (var (one, other) in alike)
            {
                journal.Append(one, "one");
                Assert.False(journal.TryGet(other, out _));
                journal.Append(other, "other");
            }
        using var again = Journal.Open(JournalPath);
        Assert.Equal(2 * alike.Count, again.Count);
        foreach (var (one, other) in alike)
        {
            Assert.True(again.TryGet(one, out var first) && first == "one");
            Assert.True(again.TryGet(other, out var second) && second == "other");
            Assert.Throws<InvalidOperationException>(() => again.Append(one, "other"));
        }
    }

    [Fact]
    public void A_record_longer_than_what_is_read_at_once_is_whole()
    {
        using var journal = Journal.Open(JournalPath);
        for (var length = 3_000; length < 300_000; length *= 3)
        {
            journal.Append($"{length}", new string('x', length));
            journal.Append($"{length} after", "y");
            Assert.True(journal.TryGet($"{length}", out var record) && record.Length == length);
        }
    }

    // After a failed sync the kernel calls the pages clean: a later one would succeed and say nothing.
    [Fact]
    public void After_a_failed_sync_nothing_is_called_safe_any_more()
    {
        var disk = new FailingDisk("sync") { Failures = 1 };
        using var lines = ChecksummedLines.Open(JournalPath, syncs: true, (_, _) => { }, disk);
        lines.Append("[]"u8);
        Assert.Throws<AgoraException>(lines.Sync);
        Assert.Throws<AgoraException>(lines.Sync);
        Assert.Throws<AgoraException>(() => lines.Append("[]"u8));
    }

    [Fact]
    public void A_sync_that_failed_beside_is_told_by_the_next_one_that_is_asked_for()
    {
        var disk = new FailingDisk("sync") { Failures = 1 };
        using var lines = ChecksummedLines.Open(JournalPath, syncs: true, (_, _) => { }, disk);
        for (var line = 0; line < 256; line++) lines.Append("[]"u8);
        Assert.True(SpinWait.SpinUntil(() => disk.Failures == 0, TimeSpan.FromSeconds(30)));
        Assert.Throws<AgoraException>(lines.Sync);
    }

    [Fact]
    public void A_journal_that_is_gone_is_none_and_one_that_cannot_be_read_is_an_error()
    {
        Assert.Null(Journal.OpenToRead(folder["gone/journal"]));
        Assert.Null(Journal.OpenToRead(JournalPath));
        File.CreateSymbolicLink(JournalPath, JournalPath);      // the system reports an I/O error for a link in a circle
        Assert.Contains(JournalPath, Assert.Throws<AgoraException>(() => Journal.OpenToRead(JournalPath)).Message, StringComparison.Ordinal);
        Assert.Throws<AgoraException>(() => Journal.OpenToRead(folder.Path));
    }

    [Fact]
    public async Task Flushing_can_be_asked_for_at_any_time()
    {
        using var journal = Journal.Open(JournalPath);
        await journal.FlushAsync(TestContext.Current.CancellationToken);
        journal.Append("key", "record");
        await journal.FlushAsync(TestContext.Current.CancellationToken);
        await journal.FlushAsync(TestContext.Current.CancellationToken);
        Assert.True(journal.TryGet("key", out _));
    }

    private static bool Utf16IsWellFormed(string text) => !text.EnumerateRunes().Any(rune => rune.Value == 0xFFFD);
}
