using Agora.DataGeneration;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class FillJournalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_later_process_finds_what_a_place_was_filled_with_to_the_last_digit()
    {
        var fill = Fill(round: 0, place: 0, cost: 0.00120m);
        using (var completions = Journal.Open(folder["journal"]))
        using (var fills = FillJournal.Open(folder["fills"], completions))
        {
            completions.Append("a", "1");
            fills.Keep(fill);
        }
        using var journal = Journal.Open(folder["journal"]);
        using var again = FillJournal.Open(folder["fills"], journal);
        var found = again.Read(0, 0);
        Assert.Equal(StepFiles.Line(fill.Instance), StepFiles.Line(found.Instance));
        Assert.Equal(fill.Rejects, found.Rejects);
        Assert.Equal((fill.Tries, fill.KeptLine, fill.RetriedLine, fill.Completion), (found.Tries, found.KeptLine, found.RetriedLine, found.Completion));
        Assert.Null(again.Tally(1, 0));
        Assert.Throws<InvalidOperationException>(() => again.Read(1, 0));
    }

    [Fact]
    public void What_a_resume_counts_is_what_was_kept()
    {
        var fill = Fill(round: 3, place: 7, cost: 1);
        var empty = new PlaceFill { Round = 3, Place = 8, Tries = 1, Rejects = fill.Rejects };
        using (var completions = Journal.Open(folder["journal"]))
        using (var fills = FillJournal.Open(folder["fills"], completions))
        {
            fills.Keep(fill);
            fills.Keep(empty);
        }
        using var journal = Journal.Open(folder["journal"]);
        using var again = FillJournal.Open(folder["fills"], journal);
        foreach (var kept in new[] { fill, empty })
        {
            var tally = again.Tally(kept.Round, kept.Place);
            Assert.NotNull(tally);
            Assert.Equal(kept.Tally.Rejects.AsEnumerable(), tally.Rejects);
            Assert.Equal(kept.Tally with { Rejects = [] }, tally with { Rejects = [] });
        }
    }

    // Slots that are taken side by side are looked through one by one, for every place: where each lay beside the one before, a million places of one round had not ended after six minutes.
    [Theory]
    [InlineData(100_000, 0)]
    [InlineData(100_000, 3000)]
    [InlineData(500, 0)]
    public void Places_of_a_round_do_not_lie_side_by_side_in_the_index(int places, int ofLaterRounds)
    {
        var taken = new bool[1 << 18];
        foreach (var (round, place) in Enumerable.Range(0, places).Select(place => (0, place)).Concat(Enumerable.Range(0, ofLaterRounds).Select(place => (1 + place % 3, place))))
        {
            var slot = FillJournal.Hash(round, place) & (uint)(taken.Length - 1);
            while (taken[slot]) slot = (slot + 1) & (uint)(taken.Length - 1);
            taken[slot] = true;
        }
        var (longest, run) = (0, 0);
        foreach (var one in taken) longest = Math.Max(longest, run = one ? run + 1 : 0);
        Assert.InRange(longest, 1, 100);
    }

    [Fact]
    public void The_result_is_written_by_copying_to_the_same_bytes()
    {
        using var completions = Journal.Open(folder["journal"]);
        using var fills = FillJournal.Open(folder["fills"], completions);
        PlaceFill[] kept = [Fill(0, 0, 0.00120m), Fill(0, 1, 5), Fill(1, 1, 6) with { Completion = null, Rejects = [] }];
        foreach (var fill in kept) fills.Keep(fill);
        using var copied = new MemoryStream();
        foreach (var fill in kept) fills.CopyInstance(fill.Round, fill.Place, copied);
        Assert.Equal(string.Concat(kept.Select(fill => StepFiles.Line(fill.Instance) + "\n")), System.Text.Encoding.UTF8.GetString(copied.ToArray()));
    }

    [Fact]
    public void Lines_of_an_earlier_version_are_passed_over()
    {
        using (var old = Journal.Open(folder["fills"]))
            old.Append("0:0", "{}");
        using var completions = Journal.Open(folder["journal"]);
        using var fills = FillJournal.Open(folder["fills"], completions);
        Assert.Null(fills.Tally(0, 0));
        fills.Keep(Fill(0, 0, 1));
        Assert.NotNull(fills.Tally(0, 0));
    }

    // After a loss of power the fill may be there and the completion not; the completion is asked again then, and is on the bill.
    [Fact]
    public void A_fill_whose_completions_the_journal_lost_does_not_count()
    {
        Lose();
        using var journal = Journal.Open(folder["journal"]);
        using var again = FillJournal.Open(folder["fills"], journal);
        Assert.Null(again.Tally(0, 2));
        Assert.Null(again.Tally(0, 1));     // all start anew, which only takes time
        again.Keep(Fill(0, 2, 5));
        Assert.Equal(5, again.Read(0, 2).Instance?.Provenance.CostDollars);
        again.Dispose();
        journal.Append("b", "2");
        using var third = FillJournal.Open(folder["fills"], journal);
        Assert.Equal(5, third.Read(0, 2).Instance?.Provenance.CostDollars);
    }

    // The process that passes it over may die before it fills the place again, and the journal grows in between by other completions.
    [Fact]
    public void A_fill_that_did_not_count_once_never_does()
    {
        Lose();
        using (var shorter = Journal.Open(folder["journal"]))
        {
            using (var passing = FillJournal.Open(folder["fills"], shorter))
                Assert.Null(passing.Tally(0, 2));
            shorter.Append("another", "3");
        }
        using var journal = Journal.Open(folder["journal"]);
        using var again = FillJournal.Open(folder["fills"], journal);
        Assert.Null(again.Tally(0, 2));
    }

    [Fact]
    public void A_damaged_line_of_the_journal_is_a_completion_less_wherever_it_stands()
    {
        Lose();
        var journal = File.ReadAllText(folder["journal"]);
        File.WriteAllText(folder["journal"], $"00000000 []\n{journal}{journal.Replace("\"a\"", "\"b\"", StringComparison.Ordinal)}");
        using (var whole = Journal.Open(folder["journal"]))
        {
            Assert.Equal(2, whole.Dropped);     // the changed line's checksum is wrong, too
            whole.Append("another", "3");
            whole.Append("and another", "4");
        }
        using var damaged = Journal.Open(folder["journal"]);
        using var again = FillJournal.Open(folder["fills"], damaged);
        Assert.Null(again.Tally(0, 2));
    }

    // What was under way is written into the journal when it is opened, and is no completion.
    [Fact]
    public void A_workspace_looks_at_the_fills_before_it_adds_to_the_journal()
    {
        Lose();
        using (var sent = new SentRequestFile(folder.Path, "openai:http://host/v1:model"))
            new SentRequest(sent, new string('0', 64)).Sent(new RequestSize(1, 1));
        var workspace = new StepWorkspace(folder.Path, DurableFiles.Instance, new ModelClock(TimeProvider.System), () => []);
        Assert.Equal(2, workspace.Journal.Count);
        Assert.Null(workspace.OpenFills().Tally(0, 2));
        Assert.Null(workspace.OpenFills().Tally(0, 1));
        workspace.CloseJournals();
    }

    // Two completions and a fill of each; the second completion did not reach the disk.
    private void Lose()
    {
        using (var completions = Journal.Open(folder["journal"]))
        using (var fills = FillJournal.Open(folder["fills"], completions))
        {
            completions.Append("a", "1");
            fills.Keep(Fill(0, 1, 1));
            completions.Append("b", "2");
            fills.Keep(Fill(0, 2, 1));
            Assert.NotNull(fills.Tally(0, 2));
        }
        File.WriteAllText(folder["journal"], File.ReadAllLines(folder["journal"])[0] + "\n");
    }

    private static PlaceFill Fill(int round, int place, decimal cost) => FillSample.Of(round, place, cost);
}
