using Agora.Reports;

namespace Agora.Tests.Reports;

public sealed class UnfinishedReportTests
{
    // Found by killing the command line: half a sample file stayed in the run's folder.
    [Fact]
    public void What_a_killed_process_left_half_written_is_gone_after_the_next_report()
    {
        var folder = Directory.CreateTempSubdirectory("agora-test-");
        try
        {
            var samples = folder.CreateSubdirectory("samples").CreateSubdirectory("answers");
            string[] halves = [Path.Combine(folder.FullName, "report.md.tmp"), Path.Combine(samples.FullName, "someone.jsonl.tmp")];
            foreach (var half in halves)
                File.WriteAllText(half, "half");
            ReportFiles.Write(SampleReport.Create(), folder.FullName, draw: null);
            Assert.All(halves, half => Assert.False(File.Exists(half)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
