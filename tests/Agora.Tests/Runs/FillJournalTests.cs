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
        var found = again.Find(0, 0);
        Assert.Equal(StepFiles.Line(fill.Instance), StepFiles.Line(found?.Instance));
        Assert.Equal(fill.Rejects, found?.Rejects);
        Assert.Equal((fill.Tries, fill.KeptLine, fill.Completion), (found?.Tries, found?.KeptLine, found?.Completion));
        Assert.Null(again.Find(1, 0));
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
            Assert.NotNull(fills.Find(0, 2));
        }
        var lines = File.ReadAllLines(folder["journal"]);
        File.WriteAllText(folder["journal"], lines[0] + "\n");
        using var journal = Journal.Open(folder["journal"]);
        using var again = new FillJournal(folder["fills"], journal);
        Assert.NotNull(again.Find(0, 1));
        Assert.Null(again.Find(0, 2));
        again.Keep(Fill(0, 2, 5));
        Assert.Equal(5, again.Find(0, 2)?.Instance?.Provenance.CostDollars);
    }

    private static PlaceFill Fill(int round, int place, decimal cost) => new()
    {
        Round = round,
        Place = place,
        Tries = 2,
        Completion = "c\u2028d",
        KeptLine = new BillLine { Completions = 1, InputTokens = 3 },
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
