using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using Agora.Reports;

namespace Agora.Tests.Reports;

public sealed class ReportFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("agora-report-").FullName;

    public ReportFilesTests() => ReportFiles.Write(SampleReport.Create(), folder, draw: null);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(ReportFiles.Markdown)]
    [InlineData(ReportFiles.Json)]
    [InlineData(ReportFiles.Csv)]
    [InlineData(ReportFiles.Html)]
    public void A_report_reads_as_its_golden_file(string file) => GoldenFile.Matches(Text(file), "tests", "Agora.Tests", "Reports", "golden", file);

    [Fact]
    public void Writing_a_report_again_gives_the_same_bytes_and_leaves_nothing_else_behind()
    {
        var before = Contents();
        ReportFiles.Write(SampleReport.Create(), folder, draw: null);
        Assert.Equal(before, Contents());
    }

    [Fact]
    public void The_committed_schema_is_that_of_the_results() => GoldenFile.Matches(ResultsDocument.Schema(), "docs", "results.schema.json");

    [Fact]
    public void Every_sample_can_be_read_in_the_files_beside_the_report()
    {
        using var results = JsonDocument.Parse(Text(ReportFiles.Json));
        var files = results.RootElement.GetProperty("samples").EnumerateArray().Select(file => file.GetString()!).ToList();
        Assert.Equal(3, files.Count);
        var answers = File.ReadLines(Path.Combine(folder, files[0])).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(3, answers.Count);
        Assert.Equal(SampleReport.Hostile, answers[1].GetProperty("completion").GetString());
        Assert.Equal(1, answers[0].GetProperty("score").GetDouble());
        Assert.Equal("the judge's verdict could not be parsed", answers[2].GetProperty("unscored").GetString());
        Assert.False(answers[2].TryGetProperty("score", out _));
    }

    [Fact]
    public void What_a_model_wrote_cannot_act_in_the_page()
    {
        var page = Text(ReportFiles.Html);
        Assert.Equal(2, Regex.Count(page, "<script"));      // the page's own, and its data
        Assert.DoesNotContain("<script>alert", page);
        Assert.DoesNotContain('\u202e', page);
        Assert.Contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; ⟨U+202E⟩esrever", page);
    }

    [Fact]
    public void The_page_asks_no_network_for_anything()
    {
        var page = Text(ReportFiles.Html);
        Assert.Contains("default-src 'none'", page);
        Assert.DoesNotMatch(new Regex("""(src|href)="(?!#|results\.|report\.|samples/)"""), page);
        Assert.DoesNotMatch(new Regex(@"url\((?!#)"), page);
        Assert.DoesNotContain("@import", page);
    }

    [Fact]
    public void The_pages_elements_are_closed_and_its_ids_are_its_own()
    {
        var page = Text(ReportFiles.Html);
        var body = page[page.IndexOf("<body>", StringComparison.Ordinal)..(page.IndexOf("</body>", StringComparison.Ordinal) + "</body>".Length)];
        using var reader = XmlReader.Create(new StringReader(body));
        var ids = XDocument.Load(reader).Descendants().Attributes("id").Select(id => id.Value).ToList();
        Assert.Equal(ids.Distinct(), ids);
        foreach (Match link in Regex.Matches(page, "href=\"#([^\"]+)\""))
            Assert.Contains(link.Groups[1].Value, ids);
    }

    [Fact]
    public void A_report_without_any_result_can_be_written()
    {
        var report = SampleReport.Create();
        ReportFiles.Write(report with
        {
            Recovery = report.Recovery with { Estimates = [], Comparisons = [], Scores = [] },
            DataSets = [],
            ProblemSolving = [],
            Answers = [],
            Instances = [],
            Profiles = [],
            Training = [],
            Provenance = [],
            Analysis = null,
        }, folder, draw: null);
        Assert.Contains("This run is not complete", Text(ReportFiles.Html));
    }

    private string Text(string file) => File.ReadAllText(Path.Combine(folder, file));

    private List<(string, string)> Contents() =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => (file, File.ReadAllText(file)))];
}
