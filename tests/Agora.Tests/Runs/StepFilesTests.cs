using System.Collections.Immutable;
using Agora.DataGeneration;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class StepFilesTests
{
    // Null members are not written, so none of them may be required when the file is read.
    [Fact]
    public void A_generation_without_a_price_reads_back_as_it_was_written()
    {
        var folder = Directory.CreateTempSubdirectory("agora-test-");
        try
        {
            var summary = new GenerationSummary
            {
                Wanted = 2,
                Valid = 1,
                Shortfall = "the seeds ran out",
                Bill = new GenerationBill
                {
                    Kept = new BillLine { Completions = 1, InputTokens = 10, OutputTokens = 5 },
                    Rejected = ImmutableSortedDictionary<RejectReason, BillLine>.Empty,
                    Retried = BillLine.Nothing,
                },
            };
            File.WriteAllText(Path.Combine(folder.FullName, StepFiles.Generation), StepFiles.Line(summary));
            var read = StepFiles.Read<GenerationSummary>(new StepResult(default, folder.FullName, null!), StepFiles.Generation);
            Assert.Equal(StepFiles.Line(summary), StepFiles.Line(read));
            Assert.Null(read.Bill.Price);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
