using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>What a killed process may be charged for stands on the disk before it is sent.</summary>
public sealed class SentRequestFileTests : IDisposable
{
    private const string Model = "openai:http://host/v1:model";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_request_stands_there_from_its_sending_until_its_answer_is_recorded()
    {
        using var log = new SentRequestFile(folder.Path, Model);
        var request = new SentRequest(log, Key(1));
        Assert.Empty(SentRequestFile.Read(folder.Path));
        request.Sent(new RequestSize(100, 20));
        var left = Assert.Single(SentRequestFile.Read(folder.Path));
        Assert.Equal((Model, Key(1), 1L, 164L, 20L), (left.Model, left.Key, left.Times, left.MostInputTokens, left.MostOutputTokens));
        request.Recorded();
        Assert.Empty(SentRequestFile.Read(folder.Path));
    }

    [Fact]
    public void A_sending_that_cost_nothing_is_taken_back_and_one_that_may_have_is_not()
    {
        using var log = new SentRequestFile(folder.Path, Model);
        var request = new SentRequest(log, Key(1));
        request.Sent(new RequestSize(100, 20));
        request.Uncharged();
        Assert.Empty(SentRequestFile.Read(folder.Path));
        request.Sent(new RequestSize(100, 20));
        request.Sent(new RequestSize(100, 20));
        Assert.Equal(2, Assert.Single(SentRequestFile.Read(folder.Path)).Times);
    }

    [Fact]
    public void Places_are_used_again_so_that_the_file_is_as_long_as_what_was_under_way_at_once()
    {
        using var log = new SentRequestFile(folder.Path, Model);
        for (var i = 0; i < 1000; i++)
        {
            var request = new SentRequest(log, Key(i));
            request.Sent(new RequestSize(1, 1));
            request.Recorded();
        }
        Assert.InRange(new FileInfo(Directory.GetFiles(folder.Path).Single()).Length, 1, 200);
    }

    [Fact]
    public void The_next_process_finds_it_in_the_journal_once_however_often_it_is_killed_while_it_looks()
    {
        using var log = new SentRequestFile(folder.Path, Model);
        new SentRequest(log, Key(1)).Sent(new RequestSize(100, 20));
        new SentRequest(log, Key(2)).Sent(new RequestSize(100, 20));
        var copy = File.ReadAllBytes(Directory.GetFiles(folder.Path).Single());
        var path = Directory.GetFiles(folder.Path).Single();
        var journal = Path.Combine(folder.Path, "journal");
        using (var open = Journal.Open(journal))
        {
            // Killed after the answer was recorded and before it was taken off.
            open.Append(Key(2), new JournalRecord { By = Model, Text = "answer", InputTokens = 1, OutputTokens = 1 }.Write());
            SentRequestFile.TakeUp(folder.Path, open);
            File.WriteAllBytes(path, copy);     // killed before the file was removed
            SentRequestFile.TakeUp(folder.Path, open);
        }
        var lines = Spending.Scan(journal, SentRequestFile.Read(folder.Path));
        Assert.Equal([("answered", 1L, 1L), ("failed:interrupted", 1L, 164L)], lines.Select(line => (line.Outcome, line.Requests, line.InputTokens)));
        Assert.Empty(Directory.GetFiles(folder.Path, SentRequestFile.Prefix + "*"));
    }

    [Fact]
    public void It_is_on_the_bill_before_anybody_takes_it_up()
    {
        using var log = new SentRequestFile(folder.Path, Model);
        new SentRequest(log, Key(1)).Sent(new RequestSize(100, 20));
        var journal = Path.Combine(folder.Path, "journal");
        Journal.Open(journal).Dispose();
        var line = Assert.Single(Spending.Scan(journal, SentRequestFile.Read(folder.Path)));
        Assert.Equal(("failed:interrupted", 1L, 164L, 20L), (line.Outcome, line.Requests, line.InputTokens, line.OutputTokens));
    }

    [Fact]
    public void A_full_disk_at_the_first_request_leaves_nothing_that_stands_in_the_way_of_the_next()
    {
        using var log = new SentRequestFile(folder.Path, Model, new FailingDisk("begin") { Failures = 1 });
        var request = new SentRequest(log, Key(1));
        Assert.Throws<AgoraException>(() => request.Sent(new RequestSize(100, 20)));
        Assert.Empty(Directory.GetFiles(folder.Path));
        request.Sent(new RequestSize(100, 20));
        Assert.Single(SentRequestFile.Read(folder.Path));
    }

    [Fact]
    public async Task Stragglers_of_a_step_that_ends_are_no_fault()
    {
        for (var round = 0; round < 200; round++)
        {
            var log = new SentRequestFile(folder.Path, Model);
            using var begun = new Barrier(5);
            var stragglers = Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Factory.StartNew(() =>
            {
                var request = new SentRequest(log, Key(number));
                request.Sent(new RequestSize(1, 1));
                begun.SignalAndWait(TestContext.Current.CancellationToken);
                for (var times = 0; times < 50; times++)
                {
                    request.Sent(new RequestSize(1, 1));
                    request.Recorded();
                }
            }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            begun.SignalAndWait(TestContext.Current.CancellationToken);
            log.Dispose();
            await stragglers;
        }
    }

    private static string Key(int number) => number.ToString("x32", System.Globalization.CultureInfo.InvariantCulture) + new string('0', 32);
}
