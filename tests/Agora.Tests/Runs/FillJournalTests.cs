using Agora.DataGeneration;
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
        using (var fills = new FillJournal(folder["fills"], completions))
        {
            completions.Append("a", "1");
            fills.Keep(fill);
        }
        using var journal = Journal.Open(folder["journal"]);
        using var again = new FillJournal(folder["fills"], journal);
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
        using (var fills = new FillJournal(folder["fills"], completions))
        {
            fills.Keep(fill);
            fills.Keep(empty);
        }
        using var journal = Journal.Open(folder["journal"]);
        using var again = new FillJournal(folder["fills"], journal);
        foreach (var kept in new[] { fill, empty })
        {
            var tally = again.Tally(kept.Round, kept.Place);
            Assert.NotNull(tally);
            Assert.Equal(kept.Tally.Rejects.AsEnumerable(), tally.Rejects);
            Assert.Equal(kept.Tally with { Rejects = [] }, tally with { Rejects = [] });
        }
    }

    [Fact]
    public void The_result_is_written_by_copying_to_the_same_bytes()
    {
        using var completions = Journal.Open(folder["journal"]);
        using var fills = new FillJournal(folder["fills"], completions);
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
        using var fills = new FillJournal(folder["fills"], completions);
        Assert.Null(fills.Tally(0, 0));
        fills.Keep(Fill(0, 0, 1));
        Assert.NotNull(fills.Tally(0, 0));
    }

    // After a loss of power the fill may be there and the completion not; the completion is asked again then, and is on the bill.
    [Fact]
    public void A_fill_whose_completions_the_journal_lost_does_not_count()
    {
        using (var completions = Journal.Open(folder["journal"]))
        using (var fills = new FillJournal(folder["fills"], completions))
        {
            completions.Append("a", "1");
            fills.Keep(Fill(0, 1, 1));
            completions.Append("b", "2");
            fills.Keep(Fill(0, 2, 1));
            Assert.NotNull(fills.Tally(0, 2));
        }
        var lines = File.ReadAllLines(folder["journal"]);
        File.WriteAllText(folder["journal"], lines[0] + "\n");
        using var journal = Journal.Open(folder["journal"]);
        using var again = new FillJournal(folder["fills"], journal);
        Assert.NotNull(again.Tally(0, 1));
        Assert.Null(again.Tally(0, 2));
        again.Keep(Fill(0, 2, 5));
        Assert.Equal(5, again.Read(0, 2).Instance?.Provenance.CostDollars);
        // The one that did not count stands before it in the file.
        again.Dispose();
        journal.Append("b", "2");
        using var third = new FillJournal(folder["fills"], journal);
        Assert.Equal(5, third.Read(0, 2).Instance?.Provenance.CostDollars);
    }

    private static PlaceFill Fill(int round, int place, decimal cost) => new()
    {
        Round = round,
        Place = place,
        Tries = 2,
        Completion = "c\u2028d",
        KeptLine = new BillLine { Completions = 1, InputTokens = 3 },
        RetriedLine = new BillLine { Completions = 1, OutputTokens = 4, CachedInputTokens = 5, WithoutUsage = 6 },
        Rejects = [new RejectedTry(new RejectedCompletion { Place = place, Try = 1, Reason = RejectReason.ResultMissing, Detail = "no", Completion = "x", PromptHash = "h", Seed = new("s:1"), InputTokens = 1, OutputTokens = 0 }, new BillLine { Completions = 1 })],
        Instance = new SyntheticInstance
        {
            Index = place,
            Instruction = "é \"quoted\" 🙂",
            Response = "r",
            Config = "gen",
            Provenance = new Provenance { Generator = "gen", Setting = "math/response_generation", PromptHash = "p", Demonstrations = ["generated:1"], Seed = new("s:2"), CostDollars = cost, Tries = 2 },
        },
    };
}
